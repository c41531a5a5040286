"""What an arm's students score on tasks against the full recipe's, as the paper's Table 4 has it, with intervals."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..answers import Comparison, compare_in_common
from ..records import Record
from ..statistics import Interval
from .paper import TABLE_4
from .scored import ByTask, examples_of, fewest_pretrainings, fewest_seeds, kept_answers, macro_score, runs_by_task, with_all

#: A recipe is judged by so many students, as the claims on the arms are.
ENOUGH = 2
NO_STUDENTS = ("teacher", "tfidf", "majority")


@dataclass(frozen=True)
class ArmChange:
    """The change of the macro-score when the student was pre-trained as the arm says, not by the full recipe.

    Attributes:
        arm: the recipe's name.
        change: the arm's macro-score less the full recipe's on the same tasks, as a share, with its interval over
            examples and seeds; without bounds where predictions are not on this machine.
        tasks: on which both have a score.
        seeds: counted, of the model and task that have fewest.
        paper: the change that Table 4 prints for the GLUE score, as a share; None where it has no such arm.
        left_out: which seeds are not counted, in words.
        pretrainings: how many students of the recipe there are, of the one that has fewest; fine-tuning one of them
            several times says nothing of the next.
    """

    arm: str
    change: Interval
    tasks: tuple[str, ...]
    seeds: int
    paper: float | None
    left_out: tuple[str, ...]
    pretrainings: int

    @property
    def side(self) -> Literal["better", "worse", "not settled"]:
        """Which of the two is better beyond the interval; one student of each does not settle that for a recipe."""
        if self.pretrainings < ENOUGH:
            return "not settled"
        if self.change.low > 0:
            return "better"
        return "worse" if self.change.high < 0 else "not settled"

    @property
    def resolution(self) -> float:
        """Half of the interval's width: from about there on a change that was found would have been called one.

        A true difference of that size is found about every second time. Infinite where there are no bounds.
        """
        return (self.change.high - self.change.low) / 2 if math.isfinite(self.change.high) else math.inf


def arm_changes(
    records: Iterable[Record], folder: Path | None = None, chapter: str = "08_sentence_tasks"
) -> list[ArmChange]:
    """Return the change for every arm whose students were tried on a task of ``chapter``, in the order recorded.

    Args:
        folder: what the records' predictions files are relative to; None is their edition's folder.

    Raises:
        BookError: when a predictions file is not the one its record was made from, or examples differ.
    """
    runs = runs_by_task(records, chapter)
    students = {model: None for some in runs.values() for model in some if model not in NO_STUDENTS}
    runs = {task: {m: one for m, one in some.items() if m in students} for task, some in runs.items()}
    questions = [(arm, "full") for arm in students if arm != "full" and with_all(runs, (arm, "full"))]
    found = compare_in_common(kept_answers(runs, folder), questions)
    return [_change(question, with_all(runs, question), found.get(question)) for question in questions]


def _change(question: tuple[str, str], runs: ByTask, comparison: Comparison | None) -> ArmChange:
    arm, full = question
    if comparison is None or set(comparison.tasks) != set(runs):  # some predictions are not there
        value = macro_score(runs, arm) - macro_score(runs, full)
        change = Interval(value, -math.inf, math.inf, examples_of(runs, full), 0.95)
    else:
        change = comparison.difference(arm, full)
    left_out = [
        said
        for task, some in runs.items()
        for model, called in ((arm, f"the arm {arm!r}"), (full, "the full recipe"))
        for said in some[model].left_out(called, task)
    ]
    paper = TABLE_4.get(arm)
    return ArmChange(
        arm,
        change,
        tuple(runs),
        fewest_seeds(runs, question),
        None if paper is None else paper / 100,
        tuple(left_out),
        fewest_pretrainings(runs, question),
    )
