"""Confidence intervals over examples and over seeds, and the power of comparisons.

Over examples: percentile bootstrap with a fixed seed. It resamples examples or, where examples come in clusters (the
reviews of one film), whole clusters (cluster bootstrap). Over a handful of seeds: Student's interval.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.config import BookError
from ..core.quantities import Unit, with_ends

Array: TypeAlias = NDArray[np.float64]

#: Numbers drawn at once, which bounds the memory of a bootstrap at about 100 MB.
DRAWN_AT_ONCE = 1_000_000
#: Effect size, in half-widths of a 95% interval, that is detected with 80% power.
POWER_FACTOR = (1.9600 + 0.8416) / 1.9600


@dataclass(frozen=True)
class Summary:
    """Median and range of ``n`` values."""

    median: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Interval:
    """Estimate from ``n`` examples with its confidence interval.

    The ends are infinite for a single example, or when the statistic is undefined (a zero denominator) in a resample.
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
    """Settings of a bootstrap: confidence ``level``, number of ``resamples``, random ``seed``."""

    level: float = 0.95
    resamples: int = 10_000
    seed: int = 0

    def interval(self, value: float, resampled: Array, n: int, units: int) -> Interval:
        """Return ``value`` with the percentiles of its ``resampled`` values, shape ``(resamples,)``.

        Args:
            units: number of resampled units; a single one gives no interval.
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
    """Return the median of ``values`` with their range."""
    array = checked(values, "values")
    return Summary(float(np.median(array)), float(array.min()), float(array.max()), array.size)


def median_interval(values: ArrayLike, how: Bootstrap = Bootstrap()) -> Interval:
    """Return the median of ``values``, (n,), with its bootstrap interval."""
    array = checked(values, "values")
    rng = np.random.default_rng(how.seed)
    resampled = [np.median(array[rows], axis=1) for rows in draws(rng, array.size, how.resamples)]
    return how.interval(np.median(array), np.concatenate(resampled), array.size, array.size)


def score_interval(scores: ArrayLike, groups: ArrayLike | None = None, how: Bootstrap = Bootstrap()) -> Interval:
    """Return a mean score with its interval by a (cluster) bootstrap.

    Args:
        scores: score of each example, (examples,); with 1 and 0 for right and wrong the mean is an accuracy.
        groups: cluster of each example, (examples,); whole clusters are resampled.
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
    """Return the mean of score - reference on the same examples; arguments as for :func:`score_interval`."""
    ours, theirs = _paired([scores, reference])
    return score_interval(ours - theirs, groups, how)


def seed_difference_interval(values_a: ArrayLike, values_b: ArrayLike, level: float = 0.95) -> Interval:
    """Return the mean of a - b over seeds with Student's interval of paired differences.

    For a handful of seeds a bootstrap is too narrow; Student's interval assumes about normal differences.

    Args:
        values_a, values_b: one value for each seed, the same seeds in the same order.
    """
    from scipy import stats

    a, b = _paired([values_a, values_b])
    differences, n, half = a - b, a.size, math.inf
    if n > 1:
        half = float(stats.t.ppf((1 + level) / 2, n - 1)) * float(differences.std(ddof=1)) / math.sqrt(n)
    mean = float(differences.mean())
    return Interval(mean, mean - half, mean + half, n, level)


def half_width_over_groups(sums: ArrayLike, sizes: ArrayLike, level: float = 0.95) -> float:
    """Return the half-width of a mean's interval under cluster sampling; infinite for one cluster.

    The mean is a ratio of two sums over clusters; its standard error is that of the residuals ``sums - mean * sizes``
    (Cochran 1977, chapter 6).

    Args:
        sums: sum of the examples of each cluster, (clusters,); sizes: examples of each, (clusters,).
    """
    from scipy import stats

    sums, sizes = checked(sums, "sums"), checked(sizes, "sizes")
    groups = sizes.size
    if groups < 2:
        return math.inf
    residuals = sums - sums.sum() / sizes.sum() * sizes
    error = math.sqrt(groups / (groups - 1) * float((residuals**2).sum())) / float(sizes.sum())
    return float(stats.t.ppf((1 + level) / 2, groups - 1)) * error


def detectable_difference(spread: float, seeds_a: int, seeds_b: int) -> float:
    """Return the difference of two recipes that a two-sided test at 5% detects with about 80% power.

    That is (t at 0.975 + t at 0.8) * s * sqrt(1/a + 1/b), with a + b - 2 degrees of freedom and the pooled standard
    deviation s over a + b seeds. Infinite if neither recipe has a second seed.
    """
    from scipy import stats

    freedom = seeds_a + seeds_b - 2
    if freedom == 0:
        return math.inf
    quantiles = float(stats.t.ppf(0.975, freedom) + stats.t.ppf(0.8, freedom))
    return quantiles * spread * math.sqrt(1 / seeds_a + 1 / seeds_b)


def pooled_spread(recipes: Sequence[ArrayLike]) -> float:
    """Return the pooled standard deviation over seeds of several recipes; NaN if none has a second seed."""
    values = [checked(seeds, "values of a recipe") for seeds in recipes]
    freedom = sum(seeds.size - 1 for seeds in values)
    squares = sum(((seeds - seeds.mean()) ** 2).sum() for seeds in values)
    return math.sqrt(squares / freedom) if freedom else math.nan


def group_sums(values: Array, groups: ArrayLike | None) -> tuple[Array, Array]:
    """Return the sum of ``values`` by cluster and the clusters' sizes, both (clusters,)."""
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
    """Yield the units drawn with replacement in batches of resamples, (resamples of the batch, units).

    Args:
        examples: numbers of a resample, if more than units; it bounds the batch.
    """
    step = max(1, DRAWN_AT_ONCE // max(units, examples))
    for start in range(0, resamples, step):
        yield rng.integers(units, size=(min(step, resamples - start), units))


def times_drawn(drawn: NDArray[np.int64], units: int) -> Array:
    """Return how often each unit was drawn in each resample, (resamples, units)."""
    rows = len(drawn)
    flat = drawn + np.arange(rows)[:, None] * units
    return np.bincount(flat.ravel(), minlength=rows * units).reshape(rows, units).astype(np.float64)


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
