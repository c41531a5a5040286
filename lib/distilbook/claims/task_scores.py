"""What models scored on tasks: records of runs, the answers these have kept, and what came to nothing.

Models are known by their names in figures: ``teacher``, ``tfidf``, ``majority``, and a student by its recipe, such as
``full``. Of a task's metrics and splits only the official metric on the main split is looked at.

What an arm's students score on tasks against the full recipe's, as the paper's Table 4 has it, with intervals.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from statistics import mean, median
from typing import Literal

from ..core.config import BookError
from ..core.files import sha256
from ..core.records import Record
from ..core.workspace import Workspace
from ..stats import Answers, Comparison, compare_in_common
from ..stats.intervals import Interval
from ..stats.metrics import METRIC_LABELS
from ..stats.predictions import SeedId
from .finding import counted, listed
from .paper import TABLE_4

#: What the record of a run is called whose loss was no finite number, so that it has no answers.
DIVERGED = "diverged_at_step"


@dataclass(frozen=True)
class Runs:
    """The runs of one model on one task that have a score, by seed, and how many diverged without one."""

    scored: tuple[Record, ...]
    diverged: int

    @property
    def counted(self) -> list[Record]:
        """The runs that a median is taken over: those that do not say the same of every example, or all if all do."""
        return [r for r in self.scored if not r.detail.get("constant")] or list(self.scored)

    @property
    def score(self) -> float:
        """The median over the counted runs."""
        return median(r.value for r in self.counted)

    def left_out(self, model: str, task: str) -> list[str]:
        """Say which runs are not counted; nothing where all are.

        Args:
            model: how a sentence calls the model, such as ``the student``.
        """
        every, alike = len(self.scored) + self.diverged, len([r for r in self.scored if r.detail.get("constant")])
        said = []
        if alike == len(self.scored):
            said.append(f"No seed of {model} on {task} told examples apart, so what is counted says the same of all")
        elif alike:
            is_left_out = "is left out" if alike == 1 else "are left out"
            which = f"{alike} of {counted(every, 'seed')} of {model} on {task}"
            said.append(f"{which} said the same of every example and {is_left_out}")
        if self.diverged:
            said.append(f"{self.diverged} of {counted(every, 'seed')} of {model} on {task} diverged")
        return said


ByTask = Mapping[str, Mapping[str, Runs]]


def runs_by_task(records: Iterable[Record], chapter: str) -> dict[str, dict[str, Runs]]:
    """Return the runs that ``chapter`` recorded, by task and model."""
    own = [r for r in records if r.chapter == chapter]
    scored = [r for r in own if r.detail.get("main") and r.detail.get("main_split")]
    diverged = [(r.task, model_name(r)) for r in own if r.metric == DIVERGED]
    found: dict[str, dict[str, dict[SeedId, Record]]] = {}
    for r in sorted(scored, key=lambda r: (r.seed is not None, r.seed)):
        found.setdefault(r.task, {}).setdefault(model_name(r), {})[seed_of(r)] = r
    return {
        task: {model: Runs(tuple(runs.values()), diverged.count((task, model))) for model, runs in models.items()}
        for task, models in found.items()
    }


def model_name(record: Record) -> str:
    """Return the name by which figures know the record's model: a student's is its recipe."""
    return record.recipe if record.model == "student" else record.model


def with_all(runs: ByTask, models: Iterable[str]) -> dict[str, Mapping[str, Runs]]:
    """Return the tasks on which all of ``models`` have a score."""
    return {task: some for task, some in runs.items() if all(model in some for model in models)}


def kept_answers(runs: ByTask, folder: Path | None) -> dict[str, dict[str, Answers]]:
    """Return the answers behind the runs, by task and model.

    Left out is a model on a task where one of its runs has no predictions file on this machine.

    Args:
        folder: what the predictions files are relative to; None is the records' edition's folder.

    Raises:
        BookError: when a file is not the one its record was made from, or two seeds have different examples.
    """
    found: dict[str, dict[str, Answers]] = {}
    for task, models in runs.items():
        found[task] = {}
        for model, some in models.items():
            files = {seed_of(record): predictions_path(record, folder) for record in some.scored}
            if all(path and path.is_file() for path in files.values()):
                contents = tuple(map(check_predictions, files.values(), some.scored))
                found[task][model] = _read(tuple(files.items()), contents, some.scored[0].metric)
    return found


@lru_cache(maxsize=128)
def _read(files: tuple[tuple[SeedId, Path], ...], contents: tuple[str, ...], metric: str) -> Answers:
    """Return the answers in ``files``; while these hold the same ``contents``, the same object, resampled only once."""
    return Answers.read(dict(files), metric)


def seed_of(record: Record) -> SeedId:
    """Return what the run behind ``record`` is known by beside its model and task: its seed, and its student's."""
    return tuple(-1 if seed is None else seed for seed in (record.seed, record.pretraining_seed))


def check_predictions(path: Path, record: Record) -> str:
    """Return the SHA-256 of the file at ``path``.

    Raises:
        BookError: when it is not the file that ``record`` was made from.
    """
    found = sha256(path)
    if record.predictions_hash and found != record.predictions_hash:
        raise BookError(
            "a predictions file is not the one its record was made from",
            where=path,
            expected=f"SHA-256 {record.predictions_hash}",
            do=f"run chapter {record.chapter} again",
        )
    return found


def predictions_path(record: Record, folder: Path | None) -> Path | None:
    """Return where the predictions behind ``record`` lie, in ``folder`` or its edition's; None where it has none."""
    return record.predictions and (folder or Workspace(record.edition).root) / record.predictions


def macro_score(runs: ByTask, model: str) -> float:
    """Return the mean over tasks of the median over seeds of ``model``, from its records alone."""
    return mean(some[model].score for some in runs.values())


def examples_of(runs: ByTask, model: str) -> int:
    """Return how many examples of all tasks together ``model`` was scored on."""
    return sum(some[model].scored[0].n for some in runs.values())


def fewest_seeds(runs: ByTask, models: Iterable[str]) -> int:
    """Return how many seeds are counted of the model and task that have fewest."""
    return min(len(some[model].counted) for some in runs.values() for model in models)


def fewest_pretrainings(runs: ByTask, models: Iterable[str]) -> int:
    """Return from how many pre-trainings the counted seeds come, of the model and task that have fewest."""
    return min(len({r.pretraining_seed for r in some[model].counted}) for some in runs.values() for model in models)


def subject(runs: ByTask) -> str:
    """Return what was scored, in words: a metric on a task, or the macro-score over several."""
    if len(runs) == 1:
        ((task, models),) = runs.items()
        return f"{METRIC_LABELS[next(iter(models.values())).scored[0].metric]} on {task}"
    return f"macro-score over {listed(list(runs))}"


def number_of_seeds(runs: ByTask, model: str) -> str:
    """Return how many seeds of ``model`` are counted: "5", or "3 to 5" where tasks differ."""
    numbers = sorted({len(some[model].counted) for some in runs.values()})
    return " to ".join(map(str, {numbers[0]: None, numbers[-1]: None}))


def pretrainings_in_words(runs: ByTask, model: str) -> str:
    """Return from how many pre-trainings the student ``model`` comes, where these are fewer than its seeds; else ""."""
    behind = [{r.pretraining_seed for r in some[model].scored} - {None} for some in runs.values()]
    most = max(behind, key=len)
    fewer = 0 < len(most) < max(len(some[model].scored) for some in runs.values())
    return f" from {counted(len(most), 'pre-training')}" if fewer else ""


def training_in_words(runs: ByTask, models: Sequence[str]) -> str:
    """Return on how many examples ``models`` were fine-tuned; "" where records do not tell."""
    numbers = [r.detail.get("train_examples") for some in runs.values() for m in models for r in some[m].scored]
    if None in numbers:
        return ""
    fewest, most = min(numbers), max(numbers)
    if most == 0:
        return "with heads of their own"
    return f"fine-tuned on {'' if fewest == most else f'{fewest:,} to '}{counted(most, 'example')}" + (
        "" if len(runs) == 1 else " a task"
    )


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
