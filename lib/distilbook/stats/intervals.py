"""Medians, intervals and comparisons: how far a number can be trusted.

An interval over examples is a percentile bootstrap with a fixed seed, so that the same records give the same
interval. What is resampled is what would be drawn anew in a repetition: the examples or, where
examples come in groups (the reviews of one film), the groups. Scores of models over several seeds are compared in
:mod:`distilbook.stats`. Over a handful of seeds, and where an interval over examples is put together with one over
seeds, it is Student's.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.config import BookError
from ..core.quantities import Unit, with_ends

Array = NDArray[np.float64]

#: Numbers drawn at once: bounds the memory of a bootstrap at some 100 MB.
DRAWN_AT_ONCE = 1_000_000
#: So many half-widths of a 95% interval is a normal value from zero that the interval excludes four times out of five.
POWER_FACTOR = (1.9600 + 0.8416) / 1.9600


@dataclass(frozen=True)
class Summary:
    """The median of ``n`` values, and the smallest and largest of them."""

    median: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Interval:
    """An estimate from ``n`` examples with the two ends of its interval at confidence ``level``.

    The ends are infinite where nothing bounds the estimate: with a single example, or when the
    statistic is undefined (a zero below a fraction line) in some resample.
    """

    value: float
    low: float
    high: float
    n: int
    level: float

    def text(self, unit: Unit, bound: float = 0.0) -> str:
        """Return "value [low to high]" in ``unit``, rounded so that no number crosses ``bound``."""
        return with_ends(self.value, self.low, self.high, bound, unit)


@dataclass(frozen=True)
class Bootstrap:
    """How a bootstrap is done: the confidence ``level``, the number of ``resamples``, the random ``seed``."""

    level: float = 0.95
    resamples: int = 10_000
    seed: int = 0

    def interval(self, value: float, resampled: Array, n: int, units: int) -> Interval:
        """Return ``value`` with the percentiles of its ``resampled`` values, shape ``(resamples,)``.

        Args:
            units: how many units were resampled; a single one shows no spread at all and bounds nothing.
        """
        low, high = -math.inf, math.inf
        if units > 1 and np.isfinite(resampled).all():
            low, high = (float(end) for end in np.quantile(resampled, [(1 - self.level) / 2, (1 + self.level) / 2]))
        return Interval(float(value), low, high, n, self.level)


def checked(values: ArrayLike, name: str) -> Array:
    """Return ``values`` as a float array.

    Raises:
        BookError: when there are none, or one of them is NaN or infinite.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.size == 0:
        raise BookError(f"there are no {name}", expected="at least one value", do="check that the run wrote them")
    if not np.isfinite(array).all():
        raise BookError(
            f"{name} hold NaN or infinity",
            where=f"position {int(np.argmin(np.isfinite(array)))}",
            expected="finite numbers",
            do="look for the run that diverged",
        )
    return array


def median_and_range(values: ArrayLike) -> Summary:
    """Return the median of ``values`` with the smallest and the largest."""
    array = checked(values, "values")
    return Summary(float(np.median(array)), float(array.min()), float(array.max()), array.size)


def median_interval(values: ArrayLike, how: Bootstrap = Bootstrap()) -> Interval:
    """Return the median of ``values``, shape ``(n,)``, with its interval over examples."""
    array = checked(values, "values")
    rng = np.random.default_rng(how.seed)
    resampled = [np.median(array[rows], axis=1) for rows in draws(rng, array.size, how.resamples)]
    return how.interval(np.median(array), np.concatenate(resampled), array.size, array.size)


def score_interval(scores: ArrayLike, groups: ArrayLike | None = None, how: Bootstrap = Bootstrap()) -> Interval:
    """Return a mean score with its interval.

    Args:
        scores: what each example scored, shape ``(examples,)``; 1 and 0 for right and wrong make the mean an accuracy.
        groups: the group of each example, shape ``(examples,)``; whole groups are resampled.
    """
    (values,) = _paired([scores])
    sums, sizes = group_sums(values, groups)
    rng = np.random.default_rng(how.seed)
    counts = (times_drawn(rows, sizes.size) for rows in draws(rng, sizes.size, how.resamples))
    means = np.concatenate([(drawn @ sums) / (drawn @ sizes) for drawn in counts])
    return how.interval(values.mean(), means, values.size, sizes.size)


def difference_interval(
    scores: ArrayLike, reference: ArrayLike, groups: ArrayLike | None = None, how: Bootstrap = Bootstrap()
) -> Interval:
    """Return the mean of score - reference score on the same examples, all arguments as :func:`score_interval`'s."""
    ours, theirs = _paired([scores, reference])
    return score_interval(ours - theirs, groups, how)


def seed_difference_interval(values_a: ArrayLike, values_b: ArrayLike, level: float = 0.95) -> Interval:
    """Return the mean of a - b over seeds with Student's interval of paired differences.

    For the handful of seeds a book can afford a bootstrap is too narrow; Student's interval asks only
    that the differences are about normal.

    Args:
        values_a, values_b: one value a seed, the same seeds in the same order.
    """
    from scipy import stats

    a, b = _paired([values_a, values_b])
    differences, n = a - b, a.size
    half = math.inf
    if n > 1:
        half = float(stats.t.ppf((1 + level) / 2, n - 1)) * float(differences.std(ddof=1)) / math.sqrt(n)
    mean = float(differences.mean())
    return Interval(mean, mean - half, mean + half, n, level)


def half_width_over_groups(sums: ArrayLike, sizes: ArrayLike, level: float = 0.95) -> float:
    """Return half the width of a mean's interval over examples of which whole groups would be drawn anew.

    The mean is a ratio of two sums over groups; its standard error is that of the residuals ``sums - mean * sizes``
    (Cochran 1977, chapter 6). Unlike a bootstrap's the interval has its value in the middle. Infinite for one group.

    Args:
        sums: what the examples of each group add up to, (groups,); sizes: how many examples it has, (groups,).
    """
    from scipy import stats

    sums, sizes = checked(sums, "sums"), checked(sizes, "sizes")
    groups = sizes.size
    if groups < 2:
        return math.inf
    residuals = sums - sums.sum() / sizes.sum() * sizes
    error = math.sqrt(groups / (groups - 1) * float((residuals**2).sum())) / float(sizes.sum())
    return float(stats.t.ppf((1 + level) / 2, groups - 1)) * error


def smallest_detectable_difference(seed_values_a: ArrayLike, seed_values_b: ArrayLike) -> float:
    """Return the difference of two arms that these seeds would find four times out of five.

    Infinite where neither arm has a second seed.
    """
    a, b = checked(seed_values_a, "values of the first arm"), checked(seed_values_b, "values of the second arm")
    return detectable_difference(pooled_spread([a, b]), a.size, b.size)


def detectable_difference(spread: float, seeds_a: int, seeds_b: int) -> float:
    """Return the difference that two arms of so many seeds would find four times out of five.

    That is (t at 0.975 + t at 0.8) times s * sqrt(1/a + 1/b), with the spread s of a + b seeds
    and a + b - 2 degrees of freedom: a two-sided test at 5% with a power of about 80%. Infinite where
    neither arm has a second seed.
    """
    from scipy import stats

    freedom = seeds_a + seeds_b - 2
    if freedom == 0:
        return math.inf
    quantiles = float(stats.t.ppf(0.975, freedom) + stats.t.ppf(0.8, freedom))
    return quantiles * spread * math.sqrt(1 / seeds_a + 1 / seeds_b)


def pooled_spread(arms: Sequence[ArrayLike]) -> float:
    """Return the standard deviation over seeds that several arms have in common; NaN where none has a second seed."""
    values = [checked(arm, "values of an arm") for arm in arms]
    freedom = sum(arm.size - 1 for arm in values)
    squares = sum(((arm - arm.mean()) ** 2).sum() for arm in values)
    return math.sqrt(squares / freedom) if freedom else math.nan


def group_sums(values: Array, groups: ArrayLike | None) -> tuple[Array, Array]:
    """Return the sum of ``values`` by group and the groups' sizes, both ``(groups,)``."""
    if groups is None:
        return values, np.ones(values.size)
    names, member = np.unique(np.asarray(groups), return_inverse=True)
    if member.shape != values.shape:
        raise BookError(
            "the groups do not fit the scores",
            expected=f"one group for each of {values.size} examples",
            do="read groups and scores from the same predictions file",
        )
    return np.bincount(member, weights=values), np.bincount(member).astype(np.float64)


def draws(rng: np.random.Generator, units: int, resamples: int, examples: int = 0) -> Iterator[NDArray[np.int64]]:
    """Yield the units drawn with replacement, shape ``(some resamples, units)``, all resamples in turn.

    Args:
        examples: how many numbers a resample becomes where these are more than units.
    """
    step = max(1, DRAWN_AT_ONCE // max(units, examples))
    for start in range(0, resamples, step):
        yield rng.integers(units, size=(min(step, resamples - start), units))


def times_drawn(drawn: NDArray[np.int64], units: int) -> Array:
    """Return how often each unit was drawn in each resample, shape ``(resamples, units)``."""
    rows = len(drawn)
    flat = drawn + np.arange(rows)[:, None] * units
    return np.bincount(flat.ravel(), minlength=rows * units).reshape(rows, units).astype(np.float64)


def median_of_drawn(scores: Array, drawn: NDArray[np.int64]) -> Array:
    """Return the median of the ``drawn`` seeds' ``scores`` in each resample, both ``(resamples, seeds)``."""
    return np.median(np.take_along_axis(scores, drawn, axis=1), axis=1)


def _paired(scores: list[ArrayLike]) -> list[Array]:
    arrays = [checked(score, "scores") for score in scores]
    if len({array.shape for array in arrays}) > 1 or any(array.ndim != 1 for array in arrays):
        raise BookError(
            "the scores cannot be paired",
            where=f"shapes {[array.shape for array in arrays]}",
            expected="(examples,), the same examples for all",
            do="compare models that were measured on the same examples",
        )
    return arrays
