"""Bootstrap of the tasks' metrics: examples, groups of them, or the documents they join, drawn with replacement.

Where each example joins two documents, two examples with a document in common are not independent. Then the documents
are drawn, and a pair's weight is the product of its two documents' counts: the pigeonhole bootstrap (Owen 2007,
*Annals of Applied Statistics* 1), for a single set of documents also known as the vertex bootstrap.

An example's weight is the number of times it was drawn. A weighted metric equals :mod:`distilbook.stats.metrics` on
the drawn examples, in many resamples at once. Where a metric is undefined in a resample it is 0: F1 without anything of
class 1, a correlation with constant predictions or labels. A resample without any example (possible where examples are
pairs of documents) has no score: NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from .intervals import DRAWN_AT_ONCE, Array, draws, times_drawn
from .metrics import OF_VALUES, example_scores

#: Cost of a binomial draw of a kind's count, in draws of single examples.
BINOMIAL = 12


def resampled_scores(
    metric: str,
    labels: NDArray,
    predicted: NDArray,
    groups: NDArray,
    rng: np.random.Generator,
    resamples: int,
    scores: Array | None = None,
) -> Array:
    """Return the metric of each model in each resample of the examples, shape ``(resamples, models)``.

    Args:
        labels: (examples,); predicted: (models, examples), all models in the same resamples.
        groups: (examples,), or (examples, 2) where an example joins two units.
        scores: as ``predicted``, the examples' scores; derived from labels and predictions where none are given.
    """
    scores = example_scores(metric, labels, predicted) if scores is None else scores
    if groups.ndim == 1 and units_of(groups) == len(labels):
        held: NDArray = np.ones(len(labels), dtype=np.int64)
        if metric not in OF_VALUES:
            kinds, held = kinds_of(labels, predicted)
            labels, predicted, scores = labels[kinds], predicted[:, kinds], scores[:, kinds]
        weights = _independent(held, rng, resamples)
    else:
        weights = _grouped(groups, rng, resamples)
    return np.concatenate([weighted_scores(metric, labels, predicted, drawn, scores).T for drawn in weights])


def units_of(groups: NDArray) -> int:
    """Return the number of units drawn in a resample: groups, or the units that examples join."""
    return len(np.unique(groups))


def kinds_of(labels: NDArray, predicted: NDArray) -> tuple[NDArray, NDArray]:
    """Return the first example of each kind (equal label and predictions), and the number of examples of each.

    Drawing the counts of a few kinds is faster than drawing examples. With many kinds, each example is one of its own.
    """
    _, first, held = np.unique(np.vstack([labels, predicted]), axis=1, return_index=True, return_counts=True)
    if BINOMIAL * len(held) < len(labels):
        return first, held
    return np.arange(len(labels)), np.ones(len(labels), dtype=np.int64)


def _independent(held: NDArray, rng: np.random.Generator, resamples: int) -> Iterator[Array]:
    """Yield the number of times each kind of example was drawn, ``(kinds, some resamples)``."""
    kinds, examples = len(held), int(held.sum())
    if kinds == examples:
        yield from (times_drawn(drawn, kinds).T for drawn in draws(rng, kinds, resamples))
        return
    step = max(1, DRAWN_AT_ONCE // kinds)
    for start in range(0, resamples, step):
        drawn = rng.multinomial(examples, held / examples, size=min(step, resamples - start))
        yield drawn.T.astype(np.float64)


def _grouped(groups: NDArray, rng: np.random.Generator, resamples: int) -> Iterator[Array]:
    """Yield the number of times each example was drawn with its group or units, ``(examples, some resamples)``."""
    names, member = np.unique(groups, return_inverse=True)
    member = member.reshape(groups.shape)
    for drawn in draws(rng, len(names), resamples, examples=len(groups)):
        counts = np.ascontiguousarray(times_drawn(drawn, len(names)).T)
        yield counts[member] if groups.ndim == 1 else counts[member[:, 0]] * counts[member[:, 1]]


#: Spread of values of about 1 below which they count as equal.
ROUNDING = 1e-12


def weighted_scores(
    metric: str, labels: NDArray, predicted: NDArray, weights: Array, scores: Array | None = None
) -> Array:
    """Return the metric of each model in each resample, shape ``(models, resamples)``.

    Args:
        metric: a name in ``metrics.METRICS``.
        labels: (examples,); predicted: (models, examples).
        weights: the number of times each example was drawn, (examples, resamples).
        scores: as ``predicted``, the examples' scores; derived from labels and predictions where none are given.
    """
    scores = example_scores(metric, labels, predicted) if scores is None else scores
    with np.errstate(invalid="ignore", divide="ignore"):
        found = WEIGHTED[metric](labels, predicted, scores, weights)
    return np.where(weights.sum(axis=0) > 0, found, np.nan)


def _mean_score(labels: NDArray, predicted: NDArray, scores: Array, weights: Array) -> Array:
    return scores @ weights / weights.sum(axis=0)


def _f1(labels: NDArray, predicted: NDArray, scores: Array, weights: Array) -> Array:
    """F1 of class 1: 2 * true positives / (expected + predicted positives)."""
    expected, said = labels == 1, predicted == 1
    return _ratio(2 * _sums(expected & said, weights), _sums(expected, weights) + _sums(said, weights))


def _matthews(labels: NDArray, predicted: NDArray, scores: Array, weights: Array) -> Array:
    """Matthews' correlation of any number of classes (Gorodkin 2004), from counts, which are exact."""
    total, right = weights.sum(axis=0), _sums(predicted == labels, weights)
    both, said, expected = 0.0, 0.0, 0.0
    for label in np.union1d(labels, predicted):
        of_models, of_labels = _sums(predicted == label, weights), _sums(labels == label, weights)
        both, said, expected = both + of_models * of_labels, said + of_models**2, expected + of_labels**2
    return _ratio(right * total - both, np.sqrt(total**2 - said) * np.sqrt(total**2 - expected))


def _pearson(labels: NDArray, predicted: NDArray, scores: Array, weights: Array) -> Array:
    around = (_around_mean(row, weights) for row in predicted)
    return _correlations(_around_mean(labels, weights), around, weights)


def _spearman(labels: NDArray, predicted: NDArray, scores: Array, weights: Array) -> Array:
    weights = np.ascontiguousarray(weights)
    ranks = (_mid_ranks(row, weights) for row in predicted)
    return _correlations(_mid_ranks(labels, weights), ranks, weights)


def _mean_of(one: Callable, other: Callable) -> Callable:
    return lambda *arguments: (one(*arguments) + other(*arguments)) / 2


#: Of labels, predictions, the examples' scores and weights.
WEIGHTED: dict[str, Callable[[NDArray, NDArray, Array, Array], Array]] = {
    "accuracy": _mean_score,
    "matthews_correlation": _matthews,
    "f1": _f1,
    "pearson": _pearson,
    "spearman": _spearman,
    "f1_and_accuracy": _mean_of(_f1, _mean_score),
    "pearson_and_spearman": _mean_of(_pearson, _spearman),
}


def _sums(which: NDArray[np.bool_], weights: Array) -> Array:
    """Return the weight of the examples in ``which``, (..., examples), in each resample."""
    return which.astype(np.float64) @ weights


def _ratio(above: Array, below: Array) -> Array:
    """Return ``above / below``, and 0 where ``below`` is 0."""
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
    """Return the weighted sum of squares, exactly 0 where it is within rounding error."""
    squares = np.einsum("er,er->r", values, weighted)
    return np.where(squares > weights.sum(axis=0) * ROUNDING**2, squares, 0.0)
