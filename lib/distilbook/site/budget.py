"""Budget page: time spent by chapter, and the evidence that would settle the open claims."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ..book.contents import chapter_of
from ..claims import CLAIMS
from ..claims.requirements import HOPELESS, Settling, seconds_behind, what_settles
from ..core.markup import markdown
from ..core.progress import duration
from ..core.record_book import RecordBook
from ..core.records import Record
from ..core.workspace import Workspace
from ..runner.freshness import Execution, last_execution
from ..views.trial import time_spent
from .pages import Chapter, figure_html, machines

RULE = (
    "A claim has its verdict when the whole interval around our value lies on one side of its threshold. An interval's "
    "half-width shrinks with the square root of its independent units: seeds, test examples, sentence pairs. A value at "
    "distance $d$ from the threshold, with a half-width $w$ on that side, needs $(w / d)^2$ times the units; for a "
    "handful of seeds Student's quantile is used. If our estimate is the truth, this number of units gives a verdict "
    f"with 50% power, twice the number with about 80%. A claim that needs more than {HOPELESS:,} times the units is "
    "undecidable at its threshold."
)
IN_MINIATURE = (
    "No number of seeds turns a verdict in miniature into one on the paper's own claim: that takes the paper's models "
    "and tasks, in the edition “paper”."
)
#: The state of a chapter without a recorded execution.
UNKNOWN = {"executed": "executed, time unknown", "failed": "stopped with an error", "missing": "not executed"}


@dataclass(frozen=True)
class Spent:
    """Time spent on a chapter.

    Attributes:
        last: its last execution; None if the runner recorded none.
        training: seconds of training and measuring behind its current records.
    """

    chapter: Chapter
    last: Execution | None
    training: float

    @property
    def took(self) -> float:
        """Seconds of the longest successful execution, which did the work, or of the last failed one."""
        return (self.last.longest or self.last.seconds) if self.last else 0.0

    @property
    def core_seconds(self) -> float:
        """Seconds times cores."""
        return self.took * self.last.cores if self.last else 0.0

    @property
    def over_several(self) -> bool:
        """Whether the runs took longer than any single execution: some finished in an earlier one."""
        return self.training > self.took

    @property
    def again(self) -> bool:
        """Whether the last execution was shorter than the one that did the work."""
        return self.last is not None and self.took - self.last.seconds > max(0.05 * self.took, 1.0)

    @property
    def rest(self) -> float:
        """Seconds neither of training nor of measuring."""
        return max(self.took - self.training, 0.0)


def budget_page(workspace: Workspace, chapters: Sequence[Chapter]) -> str:
    """Return the page as MyST Markdown."""
    records = RecordBook(workspace.records, workspace.edition).current()
    rows = [spent(chapter, workspace, records) for chapter in chapters]
    settlings = [what_settles(claim, records, workspace.root) for claim in CLAIMS]
    parts = [
        "---\nhtml_theme.sidebar_secondary.remove: true\n---",  # the tables take its room
        "# The budget",
        "Time spent on this edition by chapter, and what would settle its open claims, computed from records and "
        "executions whenever the site is rendered.",
        "## Time spent",
        *spending(rows, records),
        "## What would settle the claims",
        *outlook(settlings),
    ]
    return "\n\n".join(parts) + "\n"


def spent(chapter: Chapter, workspace: Workspace, records: Iterable[Record]) -> Spent:
    """Return the time spent on ``chapter``."""
    own = [record for record in records if record.chapter == chapter.id]
    return Spent(chapter, last_execution(chapter.id, workspace), seconds_behind(own) or 0.0)


def spending(rows: Sequence[Spent], records: Sequence[Record]) -> list[str]:
    """Return the blocks on the time spent: a sentence, the figure, the table, and its legend."""
    known = [row for row in rows if row.last]
    if not known:
        return ["No execution of a chapter is recorded in this edition's folder."]
    drawn = [{"label": row.chapter.title, "training": row.training, "rest": row.rest} for row in known]
    figure = json.loads(time_spent(drawn).to_json())
    return [
        _together(known, records),
        f'```{{raw}} html\n<div class="budget-figure">\n{figure_html(figure, "figure-budget")}\n</div>\n```',
        markdown_table(spending_rows(rows), words=("chapter",)),
        *_how_to_read(known),
    ]


def _together(known: Sequence[Spent], records: Sequence[Record]) -> str:
    took, training = sum(row.took for row in known), sum(min(row.training, row.took) for row in known)
    days = _days(known)
    when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    where = markdown(" and on ".join(machines(records))) or "an unknown machine"
    return (
        f"The chapters took {duration(took)} together, {training / took:.0%} of it training and measuring. They were "
        f"last executed {when}, on {where}. Chapters that leave each other room ran side by side, so this is work, not "
        "the time that passed."
    )


def spending_rows(rows: Sequence[Spent]) -> list[dict[str, str]]:
    """Return a row for each chapter and one for all of them."""
    known = [row for row in rows if row.last]
    cores, with_day = sum(row.core_seconds for row in known), len(_days(known)) > 1
    together = {
        "chapter": "together",
        "took": duration(sum(row.took for row in known)),
        "share of core time": "100%",
        "training and measuring": duration(sum(row.training for row in known)),
        "the rest": duration(sum(row.rest for row in known)),
    }
    return [
        *(
            {"chapter": f"[{row.chapter.title}]({row.chapter.id}.ipynb)"}
            | (_row(row, row.last, cores, with_day) if row.last else {"finished (UTC)": UNKNOWN[row.chapter.state]})
            for row in rows
        ),
        {name: f"**{text}**" for name, text in together.items()},
    ]


def _row(row: Spent, last: Execution, cores: float, with_day: bool) -> dict[str, str]:
    stopped = ", with an error" if last.status == "failed" else ""
    return {
        "took": duration(row.took),
        "last time": duration(last.seconds) if row.again else "",
        "cores": str(last.cores),
        "share of core time": f"{row.core_seconds / cores:.0%}",
        "training and measuring": duration(row.training) if row.training else "",
        "the rest": "" if row.over_several else duration(row.rest),
        "finished (UTC)": _moment(last)[0 if with_day else 11 :] + stopped,
    }


def _moment(last: Execution) -> str:
    return f"{datetime.fromisoformat(last.finished).astimezone(UTC):%Y-%m-%d %H:%M}"


def _days(rows: Sequence[Spent]) -> list[str]:
    return sorted({_moment(row.last)[:10] for row in rows if row.last})


def _how_to_read(known: Sequence[Spent]) -> list[str]:
    repeated = any(row.again for row in known)
    again = " *Last time* is the last execution, where it only found finished runs." if repeated else ""
    blocks = [
        f"*Took* is a chapter's longest execution in this edition.{again} *Training and measuring* is the time "
        "of its current records, each run counted once; *the rest* is start-up, reading, tables and figures. *Share of core "
        "time* weighs seconds with a chapter's cores."
    ]
    if spread := [row.chapter.title for row in known if row.over_several]:
        blocks.append(f"Training longer than any single execution was spread over several: {', '.join(spread)}.")
    return blocks


def outlook(settlings: Sequence[Settling]) -> list[str]:
    """Return the blocks on the evidence each claim needs: the rule, the table, and a remark on miniature verdicts."""
    blocks = [
        RULE,
        markdown_table([outlook_row(one) for one in settlings], words=("claim", "verdict", "what would settle it")),
        "Times are of training and measuring alone: of the present runs, and of all runs that a verdict would need, on "
        "the same machine.",
    ]
    if any(one.judgement.in_miniature for one in settlings):
        blocks.append(IN_MINIATURE)
    return blocks


def outlook_row(one: Settling) -> dict[str, str]:
    """Return a claim's row: its verdict, the evidence that would settle it, and the time of both."""
    judgement, missing = one.judgement, one.need.missing
    run = f": a run of chapter {chapter_of(missing)}" if missing else ""
    return {
        "claim": markdown(judgement.claim.title),
        "verdict": judgement.verdict + (" (in miniature)" if judgement.in_miniature else ""),
        "what would settle it": markdown(one.need.text + run),
        "took so far": duration(one.seconds) if one.seconds and judgement.seeds else "",
        "would take": "" if one.settled else duration(one.cost) if one.cost else "unknown",
    }


def markdown_table(rows: Sequence[dict[str, str]], words: Collection[str]) -> str:
    """Return ``rows``, of Markdown, as a table without its empty columns; the columns ``words`` are left-aligned."""
    columns = [name for name in max(rows, key=len) if any(row.get(name) for row in rows)]
    rule = ["---" if name in words else "---:" for name in columns]
    lines = [columns, rule, *([row.get(name, "") for name in columns] for row in rows)]
    text = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return f":::{{container}} budget\n{text}\n:::"
