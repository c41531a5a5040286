"""Content security policy of the site's pages: no script but the theme's and ours, nothing from or to elsewhere.

All values are escaped before (:mod:`distilbook.core.markup`); the policy keeps a browser from running one that is not.
"""

from __future__ import annotations

import base64
import hashlib
from html.parser import HTMLParser
from pathlib import Path

from ..core.errors import BookError
from ..core.markup import visible

#: ``file:`` beside 'self', because the pages open from disk, where some browsers let 'self' mean nothing.
HERE = "'self' file:"
POLICY = (
    "default-src 'none'; script-src {here} {scripts}; style-src {here} 'unsafe-inline'; img-src {here} data: blob:; "
    "font-src {here} data:; connect-src 'none'; object-src 'none'; base-uri 'none'; form-action {here}"
)
#: The theme's button that has its script in an attribute; ``page.js`` does what it did.
PRINT = '<button onclick="window.print()"'
#: Attributes that hold an address, schemes of addresses that are scripts, and elements that load what a page shows.
ADDRESSES = ("href", "src", "action", "formaction", "data", "xlink:href")
SCRIPTS = ("javascript:", "vbscript:", "data:text")
FRAMES = ("iframe", "object", "embed", "base", "frame", "applet")


def protect(site: Path) -> None:
    """Give every page of ``site`` its policy.

    The scripts within a page that may run are those of its head, which the theme writes, and the search page's own.

    Raises:
        BookError: when a page has a script elsewhere, or a handler in an attribute.
    """
    for path in sorted(site.rglob("*.html")):
        if "_static" in path.relative_to(site).parts:
            path.unlink()  # lists of the theme's files, which no reader opens
        else:
            path.write_text(_protected(path.read_text(encoding="utf-8"), path.relative_to(site)), encoding="utf-8")


def _protected(page: str, name: Path) -> str:
    page = page.replace(PRINT, '<button data-click="print"')
    head, _, body = page.partition("</head>")
    scripts, within = _Live(head).scripts, _Live(body)
    if name.name == "search.html":
        scripts, within.scripts = scripts + within.scripts, []
    if within.scripts or within.found:
        what = "a page of the site would run a script that is not the theme's"
        where = f"{name}: {', '.join(map(visible, [*within.found, *within.scripts]))}"
        raise BookError(what, where=where, do="look in the page's chapter for what brings it along")
    hashes = " ".join(f"'sha256-{_hash(script)}'" for script in scripts)
    policy = f'<meta http-equiv="Content-Security-Policy" content="{POLICY.format(here=HERE, scripts=hashes)}">'
    return page.replace("<head>", f'<head>\n<meta charset="utf-8">\n{policy}', 1)


class _Live(HTMLParser):
    """Inline ``scripts`` in HTML, and other elements and attributes (``found``) that would run or load something."""

    def __init__(self, text: str):
        super().__init__()
        self.scripts: list[str] = []
        self.found: list[str] = []
        self._inline = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: "".join((value or "").split()).lower() for name, value in attrs}
        self._inline = tag == "script" and "src" not in given and given.get("type") != "application/json"
        if tag in FRAMES or any(name.startswith("on") or name == "srcdoc" for name in given):
            self.found.append(self.get_starttag_text() or tag)
        self.found += [given[name] for name in ADDRESSES if given.get(name, "").startswith(SCRIPTS)]

    def handle_data(self, data: str) -> None:
        if self._inline:
            self.scripts.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._inline = False


def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
