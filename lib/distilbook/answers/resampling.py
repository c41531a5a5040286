"""Scores in resamples: examples, groups of them, or the documents they join, drawn with replacement.

Where each example joins two documents, as in a set of pairs with similarities, two examples with a document in common
are no more independent than two sentences about one film. Then the documents are drawn, and a pair counts as often as
the product of its two documents' counts: the pigeonhole bootstrap (Owen 2007, *Annals of Applied Statistics* 1), for
a single set of documents also known as the vertex bootstrap.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..statistics import DRAWN_AT_ONCE, Array, draws, times_drawn
from .weighted import OF_VALUES, weighted_scores

#: Counting a kind of example with a binomial takes about as long as drawing so many single ones.
BINOMIAL = 12


def resampled_scores(
    metric: str, labels: NDArray, predicted: NDArray, groups: NDArray, rng: np.random.Generator, resamples: int
) -> Array:
    """Return the metric of each model in each resample of the examples, shape ``(resamples, models)``.

    Args:
        labels: (examples,); predicted: (models, examples), all models in the same resamples.
        groups: (examples,), or (examples, 2) where an example joins two units.
    """
    if groups.ndim == 1 and units_of(groups) == len(labels):
        held = np.ones(len(labels), dtype=np.int64)
        if metric not in OF_VALUES:
            labels, predicted, held = kinds_of(labels, predicted)
        weights = _independent(held, rng, resamples)
    else:
        weights = _grouped(groups, rng, resamples)
    return np.concatenate([weighted_scores(metric, labels, predicted, drawn).T for drawn in weights])


def units_of(groups: NDArray) -> int:
    """Return how many units are drawn in a resample: groups, or the units that examples join."""
    return len(np.unique(groups))


def kinds_of(labels: NDArray, predicted: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    """Return the kinds of examples, alike in label and all predictions, and how many there are of each.

    Two examples of a kind are interchangeable, and where classes are predicted there are few kinds. Where there are
    not, every example is returned as a kind of its own.
    """
    kinds, held = np.unique(np.vstack([labels, predicted]), axis=1, return_counts=True)
    if BINOMIAL * len(held) < len(labels):
        return kinds[0], kinds[1:], held
    return labels, predicted, np.ones(len(labels), dtype=np.int64)


def _independent(held: NDArray, rng: np.random.Generator, resamples: int) -> Iterator[Array]:
    """Yield how often each kind of example was drawn, shape ``(kinds, some resamples)``."""
    kinds, examples = len(held), int(held.sum())
    if kinds == examples:
        yield from (times_drawn(drawn, kinds).T for drawn in draws(rng, kinds, resamples))
        return
    step = max(1, DRAWN_AT_ONCE // kinds)
    for start in range(0, resamples, step):
        drawn = rng.multinomial(examples, held / examples, size=min(step, resamples - start))
        yield drawn.T.astype(np.float64)


def _grouped(groups: NDArray, rng: np.random.Generator, resamples: int) -> Iterator[Array]:
    """Yield how often each example was drawn with its group, or its two units, ``(examples, some resamples)``."""
    names, member = np.unique(groups, return_inverse=True)
    member = member.reshape(groups.shape)
    for drawn in draws(rng, len(names), resamples, examples=len(groups)):
        counts = np.ascontiguousarray(times_drawn(drawn, len(names)).T)
        yield counts[member] if groups.ndim == 1 else counts[member[:, 0]] * counts[member[:, 1]]
