"""Paired differences of recipes' scores on held-out text, with their sampling error over seeds and text blocks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..core.records import HELD_OUT_TEXT, Record
from ..stats.intervals import Array, Interval, group_sums, half_width_over_groups, seed_difference_interval
from ..stats.predictions import different_examples, kept_arrays
from .task_scores import check_predictions, predictions_path

#: Factor on the range over seeds that two paired differences must exceed: with it the false positive rate for equal
#: recipes with normal scores is at most 5%, as with a 95% interval.
SPREADS = 2


@dataclass(frozen=True)
class Differences:
    """Paired differences by seed, and their verdict by the rule of the ablations.

    Attributes:
        values: the differences, in the order of the seeds.
        spread: range over the seeds (largest minus smallest score) of the recipe where it is larger.
        text: half-width of the 95% interval of the mean difference over held-out text; infinite if unknown.
    """

    values: tuple[float, ...]
    spread: float
    text: float = 0.0

    @classmethod
    def between(cls, first: HeldOutScores, second: HeldOutScores) -> Differences:
        """Return ``first`` minus ``second``, both with the same seeds in the same order.

        Raises:
            BookError: when they were measured at different positions.
        """
        less = first - second
        return cls(less.values, max(max(one.values) - min(one.values) for one in (first, second)), less.text)

    @cached_property
    def interval(self) -> Interval:
        """Mean difference with its interval over seeds and text; for two seeds the ends are the two differences.

        Seeds and text vary independently: their standard errors are combined in quadrature.
        """
        n, mean = len(self.values), sum(self.values) / len(self.values)
        if n > 2:
            over_seeds = seed_difference_interval(self.values, [0.0] * n)
            half = math.hypot(over_seeds.high - mean, self.text)
            return Interval(mean, mean - half, mean + half, n, over_seeds.level)
        low, high = (min(self.values), max(self.values)) if n > 1 else (-math.inf, math.inf)
        return Interval(mean, low, high, n, 0.95)

    @property
    def margin(self) -> float:
        """Distance from zero that both ends must exceed: for two seeds, which give no interval, the noise.

        That is twice the range over seeds and the half-width over text, combined in quadrature.
        """
        return math.hypot(SPREADS * self.spread, self.text) if len(self.values) == 2 else 0.0

    @property
    def side(self) -> Literal["above", "below", "open"]:
        """Side of zero on which the whole interval lies, beyond the margin; "open" if on neither."""
        if self.interval.low > self.margin:
            return "above"
        return "below" if self.interval.high < -self.margin else "open"

    @property
    def covered(self) -> str:
        """Meaning of the interval's ends, in words."""
        if len(self.values) == 1:
            return "a single difference"
        return "95% interval over seeds and text" if len(self.values) > 2 else "range of both differences"


def held_out(records: Iterable[Record], metric: str = "masked_accuracy", task: str = HELD_OUT_TEXT) -> list[Record]:
    """Return the records of a student's score on held-out text, by default the masked accuracy."""
    return [r for r in records if r.model == "student" and r.task == task and r.metric == metric]


@dataclass(frozen=True, eq=False)
class HeldOutScores:
    """Scores of one recipe's students on held-out text, or differences of such scores.

    All students are measured at the same masked positions. The sampling unit of the text is the block.

    Attributes:
        values: the score by seed.
        sums: sum of the scores of each block's masked positions, mean over seeds, (blocks,); None without the
            predictions files.
        sizes: masked positions by block, (blocks,).
        labels: the masked tokens, (positions,).
    """

    values: tuple[float, ...]
    sums: Array | None = None
    sizes: Array | None = None
    labels: NDArray | None = None

    @classmethod
    def of(cls, records: Sequence[Record], folder: Path | None = None) -> HeldOutScores:
        """Return the scores of ``records``, one for each seed; ``folder`` as in :func:`.task_scores.kept_answers`.

        Raises:
            BookError: when a file is not the one its record was made from or lacks an array, or the positions of two
                seeds differ.
        """
        values = tuple(r.value for r in records)
        paths = [path for r in records if (path := predictions_path(r, folder)) and path.is_file()]
        if len(paths) < len(records):
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
        """Half-width of the 95% interval of the mean over blocks of text; infinite if unknown."""
        return math.inf if self.sums is None else half_width_over_groups(self.sums, self.sizes)


@lru_cache(maxsize=256)
def _blocks(path: Path, contents: str, metric: str) -> tuple[Array, Array, NDArray]:
    """Return sums and sizes of the blocks and the labels of a file; cached by its ``contents``, the file's hash."""
    labels, predicted, loss, numbers = kept_arrays(path, ("labels", "predicted", "loss", "block"))
    scored = {"masked_accuracy": labels == predicted, "masked_lm_loss": loss}[metric]
    return *group_sums(scored.astype(np.float64), numbers), labels
