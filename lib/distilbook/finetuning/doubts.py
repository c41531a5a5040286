"""Results that no working model gives: heads whose outputs stand for other classes than their names say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from ..stats.predictions import kept_arrays
from .grid import Cell, task_of

#: Standard errors below the constant answer from which on a result is called into question.
FAR = 2.0


def doubts(cells: Sequence[Cell]) -> Iterator[str]:
    """Yield a sentence for each finished run of a model's own head that answers far worse than a constant does."""
    for cell in cells:
        if cell.settings.epochs or cell.model.folder is None or not cell.finished:
            continue
        task, run = task_of(cell.task), cell.open()
        split = next(iter(task.evaluation))
        if run.diverged is None:
            predicted, labels = kept_arrays(run.predictions(split), ["predictions", "labels"])
            values = task.is_regression
            said = reversed_values(predicted, labels) if values else exchanged(predicted, labels, task.classes)
            if said:
                yield f"{cell}: {said}"


def exchanged(predicted: np.ndarray, labels: np.ndarray, classes: Sequence[str]) -> str:
    """Say which order of a head's outputs would be right, where a constant answer is far better; else ""."""
    table = np.zeros((len(classes), len(classes)), dtype=int)  # predicted, true
    np.add.at(table, (predicted.astype(int), labels.astype(int)), 1)
    constant, number = table.sum(axis=0).max() / len(labels), len(labels)
    accuracy = np.trace(table) / number
    if accuracy >= constant - FAR * np.sqrt(constant * (1 - constant) / number):
        return ""
    outputs, meant = linear_sum_assignment(table, maximize=True)
    order = ", ".join(classes[place] for place in meant)
    return (
        f"accuracy {accuracy:.3f} is far below the {constant:.3f} of a constant answer, which no working head gives; "
        f"with its outputs taken for {order} in this order it would be {table[outputs, meant].sum() / number:.3f}: "
        "set id2label in the model's config.json to what its outputs stand for"
    )


def reversed_values(predicted: np.ndarray, labels: np.ndarray) -> str:
    """Say that a head's values fall where the labels rise; else ""."""
    if min(np.ptp(predicted), np.ptp(labels)) == 0:
        return ""
    correlation = np.corrcoef(predicted, labels)[0, 1]
    if correlation >= -FAR / np.sqrt(len(labels)):
        return ""
    return f"the values correlate with the labels at {correlation:.3f}: the head may count the other way round"
