"""What students scored on held-out text, once a seed, and how far a difference of scores hangs on that text.

All students are measured at the same masked positions, so a difference between two is one at every position. Other
text would have given another difference: what a repetition would draw anew are whole blocks, and the seeds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..answers.kept import different_examples, kept_arrays
from ..records import HELD_OUT_TEXT, Record
from ..statistics import Array, group_sums, half_width_over_groups
from .scored import check_predictions, predictions_path


def held_out(records: Iterable[Record], metric: str = "masked_accuracy", task: str = HELD_OUT_TEXT) -> list[Record]:
    """Return the masked accuracies, or another score, of students on held-out text."""
    return [r for r in records if r.model == "student" and r.task == task and r.metric == metric]


@dataclass(frozen=True, eq=False)
class HeldOutScores:
    """The scores of one recipe's students on held-out text, or the difference of such scores.

    Attributes:
        values: the score, once a seed.
        sums: what the masked positions of each block add up to, the mean over seeds, (blocks,); None where what the
            students predicted is not on this machine.
        sizes: how many masked positions each block has, (blocks,).
        labels: the word pieces that were hidden, (positions,).
    """

    values: tuple[float, ...]
    sums: Array | None = None
    sizes: Array | None = None
    labels: NDArray | None = None

    @classmethod
    def of(cls, records: Sequence[Record], folder: Path | None = None) -> HeldOutScores:
        """Return the scores of ``records``, one a seed, all masked accuracies or all masked-LM losses.

        Args:
            folder: what the predictions files are relative to; None is the records' edition's folder.

        Raises:
            BookError: when a file is not the one its record was made from or lacks an array, or two seeds have
                different positions.
        """
        values = tuple(r.value for r in records)
        paths = [predictions_path(r, folder) for r in records]
        if not all(path and path.is_file() for path in paths):
            return cls(values)
        read = [_blocks(p, check_predictions(p, r), r.metric) for p, r in zip(paths, records, strict=True)]
        _, sizes, labels = read[0]
        for path, (_, _, own_labels) in zip(paths, read, strict=True):
            if not np.array_equal(own_labels, labels):
                raise different_examples("two seeds", path)
        return cls(values, np.mean([sums for sums, _, _ in read], axis=0), sizes, labels)

    def __sub__(self, other: HeldOutScores) -> HeldOutScores:
        values = tuple(a - b for a, b in zip(self.values, other.values, strict=True))
        if self.sums is None or other.sums is None:
            return HeldOutScores(values)
        if not np.array_equal(self.labels, other.labels):
            raise different_examples("two recipes", "held-out text")
        return HeldOutScores(values, self.sums - other.sums, self.sizes, self.labels)

    @cached_property
    def text(self) -> float:
        """Half the width of the 95% interval of the mean over seeds if other blocks were drawn; infinite if unknown."""
        return math.inf if self.sums is None else half_width_over_groups(self.sums, self.sizes)


@lru_cache(maxsize=256)
def _blocks(path: Path, contents: str, metric: str) -> tuple[Array, Array, NDArray]:
    """Return the sums and sizes of the blocks and the labels in the file that has these ``contents``."""
    labels, predicted, loss, numbers = kept_arrays(path, ("labels", "predicted", "loss", "block"))
    scored = {"masked_accuracy": labels == predicted, "masked_lm_loss": loss}[metric]
    return *group_sums(scored.astype(np.float64), numbers), labels
