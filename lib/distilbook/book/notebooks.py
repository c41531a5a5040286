"""Paired notebooks: every ``.ipynb`` in ``book/`` is generated from the percent script beside it, never the reverse.

The generated notebook has no outputs, and the same script always gives the same bytes: a cell's id is a hash of its
content. The metadata hold a hash of the cells, which detects an edited notebook; it is copied before it is replaced.
"""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import jupytext
import nbformat
from jupytext.config import load_jupytext_config
from nbformat import NotebookNode

from ..core.config import short_hash
from ..core.files import write_text
from ..core.workspace import project_root
from .contents import CHAPTERS

#: What to do with a notebook that was edited, by its chapter.
EDITED = "bring the change into book/{0}.py, or run 'distilbook pairs', which keeps a copy of it"
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


def chapters(book: Path | None = None) -> list[str]:
    """Return the chapters' ids in the book's order: ``01_claims``, …, ``07_ablations/without_teacher``, ….

    A chapter is a script whose path below ``book`` begins with two digits. In a folder of chapters they
    come as in the table of contents, and those that are not in it last.
    """
    book = book or project_root() / "book"
    scripts = [*book.glob("[0-9][0-9]_*.py"), *book.glob("[0-9][0-9]_*/[!.]*.py")]
    names = [script.relative_to(book).with_suffix("").as_posix() for script in scripts]
    place = {name: number for number, name in enumerate(CHAPTERS)}
    return sorted(names, key=lambda name: (name.partition("/")[0], place.get(name, len(place)), name))


def to_notebook(script: Path) -> NotebookNode:
    """Return the notebook that the percent script ``script`` stands for: no outputs, stable cell ids.

    The metadata are the same for every script: the kernel, which papermill needs, and the filters of
    ``jupytext.toml``, which jupytext itself would write.
    """
    config = load_jupytext_config(str(script.resolve()))
    notebook = jupytext.read(script, config=config)
    filters = ("cell_metadata_filter", "notebook_metadata_filter")
    metadata = {"jupytext": {name: getattr(config, name) for name in filters}} if config else {}
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL} | metadata)
    seen: Counter[tuple[str, str]] = Counter()
    for cell in notebook.cells:
        cell.id = _next_id(cell, seen)
    notebook.metadata["distilbook"] = {"cells": short_hash(_cells(notebook))}
    notebook.nbformat_minor = 5  # the first version with cell ids
    return notebook


def _cells(notebook: NotebookNode) -> list:
    """Return what a reader may have edited in a notebook: type, source and tags of every cell, not the outputs."""
    return [[cell.cell_type, cell.source, sorted(cell.metadata.get("tags", []))] for cell in notebook.cells]


def _next_id(cell: NotebookNode, seen: Counter[tuple[str, str]]) -> str:
    """Return the id of ``cell``, a hash of type, source and number of equal cells before it, and count it in ``seen``."""
    same = (cell.cell_type, cell.source)
    seen[same] += 1
    return hashlib.sha256("\0".join([*same, str(seen[same] - 1)]).encode()).hexdigest()[:12]


def notebook_text(script: Path) -> str:
    """Return the exact content of the ``.ipynb`` that belongs beside ``script``."""
    return nbformat.writes(to_notebook(script)) + "\n"


def out_of_date(book: Path) -> list[str]:
    """Return the ids of the chapters whose notebook is missing or differs from its script."""
    return [chapter for chapter in chapters(book) if not _is_current(book / f"{chapter}.py")]


def sync(book: Path, say: Callable[[str], None] = print) -> list[Path]:
    """Write the notebook of every chapter where it is out of date; return those written.

    Args:
        say: called with a line on each notebook that was edited, and its copy.
    """
    written = []
    for chapter in out_of_date(book):
        notebook = book / f"{chapter}.ipynb"
        if is_edited(notebook):
            copy = keep_copy(notebook)
            say(f"{notebook} was edited and its script {chapter}.py was not: the edited one is kept as {copy.name}")
        write_text(notebook, notebook_text(notebook.with_suffix(".py")))
        written.append(notebook)
    return written


def edited(book: Path) -> list[str]:
    """Return the ids of the chapters whose notebook was edited and says something else than its script."""
    return [chapter for chapter in out_of_date(book) if is_edited(book / f"{chapter}.ipynb")]


def is_edited(path: Path) -> bool:
    """Whether the notebook in ``path`` holds cells that were not generated and are not in its script now.

    An unreadable one counts as edited, and one without the hash of its cells if their ids are not those of
    generated ones.
    """
    if not path.exists():
        return False
    try:
        notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
        here = _cells(notebook)
    except Exception:  # nbformat raises anything for a file that is no notebook
        return True
    if here == _cells(to_notebook(path.with_suffix(".py"))):
        return False
    if noted := notebook.metadata.get("distilbook", {}).get("cells"):
        return noted != short_hash(here)
    seen: Counter[tuple[str, str]] = Counter()
    return any(cell.get("id") != _next_id(cell, seen) for cell in notebook.cells)


def keep_copy(path: Path) -> Path:
    """Copy an edited notebook to ``<name>.edited.ipynb`` beside it, with a number where there is another; return it."""
    number = 0
    while True:
        number += 1
        copy = path.with_suffix(".edited.ipynb" if number == 1 else f".edited-{number}.ipynb")
        if not copy.exists():
            shutil.copy2(path, copy)
            return copy
        if copy.read_bytes() == path.read_bytes():
            return copy


def _is_current(script: Path) -> bool:
    notebook = script.with_suffix(".ipynb")
    return notebook.exists() and notebook.read_bytes() == notebook_text(script).encode()
