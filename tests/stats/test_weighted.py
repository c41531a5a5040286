"""Every metric on weighted examples against scikit-learn and scipy on the examples, each repeated so often."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from distilbook.stats.bootstrap import WEIGHTED, weighted_scores
from distilbook.stats.metrics import METRIC_LABELS, METRICS
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sklearn_metrics


def f1(labels, predicted):
    return sklearn_metrics.f1_score(labels, predicted, zero_division=0)


def correlation(function):
    def of(labels, predicted):
        if len(set(labels)) == 1 or len(set(predicted)) == 1:
            return 0.0
        return function(labels, predicted).statistic

    return of


pearson, spearman = correlation(stats.pearsonr), correlation(stats.spearmanr)
#: The same metrics from other hands; undefined correlations are 0.
PEERS = {
    "accuracy": sklearn_metrics.accuracy_score,
    "matthews_correlation": sklearn_metrics.matthews_corrcoef,
    "f1": f1,
    "f1_and_accuracy": lambda a, b: (f1(a, b) + sklearn_metrics.accuracy_score(a, b)) / 2,
    "pearson": pearson,
    "spearman": spearman,
    "pearson_and_spearman": lambda a, b: (pearson(a, b) + spearman(a, b)) / 2,
}


def columns(*values: st.SearchStrategy) -> st.SearchStrategy:
    """Return 2 to 25 examples: a label, two models' predictions, and how often each of two resamples has it."""
    return st.lists(st.tuples(*values, st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=25).map(np.array)


def classes(number: int) -> st.SearchStrategy:
    return columns(*[st.integers(0, number - 1)] * 3)


similarities = columns(*[st.integers(-8, 8).map(lambda eighth: 3 + eighth / 8)] * 3)


def agrees_with_repetition(metric: str, examples: np.ndarray) -> None:
    labels, predicted, weights = examples[:, 0], examples[:, 1:3].T, examples[:, 3:]
    found = weighted_scores(metric, labels, predicted, weights.astype(float))
    assert found.shape == (2, 2)
    for resample, times in enumerate(weights.T.astype(int)):
        for model, row in enumerate(predicted):
            score = found[model, resample]
            if times.sum() == 0:
                assert np.isnan(score)
                continue
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                peer = PEERS[metric](np.repeat(labels, times), np.repeat(row, times))
            assert score == pytest.approx(peer, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(classes(2))
@pytest.mark.parametrize("metric", ["accuracy", "matthews_correlation", "f1", "f1_and_accuracy"])
def test_classes_count_as_often_as_they_were_drawn(metric, examples):
    agrees_with_repetition(metric, examples)


@settings(max_examples=60, deadline=None)
@given(classes(4))
@pytest.mark.parametrize("metric", ["accuracy", "matthews_correlation"])
def test_there_may_be_any_number_of_classes(metric, examples):
    agrees_with_repetition(metric, examples)


@settings(max_examples=80, deadline=None)
@given(similarities)
@pytest.mark.parametrize("metric", ["pearson", "spearman", "pearson_and_spearman"])
def test_similarities_count_as_often_as_they_were_drawn_and_ties_share_their_rank(metric, examples):
    agrees_with_repetition(metric, examples)


@pytest.mark.parametrize("metric", ["pearson", "spearman"])
def test_many_examples_of_any_size_agree(metric):
    rng = np.random.default_rng(0)
    labels = 1e6 + np.round(rng.uniform(0, 5, 500), 1)
    predicted = np.stack([labels / 1e3 + rng.normal(size=500), np.full(500, 7.7)])
    weights = rng.multinomial(500, np.full(500, 1 / 500), size=3).T.astype(float)
    found = weighted_scores(metric, labels, predicted, weights)
    for resample, times in enumerate(weights.T.astype(int)):
        peer = PEERS[metric](np.repeat(labels, times), np.repeat(predicted[0], times))
        assert found[0, resample] == pytest.approx(peer, abs=1e-9)
    assert (found[1] == 0).all()


@pytest.mark.parametrize("metric", METRICS)
def test_every_example_once_is_the_plain_metric(metric):
    rng = np.random.default_rng(1)
    labels, predicted = rng.integers(2, size=200), rng.integers(2, size=(1, 200))
    found = weighted_scores(metric, labels, predicted, np.ones((200, 1)))
    assert found[0, 0] == pytest.approx(METRICS[metric](labels, predicted[0]), abs=1e-12)


def test_every_metric_has_a_weighted_form_a_label_and_its_own_name():
    assert METRICS.keys() == WEIGHTED.keys() == METRIC_LABELS.keys() == PEERS.keys()
    assert all(function.__name__ == name for name, function in METRICS.items())
