"""Removing what no chapter and no current record needs any more.

Results lie in folders named by what they were made from, so an older one stays when a parameter or a
line of code changes, and is found again when the change is taken back. That costs room in the end.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..edition.contents import CHAPTERS, check_names
from ..files import size_of, sole
from ..records import RecordBook
from ..workspace import Workspace


@dataclass(frozen=True)
class Unneeded:
    """A file or folder that may go, and why."""

    path: Path
    why: str
    bytes: int


def clean(edition: str, unfinished: bool = False, dry_run: bool = False) -> None:
    """Say what of ``edition`` is not needed any more and how much room it takes, and remove it.

    Args:
        unfinished: also remove trainings that were stopped; they would go on from their checkpoint.
        dry_run: only say.

    Raises:
        BookError: when the edition is being executed at the moment.
    """
    check_names(edition, [])
    workspace = Workspace(edition)
    if not workspace.root.exists():
        print(f"Edition {edition} has no results; nothing to remove.")
        return
    with sole(workspace.lock, f"a run of edition {edition!r}"):
        found = unneeded(workspace, unfinished)
        _say(found, workspace)
        if not dry_run:
            for one in found:
                shutil.rmtree(one.path) if one.path.is_dir() else one.path.unlink()
    kept = size_of(workspace.root)
    verb = "Would be removed" if dry_run else "Removed"
    print(f"{verb}: {megabytes(sum(one.bytes for one in found))}. In {workspace.root} there are {megabytes(kept)} now.")


def _say(found: list[Unneeded], workspace: Workspace) -> None:
    for one in found:
        print(f"{megabytes(one.bytes):>10}  {one.path.relative_to(workspace.root)}  ({one.why})")


def megabytes(size: int) -> str:
    """Return a number of bytes in words."""
    return f"{size / 1e6:,.1f} MB"


def unneeded(workspace: Workspace, unfinished: bool = False) -> list[Unneeded]:
    """Return what of an edition may go, in order of the paths; see :func:`clean`."""
    found = [
        *_results(workspace, unfinished),
        *_predictions(workspace),
        *_of_no_chapter(workspace),
        *((path, "left by an execution that was stopped") for path in _files(workspace.root / "executing")),
        *((path, "left half-written") for path in _half_written(workspace.root)),
    ]
    return sorted((Unneeded(path, why, size_of(path)) for path, why in found), key=lambda one: one.path)


def needed(workspace: Workspace) -> set[Path]:
    """Return the folders that a chapter of the book has published and the predictions of current records."""
    published = {workspace.root / folder for chapter in CHAPTERS for folder in workspace.published_by(chapter).values()}
    kept = {workspace.root / r.predictions for r in RecordBook(workspace.records).current() if r.predictions}
    return {path.resolve() for path in published | kept}


def _results(workspace: Workspace, unfinished: bool) -> Iterator[tuple[Path, str]]:
    """Yield the results that nothing needs; of those with a checkpoint only where ``unfinished`` ones are to go too."""
    wanted = needed(workspace)
    for folder in sorted(workspace.results.glob("*/*")):
        if folder.name.startswith(".") or any(path.is_relative_to(folder.resolve()) for path in wanted):
            continue
        if (folder / "done.json").exists() or not (folder / "checkpoint").exists():
            yield folder, "made from what has changed since"
        elif unfinished:
            yield folder, "work that was stopped"


def _predictions(workspace: Workspace) -> Iterator[tuple[Path, str]]:
    wanted = needed(workspace)
    for path in _files(workspace.predictions):
        if path.resolve() not in wanted:
            yield path, "predictions of no current record"


def _of_no_chapter(workspace: Workspace) -> Iterator[tuple[Path, str]]:
    """Yield what is left of chapters that the book no longer has."""
    for folder, ending in (
        (workspace.notebooks, ".ipynb"),
        (workspace.root / "failed", ".ipynb"),
        (workspace.root / "logs", ".log"),
    ):
        for path in _files(folder):
            if path.relative_to(folder).as_posix().removesuffix(ending) not in CHAPTERS:
                yield path, "of a chapter that the book no longer has"


def _half_written(root: Path) -> Iterator[Path]:
    """Yield what an atomic write left behind when it was killed; see :mod:`distilbook.files`."""
    for path in sorted(root.rglob(".*.*")):
        if (
            not any(parent.name.startswith(".") for parent in path.relative_to(root).parents)
            and "site" not in path.parts
        ):
            yield path


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
