"""Task scores per model, their stored predictions, failed runs, and the change of the score by ablation (Table 4).

Models have their names of the figures: ``teacher``, ``tfidf``, ``majority``, and a student that of its recipe, such as
``full``. Only a task's official metric on its main split counts.
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
from ..core.quantities import counted, listed
from ..core.records import SENTENCES, Record
from ..core.workspace import Workspace
from ..stats import Answers, Comparison, compare_in_common
from ..stats.intervals import Interval
from ..stats.metrics import METRIC_LABELS
from ..stats.predictions import SeedId
from .paper import TABLE_4

#: Metric of the record of a diverged run, which has no predictions.
DIVERGED = "diverged_at_step"


@dataclass(frozen=True)
class Runs:
    """Runs of one model on one task: those with a score, by seed, and the number of diverged ones."""

    scored: tuple[Record, ...]
    diverged: int

    @property
    def counted(self) -> list[Record]:
        """The runs that count: those without constant predictions, or all if all have them."""
        return [r for r in self.scored if not r.detail.get("constant")] or list(self.scored)

    @property
    def score(self) -> float:
        """Median over the counted runs."""
        return median(r.value for r in self.counted)

    def left_out(self, model: str, task: str) -> list[str]:
        """Return sentences on excluded runs; ``model`` is its name there, such as ``the student``."""
        every, alike = len(self.scored) + self.diverged, len([r for r in self.scored if r.detail.get("constant")])
        said = []
        if alike == len(self.scored):
            said.append(f"All seeds of {model} on {task} have constant predictions, and are counted")
        elif alike:
            which = f"{alike} of {counted(every, 'seed')} of {model} on {task}"
            said.append(f"Excluded for constant predictions: {which}")
        if self.diverged:
            said.append(f"Diverged: {self.diverged} of {counted(every, 'seed')} of {model} on {task}")
        return said


ByTask = Mapping[str, Mapping[str, Runs]]


def runs_by_task(records: Iterable[Record], texts: str = SENTENCES) -> dict[str, dict[str, Runs]]:
    """Return the fine-tuning runs on sentences or documents, by task and model."""
    own = [r for r in records if r.texts == texts]
    scored = [r for r in own if r.detail.get("main") and r.detail.get("main_split")]
    diverged = [(r.task, model_name(r)) for r in own if r.metric == DIVERGED]
    found: dict[str, dict[str, dict[SeedId, Record]]] = {}
    for r in sorted(scored, key=lambda r: -1 if r.seed is None else r.seed):
        found.setdefault(r.task, {}).setdefault(model_name(r), {})[seed_of(r)] = r
    return {
        task: {model: Runs(tuple(runs.values()), diverged.count((task, model))) for model, runs in models.items()}
        for task, models in found.items()
    }


def model_name(record: Record) -> str:
    """Return the model's name in figures: a student's is its recipe."""
    return record.recipe or record.model if record.model == "student" else record.model


def with_all(runs: ByTask, models: Iterable[str]) -> dict[str, Mapping[str, Runs]]:
    """Return the runs on the tasks on which all of ``models`` have a score."""
    return {task: some for task, some in runs.items() if all(model in some for model in models)}


def kept_answers(runs: ByTask, folder: Path | None) -> dict[str, dict[str, Answers]]:
    """Return the runs' predictions, by task and model; a model without all predictions files on a task is excluded.

    Args:
        folder: base of the predictions files' paths; None is the folder of the records' edition.

    Raises:
        BookError: when a file is not the one its record was made from, or two seeds have different examples.
    """
    found: dict[str, dict[str, Answers]] = {}
    for task, models in runs.items():
        found[task] = {}
        for model, some in models.items():
            paths = {seed_of(record): predictions_path(record, folder) for record in some.scored}
            files = {seed: path for seed, path in paths.items() if path and path.is_file()}
            if len(files) == len(paths):
                contents = tuple(map(check_predictions, files.values(), some.scored))
                found[task][model] = _read(tuple(files.items()), contents, some.scored[0].metric)
    return found


@lru_cache(maxsize=128)
def _read(files: tuple[tuple[SeedId, Path], ...], contents: tuple[str, ...], metric: str) -> Answers:
    """Return the predictions in ``files``; cached by their hashes (``contents``), so that they are resampled once."""
    return Answers.read(dict(files), metric)


def seed_of(record: Record) -> SeedId:
    """Return the seeds that identify a run of a model on a task: of fine-tuning and of pre-training."""
    return tuple(-1 if seed is None else seed for seed in (record.seed, record.pretraining_seed))


def check_predictions(path: Path, record: Record) -> str:
    """Return the SHA-256 of the predictions file at ``path``.

    Raises:
        BookError: when ``record`` was made from another file.
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
    """Return the path of a record's predictions, in ``folder`` or its edition's; None if it has none."""
    if record.predictions is None:
        return None
    return (folder or Workspace(record.edition).root) / record.predictions


def macro_score(runs: ByTask, model: str) -> float:
    """Return the mean over tasks of the median over seeds, from the records."""
    return mean(some[model].score for some in runs.values())


def examples_of(runs: ByTask, model: str) -> int:
    """Return the number of examples of all tasks together."""
    return sum(some[model].scored[0].n for some in runs.values())


def fewest_seeds(runs: ByTask, models: Iterable[str]) -> int:
    """Return the smallest number of counted seeds of a model on a task."""
    return min(len(some[model].counted) for some in runs.values() for model in models)


def fewest_pretrainings(runs: ByTask, models: Iterable[str]) -> int:
    """Return the smallest number of pre-training seeds behind a model's counted runs on a task."""
    return min(len({r.pretraining_seed for r in some[model].counted}) for some in runs.values() for model in models)


def subject(runs: ByTask) -> str:
    """Return the score's name: a metric on a task, or the macro-score over several."""
    if len(runs) == 1:
        ((task, models),) = runs.items()
        return f"{METRIC_LABELS[next(iter(models.values())).scored[0].metric]} on {task}"
    return f"macro-score over {listed(list(runs))}"


def number_of_seeds(runs: ByTask, model: str) -> str:
    """Return the number of counted seeds: "5", or "3 to 5" if tasks differ."""
    numbers = sorted({len(some[model].counted) for some in runs.values()})
    return " to ".join(map(str, {numbers[0]: None, numbers[-1]: None}))


def pretrainings_in_words(runs: ByTask, model: str) -> str:
    """Return the number of pre-trainings behind a student, in words; "" if there is one for each seed."""
    behind = [{r.pretraining_seed for r in some[model].scored} - {None} for some in runs.values()]
    most = max(behind, key=len)
    fewer = 0 < len(most) < max(len(some[model].scored) for some in runs.values())
    return f" from {counted(len(most), 'pre-training')}" if fewer else ""


def training_in_words(runs: ByTask, models: Sequence[str]) -> str:
    """Return the number of training examples of ``models``, in words; "" if not recorded."""
    scored = [r for some in runs.values() for m in models for r in some[m].scored]
    numbers = [r.detail["train_examples"] for r in scored if r.detail.get("train_examples") is not None]
    if len(numbers) < len(scored):
        return ""
    fewest, most = min(numbers), max(numbers)
    if most == 0:
        return "with heads of their own"
    return f"fine-tuned on {'' if fewest == most else f'{fewest:,} to '}{counted(most, 'example')}" + (
        "" if len(runs) == 1 else " a task"
    )


@dataclass(frozen=True)
class ArmChange:
    """Change of the macro-score by an ablation of the student's pre-training.

    Attributes:
        arm: the recipe's name.
        change: the ablation's macro-score minus the full recipe's on the same tasks, as a share, with its interval over
            examples and seeds; without bounds if predictions files are missing.
        tasks: the tasks on which both have a score.
        seeds: smallest number of counted seeds of a model on a task.
        paper: the change of the GLUE score in Table 4, as a share; None if it has no such ablation.
        left_out: excluded seeds, in words.
        pretrainings: smallest number of pre-trained students of a recipe.
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
        """Sign of the change if it is significant; one pre-training of each recipe settles nothing."""
        if self.pretrainings < 2:  # as in the claims on ablations
            return "not settled"
        if self.change.low > 0:
            return "better"
        return "worse" if self.change.high < 0 else "not settled"

    @property
    def resolution(self) -> float:
        """Half-width of the interval: the true change that is detected with about 50% power; infinite without bounds."""
        return (self.change.high - self.change.low) / 2 if math.isfinite(self.change.high) else math.inf


def arm_changes(records: Iterable[Record], folder: Path | None = None) -> list[ArmChange]:
    """Return the change on sentence tasks for every ablation with fine-tuned students; ``folder`` as in :func:`kept_answers`.

    Raises:
        BookError: when a predictions file is not the one its record was made from, or examples differ.
    """
    runs = runs_by_task(records)
    students = {
        model: None for some in runs.values() for model in some if model not in ("teacher", "tfidf", "majority")
    }
    runs = {task: {m: one for m, one in some.items() if m in students} for task, some in runs.items()}
    questions = [(arm, "full") for arm in students if arm != "full" and with_all(runs, (arm, "full"))]
    found = compare_in_common(kept_answers(runs, folder), questions)
    return [_change(question, with_all(runs, question), found.get(question)) for question in questions]


def _change(question: tuple[str, str], runs: ByTask, comparison: Comparison | None) -> ArmChange:
    ablation, full = question
    if comparison is None or set(comparison.tasks) != set(runs):  # predictions files are missing
        value = macro_score(runs, ablation) - macro_score(runs, full)
        change = Interval(value, -math.inf, math.inf, examples_of(runs, full), 0.95)
    else:
        change = comparison.difference(ablation, full)
    left_out = [
        said
        for task, some in runs.items()
        for model, called in ((ablation, f"the ablation {ablation!r}"), (full, "the full recipe"))
        for said in some[model].left_out(called, task)
    ]
    paper = TABLE_4.get(ablation)
    return ArmChange(
        ablation,
        change,
        tuple(runs),
        fewest_seeds(runs, question),
        None if paper is None else paper / 100,
        tuple(left_out),
        fewest_pretrainings(runs, question),
    )
