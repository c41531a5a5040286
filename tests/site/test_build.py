"""The site: what becomes a page, what stops the build, and whether the pages live in a browser without a network."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import jupytext
import nbformat
import plotly.graph_objects as go
import pytest
from distilbook.book.notebooks import chapters
from distilbook.core.errors import BookError
from distilbook.core.record_book import RecordBook
from distilbook.core.records import Record
from distilbook.core.workspace import Workspace, project_root
from distilbook.site.build import build_site
from distilbook.site.pages import FIGURE, WIDGET, edition_note, front_page, read_chapters, to_page
from distilbook.views.style import say, show_source, table
from IPython.core.formatters import DisplayFormatter
from nbformat.v4 import new_output
from site_check import check_site, chromium

CLAIMS = """# %% [markdown]
# # The claims
# The teacher is BERT {cite:p}`devlin2019bert`. The loss is equation {eq}`triple`, in
# [the chapter on it](05_triple_loss.ipynb).

# %%
print("claims")
"""
LOSS = r"""# %% [markdown]
# # The triple loss
# With weights $\alpha$ for the teacher:
#
# $$ L = \alpha L_{ce} + \beta L_{mlm} + \gamma L_{cos} $$ (triple)
#
# It was promised in [the claims](01_claims.ipynb).

# %% tags=["hide-input"]
draw()
"""
VERDICT = """# %% [markdown]
# # The verdict
# As [the loss](05_triple_loss.ipynb) has it.

# %%
judge()
"""
BOOK = {"01_claims": CLAIMS, "05_triple_loss": LOSS, "13_verdict": VERDICT}


def lay_out_book(project: Path, root: Path) -> Path:
    """Write a book of three chapters below ``root``, with the project's own pages and configuration."""
    book = root / "book"
    shutil.copytree(project / "book" / "_static", book / "_static")
    for name in ("conf.py", "index.md", "idea.html", "references.md", "references.bib"):
        shutil.copy(project / "book" / name, book)
    for name, script in BOOK.items():
        (book / f"{name}.py").write_text(script)
    return book


def executed(script: str, *outputs) -> nbformat.NotebookNode:
    """Return the notebook of ``script`` as papermill leaves it, with ``outputs`` in its code cell."""
    notebook = nbformat.v4.new_notebook(cells=jupytext.reads(script, "py:percent").cells)
    notebook.metadata = {
        "kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"},
        "papermill": {"end_time": "2026-11-22T10:00:00.123456+00:00"},
    }
    notebook.cells[1].outputs = list(outputs)
    return nbformat.from_dict(notebook)


def output(shown) -> nbformat.NotebookNode:
    """Return what a kernel keeps of a cell that ends in ``shown``."""
    data, metadata = DisplayFormatter().format(shown)
    return new_output("display_data", data, metadata=metadata)


def claims_notebook(*more):
    return executed(
        CLAIMS,
        new_output("stream", name="stderr", text="a warning nobody should read"),
        new_output("stream", name="stdout", text="claims as printed\n"),
        new_output("display_data", {WIDGET: {"model_id": "1"}, "text/plain": "IntSlider(value=7)"}),
        *more,
    )


def loss_notebook():
    steps = [
        {"label": f"T = {temperature}", "method": "restyle", "args": ["line.dash", dash]}
        for temperature, dash in ((1, "solid"), (2, "dot"))
    ]
    figure = go.Figure(go.Scatter(x=[1, 2, 3], y=[3, 1, 2], name="student"))
    figure.update_layout(xaxis_title="tokens", yaxis_title="loss [nat]", sliders=[{"steps": steps}])
    wide = {f"a long column {i}": 0.123 * i for i in range(12)}
    sent = json.loads(figure.to_json()) | {"config": {"plotlyServerURL": "https://x"}}
    return executed(
        LOSS,
        new_output("display_data", {FIGURE: sent}),
        output(table([wide, wide | {"a long column 3": "words"}])),
        output(say("The temperature is 2.")),
        output(say({"The student": "is small.", "The teacher": "is large."})),
        output(show_source(table)),
    )


def record(**values):
    return Record(
        edition="small",
        chapter="01_claims",
        model="teacher",
        task="held-out text",
        split="held-out",
        metric="masked_accuracy",
        value=0.5,
        unit="1",
        n=10,
        hardware={"processor": "A & B processor", "cores": 2, "accelerator": "none"},
        **values,
    )


def write_run(workspace: Workspace, **notebooks) -> None:
    for name, notebook in notebooks.items():
        workspace.notebooks.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, workspace.notebooks / f"{name.removeprefix('c')}.ipynb")


@pytest.fixture(scope="module")
def small(project, tmp_path_factory):
    """An edition of which two of three chapters were executed."""
    root = tmp_path_factory.mktemp("project")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DISTILBOOK_ROOT", str(root))
        patch.setenv("DISTILBOOK_RUNS", str(root / "runs"))
        lay_out_book(project, root)
        workspace = Workspace("small")
        write_run(workspace, c01_claims=claims_notebook(), c05_triple_loss=loss_notebook())
        RecordBook(workspace.records).add([record()])
        yield workspace


@pytest.fixture(scope="module")
def site(small):
    return build_site(small)


def page(site: Path, name: str) -> str:
    return (site.parent / name).read_text(encoding="utf-8")


def test_the_front_page_lists_the_executed_chapters_only(site):
    contents = page(site, "index.html").split('class="toctree-wrapper')
    listed = "".join(part.split("</div>")[0] for part in contents[1:])
    assert "The claims" in listed and "The triple loss" in listed
    assert "The verdict</a>" not in listed


def test_the_front_page_names_the_chapters_left_out_and_they_can_still_be_read(site):
    assert 'left out of the contents: <a class="reference internal" href="13_verdict.html">' in page(site, "index.html")
    assert "has no results in this edition" in page(site, "13_verdict.html")


def test_every_page_says_which_edition_it_is_when_it_ran_and_on_what(site):
    for name in ("index.html", "05_triple_loss.html"):
        assert "“small”, executed 2026-11-22, measured on A &amp; B processor (2 cores)" in page(site, name)


def test_pages_show_what_was_printed_and_neither_stderr_nor_widgets(site):
    text = page(site, "01_claims.html")
    assert "claims as printed" in text
    assert "a warning nobody should read" not in text and "IntSlider" not in text


def test_plotly_is_loaded_only_where_a_figure_is(site):
    assert "plotly.min.js" in page(site, "05_triple_loss.html")
    assert "plotly.min.js" not in page(site, "01_claims.html")


def test_no_page_names_a_script_style_or_image_of_another_host(site):
    elsewhere = re.compile(r"""(?:src|srcset)=["']https?://[^"']+|<link[^>]+href=["']https?://[^"']+""")
    for path in site.parent.rglob("*.html"):
        assert elsewhere.findall(path.read_text()) == [], path.name


@pytest.mark.browser
@pytest.mark.skipif(chromium() is None, reason="no Chromium is installed")
def test_the_site_lives_in_a_browser_that_has_only_the_disk(site):
    assert check_site(site, word="teacher") == []


def test_a_broken_reference_stops_the_build_with_chapter_and_cell_and_leaves_the_old_site(site, small):
    before = page(site, "01_claims.html")
    broken = claims_notebook()
    broken.cells.append(nbformat.v4.new_markdown_cell("See [nothing](06_nothing.ipynb) and {cite:p}`nobody2020`."))
    write_run(small, c01_claims=broken)
    try:
        with pytest.raises(BookError) as error:
            build_site(small)
    finally:
        write_run(small, c01_claims=claims_notebook())
    assert "book/01_claims.py, in the cell that begins 'See [nothing]" in str(error.value)
    assert "06_nothing.ipynb" in str(error.value) and "nobody2020" in str(error.value)
    assert page(site, "01_claims.html") == before


def content(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {str(p): (p.stat().st_mtime_ns, p.read_bytes()) for p in sorted(folder.rglob("*")) if p.is_file()}


def test_a_second_build_touches_no_byte_and_loads_nothing_that_renders(site, small):
    build_site(small)
    before = content(small.root)
    code = (
        "import sys; from distilbook.site.build import build_site; from distilbook.core.workspace import Workspace\n"
        "import subprocess; subprocess.run = subprocess.Popen = None\n"
        "print(build_site(Workspace('small')))\n"
        "assert not {'nbformat', 'sphinx', 'jupytext', 'torch', 'scipy'} & set(sys.modules)"
    )
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, str(site)), done.stderr
    assert time.perf_counter() - began < 5, "it takes well below a second where nothing else runs"
    assert content(small.root) == before


def test_the_page_on_the_budget_is_in_the_contents_and_linked_from_the_front(site):
    assert page(site, "index.html").count('href="budget.html"') >= 2
    text = page(site, "budget.html")
    assert "No execution of a chapter is recorded" in text and "What would settle the claims" in text


def test_an_edition_without_executed_chapters_has_no_site(small):
    with pytest.raises(BookError, match="distilbook run empty"):
        build_site(Workspace("empty"))


def states(small, runs, folder, *outputs, tags=()):
    """Return each chapter's state when 01_claims, with ``outputs``, is the only notebook, kept in ``folder``."""
    notebook = claims_notebook(*outputs)
    notebook.cells[1].metadata["tags"] = list(tags)
    path = runs / "other" / folder / "01_claims.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(notebook, path)
    book = project_root() / "book"
    return [chapter.state for chapter in read_chapters(book, Workspace("other"))]


ERROR = new_output("error", ename="ValueError", evalue="no", traceback=[])


@pytest.mark.parametrize("folder", ["notebooks", "failed"])
def test_a_chapter_that_stopped_with_an_error_is_not_shown_as_executed(small, runs, folder):
    assert states(small, runs, folder, ERROR) == ["failed", "missing", "missing"]


def test_an_error_that_a_chapter_shows_on_purpose_does_not_fail_it(small, runs):
    assert states(small, runs, "notebooks", ERROR, tags=["raises-exception"]) == ["executed", "missing", "missing"]


def test_a_download_gives_the_executed_notebook_with_its_figures_data(site, small):
    downloaded = nbformat.read(site.parent / "_sources" / "05_triple_loss.ipynb", as_version=4)
    assert downloaded == nbformat.read(small.notebooks / "05_triple_loss.ipynb", as_version=4)


def test_a_figure_becomes_html_the_same_in_every_build(small):
    chapter = next(c for c in read_chapters(project_root() / "book", small) if c.id == "05_triple_loss")
    data = to_page(chapter).cells[1].outputs[0].data
    assert list(data) == ["text/html"] and 'id="figure-1-0"' in data["text/html"]
    assert to_page(chapter) == to_page(chapter)


def test_a_table_of_contents_takes_chapters_by_pattern_in_the_order_given():
    text = "# Book\n\n```{toctree}\n:caption: Part\n\n07_*\n02_*\n```\n\n```{toctree}\n09_*\n```\n"
    filled = front_page(text, ["02_corpus", "07_ablations/without_mlm", "07_ablations/summary"])
    assert ":caption: Part\n\n07_ablations/without_mlm\n07_ablations/summary\n02_corpus\n```" in filled
    assert filled.endswith("*Not part of this edition.*\n")


def test_every_chapter_of_the_book_has_its_place_on_the_front_page(project):
    names = chapters(project / "book")
    filled = front_page((project / "book" / "index.md").read_text(), names)
    assert [line for line in filled.splitlines() if line in names] == names


@pytest.mark.parametrize("listed", ["references", "budget\nreferences"])
def test_the_budget_stands_beside_the_references_once(listed):
    filled = front_page(f"```{{toctree}}\n:caption: Appendix\n\n{listed}\n```\n", [])
    assert filled == "```{toctree}\n:caption: Appendix\n\nbudget\nreferences\n```\n"


def test_older_results_are_said_to_be_older(small):
    chapters = read_chapters(project_root() / "book", small)
    assert "stopped with an error" not in edition_note(small, chapters)
    path = small.root / "failed" / "01_claims.ipynb"
    path.parent.mkdir()
    path.write_text("{}")
    note = edition_note(small, chapters)
    path.unlink()
    assert "Shown as they were before an execution that stopped with an error: [The claims](01_claims.ipynb)." in note
