"""Kept answers: read as they were written, and a seed that collapsed is seen."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from distilbook.core.config import BookError
from distilbook.stats import Answers
from distilbook.stats.bootstrap import resampled_scores

LABELS = np.array([0, 1, 1, 0])


def keep(folder, name, predictions, labels=LABELS, groups=None):
    path = folder / f"{name}.npz"
    groups = np.arange(len(labels)) if groups is None else groups
    np.savez(path, labels=labels, predictions=np.array(predictions), groups=groups)
    return path


def answers(*predicted, metric="accuracy", labels=LABELS) -> Answers:
    return Answers(metric, labels, np.array(predicted), np.arange(len(labels)))


def test_a_file_a_seed_is_read_in_the_order_of_the_seeds(tmp_path):
    films = np.array(["a", "a", "b", "b"])
    paths = [keep(tmp_path, name, row, groups=films) for name, row in (("x", [0, 1, 1, 0]), ("w", [1, 1, 1, 0]))]
    read = Answers.read({7: paths[1], 2: paths[0]}, "accuracy")
    assert read.seeds == (2, 7)
    assert read.scores.tolist() == [1.0, 0.75] and read.score == 0.875
    assert read.predicted.tolist() == [[0, 1, 1, 0], [1, 1, 1, 0]] and read.groups.tolist() == films.tolist()


def test_a_seed_that_says_the_same_of_everything_is_not_averaged_in():
    some = answers([0, 1, 1, 0], [1, 1, 1, 1], [0, 1, 0, 0])
    assert some.constant.tolist() == [False, True, False] and some.counted.tolist() == [True, False, True]
    assert some.score == 0.875


def test_where_all_seeds_say_the_same_all_are_counted_and_nobody_is_warned():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        majority = answers([1, 1, 1, 1], [0, 0, 0, 0], metric="matthews_correlation")
        assert majority.counted.all() and majority.score == 0


def test_a_regression_collapses_likewise():
    some = answers([2.5] * 4, [1.0, 2.0, 2.5, 0.5], metric="pearson", labels=np.array([1.0, 2.0, 3.0, 0.0]))
    assert some.constant.tolist() == [True, False] and some.score > 0.9


@pytest.mark.parametrize("change", [{"labels": LABELS[::-1].copy() * 0}, {"groups": np.zeros(4)}])
def test_seeds_scored_on_different_examples_are_refused(tmp_path, change):
    paths = [keep(tmp_path, "a", [0, 1, 1, 0]), keep(tmp_path, "b", [0, 1, 1, 0], **change)]
    with pytest.raises(BookError, match="two seeds were scored on different examples"):
        Answers.read(dict(enumerate(paths)), "accuracy")


def test_files_that_are_missing_or_lack_an_array_are_named(tmp_path):
    with pytest.raises(BookError, match="is missing"):
        Answers.read({0: tmp_path / "none.npz"}, "accuracy")
    np.savez(tmp_path / "part.npz", labels=LABELS)
    with pytest.raises(BookError, match="lacks predictions, groups"):
        Answers.read({0: tmp_path / "part.npz"}, "accuracy")
    with pytest.raises(BookError, match="no predictions to read"):
        Answers.read({}, "accuracy")


@pytest.mark.parametrize(
    ("predicted", "groups"),
    [
        (np.zeros((1, 3)), np.arange(4)),
        (np.zeros(4), np.arange(4)),
        (np.zeros((0, 4)), np.arange(4)),
        (np.zeros((1, 4)), np.arange(3)),
        (np.zeros((1, 4)), np.zeros((4, 3))),
    ],
)
def test_shapes_that_do_not_fit_are_refused(predicted, groups):
    with pytest.raises(BookError, match="do not fit"):
        Answers("accuracy", LABELS, predicted, groups)


def test_an_unknown_metric_is_refused_with_the_nearest():
    with pytest.raises(BookError, match="did you mean 'accuracy'"):
        answers([0, 1, 1, 0], metric="acuracy")


@pytest.mark.parametrize("length", [0, 10, 300])
def test_a_broken_file_is_named_with_what_to_remove(tmp_path, length):
    path = tmp_path / "run" / "test.npz"
    path.parent.mkdir()
    np.savez_compressed(path, labels=np.arange(500), predictions=np.arange(500), groups=np.arange(500))
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(BookError, match="is broken") as caught:
        Answers.read({0: path}, "accuracy")
    assert str(path) in str(caught.value) and f"remove the run's folder, {path.parent}" in str(caught.value)


@pytest.mark.parametrize("seeds", [(1,), (0, 1, 2), (1, 1), (5, 1)])
def test_seeds_that_are_not_one_a_row_each_once_in_rising_order_are_refused(seeds):
    with pytest.raises(BookError, match="the seeds do not fit 2 rows"):
        Answers("accuracy", LABELS, np.stack([LABELS, LABELS]), np.arange(len(LABELS)), seeds)


def test_scores_of_examples_are_read_where_a_file_has_them_and_derived_elsewhere(tmp_path):
    path = keep(tmp_path, "a", [0, 1, 0, 0])
    derived = Answers.read({0: path}, "accuracy")
    assert derived.example_scores.tolist() == [[1, 1, 0, 1]] and derived.scores.tolist() == [0.75]
    arrays = dict(np.load(path))
    np.savez(path, **arrays, scores=np.array([1, 0.5, 0, 0.5]))
    read = Answers.read({0: path}, "accuracy")
    assert read.example_scores.tolist() == [[1, 0.5, 0, 0.5]] and read.scores.tolist() == [0.5]


def test_a_metric_that_is_a_mean_of_scores_is_resampled_as_the_weighted_mean_of_the_files_scores():
    rng = np.random.default_rng(0)
    labels, scores = np.zeros(60, dtype=int), rng.random((1, 60))
    found = resampled_scores(
        "accuracy", labels, np.arange(60)[None], np.arange(60), np.random.default_rng(1), 500, scores
    )
    assert found.mean() == pytest.approx(scores.mean(), abs=0.01)
    assert found.std() == pytest.approx(scores.std() / np.sqrt(60), rel=0.15)
