"""A difference between recipes and what may be said of it: by how much other seeds and other text would change it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from ..statistics import Interval, seed_difference_interval
from .held_out_scores import HeldOutScores

#: Two differences must exceed so many times the spread over seeds. Then equal recipes, whose scores vary normally, are
#: called different in at most one comparison of twenty, as often as by a 95% interval.
SPREADS = 2

Side = Literal["above", "below", "open"]


@dataclass(frozen=True)
class Differences:
    """A difference, once a seed, and what may be said of it by the rule that judges the arms.

    Attributes:
        values: the differences, in the order of the seeds.
        spread: the larger range over the seeds of the two that are compared.
        text: half the width of the 95% interval of their mean over held-out text; infinite where it is not known.
    """

    values: tuple[float, ...]
    spread: float
    text: float = 0.0

    @classmethod
    def between(cls, first: HeldOutScores, second: HeldOutScores) -> Differences:
        """Return ``first`` less ``second``, one value a seed, the same seeds in the same order.

        Raises:
            BookError: when they were measured at different positions.
        """
        less = first - second
        return cls(less.values, max(_range(first.values), _range(second.values)), less.text)

    @cached_property
    def interval(self) -> Interval:
        """The mean with its interval over seeds and text; of two seeds with both differences as ends, of one without.

        Seeds and text vary independently, so the half-widths of both intervals add up as the roots of squares do.
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
        """How far from zero an end must lie: the noise of seeds and text where there are two seeds, and so no interval.

        That is twice the spread over seeds, and the half-width over text, put together likewise.
        """
        return math.hypot(SPREADS * self.spread, self.text) if len(self.values) == 2 else 0.0

    @property
    def side(self) -> Side:
        """On which side of zero all of it is, beyond the margin; "open" where that is not settled."""
        if self.interval.low > self.margin:
            return "above"
        return "below" if self.interval.high < -self.margin else "open"

    @property
    def covered(self) -> str:
        """What its ends are, in words."""
        if len(self.values) == 1:
            return "a single difference"
        return "95% interval over seeds and text" if len(self.values) > 2 else "smallest to largest difference"


def _range(values: Sequence[float]) -> float:
    return max(values) - min(values)
