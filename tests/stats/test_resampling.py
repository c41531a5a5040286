"""Resamples against a loop that draws examples, films or documents one by one and scores what it drew."""

from __future__ import annotations

import math

import numpy as np
import pytest
from distilbook.stats import bootstrap as resampling
from distilbook.stats import intervals as statistics
from distilbook.stats.bootstrap import resampled_scores
from distilbook.stats.metrics import METRICS

RESAMPLES = 4_000


def drawn(metric, labels, predicted, groups, resamples=RESAMPLES) -> np.ndarray:
    return resampled_scores(metric, labels, predicted, groups, np.random.default_rng(0), resamples)


def agree(ours: np.ndarray, loop: np.ndarray) -> None:
    """Both have the same mean and the same ends, as far as so many resamples can tell."""
    spread = loop.std(axis=0)
    assert ours.mean(axis=0) == pytest.approx(loop.mean(axis=0), abs=0.12 * spread.max())
    assert ours.std(axis=0) == pytest.approx(spread, rel=0.1)
    for end in (0.025, 0.975):
        ends = np.quantile(ours, end, axis=0), np.quantile(loop, end, axis=0)
        assert ends[0] == pytest.approx(ends[1], abs=0.25 * spread.max())


def scores(metric, labels, predicted, rows) -> list[float]:
    return [METRICS[metric](labels[rows], row[rows]) for row in predicted]


@pytest.fixture
def classes() -> tuple[np.ndarray, np.ndarray]:
    """Labels and two models' answers to 240 examples, of which there are few kinds."""
    rng = np.random.default_rng(1)
    labels = rng.integers(2, size=240)
    return labels, np.where(rng.random((2, 240)) < [[0.2], [0.4]], 1 - labels, labels)


@pytest.fixture
def similarities() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2)
    labels = np.round(rng.uniform(0, 5, 120))
    return labels, labels + rng.normal(0, [[1], [3]], (2, 120))


def test_single_examples_are_drawn_with_replacement(classes, similarities):
    rng = np.random.default_rng(3)
    for metric, (labels, predicted) in (("f1_and_accuracy", classes), ("pearson_and_spearman", similarities)):
        n = len(labels)
        loop = np.array([scores(metric, labels, predicted, rng.integers(n, size=n)) for _ in range(700)])
        agree(drawn(metric, labels, predicted, np.arange(n)), loop)


def test_kinds_of_examples_and_single_ones_are_drawn_alike(classes, monkeypatch):
    labels, predicted = classes
    assert len(resampling.kinds_of(labels, predicted)[1]) == 8
    kinds = drawn("matthews_correlation", labels, predicted, np.arange(240))
    monkeypatch.setattr(resampling, "BINOMIAL", 1_000)
    agree(drawn("matthews_correlation", labels, predicted, np.arange(240)), kinds)


def test_whole_films_are_drawn(classes):
    rng, (labels, predicted) = np.random.default_rng(4), classes
    films = np.repeat(np.arange(24), 10)
    predicted = np.where(films < 12, labels, predicted)  # what is right comes in films
    names = np.array([f"film {number}" for number in films])
    loop = []
    for _ in range(1_000):
        rows = np.concatenate([np.flatnonzero(films == film) for film in rng.integers(24, size=24)])
        loop.append(scores("accuracy", labels, predicted, rows))
    agree(drawn("accuracy", labels, predicted, names), np.array(loop))


def pairs_of(documents: int) -> np.ndarray:
    return np.array([(i, j) for i in range(documents) for j in range(i + 1, documents)])


def test_documents_are_drawn_and_a_pair_counts_as_often_as_both_of_them_together():
    rng, pairs = np.random.default_rng(5), pairs_of(16)
    labels = np.round(rng.uniform(0, 5, len(pairs)))
    predicted = labels + rng.normal(0, 2, (1, len(pairs)))
    place = {tuple(pair): number for number, pair in enumerate(pairs)}
    loop = []
    for _ in range(1_000):
        documents = rng.integers(16, size=16)
        keys = [tuple(sorted((a, b))) for k, a in enumerate(documents) for b in documents[k + 1 :]]
        rows = np.array([place[key] for key in keys if key[0] != key[1]])
        loop.append(scores("spearman", labels, predicted, rows))
    agree(drawn("spearman", labels, predicted, pairs), np.array(loop))


def test_pairs_that_share_documents_show_the_spread_between_documents():
    """A pair is right where both of its documents are easy: the share p², whose error is 2 p times that of p."""
    pairs, easy = pairs_of(60), np.arange(60) < 42
    right = easy[pairs].all(axis=1).astype(int)
    found = drawn("accuracy", np.ones(len(pairs), dtype=int), right[None], pairs)
    p = 42 / 60
    assert found.std() == pytest.approx(2 * p * math.sqrt(p * (1 - p) / 60), rel=0.1)
    naive = drawn("accuracy", np.ones(len(pairs), dtype=int), right[None], np.arange(len(pairs)))
    assert found.std() > 4 * naive.std()


def test_two_documents_can_be_drawn_without_any_pair():
    found = drawn("accuracy", np.array([1]), np.array([[1]]), np.array([[0, 1]]))
    assert 0.4 < np.isnan(found).mean() < 0.6


@pytest.mark.parametrize("groups", [np.arange(240), np.arange(240) // 10, pairs_of(23)[:240]], ids=["1", "10", "pairs"])
def test_drawing_in_parts_draws_the_same_but_holds_less_at_once(classes, groups, monkeypatch):
    labels, predicted = classes
    whole = drawn("f1", labels, predicted, groups, 300)
    for module in (statistics, resampling):
        monkeypatch.setattr(module, "DRAWN_AT_ONCE", 1_000)
    sizes = []
    kept = resampling.weighted_scores
    monkeypatch.setattr(resampling, "weighted_scores", lambda *args: sizes.append(args[3].size) or kept(*args))
    assert drawn("f1", labels, predicted, groups, 300) == pytest.approx(whole, nan_ok=True)
    assert len(sizes) > 1 and max(sizes) <= 1_000
