"""Metrics of the tasks, as GLUE defines them (Wang et al. 2018): CoLA by Matthews correlation, STS-B by the mean of
Pearson and Spearman, MRPC and QQP by the mean of F1 and accuracy, the rest by accuracy.

Each takes ``labels`` and ``predictions`` of shape ``(examples,)`` and returns a share or a coefficient (unit 1); each
raises BookError for no examples, for different numbers of them, and for NaN. A correlation with constant predictions is
undefined: it counts as 0, with a :class:`ConstantPredictionWarning`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.config import BookError


class ConstantPredictionWarning(UserWarning):
    """Constant predictions, whose correlation with the labels is undefined."""


def accuracy(labels: ArrayLike, predictions: ArrayLike) -> float:
    """Return the share of examples whose prediction equals their label."""
    expected, predicted = _pair(labels, predictions)
    return float((expected == predicted).mean())


def matthews_correlation(labels: ArrayLike, predictions: ArrayLike) -> float:
    """Return Matthews' correlation of classes, between -1 and 1; 0 for constant predictions."""
    from sklearn.metrics import matthews_corrcoef

    expected, predicted = _pair(labels, predictions)
    _varied(expected)
    _warn_if_constant(predicted)
    return float(matthews_corrcoef(expected, predicted))


def f1(labels: ArrayLike, predictions: ArrayLike) -> float:
    """Return F1 of class 1 among classes 0 and 1; 0 when class 1 is neither expected nor predicted.

    Raises:
        BookError: also for a class other than 0 and 1.
    """
    from sklearn.metrics import f1_score

    expected, predicted = _pair(labels, predictions)
    if strange := set(np.union1d(expected, predicted).tolist()) - {0, 1}:
        raise BookError(
            f"F1 met the classes {sorted(strange)}",
            expected="classes 0 and 1",
            do="use accuracy for a task of several classes",
        )
    return float(f1_score(expected, predicted, zero_division=0))


def pearson(labels: ArrayLike, predictions: ArrayLike) -> float:
    """Return Pearson's correlation, between -1 and 1; 0 for constant predictions.

    Raises:
        BookError: also when all labels are the same.
    """
    from scipy.stats import pearsonr

    return _correlation(pearsonr, labels, predictions)


def spearman(labels: ArrayLike, predictions: ArrayLike) -> float:
    """Return Spearman's correlation of ranks (ties share their mean rank); otherwise as :func:`pearson`."""
    from scipy.stats import spearmanr

    return _correlation(spearmanr, labels, predictions)


def f1_and_accuracy(labels: ArrayLike, predictions: ArrayLike) -> float:
    """Return the mean of F1 and accuracy (MRPC, QQP)."""
    return (f1(labels, predictions) + accuracy(labels, predictions)) / 2


def pearson_and_spearman(labels: ArrayLike, predictions: ArrayLike) -> float:
    """Return the mean of Pearson's and Spearman's correlation (STS-B)."""
    return (pearson(labels, predictions) + spearman(labels, predictions)) / 2


#: The metrics by the names under which tasks and records know them.
METRICS: dict[str, Callable[[ArrayLike, ArrayLike], float]] = {
    function.__name__: function
    for function in (accuracy, matthews_correlation, f1, pearson, spearman, f1_and_accuracy, pearson_and_spearman)
}
#: Metrics that are the mean of the examples' scores.
MEANS_OF_SCORES = ("accuracy",)
#: Metrics of predicted values; the others are of predicted classes.
OF_VALUES = ("pearson", "spearman", "pearson_and_spearman")
#: Names of the metrics in tables, figures and sentences.
METRIC_LABELS = {
    "accuracy": "accuracy",
    "matthews_correlation": "Matthews correlation",
    "f1": "F1",
    "pearson": "Pearson correlation",
    "spearman": "Spearman correlation",
    "f1_and_accuracy": "mean of F1 and accuracy",
    "pearson_and_spearman": "mean of Pearson and Spearman correlation",
}


def correct(labels: NDArray, predictions: NDArray) -> NDArray[np.float64]:
    """Return 1 where a prediction equals its label, else 0; shapes broadcast."""
    return np.asarray(predictions == labels, dtype=np.float64)


def negative_squared_error(labels: NDArray, predictions: NDArray) -> NDArray[np.float64]:
    """Return minus the squared error of each prediction; shapes broadcast."""
    return -((np.asarray(predictions, dtype=np.float64) - labels) ** 2)


def example_scores(metric: str, labels: NDArray, predictions: NDArray) -> NDArray[np.float64]:
    """Return each example's score, where it follows from label and prediction."""
    return (negative_squared_error if metric in OF_VALUES else correct)(labels, predictions)


def _correlation(function: Callable, labels: ArrayLike, predictions: ArrayLike) -> float:
    expected, predicted = _pair(labels, predictions)
    _varied(expected)
    return 0.0 if _warn_if_constant(predicted) else float(function(expected, predicted).statistic)


def _pair(labels: ArrayLike, predictions: ArrayLike) -> tuple[NDArray, NDArray]:
    expected, predicted = np.asarray(labels), np.asarray(predictions)
    if expected.ndim != 1 or expected.shape != predicted.shape:
        raise BookError(
            "labels and predictions do not fit",
            where=f"shapes {expected.shape} and {predicted.shape}",
            expected="one prediction an example, both of shape (examples,)",
            do="compute the metric on the whole set, gathered from all processes",
        )
    if expected.size == 0:
        raise BookError("there is no example to score", expected="at least one", do="check the task's split")
    for name, values in (("labels", expected), ("predictions", predicted)):
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise BookError(
                f"{name} hold NaN or infinity",
                where=f"example {int(np.argmin(np.isfinite(values)))}",
                expected="finite numbers",
                do="look for the step at which training diverged",
            )
    return expected, predicted


def _varied(labels: NDArray) -> None:
    if (labels == labels[0]).all():
        raise BookError(
            "all labels are the same",
            where=f"{labels.size} examples labelled {labels[0]}",
            expected="labels that differ",
            do="take a larger sample of the task",
        )


def _warn_if_constant(predictions: NDArray) -> bool:
    constant = bool((predictions == predictions[0]).all())
    if constant:
        text = f"every prediction is {predictions[0]}: the correlation counts as 0"
        warnings.warn(text, ConstantPredictionWarning, stacklevel=4)
    return constant
