"""Results of a grid: predictions by task and model, and the records of every run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..core.records import SENTENCES, Record, kept_predictions
from ..core.run_keys import code_hash
from ..core.workspace import Workspace
from ..models.folder import model_kind
from ..stats import Answers
from ..stats.metrics import METRICS
from ..stats.predictions import SeedId, kept_arrays
from .config import BASELINES, FinetuneRun
from .grid import Cell, task_of

#: The parts of metrics that are means of two; they are recorded, too.
COMPONENTS = {"f1_and_accuracy": ("f1", "accuracy"), "pearson_and_spearman": ("pearson", "spearman")}


def answers_of(cells: Sequence[Cell]) -> dict[str, dict[str, Answers]]:
    """Return every model's predictions on each task's main split, over its seeds, by task and model.

    Runs that diverged have none; a model all of whose runs diverged is excluded.
    """
    found: dict[str, dict[str, Answers]] = {}
    for (task, model), some in _together(cells).items():
        loaded = task_of(some[0].task)
        split = next(iter(loaded.evaluation))
        files: dict[SeedId, Path] = {
            cell.seed: run.predictions(split) for cell in some if (run := cell.open()).diverged is None
        }
        if files:
            found.setdefault(task, {})[model] = Answers.read(files, loaded.metric)
    return found


def runs_of(cells: Sequence[Cell], task: str) -> dict[str, list[FinetuneRun]]:
    """Return the finished runs on ``task`` by model."""
    return {model: [c.open() for c in some] for (name, model), some in _together(cells).items() if name == task}


def _together(cells: Sequence[Cell]) -> dict[tuple[str, str], list[Cell]]:
    """Return the cells by task and model."""
    groups: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        groups.setdefault((cell.task.name, cell.model.name), []).append(cell)
    return groups


def finetuning_records(
    chapter: str, edition: str, cells: Sequence[Cell], cut_to: int | None = None, texts: str = SENTENCES
) -> list[Record]:
    """Return a record per run, split and metric; for a diverged run one of the step.

    Args:
        cut_to: the length to which texts were cut for a comparison: such runs are recorded as another task, and no
            claim is judged by them.
        texts: whether the tasks are on sentences or on whole documents.
    """
    return [record for cell in cells for record in _records_of(chapter, edition, cell, cut_to, texts)]


def _records_of(chapter: str, edition: str, cell: Cell, cut_to: int | None, texts: str) -> list[Record]:
    task, run = task_of(cell.task), cell.open()
    common = _common(chapter, edition, cell, run)
    common |= {"task": f"{task.name} cut to {cut_to} word pieces"} if cut_to else {}
    if run.diverged is not None:
        found: dict[str, Any] = {"split": "train", "metric": "diverged_at_step", "value": run.diverged, "unit": "step"}
        return [Record(**common, **found, n=run.train_examples, detail={"main": False, "texts": texts})]
    records = []
    for place, (split, examples) in enumerate(task.evaluation.items()):
        path = run.predictions(split)
        labels, predicted = kept_arrays(path, ("labels", "predictions"))
        detail = {
            "main_split": place == 0 and cut_to is None,
            "texts": texts,
            "constant": bool((predicted == predicted[0]).all()),
            "train_examples": run.train_examples,
            "truncated": run.truncated.get(split, 0.0),
            "kind": model_kind(cell.model.folder) if cell.model.folder else cell.model.name,
        }
        where = kept_predictions(path, Workspace(edition))
        for metric in (task.metric, *COMPONENTS.get(task.metric, ())):
            value = METRICS[metric](labels, predicted)
            own = {"detail": {"main": metric == task.metric} | detail, "split": split, "metric": metric, "unit": "1"}
            records.append(Record(**common, **own, **where, value=value, n=len(examples)))
    return records


def _common(chapter: str, edition: str, cell: Cell, run: FinetuneRun) -> dict[str, Any]:
    """Return the fields that the records of a run have in common."""
    student = cell.model.name not in (*BASELINES, "teacher")
    return {
        "edition": edition,
        "chapter": chapter,
        "model": "student" if student else cell.model.name,
        "recipe": cell.model.name if student else None,
        "task": cell.task.name,
        "seed": run.seed,
        "pretraining_seed": cell.model.pretraining_seed,
        "fingerprint": cell.model.fingerprint,
        "seconds": run.seconds,
        "hardware": run.made_with["machine"],
        "versions": run.made_with["versions"],
        "config": cell.settings.fingerprint(),
        "code": code_hash("finetuning"),
        "data": task_of(cell.task).fingerprint,
    }
