"""Answers to GLUE's withheld test sets, as its server takes them: a file a test set, ``index`` and ``prediction``."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..core.files import write_text
from ..stats.predictions import kept_arrays
from ..tasks import Task
from .run import FinetuneRun

#: Files whose names are not the task's.
FILES = {
    ("MNLI", "test_matched"): "MNLI-m",
    ("MNLI", "test_mismatched"): "MNLI-mm",
    ("MNLI", "diagnostic"): "AX",
}
#: Tasks whose classes the server knows by name; the others' it knows by number.
BY_NAME = ("MNLI", "QNLI", "RTE")


def write_submission(task: Task, run: FinetuneRun, folder: Path) -> list[Path]:
    """Write what ``run`` answered to the withheld test sets of ``task`` into ``folder`` and return the files."""
    written = []
    for split, examples in task.withheld.items() if run.diverged is None else ():
        (predicted,) = kept_arrays(run.predictions(split), ("predictions",))
        lines = [f"{id}\t{_as_text(value, task)}" for id, value in zip(examples.ids, predicted, strict=True)]
        path = folder / f"{FILES.get((task.name, split), task.name)}.tsv"
        write_text(path, "\n".join(["index\tprediction", *lines]) + "\n")
        written.append(path)
    return written


def _as_text(value: np.generic, task: Task) -> str:
    if task.is_regression:
        return f"{np.clip(value, *task.value_range):.3f}" if task.value_range else f"{value:.3f}"
    return task.classes[int(value)] if task.name in BY_NAME else str(int(value))
