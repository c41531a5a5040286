"""Status of an edition as a report, and removal of results that no chapter and no current record needs.

Result folders are named by their key, so an older one stays when a parameter or the code changes, and is found again
when the change is reverted.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..book.contents import CHAPTERS, check_names
from ..book.notebooks import EDITED, edited
from ..claims.requirements import seconds_behind
from ..core.files import holder_of, size_of, sole
from ..core.progress import duration
from ..core.quantities import counted
from ..core.record_book import RecordBook
from ..core.records import Record
from ..core.workspace import Workspace, project_root
from .execution import log_of
from .freshness import Condition, survey

#: Meaning of the states.
MEANING = {
    "fresh": "its results are those of the present script, parameters, inputs and code",
    "stale": "something it depends on has changed; the next run executes it",
    "waiting": "nothing of its own has changed, but it reads a chapter that has to be executed first",
    "failed": "its last execution ended with an error; the next run tries again",
    "not run": "it has not been executed in this edition",
    "running": "it is being executed now",
    "stopped": "its execution was stopped; the next run goes on from its last checkpoint",
}
#: Width of the bars of time spent, in characters.
BAR = 24


def status(edition: str) -> str:
    """Return a report: the state of each chapter and why, where the time went, what a run would do.

    Raises:
        BookError: when there is no such edition, or its records cannot be read.
    """
    check_names(edition, [])
    workspace = Workspace(edition)
    conditions, holder = survey(workspace), holder_of(workspace.lock)
    states = {name: _state(here, workspace, holder) for name, here in conditions.items()}
    records = RecordBook(workspace.records, workspace.edition).current()
    parts = [
        _headline(workspace, states, holder),
        _chapters(conditions, states, workspace),
        _edited(),
        _legend(states),
        _times(conditions, records),
        _room(workspace, holder),
        _next(workspace, conditions, states),
    ]
    return "\n\n".join(part for part in parts if part)


def _state(here: Condition, workspace: Workspace, holder: str | None) -> str:
    """Return the chapter's state: ``running`` or ``stopped`` if its execution has begun."""
    if not (workspace.root / "executing" / f"{here.chapter}.source.ipynb").exists():
        return here.state
    return "running" if holder else "stopped"


def _headline(workspace: Workspace, states: Mapping[str, str], holder: str | None) -> str:
    counts = [f"{list(states.values()).count(state)} {state}" for state in MEANING if state in states.values()]
    now = f"It is being run by {holder}." if holder else "Nothing is running."
    return f"Edition {workspace.edition} in {workspace.root}: {len(states)} chapters, {', '.join(counts)}.\n{now}"


def _chapters(conditions: Mapping[str, Condition], states: Mapping[str, str], workspace: Workspace) -> str:
    """Return a line for each chapter, followed by the reasons why it is not fresh."""
    lines = [f"{'chapter':<36}{'state':<10}{'last execution':<22}{'took':>12}  on"]
    for name, here in conditions.items():
        lines.append(f"{name:<36}{states[name]:<10}" + _last(here))
        reasons = here.reasons if states[name] in ("stale", "failed", "waiting") else ()
        lines += [f"    {line}" for reason in reasons for line in reason.splitlines()]
        if states[name] == "running":
            lines.append(f"    {_newest_line(log_of(name, workspace))}")
    return "\n".join(lines)


def _last(here: Condition) -> str:
    if here.last is None:
        return ""
    when = here.last.finished[:16].replace("T", " ")
    return f"{when:<22}{duration(here.last.seconds):>12}  {counted(here.last.cores, 'core')}"


def _newest_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    return lines[-1] if lines else "starting"


def _edited() -> str:
    return "\n".join(
        f"book/{name}.ipynb was edited, and is not what is executed: {EDITED.format(name)}."
        for name in edited(project_root() / "book")
    )


def _legend(states: Mapping[str, str]) -> str:
    return "\n".join(f"{state}: {meaning}." for state, meaning in MEANING.items() if state in states.values())


def _times(conditions: Mapping[str, Condition], records: Sequence[Record]) -> str:
    """Return where the time of the last executions went, and how much of it was training and measuring."""
    took = {name: here.last.seconds for name, here in conditions.items() if here.last}
    if not took:
        return ""
    whole, longest = sum(took.values()), max(took.values())
    lines = [f"Where the time went: {duration(whole)} in the last executions, one after the other."]
    for name, seconds in sorted(took.items(), key=lambda item: -item[1]):
        bar = "#" * max(1, round(BAR * seconds / longest))
        own = seconds_behind(record for record in records if record.chapter == name)
        behind = f"its records stand for {duration(own)} of training and measuring" if own else ""
        lines.append(f"{name:<36}{duration(seconds):>12} {seconds / whole:>5.0%}  {bar:<{BAR}}  {behind}")
    return "\n".join(lines).replace(" \n", "\n")


def _room(workspace: Workspace, holder: str | None) -> str:
    if not workspace.root.exists():
        return ""
    spare = sum(one.bytes for one in unneeded(workspace)) if not holder else 0
    more = f", of which {megabytes(spare)} are not needed (distilbook clean {workspace.edition})" if spare else ""
    return f"Room on the disk: {megabytes(size_of(workspace.root))}{more}."


def _next(workspace: Workspace, conditions: Mapping[str, Condition], states: Mapping[str, str]) -> str:
    if "running" in states.values():
        return f"Follow it: tail -f {workspace.root / 'book.log'}"
    due = [name for name in CHAPTERS if states[name] not in ("fresh", "waiting")]
    if not due:
        front = workspace.site / "index.html"
        there = f"the book is at {front}" if front.exists() else f"render it: distilbook site {workspace.edition}"
        return f"Next: nothing to execute; {there}."
    waiting = [name for name in CHAPTERS if states[name] == "waiting"]
    known = [last.longest for name in due if (last := conditions[name].last) and last.longest]
    upto = f"; they took {duration(sum(known))} at their longest" if len(known) == len(due) else ""
    more = f", then {len(waiting)} that read them if these make something else" if waiting else ""
    return f"Next: distilbook run {workspace.edition} executes {len(due)} chapters{more}{upto}."


@dataclass(frozen=True)
class Unneeded:
    """A file or folder to remove, and why."""

    path: Path
    why: str
    bytes: int


def clean(edition: str, unfinished: bool = False, dry_run: bool = False) -> None:
    """List what ``edition`` no longer needs, with its size, and remove it.

    Args:
        unfinished: also remove stopped trainings, which would otherwise go on from their checkpoint.
        dry_run: list only.

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
        for one in found:
            print(f"{megabytes(one.bytes):>10}  {one.path.relative_to(workspace.root)}  ({one.why})")
            if not dry_run:
                shutil.rmtree(one.path) if one.path.is_dir() else one.path.unlink()
    kept = size_of(workspace.root)
    verb = "Would be removed" if dry_run else "Removed"
    print(f"{verb}: {megabytes(sum(one.bytes for one in found))}. In {workspace.root} there are {megabytes(kept)} now.")


def megabytes(size: int) -> str:
    """Return a number of bytes in words."""
    return f"{size / 1e6:,.1f} MB"


def unneeded(workspace: Workspace, unfinished: bool = False) -> list[Unneeded]:
    """Return the files and folders to remove, in order of the paths; see :func:`clean`."""
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
    """Yield the results that nothing needs; those with a checkpoint only if ``unfinished``."""
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
    """Yield files of chapters that the book no longer has."""
    folders = {workspace.notebooks: ".ipynb", workspace.root / "failed": ".ipynb", workspace.root / "logs": ".log"}
    for folder, ending in folders.items():
        for path in _files(folder):
            if path.relative_to(folder).as_posix().removesuffix(ending) not in CHAPTERS:
                yield path, "of a chapter that the book no longer has"


def _half_written(root: Path) -> Iterator[Path]:
    """Yield what an atomic write left behind when it was killed; see :mod:`distilbook.core.files`."""
    for path in sorted(root.rglob(".*.*")):
        hidden = any(parent.name.startswith(".") for parent in path.relative_to(root).parents)
        if not hidden and "site" not in path.parts:
            yield path


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
