"""GLUE submissions: predictions on the withheld test sets, a file per test set with ``index`` and ``prediction``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..core.files import new_folder, write_text
from ..stats.predictions import kept_arrays
from ..tasks import Task
from .config import FinetuneRun
from .grid import Cell, task_of

#: File names that differ from the task's name.
FILES = {("MNLI", "test_matched"): "MNLI-m", ("MNLI", "test_mismatched"): "MNLI-mm", ("MNLI", "diagnostic"): "AX"}
#: Tasks whose classes are submitted by name, not by number.
BY_NAME = ("MNLI", "QNLI", "RTE")


def submissions(cells: Sequence[Cell], root: Path) -> list[Path]:
    """Write each model's and seed's predictions on the withheld test sets, in the layout of GLUE's server.

    Args:
        root: receives a folder for each model and seed, with a file for each test set.

    Returns:
        The folders; none where no task of the grid has a withheld test set.
    """
    folders = []
    for model in dict.fromkeys(cell.model.name for cell in cells):
        for seed in dict.fromkeys(cell.seed for cell in cells):
            own = [c for c in cells if (c.model.name, c.seed) == (model, seed) and task_of(c.task).withheld]
            if not any(cell.open().diverged is None for cell in own):
                continue
            with new_folder(root / model / f"seed{seed}") as folder:
                for cell in own:
                    _write(task_of(cell.task), cell.open(), folder)
            folders.append(root / model / f"seed{seed}")
    return folders


def _write(task: Task, run: FinetuneRun, folder: Path) -> None:
    """Write the predictions of ``run`` on the withheld test sets of ``task`` into ``folder``."""
    for split, examples in task.withheld.items() if run.diverged is None else ():
        (predicted,) = kept_arrays(run.predictions(split), ("predictions",))
        lines = [f"{id}\t{_as_text(value, task)}" for id, value in zip(examples.ids, predicted, strict=True)]
        path = folder / f"{FILES.get((task.name, split), task.name)}.tsv"
        write_text(path, "\n".join(["index\tprediction", *lines]) + "\n")


def _as_text(value: np.generic, task: Task) -> str:
    if task.is_regression:
        return f"{np.clip(value, *task.value_range):.3f}" if task.value_range else f"{value:.3f}"
    return task.classes[int(value)] if task.name in BY_NAME else str(int(value))
