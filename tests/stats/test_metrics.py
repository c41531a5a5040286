"""Every metric against a value worked out by hand."""

from __future__ import annotations

import math

import pytest
from distilbook.core.config import BookError
from distilbook.stats.metrics import (
    ConstantPredictionWarning,
    accuracy,
    f1,
    f1_and_accuracy,
    matthews_correlation,
    pearson,
    pearson_and_spearman,
    spearman,
)

#: 3 true positives, 1 false positive, 2 false negatives, 4 true negatives.
LABELS = [1, 1, 1, 1, 1, 0, 0, 0, 0, 0]
PREDICTIONS = [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]


def test_accuracy_is_the_share_that_is_right():
    assert accuracy(LABELS, PREDICTIONS) == 0.7


def test_matthews_correlation_is_that_of_the_four_counts():
    expected = (3 * 4 - 1 * 2) / math.sqrt((3 + 1) * (3 + 2) * (4 + 1) * (4 + 2))
    assert matthews_correlation(LABELS, PREDICTIONS) == pytest.approx(expected)


def test_f1_is_the_harmonic_mean_of_precision_and_recall():
    assert f1(LABELS, PREDICTIONS) == pytest.approx(2 * 0.75 * 0.6 / (0.75 + 0.6))
    assert f1_and_accuracy(LABELS, PREDICTIONS) == pytest.approx((2 / 3 + 0.7) / 2)


def test_f1_is_zero_where_class_one_is_never_predicted():
    assert f1(LABELS, [0] * 10) == 0


def test_pearson_is_the_covariance_over_the_spreads():
    assert pearson([1, 2, 3], [1, 2, 4]) == pytest.approx(3 / math.sqrt(2 * 14 / 3))


def test_spearman_sees_ranks_only_and_shares_them_among_ties():
    assert spearman([1, 2, 3, 4], [1, 10, 100, 1000]) == pytest.approx(1)
    # Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: covariance 4.5, squares 4.5 and 5.
    assert spearman([1, 2, 3, 4], [0.1, 0.2, 0.2, 0.3]) == pytest.approx(4.5 / math.sqrt(4.5 * 5))
    assert spearman([1, 2, 3], [3, 2, 1]) == pytest.approx(-1)


def test_the_similarity_metric_is_the_mean_of_both_correlations():
    labels, predictions = [1, 2, 3], [1, 2, 4]
    assert pearson_and_spearman(labels, predictions) == pytest.approx((pearson(labels, predictions) + 1) / 2)


@pytest.mark.parametrize("metric", [matthews_correlation, pearson, spearman])
def test_a_collapsed_model_correlates_with_nothing_and_the_reader_is_told(metric):
    with pytest.warns(ConstantPredictionWarning, match="every prediction is 1"):
        assert metric(LABELS, [1] * 10) == 0


@pytest.mark.parametrize("metric", [matthews_correlation, pearson, spearman])
def test_labels_that_are_all_the_same_cannot_be_correlated_with(metric):
    with pytest.raises(BookError, match="all labels are the same"):
        metric([1, 1, 1], [0, 1, 1])


@pytest.mark.parametrize("metric", [accuracy, matthews_correlation, f1, pearson, spearman])
@pytest.mark.parametrize(
    ("labels", "predictions", "what"),
    [
        ([], [], "no example"),
        ([0, 1], [0], "do not fit"),
        ([[0, 1]], [[0, 1]], "do not fit"),
        ([0, 1], [0.0, math.nan], "predictions hold NaN"),
        ([0.0, math.inf], [0, 1], "labels hold NaN"),
    ],
)
def test_what_cannot_be_scored_is_refused(metric, labels, predictions, what):
    with pytest.raises(BookError, match=what):
        metric(labels, predictions)


def test_f1_refuses_a_third_class():
    with pytest.raises(BookError, match=r"classes \[2\]"):
        f1([0, 1, 2], [0, 1, 1])
