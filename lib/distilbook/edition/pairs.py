"""The paired notebooks: every ``.ipynb`` in ``book/`` is generated from the percent script beside it.

Only this direction exists, because git keeps no times and so nobody could tell which of two edited
files is the newer. The generated notebook has no outputs, and the same script always gives the same
bytes: a cell's id is a hash of what the cell is, not a random one.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import jupytext
import nbformat
from jupytext.config import load_jupytext_config
from nbformat import NotebookNode

from ..files import write_text
from ..workspace import project_root
from .contents import CHAPTERS

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


def chapters(book: Path | None = None) -> list[str]:
    """Return the chapters' ids in the book's order: ``01_claims``, …, ``07_ablations/without_teacher``, ….

    A chapter is a script whose path below ``book`` begins with two digits. In a folder of chapters they
    come as in the table of contents, and those that are not in it last.
    """
    book = book or project_root() / "book"
    scripts = [*book.glob("[0-9][0-9]_*.py"), *book.glob("[0-9][0-9]_*/*.py")]
    names = [script.relative_to(book).with_suffix("").as_posix() for script in scripts]
    place = {name: number for number, name in enumerate(CHAPTERS)}
    return sorted(names, key=lambda name: (name.partition("/")[0], place.get(name, len(place)), name))


def to_notebook(script: Path) -> NotebookNode:
    """Return the notebook that the percent script ``script`` stands for: no outputs, stable cell ids.

    Cells and tags are those jupytext reads. The metadata are the same for every script, with or
    without a header: the kernel, which papermill needs, and the filters of ``jupytext.toml``, which
    jupytext itself would write.
    """
    config = load_jupytext_config(str(script.resolve()))
    notebook = jupytext.read(script, config=config)
    metadata = {"kernelspec": KERNEL}
    if config:
        filters = ("cell_metadata_filter", "notebook_metadata_filter")
        metadata["jupytext"] = {name: getattr(config, name) for name in filters}
    notebook.metadata = nbformat.from_dict(metadata)
    seen: Counter[tuple[str, str]] = Counter()
    for cell in notebook.cells:
        same = (cell.cell_type, cell.source)
        cell.id = cell_id(*same, occurrence=seen[same])
        seen[same] += 1
    notebook.nbformat_minor = 5  # the first version with cell ids
    return notebook


def cell_id(cell_type: str, source: str, occurrence: int) -> str:
    """Return the id of the cell that is the ``occurrence``-th (from 0) of its type and source in a notebook."""
    return hashlib.sha256(f"{cell_type}\0{source}\0{occurrence}".encode()).hexdigest()[:12]


def notebook_text(script: Path) -> str:
    """Return the exact content of the ``.ipynb`` that belongs beside ``script``."""
    return nbformat.writes(to_notebook(script)) + "\n"


def out_of_date(book: Path) -> list[str]:
    """Return the ids of the chapters whose notebook is missing or differs from its script."""
    return [chapter for chapter in chapters(book) if not _is_current(book / f"{chapter}.py")]


def sync(book: Path) -> list[Path]:
    """Write the notebook of every chapter where it is out of date; return those written."""
    written = []
    for chapter in out_of_date(book):
        notebook = book / f"{chapter}.ipynb"
        write_text(notebook, notebook_text(notebook.with_suffix(".py")))
        written.append(notebook)
    return written


def _is_current(script: Path) -> bool:
    notebook = script.with_suffix(".ipynb")
    return notebook.exists() and notebook.read_text(encoding="utf-8") == notebook_text(script)
