"""Retention: the student's share of the teacher's score and of its lead over baselines, and the gap on documents."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ..core.quantities import POINTS, SHARE, Unit, figure, listed, quantity
from ..core.records import DOCUMENTS, SENTENCES, Record
from ..stats import Comparison, compare
from ..stats.intervals import Interval
from .finding import Finding, Missing, Obstacle
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
#: Names of the models, and of the baselines of the teacher's lead, in sentences.
CALLED = {"teacher": "the teacher", "full": "the student"}
BASELINES = {"majority": "the majority class", "tfidf": "TF-IDF"}
#: The paper's task of whole documents: if it is among others, the gap is judged on it alone.
LONG_TASK = "IMDb"
#: The kind of texts of each kind of claim.
TEXTS = {"retention": SENTENCES, "gap": DOCUMENTS}


@dataclass(frozen=True)
class Pair:
    """Teacher and student of the full recipe on the tasks on which both have a score.

    Attributes:
        runs: runs of all models on these tasks.
        folder: base of the predictions files' paths.
        lacking: tasks on which at most one of the two has a score.
    """

    runs: ByTask
    folder: Path | None
    lacking: tuple[str, ...] = ()

    @cached_property
    def comparison(self) -> Comparison | None:
        """Both and the baselines, resampled; None without the predictions of teacher and student."""
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
        """Share of the teacher's lead over each baseline that the student keeps.

        None if the lead is not significant: a share of nothing has no meaning.
        """
        found = self.comparison
        if found is None:
            return {}
        led = {name: found.difference("teacher", name).low > 0 for name in BASELINES if name in found.found}
        return {name: found.share_of_lead("full", "teacher", name) if there else None for name, there in led.items()}

    def obstacle(self, claim: Claim) -> Obstacle | None:
        """Return why there can be no verdict; None if there can."""
        if not self.comparison:
            return Obstacle.NO_PREDICTIONS
        if self.comparison.found["teacher"] <= 0:
            return Obstacle.NO_SCORE
        if self.seeds < claim.seeds:
            return Obstacle.TOO_FEW
        return Obstacle.NO_LEAD if self.shares.get("majority", ()) is None else None

    @property
    def basis(self) -> str:
        """Data behind the statistic, in words."""
        seeds = {model: number_of_seeds(self.runs, model) for model in PAIR}
        said = [
            f"95% interval, {examples_of(self.runs, 'teacher'):,} examples",
            f"{seeds['full']} seed{'' if seeds['full'] == '1' else 's'} of the student"
            f"{pretrainings_in_words(self.runs, 'full')} and {seeds['teacher']} of the teacher",
            training_in_words(self.runs, PAIR),
        ]
        return ", ".join(filter(None, said))

    def in_miniature(self, tasks: Iterable[str]) -> bool:
        """Return whether anything differs from the paper: its ``tasks``, whole training sets, and models."""
        kinds = dict(zip(PAIR, PAPER_PAIR, strict=True))
        used = [(kind, r) for some in self.runs.values() for model, kind in kinds.items() for r in some[model].scored]
        return not (
            set(self.runs) == set(tasks)
            and all(r.detail.get("kind") == kind for kind, r in used)
            and all(r.detail.get("train_examples", 0) >= TRAINING_SETS[r.task] for _, r in used)
        )

    @property
    def remarks(self) -> list[str]:
        """Further sentences: shares of the lead, excluded tasks and seeds."""
        said = [
            f"The student keeps {share.text(SHARE)} of the teacher's lead over {BASELINES[name]}"
            for name, share in self.shares.items()
            if share is not None
        ]
        if undefined := [BASELINES[name] for name, share in self.shares.items() if share is None]:
            over = f"The teacher's lead over {listed(undefined)}"
            said.append(f"{over} is not significant, so its retained share is undefined")
        if self.lacking:
            said.append(f"Excluded, without a score of both teacher and student: {listed(self.lacking)}")
        for task, some in self.runs.items():
            for model, called in CALLED.items():
                said += some[model].left_out(called, task)
        return said


def pair_of(claim: Claim, records: Iterable[Record], folder: Path | None) -> Pair | None:
    """Return teacher and student on the tasks of ``claim``; None without a common task."""
    every = runs_by_task(records, TEXTS[claim.kind])
    if claim.kind == "gap" and LONG_TASK in every:
        every = {LONG_TASK: every[LONG_TASK]}
    runs = with_all(every, PAIR)
    return Pair(runs, folder, tuple(task for task in every if task not in runs)) if runs else None


def retention(claim: Claim, records: list[Record], folder: Path | None) -> Finding | Missing:
    """Return the student's macro-score as a share of the teacher's."""
    pair = pair_of(claim, records, folder)
    if pair is None:
        return Missing("teacher and student on a sentence task", claim.id)
    teacher, student = (macro_score(pair.runs, model) for model in PAIR)
    unbounded = student / teacher if teacher > 0 else math.nan
    kept = pair.comparison.retention("full", "teacher") if pair.comparison else _without_bounds(unbounded, pair)
    text = f"the student keeps {kept.text(SHARE, claim.bound)} of the teacher's {subject(pair.runs)}"
    return _finding(claim, pair, kept, SHARE, text, GLUE, _of_glue(pair.runs))


def gap(claim: Claim, records: list[Record], folder: Path | None) -> Finding | Missing:
    """Return the student's score on whole documents minus the teacher's."""
    pair = pair_of(claim, records, folder)
    if pair is None:
        return Missing("teacher and student on whole documents", claim.id)
    behind = macro_score(pair.runs, "full") - macro_score(pair.runs, "teacher")
    found = pair.comparison.difference("full", "teacher") if pair.comparison else _without_bounds(behind, pair)
    text = f"the student's {subject(pair.runs)} minus the teacher's is {found.text(POINTS, claim.bound)}"
    return _finding(claim, pair, found, POINTS, text, (LONG_TASK,), [])


def _finding(
    claim: Claim, pair: Pair, found: Interval, unit: Unit, text: str, tasks: Iterable[str], remarks: list[str]
) -> Finding:
    assert claim.paper_value is not None
    return Finding(
        found,
        examples_of(pair.runs, "teacher"),
        pair.seeds,
        in_miniature=pair.in_miniature(tasks),
        text=text,
        basis=pair.basis,
        paper=figure(claim.paper_value, unit),
        unit=unit,
        obstacle=pair.obstacle(claim),
        remarks=(*remarks, *pair.remarks),
        shares={name: share for name, share in pair.shares.items() if share is not None},
    )


def _without_bounds(value: float, pair: Pair) -> Interval:
    return Interval(value, -math.inf, math.inf, examples_of(pair.runs, "teacher"), 0.95)


def _of_glue(runs: ByTask) -> list[str]:
    """Return a sentence with the paper's retention on the same tasks, if these are a part of GLUE's."""
    if not set(runs) < set(GLUE):
        return []
    teacher, student = (table_1_mean(model, runs) for model in ("BERT-base", "DistilBERT"))
    mnli = ", with BERT-base's MNLI from the original code's README" if "MNLI" in runs else ""
    share = quantity(student / teacher, SHARE, 1)
    these = f"On these {len(runs)} of GLUE's {len(GLUE)} tasks"
    return [f"{these} Table 1 has {student:.1f} / {teacher:.1f} = {share}{mnli}"]
