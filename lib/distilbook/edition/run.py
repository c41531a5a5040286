"""Executing an edition: chapter by chapter through papermill, redoing only what has changed.

A chapter is fresh when its script, its parameters, the library code it imports and the results of
the chapters it reads are what they were at its last successful execution. A chapter that fails keeps
its notebook up to the failing cell, the chapters that read it are left out, and what other chapters
made stays as it is.
"""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from pathlib import Path

import nbformat
import papermill
from papermill.exceptions import PapermillExecutionError

from ..config import BookError, short_hash
from ..files import read_json, sha256, write_json
from ..provenance import code_hash
from ..workspace import Workspace
from .display import BookDisplay
from .pairs import to_notebook
from .parameters import CHAPTERS, check_names, check_parameters, edition_values, script_of


@dataclass(frozen=True)
class Outcome:
    """What became of a chapter: ``fresh``, ``executed``, ``failed`` or ``left out``; and why, where it failed."""

    chapter: str
    status: str
    seconds: float = 0.0
    error: str = ""


def run(edition: str, only: list[str] | None = None) -> list[Outcome]:
    """Execute the chapters of ``edition`` that are not fresh, in the book's order.

    Args:
        only: chapters to execute, fresh or not; all that are not fresh where none are named.

    Raises:
        BookError: for anything wrong with names or parameters, before the first chapter starts.
    """
    chapters = [chapter for chapter in CHAPTERS if not only or chapter in only]
    check_names(edition, only or [])
    for chapter in chapters:
        check_parameters(edition, chapter)
    workspace = Workspace(edition)
    outcomes: dict[str, Outcome] = {}
    with BookDisplay(workspace, chapters) as display:
        for chapter in chapters:
            outcomes[chapter] = _settle(chapter, edition, workspace, outcomes, display, force=bool(only))
            display.settled(outcomes[chapter])
    return list(outcomes.values())


def _settle(chapter, edition, workspace, outcomes, display, force: bool) -> Outcome:
    """Execute ``chapter`` unless it is fresh or reads one that failed."""
    broken = [
        name for name in CHAPTERS[chapter].reads if name in outcomes and outcomes[name].status in ("failed", "left out")
    ]
    if broken:
        return Outcome(chapter, "left out", error=f"it reads {broken[0]}, which did not succeed")
    key = chapter_key(chapter, edition, workspace)
    if not force and is_fresh(chapter, key, workspace):
        return Outcome(chapter, "fresh")
    display.starts(chapter)
    started = time.perf_counter()
    error = execute(chapter, edition, workspace)
    seconds = time.perf_counter() - started
    status = "failed" if error else "executed"
    write_json(_state(chapter, workspace), {"status": status, "key": key, "seconds": seconds, "error": error})
    return Outcome(chapter, status, seconds, error)


def chapter_key(chapter: str, edition: str, workspace: Workspace) -> str:
    """Return a hash of all that a chapter's execution depends on."""
    source = script_of(chapter).read_text(encoding="utf-8")
    modules = sorted(set(re.findall(r"^\s*from (distilbook[\w.]*) import", source, flags=re.MULTILINE)))
    read = {name: product(name, workspace) for name in CHAPTERS[chapter].reads}
    return short_hash([source, edition_values(edition, chapter), code_hash(*modules), read])


def product(chapter: str, workspace: Workspace) -> str:
    """Return a hash of what a chapter made for others: its published folders and its records."""
    records = workspace.records / f"{chapter.replace('/', '.')}.jsonl"
    return short_hash([workspace.published_by(chapter), sha256(records) if records.exists() else None])


def is_fresh(chapter: str, key: str, workspace: Workspace) -> bool:
    """Whether the chapter's last execution succeeded and ``key`` is still what it was."""
    state = _state(chapter, workspace)
    if not state.exists() or not executed_notebook(chapter, workspace).exists():
        return False
    last = read_json(state)
    return last["status"] == "executed" and last["key"] == key


def execute(chapter: str, edition: str, workspace: Workspace) -> str:
    """Execute one chapter and return its error, or "" when every cell ran.

    The executed notebook replaces the one before it only when the chapter succeeded; a failed one
    is kept in ``failed/`` until the chapter succeeds.
    """
    source = workspace.root / "executing" / f"{chapter}.source.ipynb"
    output = workspace.root / "executing" / f"{chapter}.ipynb"
    output.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(to_notebook(script_of(chapter)), source)
    error = ""
    try:
        papermill.execute_notebook(
            str(source),
            str(output),
            parameters=edition_values(edition, chapter),
            cwd=str(script_of(chapter).parent),
            kernel_name="python3",
            progress_bar=False,
            log_output=False,
            extra_arguments=["--IPKernelApp.log_level=50"],
        )
        error = unexecuted_cell(nbformat.read(output, as_version=4))
    except PapermillExecutionError as failure:
        error = f"cell {failure.cell_index} failed with {failure.ename}: {failure.evalue}"
    target = executed_notebook(chapter, workspace) if not error else workspace.root / "failed" / f"{chapter}.ipynb"
    target.parent.mkdir(parents=True, exist_ok=True)
    os.replace(output, target)
    source.unlink()
    if not error:
        (workspace.root / "failed" / f"{chapter}.ipynb").unlink(missing_ok=True)
    return error


def unexecuted_cell(notebook) -> str:
    """Return what is wrong when a cell was not executed, as after ``sys.exit(0)``; "" when all were."""
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "code" and cell.source.strip() and cell.execution_count is None:
            return f"cell {number} was not executed: an earlier cell ended the kernel"
    return ""


def executed_notebook(chapter: str, workspace: Workspace) -> Path:
    """Return where the executed notebook of ``chapter`` is kept."""
    return workspace.notebooks / f"{chapter}.ipynb"


def _state(chapter: str, workspace: Workspace) -> Path:
    return workspace.root / "state" / f"{chapter}.json"


def check_outcomes(outcomes: list[Outcome]) -> None:
    """Raise a BookError that lists the chapters that failed or were left out, if any did."""
    bad = [outcome for outcome in outcomes if outcome.status in ("failed", "left out")]
    if bad:
        lines = "".join(f"\n    {outcome.chapter} {outcome.status}: {outcome.error}" for outcome in bad)
        raise BookError(
            f"{len(bad)} of {len(outcomes)} chapters did not succeed",
            where=lines,
            do="open the notebook in the edition's failed/ folder, put the cause right and run again",
        )
