"""How much of the teacher's score, and of its lead over simple models, the student keeps; and how far it is behind."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ..core.records import Record
from ..stats import Comparison, compare
from ..stats.intervals import Interval
from .finding import NO_PREDICTIONS, POINTS, SHARE, Finding, Missing, Unit, figure, listed, quantity, too_few, with_ends
from .paper import GLUE, PAPER_PAIR, TRAINING_SETS, Claim, table_1_mean
from .task_scores import (
    ByTask,
    examples_of,
    fewest_seeds,
    kept_answers,
    macro_score,
    number_of_seeds,
    pretrainings_in_words,
    runs_by_task,
    subject,
    training_in_words,
    with_all,
)

PAIR = ("teacher", "full")
#: How sentences call the models, and those from which the teacher's lead is measured.
CALLED = {"teacher": "the teacher", "full": "the student"}
BASELINES = {"majority": "the majority class", "tfidf": "TF-IDF"}
#: The paper's task of whole texts: where it is among others, the gap is judged on it alone.
LONG_TASK = "IMDb"

#: What stands in the way of a verdict when the teacher itself may know nothing of the tasks.
NO_SCORE = "the teacher's own score is not above zero"
NO_LEAD = "the teacher itself does not lead the majority class for certain, so that there is nothing to keep"


@dataclass(frozen=True)
class Pair:
    """Teacher and full recipe's student on the tasks on which both have a score.

    Attributes:
        runs: of all models on these tasks.
        folder: what their predictions files are relative to.
        lacking: the tasks on which only one of them has a score, or none.
    """

    runs: ByTask
    folder: Path | None
    lacking: tuple[str, ...] = ()

    @cached_property
    def comparison(self) -> Comparison | None:
        """Both and the baselines in resamples; None where predictions of teacher or student are not there."""
        asked = (*PAIR, *BASELINES)
        runs = {task: {name: some[name] for name in asked if name in some} for task, some in self.runs.items()}
        answers = kept_answers(runs, self.folder)
        models = [model for model in asked if all(model in some for some in answers.values())]
        return compare(answers, models) if set(PAIR) <= set(models) else None

    @property
    def seeds(self) -> int:
        return fewest_seeds(self.runs, PAIR)

    @cached_property
    def shares(self) -> dict[str, Interval | None]:
        """The share of the teacher's lead over each baseline that the student keeps.

        None where the interval of that lead reaches zero: a share of nothing has no meaning.
        """
        found = self.comparison
        led = {name: found.difference("teacher", name).low > 0 for name in BASELINES if found and name in found.found}
        return {name: found.share_of_lead("full", "teacher", name) if there else None for name, there in led.items()}

    def obstacle(self, claim: Claim) -> str | None:
        """Return why there can be no verdict; None when there can."""
        if not self.comparison:
            return NO_PREDICTIONS
        if self.comparison.found["teacher"] <= 0:
            return NO_SCORE
        without_lead = "majority" in self.shares and self.shares["majority"] is None
        return too_few(self.seeds, claim.seeds, "seed") or (NO_LEAD if without_lead else None)

    @property
    def basis(self) -> str:
        """On what a value rests, in words."""
        seeds = {model: number_of_seeds(self.runs, model) for model in PAIR}
        said = [
            f"95% interval, {examples_of(self.runs, 'teacher'):,} examples",
            f"{seeds['full']} seed{'' if seeds['full'] == '1' else 's'} of the student"
            f"{pretrainings_in_words(self.runs, 'full')} and {seeds['teacher']} of the teacher",
            training_in_words(self.runs, PAIR),
        ]
        return ", ".join(filter(None, said))

    def in_miniature(self, tasks: Iterable[str]) -> bool:
        """Whether this is another thing than the paper tried: all of ``tasks``, whole training sets, its models."""
        kinds = dict(zip(PAIR, PAPER_PAIR, strict=True))
        used = [(kind, r) for some in self.runs.values() for model, kind in kinds.items() for r in some[model].scored]
        return not (
            set(self.runs) == set(tasks)
            and all(r.detail.get("kind") == kind for kind, r in used)
            and all(r.detail.get("train_examples", 0) >= TRAINING_SETS[r.task] for _, r in used)
        )

    @property
    def beside(self) -> list[str]:
        """What else is said: the shares of the lead, and which seeds are not counted."""
        said = [_share_in_words(name, share) for name, share in self.shares.items()]
        if self.lacking:
            said.append(f"Left out, since teacher and student do not both have a score: {listed(self.lacking)}")
        for task, some in self.runs.items():
            for model, called in CALLED.items():
                said += some[model].left_out(called, task)
        return said


def pair_of(claim: Claim, records: Iterable[Record], folder: Path | None) -> Pair | None:
    """Return teacher and student on the tasks that try ``claim``; None where they have none in common."""
    every = runs_by_task(records, claim.chapter)
    if claim.kind == "gap" and LONG_TASK in every:
        every = {LONG_TASK: every[LONG_TASK]}
    runs = with_all(every, PAIR)
    return Pair(runs, folder, tuple(task for task in every if task not in runs)) if runs else None


def retention(claim: Claim, records: list[Record], folder: Path | None) -> Finding | Missing:
    """Return the share of the teacher's score that the student keeps, over all tasks that both were scored on."""
    pair = pair_of(claim, records, folder)
    if pair is None:
        return Missing("teacher and student on a sentence task", claim.chapter)
    teacher, student = (macro_score(pair.runs, model) for model in PAIR)
    unbounded = student / teacher if teacher > 0 else math.nan
    kept = pair.comparison.retention("full", "teacher") if pair.comparison else _without_bounds(unbounded, pair)
    ours = with_ends(kept.value, kept.low, kept.high, claim.bound, SHARE)
    text = f"the student keeps {ours} of the teacher's {subject(pair.runs)}"
    return _finding(claim, pair, kept, SHARE, text, GLUE, _of_glue(pair.runs))


def gap(claim: Claim, records: list[Record], folder: Path | None) -> Finding | Missing:
    """Return by how much the student's score exceeds the teacher's on long texts, below zero where it is behind."""
    pair = pair_of(claim, records, folder)
    if pair is None:
        return Missing("teacher and student on whole texts", claim.chapter)
    behind = macro_score(pair.runs, "full") - macro_score(pair.runs, "teacher")
    found = pair.comparison.difference("full", "teacher") if pair.comparison else _without_bounds(behind, pair)
    ours = with_ends(found.value, found.low, found.high, claim.bound, POINTS)
    text = f"the student's {subject(pair.runs)} less the teacher's is {ours}"
    return _finding(claim, pair, found, POINTS, text, (LONG_TASK,), [])


def _finding(
    claim: Claim, pair: Pair, found: Interval, unit: Unit, text: str, tasks: Iterable[str], beside: list[str]
) -> Finding:
    return Finding(
        found.value,
        found.low,
        found.high,
        examples_of(pair.runs, "teacher"),
        pair.seeds,
        in_miniature=pair.in_miniature(tasks),
        text=text,
        basis=pair.basis,
        paper=figure(claim.paper_value, unit),
        unit=unit,
        obstacle=pair.obstacle(claim),
        beside=(*beside, *pair.beside),
        shares={name: share for name, share in pair.shares.items() if share is not None},
    )


def _without_bounds(value: float, pair: Pair) -> Interval:
    return Interval(value, -math.inf, math.inf, examples_of(pair.runs, "teacher"), 0.95)


def _of_glue(runs: ByTask) -> list[str]:
    """Say what Table 1 gives on the same tasks, where these are some of GLUE's."""
    if not set(runs) < set(GLUE):
        return []
    teacher, student = (table_1_mean(model, runs) for model in ("BERT-base", "DistilBERT"))
    which = f"Of GLUE's {len(GLUE)} tasks these are {len(runs)}"
    mnli = ", with BERT-base's MNLI as in the original code's README" if "MNLI" in runs else ""
    share = quantity(student / teacher, SHARE, 1)
    return [f"{which}, on which Table 1 has {student:.1f} of {teacher:.1f}, or {share}{mnli}"]


def _share_in_words(baseline: str, share: Interval | None) -> str:
    name = BASELINES[baseline]
    if share is None:
        return f"That the teacher itself leads {name} is not settled, so no share of that lead can be stated"
    ours = with_ends(share.value, share.low, share.high, 0.0, SHARE)
    return f"Of the teacher's lead over {name} the student keeps {ours}"
