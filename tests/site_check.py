"""Opens every page of a rendered site from disk in headless Chromium and says what is wrong with it."""

from __future__ import annotations

import shutil
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from playwright.sync_api import Page, sync_playwright

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-dev-shm-usage",
]
LOCAL = ("file", "data", "blob")
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 800}
#: Runs in the page: what is there and should have been drawn, and the addresses it links to.
LOOK = """() => ({
  figures: [...document.querySelectorAll('.plotly-graph-div')].filter(f => !f.querySelector('.main-svg')).length,
  equations: [...document.querySelectorAll('.math')].filter(e => !e.querySelector('mjx-container')).length,
  mistakes: [...document.querySelectorAll('mjx-merror, .MathJax_Error')].map(e => e.innerText),
  images: [...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src),
  links: [...document.querySelectorAll('a[href]')].map(a => a.href),
})"""
DRAWN = """() => [...document.querySelectorAll('.plotly-graph-div')].every(f => f.querySelector('.main-svg'))
  && [...document.querySelectorAll('.math')].every(e => e.querySelector('mjx-container'))"""

#: Runs in the page: texts of figures, tables and sentences whose contrast with what is behind them is below 3, WCAG's
#: bound for large text.
PALE = """() => {
  const rgba = colour => (colour.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = element => {
    for (let e = element.closest('.plotly-graph-div') || element; e; e = e.parentElement) {
      const colour = rgba(getComputedStyle(e).backgroundColor);
      if (colour.length === 3 || colour[3] > 0.5) return colour;
    }
    return [255, 255, 255];
  };
  const contrast = element => {
    const own = getComputedStyle(element)[element instanceof SVGElement ? 'fill' : 'color'];
    const [a, b] = [rgba(own), ground(element)].map(light).sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05);
  };
  const kinds = '.xtick text, .ytick text, .xtitle, .ytitle, .gtitle, .legendtext, .slider-label, '
    + '.shown :is(p, li, td, th, summary)';
  return [...document.querySelectorAll(kinds)].filter(e => contrast(e) < 3).map(e => e.textContent);
}"""


def chromium() -> str | None:
    """Return the path of the installed Chromium, or None."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((path for path in map(shutil.which, names) if path), None)


def check_site(index_html: Path, word: str = "teacher") -> list[str]:
    """Return the problems of the site that ``index_html`` opens, one line each; none is a sound site.

    Every page must load without an error in the console or a request that leaves the disk, draw its
    figures and equations, keep the figures' text readable in the light and the dark theme, link only to
    what exists, and fit a narrow screen; and a search for ``word`` must find something.
    """
    root = index_html.parent.resolve()
    problems: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        page = browser.new_page(viewport=WIDE)
        listen(page, problems)
        for path in sorted(root.rglob("*.html")):
            if "_static" not in path.relative_to(root).parts:
                problems += [f"{path.relative_to(root)}: {problem}" for problem in check_page(page, path)]
        problems += check_search(page, root, word)
        browser.close()
    return problems


def listen(page: Page, problems: list[str]) -> None:
    """Add to ``problems`` whatever the page complains of or asks for, with the page's name."""

    def note(text: str) -> None:
        problems.append(f"{Path(urlsplit(page.url).path).name}: {text}")

    page.on("console", lambda message: note(f"console: {message.text}") if message.type == "error" else None)
    page.on("pageerror", lambda error: note(f"script: {error}"))
    page.on("requestfailed", lambda request: note(f"not loaded: {request.url}"))
    page.on(
        "request",
        lambda request: note(f"asks the network: {request.url}") if urlsplit(request.url).scheme not in LOCAL else None,
    )


def check_page(page: Page, path: Path) -> list[str]:
    """Return the problems seen on one page."""
    page.set_viewport_size(WIDE)
    page.goto(path.resolve().as_uri(), wait_until="load")
    wait_until_drawn(page)
    seen = page.evaluate(LOOK)
    problems = [f"{seen[kind]} {kind} not drawn" for kind in ("figures", "equations") if seen[kind]]
    problems += [f"equation with a mistake: {text}" for text in seen["mistakes"]]
    problems += [f"image not shown: {source}" for source in seen["images"]]
    problems += [f"broken link: {link}" for link in sorted(set(seen["links"])) if is_broken(link)]
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_timeout(300)  # the theme changes, then the figures
        problems += [f"hard to read in the {scheme} theme: {text!r}" for text in page.evaluate(PALE)]
    page.set_viewport_size(NARROW)
    width = page.evaluate("document.documentElement.scrollWidth")
    return problems + ([f"{width} pixels wide on a screen of {NARROW['width']}"] if width > NARROW["width"] else [])


def wait_until_drawn(page: Page) -> None:
    """Wait until figures and equations are drawn, at most 15 seconds: what is then missing is a problem."""
    deadline = 150
    while not page.evaluate(DRAWN) and deadline:
        page.wait_for_timeout(100)
        deadline -= 1


def is_broken(link: str) -> bool:
    """Whether ``link`` leads to a file, or a place in a file, that does not exist."""
    parts = urlsplit(link)
    if parts.scheme != "file":
        return False
    target = Path(unquote(parts.path))
    if not target.is_file():
        return True
    fragment = unquote(parts.fragment)
    return bool(fragment) and target.suffix == ".html" and f'id="{fragment}"' not in target.read_text(encoding="utf-8")


def check_search(page: Page, root: Path, word: str) -> list[str]:
    """Return a problem when a search for ``word`` finds nothing."""
    page.set_viewport_size(WIDE)
    page.goto(f"{(root / 'search.html').as_uri()}?q={quote(word)}", wait_until="load")
    for _ in range(100):
        if page.locator("#search-results li a").count():
            return []
        page.wait_for_timeout(100)
    return [f"search.html: a search for {word!r} finds nothing"]
