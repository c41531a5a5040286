"""A book made of hostile values: each is shown as it stands, and nothing of it lives."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
from distilbook.core.errors import BookError
from distilbook.core.markup import markdown, visible
from distilbook.core.quantities import quoted
from distilbook.core.record_book import RecordBook
from distilbook.core.records import Record
from distilbook.core.workspace import Workspace
from distilbook.site import policy
from distilbook.site.build import build_site
from distilbook.site.pages import WIDGET
from distilbook.tasks import Examples, Task
from distilbook.views import corpus, models, pretraining, tasks
from distilbook.views.style import ENDS, say, show_card, show_source, table
from distilbook.views.trial import time_spent
from hostile import VALUES
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from playwright.sync_api import sync_playwright
from site_check import ARGUMENTS, DRAWN, chromium, listen
from test_build import lay_out_book, output

pytestmark = pytest.mark.browser
#: Those that a file of records can hold.
RECORDED = [value for value in VALUES if not re.search("[\u2028\ud800]", value)]
SECRET = "what lies outside of the book"
#: What in a page is looked at for the values.
SHOWN_IN = ("td", "th", "li", ".shown > p", "details p", ".ytick text", ".bd-content", "footer")
TITLE = "# The claims\n\nThe loss is $L_{ce}$, as {cite:p}`hinton2015distilling` have it."

#: Runs in the page: whatever of a value has come to life.
LIVE = """() => [
  ...document.querySelectorAll('[id^=hostile], iframe, object, embed, base, .bd-article script:not([data-figure])'),
  ...[...document.querySelectorAll('*')].filter(e => [...e.attributes].some(a => /^on/.test(a.name))),
  ...[...document.querySelectorAll('[href], [src]')].filter(e =>
    /^(javascript|vbscript|data:text|https?:.*example)/i.test(e.getAttribute('href') || e.getAttribute('src'))),
  ...document.querySelectorAll('.cell_output mjx-container, .footer-content mjx-container, .js-plotly-plot a'),
].map(e => e.outerHTML.slice(0, 200))"""
#: Runs in the page: its texts, cell by cell and label by label.
TEXTS = "selector => [...document.querySelectorAll(selector)].map(e => e.textContent.replace(/\\s+/g, ' ').trim())"


def hostile_task(value: str) -> Task:
    examples = Examples([value, value], [value, value], np.array([0, 1]), np.array([0, 1]), ["0", "1"])
    return Task(value, "accuracy", (value, f"{value}2"), examples, {value: examples}, {}, (value,))


def shown_by_the_book(folder: Path) -> list:
    """Return what the display functions make of the values, wherever they take a string."""
    every = np.arange(len(VALUES)) + 1
    made = [hostile_task(value) for value in VALUES]
    card = folder / "README.md"
    rows = "\n".join(f"| {markdown(value)} |" for value in VALUES)
    text = "\n\n".join(markdown(value) for value in VALUES)
    card.write_text(f"---\nlibrary_name: x\n---\n# {markdown(VALUES[0])}\n\n{text}\n\n| x |\n| --- |\n{rows}\n")
    raw = folder / "RAW.md"
    raw.write_text("---\nlibrary_name: x\n---\n" + "\n\n".join(map(visible, VALUES)))
    return [
        table([{"value": value, value: value} for value in VALUES]),
        table(tasks.task_table(made)),
        table(tasks.example_rows(made)),
        say(VALUES),
        say({value: value for value in VALUES}),
        *map(say, VALUES),
        say(tasks.left_out(made)),
        say(quoted(VALUES)),
        say(models.agreement(dict.fromkeys(VALUES, 0.0))),
        say(corpus.half_of_text(every, VALUES)),
        show_source(say),
        show_card(card),
        show_card(raw),
    ]


def drawn_by_the_book() -> list:
    """Return the same of figures; the first has each value as a name on its axis."""
    every = np.arange(len(VALUES)) + 1
    curve = [[{"seen": 0, "x": 0.1, "step": 1}, {"seen": 9, "x": 0.2, "step": 2}]]
    return [
        models.parameter_bars({value: {"part": 10**6} for value in VALUES}).update_layout(height=30 * len(VALUES)),
        models.parameter_bars({"model": dict.fromkeys(VALUES, 10**6)}),
        corpus.text_sources([{"source": v, "train_blocks": 3, "held_out_blocks": 1} for v in VALUES]),
        corpus.frequency_ranks(every, VALUES, marked=len(VALUES)),
        corpus.masked_blocks(np.ones((1, len(VALUES)), bool), np.ones((1, len(VALUES)), bool), [VALUES]),
        models.softened(every / 10, VALUES, [1.0, 2.0], 1.0),
        pretraining.learning_curves(dict.fromkeys(VALUES, curve), "x", VALUES[7], VALUES[8]),
        pretraining.loss_terms(curve, {"x": VALUES[7]}),
        pretraining.intervals([{"label": v, **dict.fromkeys(ENDS, 1)} for v in VALUES], "x", VALUES[7], 1, VALUES[8]),
        tasks.text_lengths({v: [1, 2, 3] for v in VALUES}, [2]),
        time_spent([{"label": value, "training": 1, "rest": 2} for value in VALUES]),
    ]


def of_others() -> list:
    """Return what a reader's own cells may leave: nothing of it is the book's."""
    text = "\n".join(VALUES[:-1])  # a kernel cannot print half of a character
    return [
        new_output("stream", name="stdout", text=text),
        *(
            new_output("display_data", {kind: text, "text/plain": text}, metadata={"mystnb": {"markdown_format": "x"}})
            for kind in ("text/html", "text/markdown", "text/latex", "image/svg+xml", "application/javascript", WIDGET)
        ),
    ]


@pytest.fixture(scope="module")
def site(project, tmp_path_factory) -> Path:
    """The pages of a book of one chapter that shows all values, on a machine that is called like one of them."""
    root = tmp_path_factory.mktemp("project")
    (root / "outside.txt").write_text(SECRET)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DISTILBOOK_ROOT", str(root))
        patch.setenv("DISTILBOOK_RUNS", str(root / "runs"))
        lay_out_book(project, root)
        workspace = Workspace("small")
        workspace.notebooks.mkdir(parents=True)
        shown = [*map(output, shown_by_the_book(root)), *of_others(), *map(output, drawn_by_the_book())]
        cells = [new_code_cell(repr(VALUES), outputs=[one]) for one in shown]
        notebook = new_notebook(cells=[new_markdown_cell(TITLE), *cells])
        notebook.metadata.kernelspec = {"name": "python3", "language": "python", "display_name": "Python 3"}
        nbformat.write(notebook, workspace.notebooks / "01_claims.ipynb")
        RecordBook(workspace.records).add(hostile_record(seed, value) for seed, value in enumerate(RECORDED))
        yield build_site(workspace).parent


def hostile_record(seed: int, value: str) -> Record:
    return Record(
        edition="small",
        chapter="06_pretraining",
        model=value,
        recipe=value,
        task=value,
        split=value,
        metric="accuracy",
        value=0.5,
        unit="1",
        n=10,
        seed=seed,
        hardware={"processor": value, "cores": 2, "accelerator": value},
    )


@pytest.fixture(scope="module")
def seen(site):
    """What a browser meets on each page: problems, what lives, and the texts of some elements."""
    if chromium() is None:
        pytest.skip("no Chromium is installed")
    problems, live, texts = [], {}, {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        page = browser.new_page()
        page.on("dialog", lambda dialog: (problems.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        listen(page, problems)
        for path in sorted(site.rglob("*.html")):
            page.goto(path.as_uri(), wait_until="load")
            page.wait_for_function(DRAWN)
            live[path.name] = page.evaluate(LIVE)
            texts[path.name] = {kind: page.evaluate(TEXTS, kind) for kind in SHOWN_IN}
        browser.close()
    return problems, live, texts


def as_read(value: str) -> str:
    return re.sub(r"\s+", " ", visible(value)).strip()


def test_nothing_lives_and_nothing_is_asked_of_anybody(seen):
    problems, live, _ = seen
    assert problems == [] and {name: found for name, found in live.items() if found} == {}


@pytest.mark.parametrize("where", ["td", "th", "li", ".shown > p", "details p", ".ytick text"])
def test_every_value_is_shown_as_it_stands(seen, where):
    shown = set(seen[2]["01_claims.html"][where])
    assert [value for value in VALUES if as_read(value) not in shown] == []


def test_the_machines_names_stand_in_the_note_and_below_every_page(seen):
    for name, texts in seen[2].items():
        text = " ".join(texts["footer"] + (texts[".bd-content"] if name == "index.html" else []))
        assert [value for value in RECORDED if as_read(value) not in text] == [], name


def test_no_file_from_outside_is_copied(site):
    assert [path for path in site.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()] == []


def test_every_page_has_a_policy_that_lets_no_inline_script_run(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > 5
    for path in pages:
        found = re.search(r'<meta http-equiv="Content-Security-Policy" content="([^"]+)"', path.read_text())
        scripts = re.search(r"script-src ([^;]+);", found[1])[1]
        assert "default-src 'none'" in found[1] and "connect-src 'none'" in found[1]
        assert "unsafe" not in scripts and "*" not in scripts, path.name


@pytest.mark.parametrize(
    "body",
    ["<script>x</script>", "<p onclick=x>", "<a href=' java\nscript:x'>", "<iframe>", "<a xlink:href=javascript:x>"],
)
def test_a_page_on_which_something_lives_stops_the_build(tmp_path, body):
    (tmp_path / "page.html").write_text(f"<html><head></head><body>{body}</body></html>")
    with pytest.raises(BookError, match="not the theme's"):
        policy.protect(tmp_path)


def test_the_policy_stops_what_the_escapes_would_have_missed(site):
    if chromium() is None:
        pytest.skip("no Chromium is installed")
    live = "<script>document.title = 'hit'</script><img src=x onerror=\"document.title = 'hit'\"></body>"
    (path := site / "hit.html").write_text((site / "genindex.html").read_text().replace("</body>", live))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        opened = browser.new_page()
        opened.goto(path.as_uri(), wait_until="load")
        title = opened.title()
        browser.close()
    path.unlink()
    assert title != "hit"
