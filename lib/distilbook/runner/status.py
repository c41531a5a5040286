"""How an edition stands, in words: for somebody who has just come to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..claims.settling import seconds_behind
from ..edition.contents import CHAPTERS, check_names
from ..edition.pairs import EDITED, edited
from ..files import holder_of, size_of
from ..progress import duration
from ..records import Record, RecordBook
from ..workspace import Workspace, project_root
from .clean import megabytes, unneeded
from .freshness import Condition, survey

#: What the states mean to the next run.
MEANING = {
    "fresh": "its results are those of the present script, parameters, inputs and code",
    "stale": "something it depends on has changed; the next run executes it",
    "waiting": "nothing of its own has changed, but it reads a chapter that has to be executed first",
    "failed": "its last execution ended with an error; the next run tries again",
    "not run": "it has not been executed in this edition",
    "running": "it is being executed now",
    "stopped": "its execution was stopped; the next run goes on from its last checkpoint",
}
#: Width of the bars that show where the time went.
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
    """Return the chapter's state, or that it is being executed or was stopped while it was."""
    if not (workspace.root / "executing" / f"{here.chapter}.source.ipynb").exists():
        return here.state
    return "running" if holder else "stopped"


def _headline(workspace: Workspace, states: Mapping[str, str], holder: str | None) -> str:
    counts = [f"{list(states.values()).count(state)} {state}" for state in MEANING if state in states.values()]
    now = f"It is being run by {holder}." if holder else "Nothing is running."
    return f"Edition {workspace.edition} in {workspace.root}: {len(states)} chapters, {', '.join(counts)}.\n{now}"


def _chapters(conditions: Mapping[str, Condition], states: Mapping[str, str], workspace: Workspace) -> str:
    """Return a line a chapter, and below it why it is not fresh."""
    lines = [f"{'chapter':<36}{'state':<10}{'last execution':<22}{'took':>12}  on"]
    for name, here in conditions.items():
        lines.append(f"{name:<36}{states[name]:<10}" + _last(here))
        reasons = here.reasons if states[name] in ("stale", "failed", "waiting") else ()
        lines += [f"    {line}" for reason in reasons for line in reason.splitlines()]
        if states[name] == "running":
            lines.append(f"    {_newest_line(name, workspace)}")
    return "\n".join(lines)


def _last(here: Condition) -> str:
    if here.last is None:
        return ""
    when = here.last.finished[:16].replace("T", " ")
    return f"{when:<22}{duration(here.last.seconds):>12}  {here.last.cores} core{'s' if here.last.cores > 1 else ''}"


def _newest_line(chapter: str, workspace: Workspace) -> str:
    log = workspace.root / "logs" / f"{chapter}.log"
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    return lines[-1] if lines else "starting"


def _edited() -> str:
    """Say which notebooks were edited where their script is what a run executes."""
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
        lines.append(
            f"{name:<36}{duration(seconds):>12} {seconds / whole:>5.0%}  {bar:<{BAR}}  {_behind(name, records)}"
        )
    return "\n".join(lines).replace(" \n", "\n")


def _behind(chapter: str, records: Sequence[Record]) -> str:
    seconds = seconds_behind(record for record in records if record.chapter == chapter)
    return f"its records stand for {duration(seconds)} of training and measuring" if seconds else ""


def _room(workspace: Workspace, holder: str | None) -> str:
    if not workspace.root.exists():
        return ""
    spare = sum(one.bytes for one in unneeded(workspace)) if not holder else 0
    words = f"Room on the disk: {megabytes(size_of(workspace.root))}"
    return words + (
        f", of which {megabytes(spare)} are not needed (distilbook clean {workspace.edition})." if spare else "."
    )


def _next(workspace: Workspace, conditions: Mapping[str, Condition], states: Mapping[str, str]) -> str:
    if "running" in states.values():
        return f"Follow it: tail -f {workspace.root / 'book.log'}"
    due = [name for name in CHAPTERS if states[name] not in ("fresh", "waiting")]
    if not due:
        front = workspace.site / "index.html"
        there = (
            f"the book is at {front}" if front.exists() else f"distilbook site {workspace.edition} renders the pages"
        )
        return f"Next: nothing to execute; {there}."
    waiting = [name for name in CHAPTERS if states[name] == "waiting"]
    known = [conditions[name].last.longest for name in due if conditions[name].last and conditions[name].last.longest]
    upto = f"; they took {duration(sum(known))} at their longest" if len(known) == len(due) else ""
    more = f", then {len(waiting)} that read them if these make something else" if waiting else ""
    return f"Next: distilbook run {workspace.edition} executes {len(due)} chapters{more}{upto}."
