"""Pages of a site, as notebooks and Markdown, from executed notebooks: live figures, no widgets, the front page."""

from __future__ import annotations

import copy
import fnmatch
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from ..book.notebooks import chapters, to_notebook
from ..core.markup import lines, markdown
from ..core.progress import PROGRESS
from ..core.record_book import RecordBook
from ..core.records import Record
from ..core.workspace import Workspace
from ..views.style import SHOWN

FIGURE = "application/vnd.plotly.v1+json"
#: Output types that a page takes from the book's own functions, and from anything else.
OURS = ("text/html", "text/markdown")
PICTURES = ("image/png", "image/jpeg")
WIDGET = "application/vnd.jupyter.widget-view+json"


@dataclass(frozen=True)
class Chapter:
    """A chapter in one edition: its notebook, and whether that was executed to its end.

    Attributes:
        state: ``executed``, ``failed`` (stopped with an error) or ``missing`` (never executed).
    """

    id: str
    notebook: NotebookNode
    state: str

    @property
    def title(self) -> str:
        """The first heading of the chapter, or its id where there is none."""
        prose = "\n".join(cell.source for cell in self.notebook.cells if cell.cell_type == "markdown")
        heading = re.search(r"^# (.+)$", prose, flags=re.MULTILINE)
        return heading[1].strip() if heading else self.id


def read_chapters(book: Path, workspace: Workspace) -> list[Chapter]:
    """Return every chapter of ``book`` in order, executed where ``workspace`` has it."""
    return [_read_chapter(name, book / f"{name}.py", workspace) for name in chapters(book)]


def _read_chapter(name: str, script: Path, workspace: Workspace) -> Chapter:
    executed = workspace.notebooks / f"{name}.ipynb"
    if not executed.exists():
        stopped = (workspace.root / "failed" / f"{name}.ipynb").exists()
        return Chapter(name, to_notebook(script), "failed" if stopped else "missing")
    notebook = nbformat.read(executed, as_version=4)
    if any(map(_failed, notebook.cells)):
        return Chapter(name, to_notebook(script), "failed")
    return Chapter(name, notebook, "executed")


def _failed(cell: NotebookNode) -> bool:
    allowed = "raises-exception" in cell.metadata.get("tags", [])
    return not allowed and any(output.output_type == "error" for output in cell.get("outputs", []))


def to_page(chapter: Chapter) -> NotebookNode:
    """Return the notebook that becomes the chapter's page.

    An executed chapter keeps its results: outputs of the book's own functions, figures, pictures, and everything else as
    plain text, for HTML and scripts of other libraries may hold anything. Widgets and progress lines are removed. Any
    other chapter becomes a page outside the contents with a note, for other chapters may refer to it.
    """
    if chapter.state == "executed":
        return _with_results(chapter.notebook)
    page = copy.deepcopy(chapter.notebook)
    note = ":::{attention}\nThis chapter has no results in this edition. Its text and code stand here as they are.\n:::"
    page.cells.insert(1, nbformat.v4.new_markdown_cell(note, id="no-results"))
    page.metadata["orphan"] = True
    return page


def _with_results(notebook: NotebookNode) -> NotebookNode:
    page = copy.deepcopy(notebook)
    page.metadata.pop("widgets", None)
    for number, cell in enumerate(page.cells):
        if cell.cell_type != "code":
            continue
        cell.outputs = [output for output in cell.outputs if not _only_live(output)]
        for position, output in enumerate(cell.outputs):
            _restrict(output, f"figure-{number}-{position}")
    return page


def _restrict(output: NotebookNode, name: str) -> None:
    """Reduce ``output`` to what a page may show; a figure gets the id ``name``."""
    if output.output_type == "stream":
        output.text = lines(output.text)
    elif output.output_type == "error":
        output.traceback = [*map(lines, output.traceback)]
    else:
        ours = output.metadata.get("distilbook") == SHOWN["distilbook"]
        output.data, output.metadata = _page_data(output.data, OURS if ours else PICTURES, name), NotebookNode()


def _page_data(data: NotebookNode, kinds: tuple[str, ...], name: str) -> dict[str, str]:
    if FIGURE in data:
        return {"text/html": figure_html(data[FIGURE], name)}
    return {kind: data[kind] for kind in kinds if kind in data} or {"text/plain": lines(data.get("text/plain", ""))}


def _only_live(output: NotebookNode) -> bool:
    """Whether an output is useful only in a running notebook: a widget, or a line of progress."""
    return WIDGET in output.get("data", {}) or output.get("metadata", {}).get("distilbook") == PROGRESS["distilbook"]


def figure_html(figure: dict[str, Any], name: str) -> str:
    """Return the HTML in which ``figures.js`` draws ``figure``, the JSON of plotly's mimetype.

    Args:
        name: the id of the HTML element, unique in its page; a fixed one makes the page reproducible.
    """
    from plotly.io.json import to_json_plotly  # escapes "<" and "/", so no script can end in it

    from ..views.style import BEHAVIOUR

    drawn = to_json_plotly({"data": figure["data"], "layout": figure.get("layout", {}), "config": BEHAVIOUR})
    return (
        f'<div id="{name}" class="plotly-graph-div"></div>'
        f'<script type="application/json" data-figure="{name}">{drawn}</script>'
    )


def front_page(text: str, executed: list[str]) -> str:
    """Return the front page ``text`` with the patterns in its tables of contents replaced by chapters.

    Each ``{toctree}`` block lists patterns such as ``07_*``, replaced by the ``executed`` chapters they match, in the
    book's order, or by a remark if there are none. The budget page, which is generated, joins the references' block.
    """

    def fill(block: re.Match) -> str:
        lines = block[1].splitlines()
        options = [line for line in lines if not line or line.startswith(":")]
        patterns = [line for line in lines if line not in options]
        if not any("*" in pattern for pattern in patterns):
            found = ["budget"] if "references" in patterns and "budget" not in patterns else []
            found += patterns
        else:
            found = [name for pattern in patterns for name in fnmatch.filter(executed, pattern)]
        return "\n".join(["```{toctree}", *options, *found, "```", ""]) if found else "*Not part of this edition.*\n"

    return re.sub(r"^```\{toctree\}\n(.*?)^```\n", fill, text, flags=re.MULTILINE | re.DOTALL)


def edition_line(workspace: Workspace, pages: Iterable[Chapter]) -> str:
    """Return the edition's name, the days of its execution and the hardware in one line.

    The days are those papermill noted in the notebooks; the hardware is that of the records.
    """
    noted = [chapter.notebook.metadata.get("papermill", {}).get("end_time") for chapter in pages]
    days = sorted({datetime.fromisoformat(time).date().isoformat() for time in noted if time})
    parts = [f"Edition “{workspace.edition}”"]
    if days:
        parts.append("executed " + days[0] if len(days) == 1 else f"executed {days[0]} to {days[-1]}")
    if known := machines(RecordBook(workspace.records, workspace.edition).current()):
        parts.append("measured on " + "; and on ".join(known))
    return ", ".join(parts)


def machines(records: Iterable[Record]) -> list[str]:
    """Return the distinct machines of ``records`` in words, with the numbers of cores that chapters used."""
    cores: dict[tuple[str, str], set[int]] = {}
    for hardware in (record.hardware for record in records if record.hardware):
        kind = hardware.get("processor", "an unknown processor"), hardware.get("accelerator", "none")
        cores.setdefault(kind, set()).update({hardware["cores"]} if hardware.get("cores") else set())
    return sorted(_machine(*kind, sorted(numbers)) for kind, numbers in cores.items())


def _machine(processor: str, gpu: str, cores: list[int]) -> str:
    words = f" ({' or '.join(map(str, cores))} core{'s' if cores[-1] != 1 else ''})" if cores else ""
    return processor + words + (f" with {gpu}" if gpu != "none" else "")


def edition_note(workspace: Workspace, all_chapters: list[Chapter]) -> str:
    """Return the front page's note, as MyST Markdown: the edition, and the chapters without results."""
    executed = [chapter for chapter in all_chapters if chapter.state == "executed"]
    said = [":::{admonition} This edition", ":class: note", "", markdown(edition_line(workspace, executed)) + "."]
    if older := [chapter for chapter in executed if (workspace.root / "failed" / f"{chapter.id}.ipynb").exists()]:
        said += ["", f"Shown as they were before an execution that stopped with an error: {_links(older)}."]
    reasons = {"missing": "Not executed in this edition", "failed": "Stopped with an error"}
    for state, reason in reasons.items():
        if found := [chapter for chapter in all_chapters if chapter.state == state]:
            said += ["", f"{reason}, and so left out of the contents: {_links(found)}."]
    said += ["", "What each chapter took, and what more would settle, is on [the page on the budget](budget.md)."]
    return "\n".join([*said, ":::", ""])


def _links(chapters: Iterable[Chapter]) -> str:
    return ", ".join(f"[{chapter.title}]({chapter.id}.ipynb)" for chapter in chapters)
