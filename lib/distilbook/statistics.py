"""Medians, intervals and comparisons: how far a number can be trusted.

Every interval is a percentile bootstrap with a fixed seed, so that the same records give the same
interval. What is resampled is what would be drawn anew in a repetition: the examples or, where
examples come in groups (the reviews of one film), the groups; and the seeds, where there are several.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .config import BookError

Array = NDArray[np.float64]

#: Numbers drawn at once: bounds the memory of a bootstrap at some 100 MB.
DRAWN_AT_ONCE = 4_000_000


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


@dataclass(frozen=True)
class Bootstrap:
    """How a bootstrap is done: the confidence ``level``, the number of ``resamples``, the random ``seed``."""

    level: float = 0.95
    resamples: int = 10_000
    seed: int = 0

    def interval(self, value: float, resampled: Array, n: int) -> Interval:
        """Return ``value`` with the percentiles of its ``resampled`` values, shape ``(resamples,)``."""
        low, high = -math.inf, math.inf
        if np.isfinite(resampled).all():
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
    resampled = [np.median(array[rows], axis=1) for rows in _draws(rng, array.size, how.resamples)]
    return _bounded(how.interval(np.median(array), np.concatenate(resampled), array.size), array.size)


def score_interval(scores: ArrayLike, groups: ArrayLike | None = None, how: Bootstrap = Bootstrap()) -> Interval:
    """Return a mean score with its interval.

    Args:
        scores: what each example scored, shape ``(examples,)`` for one seed, else ``(seeds, examples)``;
            1 and 0 for right and wrong make the mean an accuracy. The score of several seeds is the
            median of their means. Seeds are resampled along with the examples; of S seeds that shows
            about (S - 1) / S of the variance between them, so two seeds show half of it, one nothing.
        groups: the group of each example, shape ``(examples,)``; whole groups are resampled.
    """
    return _interval_of(lambda score: score, [scores], groups, how)


def ratio_interval(
    scores: ArrayLike, reference: ArrayLike, groups: ArrayLike | None = None, how: Bootstrap = Bootstrap()
) -> Interval:
    """Return score / reference score on the same examples: the share of the teacher's score a student retains."""
    return _interval_of(lambda score, whole: score / whole, [scores, reference], groups, how)


def difference_interval(
    scores: ArrayLike, reference: ArrayLike, groups: ArrayLike | None = None, how: Bootstrap = Bootstrap()
) -> Interval:
    """Return score - reference score on the same examples."""
    return _interval_of(lambda score, other: score - other, [scores, reference], groups, how)


def share_interval(
    scores: ArrayLike,
    reference: ArrayLike,
    baseline: ArrayLike,
    groups: ArrayLike | None = None,
    how: Bootstrap = Bootstrap(),
) -> Interval:
    """Return (score - baseline) / (reference - baseline): the share of the teacher's lead a student keeps."""
    return _interval_of(
        lambda score, whole, base: (score - base) / (whole - base), [scores, reference, baseline], groups, how
    )


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


def smallest_detectable_difference(seed_values_a: ArrayLike, seed_values_b: ArrayLike) -> float:
    """Return the difference of two arms that these seeds would find four times out of five.

    That is (t at 0.975 + t at 0.8) times s * sqrt(1/a + 1/b), with the pooled spread s of a + b seeds
    and a + b - 2 degrees of freedom: a two-sided test at 5% with a power of about 80%. Infinite where
    neither arm has a second seed.
    """
    from scipy import stats

    a, b = checked(seed_values_a, "values of the first arm"), checked(seed_values_b, "values of the second arm")
    freedom = a.size + b.size - 2
    if freedom == 0:
        return math.inf
    pooled = math.sqrt((((a - a.mean()) ** 2).sum() + ((b - b.mean()) ** 2).sum()) / freedom)
    quantiles = float(stats.t.ppf(0.975, freedom) + stats.t.ppf(0.8, freedom))
    return quantiles * pooled * math.sqrt(1 / a.size + 1 / b.size)


def _interval_of(
    statistic: Callable[..., Array], scores: list[ArrayLike], groups: ArrayLike | None, how: Bootstrap
) -> Interval:
    """Return ``statistic`` of the median-of-seeds scores, seeds and examples resampled together."""
    models = [np.atleast_2d(model) for model in _paired(scores)]
    examples = models[0].shape[1]
    sums, sizes = _group_sums(np.concatenate(models), groups)
    cuts = np.cumsum([len(model) for model in models])[:-1]
    rng = np.random.default_rng(how.seed)
    means = np.concatenate(
        [
            (counts @ sums.T) / (counts @ sizes)[:, None]
            for counts in (_counts(rows, sizes.size) for rows in _draws(rng, sizes.size, how.resamples))
        ]
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        value = statistic(*(np.median(model.mean(axis=1)) for model in models))
        resampled = statistic(*(_resample_seeds(rng, part) for part in np.split(means, cuts, axis=1)))
    return _bounded(how.interval(value, resampled, examples), sizes.size)


def _group_sums(rows: Array, groups: ArrayLike | None) -> tuple[Array, Array]:
    """Return each row's sum by group, shape ``(rows, groups)``, and the groups' sizes, shape ``(groups,)``."""
    examples = rows.shape[1]
    if groups is None:
        return rows, np.ones(examples)
    names, member = np.unique(np.asarray(groups), return_inverse=True)
    if member.shape != (examples,):
        raise BookError(
            "the groups do not fit the scores",
            expected=f"one group for each of {examples} examples",
            do="read groups and scores from the same predictions file",
        )
    sums = np.stack([np.bincount(member, weights=row, minlength=names.size) for row in rows])
    return sums, np.bincount(member).astype(np.float64)


def _draws(rng: np.random.Generator, units: int, resamples: int):
    """Yield the units drawn with replacement, shape ``(some resamples, units)``, all resamples in turn."""
    step = max(1, DRAWN_AT_ONCE // units)
    for start in range(0, resamples, step):
        yield rng.integers(units, size=(min(step, resamples - start), units))


def _counts(drawn: NDArray[np.int64], units: int) -> Array:
    """Return how often each unit was drawn in each resample, shape ``(resamples, units)``."""
    rows = len(drawn)
    flat = drawn + np.arange(rows)[:, None] * units
    return np.bincount(flat.ravel(), minlength=rows * units).reshape(rows, units).astype(np.float64)


def _resample_seeds(rng: np.random.Generator, means: Array) -> Array:
    """Return the median over resampled seeds of ``means``, shape ``(resamples, seeds)``."""
    drawn = rng.integers(means.shape[1], size=means.shape)
    return np.median(np.take_along_axis(means, drawn, axis=1), axis=1)


def _bounded(interval: Interval, units: int) -> Interval:
    """Return ``interval``, without bounds when it rests on a single unit, which shows no spread at all."""
    if units > 1:
        return interval
    return Interval(interval.value, -math.inf, math.inf, interval.n, interval.level)


def _paired(scores: list[ArrayLike]) -> list[Array]:
    arrays = [checked(score, "scores") for score in scores]
    if len({array.shape[-1:] for array in arrays}) > 1 or any(array.ndim not in (1, 2) for array in arrays):
        raise BookError(
            "the scores cannot be paired",
            where=f"shapes {[array.shape for array in arrays]}",
            expected="(examples,) or (seeds, examples), with the same examples for all",
            do="compare models that were measured on the same examples",
        )
    return arrays
