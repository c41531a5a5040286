"""The tasks' metrics on weighted examples, in many resamples at once.

A bootstrap draws examples with replacement; how often each was drawn is its weight. Computing from weights equals
computing :mod:`distilbook.metrics` on the drawn examples, without making them. Where a metric is undefined in a
resample, it counts as there: F1 without anything of class 1, and a correlation with predictions that are all the same,
are 0. So is one with labels that are all the same, which a task never has but a resample of few examples can. A
resample without any example (possible where examples are pairs of documents) has no score: NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from ..statistics import Array

#: A spread so small, beside values of about 1, is rounding: all values are the same.
ROUNDING = 1e-12

#: Metrics of values: hardly two examples are alike in them, where those of classes fall into a few kinds.
OF_VALUES = ("pearson", "spearman", "pearson_and_spearman")


def weighted_scores(metric: str, labels: NDArray, predicted: NDArray, weights: Array) -> Array:
    """Return the metric of each model in each resample, shape ``(models, resamples)``.

    Args:
        metric: a name in ``metrics.METRICS``.
        labels: (examples,); predicted: (models, examples).
        weights: how often each example was drawn, (examples, resamples), whole numbers.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        scores = WEIGHTED[metric](labels, predicted, weights)
    return np.where(weights.sum(axis=0) > 0, scores, np.nan)


def _accuracy(labels: NDArray, predicted: NDArray, weights: Array) -> Array:
    return _sums(predicted == labels, weights) / weights.sum(axis=0)


def _f1(labels: NDArray, predicted: NDArray, weights: Array) -> Array:
    """F1 of class 1: twice what is expected and predicted, over what is expected plus what is predicted."""
    expected, said = labels == 1, predicted == 1
    return _ratio(2 * _sums(expected & said, weights), _sums(expected, weights) + _sums(said, weights))


def _matthews(labels: NDArray, predicted: NDArray, weights: Array) -> Array:
    """Matthews' correlation of any number of classes (Gorodkin 2004), from counts, which are exact."""
    total, right = weights.sum(axis=0), _sums(predicted == labels, weights)
    both, said, expected = 0.0, 0.0, 0.0
    for label in np.union1d(labels, predicted):
        of_models, of_labels = _sums(predicted == label, weights), _sums(labels == label, weights)
        both, said, expected = both + of_models * of_labels, said + of_models**2, expected + of_labels**2
    return _ratio(right * total - both, np.sqrt(total**2 - said) * np.sqrt(total**2 - expected))


def _pearson(labels: NDArray, predicted: NDArray, weights: Array) -> Array:
    around = (_around_mean(row, weights) for row in predicted)
    return _correlations(_around_mean(labels, weights), around, weights)


def _spearman(labels: NDArray, predicted: NDArray, weights: Array) -> Array:
    weights = np.ascontiguousarray(weights)
    ranks = (_mid_ranks(row, weights) for row in predicted)
    return _correlations(_mid_ranks(labels, weights), ranks, weights)


def _mean_of(one: Callable, other: Callable) -> Callable:
    return lambda *arguments: (one(*arguments) + other(*arguments)) / 2


WEIGHTED: dict[str, Callable[[NDArray, NDArray, Array], Array]] = {
    "accuracy": _accuracy,
    "matthews_correlation": _matthews,
    "f1": _f1,
    "pearson": _pearson,
    "spearman": _spearman,
    "f1_and_accuracy": _mean_of(_f1, _accuracy),
    "pearson_and_spearman": _mean_of(_pearson, _spearman),
}


def _sums(which: NDArray[np.bool_], weights: Array) -> Array:
    """Return the weight of the examples in ``which``, (..., examples), in each resample."""
    return which.astype(np.float64) @ weights


def _ratio(above: Array, below: Array) -> Array:
    """Return ``above / below``, and 0 where there is nothing below the line."""
    return np.divide(above, below, out=np.zeros(np.shape(above)), where=below != 0)


def _around_mean(values: NDArray, weights: Array) -> Array:
    """Return ``values`` at a size of 1, around their mean in each resample, (examples, resamples)."""
    values = values - np.mean(values, dtype=np.float64)
    values = values / (np.abs(values).max() or 1.0)
    return values[:, None] - values @ weights / weights.sum(axis=0)


def _mid_ranks(values: NDArray, weights: Array) -> Array:
    """Return each example's rank among the drawn ones as a share of them, around the mean, (examples, resamples).

    Ties share their mean rank. In sorted order a value drawn ``held`` times fills the ranks up to the number of all
    that were drawn so far; the mean of all N ranks is (N + 1) / 2, with or without ties.
    """
    _, value = np.unique(values, return_inverse=True)
    order = np.argsort(value, kind="stable")
    held = np.add.reduceat(weights[order], np.flatnonzero(np.diff(value[order], prepend=-1)), axis=0)
    total = weights.sum(axis=0)
    return ((np.cumsum(held, axis=0) - held / 2 - total / 2) / total)[value]


def _correlations(labels: Array, predicted: Iterable[Array], weights: Array) -> Array:
    """Return Pearson's correlation of ``labels`` with each of ``predicted``, shape ``(models, resamples)``.

    Args:
        labels, predicted: of a size of about 1 and around their means, each (examples, resamples).
    """
    weighted = labels * weights
    spread = _spread(labels, weighted, weights)
    scores = []
    for row in predicted:
        below = np.sqrt(spread * _spread(row, row * weights, weights))
        scores.append(_ratio(np.einsum("er,er->r", weighted, row), below))
    return np.stack(scores)


def _spread(values: Array, weighted: Array, weights: Array) -> Array:
    """Return the weighted sum of squares, exactly 0 where it is nothing but rounding."""
    squares = np.einsum("er,er->r", values, weighted)
    return np.where(squares > weights.sum(axis=0) * ROUNDING**2, squares, 0.0)
