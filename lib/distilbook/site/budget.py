"""The page on the budget: what an edition took chapter by chapter, and what more would settle."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ..claims import CLAIMS, judge
from ..claims.requirements import HOPELESS, Settling, in_miniature, seconds_behind, what_settles
from ..core.markup import markdown
from ..core.progress import duration
from ..core.records import Record, RecordBook
from ..core.workspace import Workspace
from ..runner.freshness import Execution, last_execution
from ..views.trial import time_spent
from .pages import Chapter, figure_html, machines

#: Executions whose times differ by less than this share are not told apart.
ALIKE = 0.05

RULE = (
    "A claim has its verdict when the whole interval around our value lies on one side of the bound from which the "
    "claim holds. An interval's half-width shrinks with the root of the number of independent units behind it: "
    "seeds, test examples, sentence pairs. A value at distance $d$ from where a verdict begins, with a half-width "
    "$w$ on that side, takes $(w / d)^2$ times as many units; for a handful of seeds Student's quantile is used. If "
    "what was found here is the truth, so many units give a verdict about every second time, twice as many about "
    f"four times out of five. Where more than {HOPELESS:,} times as many would be needed, the claim is said to lie "
    "at its bound."
)


@dataclass(frozen=True)
class Spent:
    """What a chapter took.

    Attributes:
        last: its last execution; None where the runner has noted none.
        training: seconds of training and measuring behind its current records.
    """

    chapter: Chapter
    last: Execution | None
    training: float

    @property
    def took(self) -> float:
        """Seconds of the execution that did the work: the longest that succeeded, or the last that failed."""
        return (self.last.longest or self.last.seconds) if self.last else 0.0

    @property
    def core_seconds(self) -> float:
        """Seconds times cores."""
        return self.took * self.last.cores if self.last else 0.0

    @property
    def over_several(self) -> bool:
        """Whether the runs took longer than any one execution: some were finished in an earlier one."""
        return self.training > self.took

    @property
    def again(self) -> bool:
        """Whether its last execution was another than the one that did the work."""
        return self.last is not None and self.took - self.last.seconds > max(ALIKE * self.took, 1.0)

    @property
    def rest(self) -> float:
        """Seconds that were neither training nor measuring."""
        return max(self.took - self.training, 0.0)


def budget_page(workspace: Workspace, chapters: Sequence[Chapter]) -> str:
    """Return the page as MyST Markdown."""
    records = RecordBook(workspace.records, workspace.edition).current()
    rows = [spent(chapter, workspace, records) for chapter in chapters]
    judged = [judge(claim, records, workspace.root) for claim in CLAIMS]
    settlings = [what_settles(judgement, records, workspace.root) for judgement in judged]
    parts = [
        "---\nhtml_theme.sidebar_secondary.remove: true\n---",  # the tables take its room
        "# The budget",
        "What this edition took, chapter by chapter, and what a larger budget of the same kind would settle. Both are "
        "computed from the edition's records and executions whenever the site is rendered.",
        "## What was spent",
        *spending(rows, records),
        "## What a larger budget would settle",
        *outlook(settlings),
    ]
    return "\n\n".join(parts) + "\n"


def spent(chapter: Chapter, workspace: Workspace, records: Iterable[Record]) -> Spent:
    """Return what ``chapter`` took."""
    own = [record for record in records if record.chapter == chapter.id]
    return Spent(chapter, last_execution(chapter.id, workspace), seconds_behind(own) or 0.0)


def spending(rows: Sequence[Spent], records: Sequence[Record]) -> list[str]:
    """Return the blocks on what was spent: a sentence, the figure, the table, and how to read it."""
    known = [row for row in rows if row.last]
    if not known:
        return ["No execution of a chapter is noted in this edition's folder, so it is not known what they took."]
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
    where = markdown(" and on ".join(machines(records))) or "a machine that no record names"
    return (
        f"The chapters took {duration(took)} together, {training / took:.0%} of it training and measuring. They were "
        f"last executed {when}, on {where}. Chapters that leave each other room ran side by side, so this is work, not "
        "the time that passed."
    )


def spending_rows(rows: Sequence[Spent]) -> list[dict[str, str]]:
    """Return the table: a row a chapter, and one for all of them together."""
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
            | (_row(row, cores, with_day) if row.last else _unknown(row))
            for row in rows
        ),
        {name: f"**{text}**" for name, text in together.items()},
    ]


def _row(row: Spent, cores: float, with_day: bool) -> dict[str, str]:
    stopped = ", with an error" if row.last.status == "failed" else ""
    return {
        "took": duration(row.took),
        "last time": duration(row.last.seconds) if row.again else "",
        "cores": str(row.last.cores),
        "share of core time": f"{row.core_seconds / cores:.0%}",
        "training and measuring": duration(row.training) if row.training else "",
        "the rest": "" if row.over_several else duration(row.rest),
        "finished (UTC)": _moment(row)[0 if with_day else 11 :] + stopped,
    }


def _unknown(row: Spent) -> dict[str, str]:
    said = {"executed": "executed, time not known", "failed": "stopped with an error", "missing": "not executed"}
    return {"finished (UTC)": said[row.chapter.state]}


def _moment(row: Spent) -> str:
    return f"{datetime.fromisoformat(row.last.finished).astimezone(UTC):%Y-%m-%d %H:%M}"


def _days(known: Sequence[Spent]) -> list[str]:
    return sorted({_moment(row)[:10] for row in known})


def _how_to_read(known: Sequence[Spent]) -> list[str]:
    again = (
        " Where its last execution was another, *last time* says what that took: it found the training runs finished."
    )
    blocks = [
        "*Took* is the longest execution of a chapter in this edition, the one that did the work."
        + (again if any(row.again for row in known) else "")
        + " *Training and measuring* is what its current records account for, each run counted once; *the rest* is "
        "starting up, reading text, tables and figures. *Share of core time* weighs seconds with the cores a chapter "
        "had."
    ]
    if spread := [row.chapter.title for row in known if row.over_several]:
        blocks.append(
            f"Training longer than any one execution of its chapter was spread over several: {', '.join(spread)}."
        )
    return blocks


def outlook(settlings: Sequence[Settling]) -> list[str]:
    """Return the blocks on what a larger budget would settle: the rule, a table, the sentences behind it."""
    blocks = [
        RULE,
        markdown_table(
            [{name: markdown(text) for name, text in outlook_row(one).items()} for one in settlings],
            words=("claim", "verdict", "what stands in the way", "what would settle it"),
        ),
        "Times are of training and measuring alone: what the present evidence took, and what the evidence for a "
        "verdict would take on the same machine. In words:",
        "\n".join(f"- **{markdown(one.judgement.claim.title)}.** {markdown(one.sentence)}" for one in settlings),
    ]
    if remark := in_miniature(settlings):
        blocks.append(markdown(remark))
    return blocks


def outlook_row(one: Settling) -> dict[str, str]:
    """Return a claim's row: its verdict, what stands in the way, what would settle it, what that takes."""
    need, judgement = one.need, one.judgement
    would = duration(one.cost) if one.cost else "cannot be told"
    return {
        "claim": judgement.claim.title,
        "verdict": judgement.verdict + (" (in miniature)" if judgement.in_miniature else ""),
        "what stands in the way": need.in_the_way,
        "what would settle it": f"settled: {need.takes}" if one.settled else need.takes,
        "took so far": duration(one.seconds) if one.seconds and judgement.seeds else "",
        "would take": "" if one.settled else would,
    }


def markdown_table(rows: Sequence[dict[str, str]], words: Collection[str]) -> str:
    """Return ``rows``, of Markdown, as a table without its empty columns; those of ``words`` stand to the left."""
    columns = [name for name in max(rows, key=len) if any(row.get(name) for row in rows)]
    rule = ["---" if name in words else "---:" for name in columns]
    lines = [columns, rule, *([row.get(name, "") for name in columns] for row in rows)]
    text = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return f":::{{container}} budget\n{text}\n:::"
