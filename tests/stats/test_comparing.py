"""Macro-scores, differences and shares against loops and closed forms, and the laws they obey."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from distilbook.core.config import BookError
from distilbook.stats import Answers, compare, difference, scores_on_one_task
from distilbook.stats.comparison import counted_seeds, drawn_score, is_counted
from distilbook.stats.intervals import Bootstrap, score_interval
from sklearn.metrics import f1_score, matthews_corrcoef

FEW = Bootstrap(resamples=400)


def task(shares: dict[str, list[float]], n=400, metric="accuracy", films=None, seed=0) -> dict[str, Answers]:
    """Return answers of which so many are right, a number a seed, to ``n`` examples of two classes."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(2, size=n)
    groups = np.arange(n) if films is None else rng.integers(films, size=n)
    return {
        model: Answers(
            metric, labels, np.stack([np.where(rng.random(n) < share, labels, 1 - labels) for share in seeds]), groups
        )
        for model, seeds in shares.items()
    }


def macro_score(tasks, model: str, how: Bootstrap = Bootstrap()):
    return compare(tasks, [model], how).score(model)


def retention(tasks, model: str, reference: str, how: Bootstrap = Bootstrap()):
    return compare(tasks, [model, reference], how).retention(model, reference)


def share_of_lead(tasks, model: str, reference: str, baseline: str, how: Bootstrap = Bootstrap()):
    return compare(tasks, [model, reference, baseline], how).share_of_lead(model, reference, baseline)


def right(labels: np.ndarray, predicted: np.ndarray) -> float:
    return float(np.mean(labels == predicted))


def f1(labels: np.ndarray, predicted: np.ndarray) -> float:
    """Return F1 as the harmonic mean of precision and recall."""
    precision, recall = labels[predicted == 1].mean(), predicted[labels == 1].mean()
    return float(2 * precision * recall / (precision + recall))


PAIR = {"teacher": [0.9, 0.85, 0.88], "student": [0.8, 0.82], "majority": [0.5]}


def test_the_macro_score_is_the_mean_over_tasks_of_the_median_over_seeds_of_each_tasks_own_metric():
    first, second = task(PAIR, metric="matthews_correlation"), task(PAIR, n=200, metric="f1", seed=1)
    cola, mrpc = first["teacher"], second["teacher"]
    medians = (
        np.median([matthews_corrcoef(cola.labels, row) for row in cola.predicted]),
        np.median([f1_score(mrpc.labels, row) for row in mrpc.predicted]),
    )
    found = macro_score({"CoLA": first, "MRPC": second}, "teacher", FEW)
    assert found.value == pytest.approx(np.mean(medians))
    assert found.low < found.value < found.high and found.n == 600


@pytest.mark.parametrize("films", [None, 40])
def test_one_seed_and_one_task_has_the_interval_of_a_mean(films):
    some = task({"teacher": [0.8]}, films=films)
    one = some["teacher"]
    peer = score_interval(one.predicted[0] == one.labels, one.groups)
    found = macro_score({"SST-2": some}, "teacher")
    width = peer.high - peer.low
    assert found.value == pytest.approx(peer.value)
    assert (found.low, found.high) == pytest.approx((peer.low, peer.high), abs=0.06 * width)


def test_intervals_agree_with_a_loop_that_draws_films_and_seeds_of_two_tasks():
    rng = np.random.default_rng(2)
    further = {1: 1.0, 2: 3.0, 3: 1.3}  # what few seeds show of their scatter is widened
    tasks = {"A": task(PAIR, n=300, films=30), "B": task(PAIR, n=150, metric="f1", seed=1)}
    loops = {"difference": [], "retention": [], "share_of_lead": []}
    for _ in range(1_500):
        seeds = {model: rng.integers(len(shares), size=len(shares)) for model, shares in PAIR.items()}
        macro = dict.fromkeys(PAIR, 0.0)
        for name, answers in tasks.items():
            groups = answers["teacher"].groups
            units = np.unique(groups)
            rows = np.concatenate([np.flatnonzero(groups == unit) for unit in rng.choice(units, len(units))])
            for model, one in answers.items():
                labels = one.labels[rows]
                score = f1 if name == "B" else right
                scores = np.array([score(labels, predicted[rows]) for predicted in one.predicted])
                middle = np.median(scores)
                macro[model] += (middle + further[len(scores)] * (np.median(scores[seeds[model]]) - middle)) / 2
        lead = macro["teacher"] - macro["majority"]
        loops["difference"].append(macro["student"] - macro["teacher"])
        loops["retention"].append(macro["student"] / macro["teacher"])
        loops["share_of_lead"].append((macro["student"] - macro["majority"]) / lead)
    ours = {
        "difference": difference(tasks, "student", "teacher"),
        "retention": retention(tasks, "student", "teacher"),
        "share_of_lead": share_of_lead(tasks, "student", "teacher", "majority"),
    }
    for name, values in loops.items():
        low, high = np.quantile(values, [0.025, 0.975])
        assert (ours[name].low, ours[name].high) == pytest.approx((low, high), abs=0.12 * (high - low)), name


@pytest.mark.parametrize("of_seeds", [0.0, 0.5, 2.0, 20.0])
@pytest.mark.parametrize("seeds", [2, 3, 4, 5])
def test_equal_models_are_called_different_in_about_one_comparison_of_twenty_at_most(seeds, of_seeds):
    """``of_seeds`` is how far seeds scatter, in units of what other examples would change of a difference."""
    rng, repetitions, resamples = np.random.default_rng(6), 1_500, 400
    unit = 0.001  # scores stay away from 1, beyond which none is taken to be
    # The examples there are, and those drawn from them, shift one of the models; all repetitions are rows of one array.
    shift = rng.normal(size=(repetitions, 1, 1)) + rng.normal(size=(repetitions, resamples, 1))
    sides = [of_seeds * rng.normal(size=(repetitions, 1, seeds)) + part for part in (shift, 0 * shift)]
    drawn = [
        drawn_score(unit * side.reshape(-1, seeds), rng.integers(seeds, size=(repetitions * resamples, seeds)))
        for side in sides
    ]
    low, high = np.quantile((drawn[0] - drawn[1]).reshape(repetitions, resamples), [0.025, 0.975], axis=1)
    assert np.mean((low > 0) | (high < 0)) < 0.085


def test_no_drawn_score_is_above_one_however_far_few_seeds_are_taken_apart():
    scores = np.array([[0.9, 1.0], [0.9, 1.0]])
    assert drawn_score(scores, np.array([[1, 1], [0, 0]])) == pytest.approx([1.0, 0.8])


def test_models_are_compared_on_the_same_resampled_examples():
    """Two models that are right on the same examples but for one in fifty differ by little, however few these are."""
    rng = np.random.default_rng(3)
    labels = np.ones(300, dtype=int)
    teacher = (rng.random(300) < 0.7).astype(int)
    student = np.where(rng.random(300) < 0.02, 0, teacher)
    answers = {
        name: Answers("accuracy", labels, row[None], np.arange(300))
        for name, row in (("teacher", teacher), ("student", student))
    }
    gap, score = difference({"A": answers}, "student", "teacher"), macro_score({"A": answers}, "teacher")
    assert gap.high - gap.low < 0.4 * (score.high - score.low)


def test_what_a_seed_owes_to_its_pretraining_is_common_to_all_tasks():
    """Seeds that are good or bad on every task do not average out over tasks."""
    shares = {"student": [0.55, 0.65, 0.75, 0.85, 0.95]}
    tasks = {name: task(shares, n=4_000, seed=seed) for seed, name in enumerate("ABCD")}
    one = macro_score({"A": tasks["A"]}, "student")
    four = macro_score(tasks, "student")
    assert four.high - four.low == pytest.approx(one.high - one.low, rel=0.1)


@pytest.mark.parametrize("counted", [[1, 1, 1, 1, 1], [1, 0, 1, 1, 0], [0, 0, 1, 0, 0], [1, 1, 1]])
def test_every_counted_seed_is_drawn_equally_often_and_no_other(counted):
    rng, counted = np.random.default_rng(4), np.array(counted, dtype=bool)
    drawn = rng.integers(5, size=(30_000, 5))
    places = counted_seeds(drawn, counted, rng)
    assert places.shape == (30_000, counted.sum())
    shares = np.bincount(places.ravel(), minlength=counted.sum()) / places.size
    assert shares == pytest.approx(np.full(counted.sum(), 1 / counted.sum()), abs=0.01)


def test_a_seed_that_is_counted_in_two_tasks_is_drawn_in_both():
    rng = np.random.default_rng(5)
    drawn = rng.integers(3, size=(100, 3))
    assert (counted_seeds(drawn, np.ones(3, dtype=bool), rng) == drawn).all()
    without_the_first = counted_seeds(drawn, np.array([False, True, True]), rng)
    wanted = drawn[:, :2]
    assert (without_the_first[wanted > 0] == wanted[wanted > 0] - 1).all()


def with_seeds(answers: Answers, seeds: tuple[int, ...]) -> Answers:
    """Return the rows of these seeds alone."""
    rows = answers.predicted[[answers.seeds.index(seed) for seed in seeds]]
    return Answers(answers.metric, answers.labels, rows, answers.groups, seeds)


@pytest.mark.parametrize("numbers", [(0, 1, 2, 3, 4), (1, 5, 9, 12, 40)])
def test_what_the_seeds_are_called_changes_no_interval(numbers):
    tasks = {name: task({"teacher": [0.9, 0.8, 0.7, 0.85, 0.6]}, seed=seed) for seed, name in enumerate("AB")}
    called = {
        name: {"teacher": Answers(one.metric, one.labels, one.predicted, one.groups, numbers)}
        for name, one in ((name, some["teacher"]) for name, some in tasks.items())
    }
    assert macro_score(called, "teacher", FEW) == macro_score(tasks, "teacher", FEW)


@pytest.mark.parametrize("left", [(0, 1, 3, 4), (1, 2, 3, 4), (0, 4), (2,)])
def test_a_seed_that_is_missing_on_one_task_shifts_no_other(left):
    """In each resample both tasks take the same seeds, but for those that one of them lacks."""
    every = [0, 1, 2, 3, 4]
    some = Answers("accuracy", np.ones(5), np.eye(5), np.arange(5))
    there = is_counted(with_seeds(some, left), every)
    assert there.tolist() == [seed in left for seed in every]
    rng = np.random.default_rng(7)
    drawn = rng.integers(5, size=(200, 5))
    taken = np.array(left)[counted_seeds(drawn, there, rng)]
    wanted = drawn[:, : len(left)]
    assert (taken == wanted)[np.isin(wanted, left)].all()


def test_seeds_that_are_good_on_all_tasks_stay_together_where_a_task_lacks_one_in_the_middle():
    """Were they matched by their places, good seeds of one task would be averaged with bad ones of the next."""
    shares = {"student": [0.55, 0.65, 0.75, 0.85, 0.95]}
    tasks = {name: task(shares, n=4_000, seed=seed) for seed, name in enumerate("ABCD")}
    whole = macro_score(tasks, "student")
    lacking = {name: {"student": with_seeds(some["student"], (0, 1, 3, 4))} for name, some in tasks.items()}
    lacking["A"] = tasks["A"]
    found = macro_score(lacking, "student")
    assert found.high - found.low > 0.9 * (whole.high - whole.low)


def test_a_collapsed_seed_changes_neither_score_nor_interval():
    sound = task({"teacher": [0.9, 0.85]})
    one = sound["teacher"]
    collapsed = Answers("accuracy", one.labels, np.vstack([one.predicted, np.ones((1, 400), dtype=int)]), one.groups)
    before, after = (macro_score({"A": {"teacher": some}}, "teacher") for some in (one, collapsed))
    assert after.value == before.value
    assert (after.low, after.high) == pytest.approx((before.low, before.high), abs=0.01)


def test_a_model_is_exactly_once_itself_and_keeps_its_whole_lead():
    tasks = {"A": task(PAIR), "B": task(PAIR, seed=1)}
    same = retention(tasks, "teacher", "teacher", FEW)
    assert (same.value, same.low, same.high) == (1, 1, 1)
    none = difference(tasks, "student", "student", FEW)
    assert (none.value, none.low, none.high) == (0, 0, 0)
    whole = share_of_lead(tasks, "teacher", "teacher", "majority", FEW)
    nothing = share_of_lead(tasks, "majority", "teacher", "majority", FEW)
    assert (whole.low, whole.high, nothing.low, nothing.high) == (1, 1, 0, 0)


def test_one_resampling_serves_all_questions():
    tasks = {"A": task(PAIR)}
    all_models = compare(tasks, list(PAIR), FEW)
    assert all_models.difference("student", "teacher").value == pytest.approx(
        all_models.score("student").value - all_models.score("teacher").value
    )
    forth, back = all_models.difference("student", "teacher"), all_models.difference("teacher", "student")
    assert (forth.low, forth.high) == pytest.approx((-back.high, -back.low))


def test_scores_on_one_task_are_those_of_a_macro_score_over_it_alone():
    some = task(PAIR)
    for model, found in scores_on_one_task("A", some).items():
        peer = macro_score({"A": some}, model)
        assert found.value == peer.value
        assert (found.low, found.high) == pytest.approx((peer.low, peer.high), abs=0.01)


def test_the_same_answers_give_the_same_interval_and_another_seed_another():
    tasks = {"A": task(PAIR)}
    assert retention(tasks, "student", "teacher", FEW) == retention(tasks, "student", "teacher", FEW)
    other = Bootstrap(resamples=400, seed=1)
    assert retention(tasks, "student", "teacher", FEW) != retention(tasks, "student", "teacher", other)


def test_a_task_of_one_group_bounds_nothing():
    tasks = {"A": task(PAIR), "B": task(PAIR, films=1)}
    assert macro_score(tasks, "teacher", FEW).high == math.inf


def test_a_share_of_nothing_is_undefined():
    wrong = task({"teacher": [0.0], "student": [0.5]})
    found = retention({"A": wrong}, "student", "teacher", FEW)
    assert math.isnan(found.value) and found.low == -math.inf
    near = retention({"A": task(PAIR, n=20, metric="matthews_correlation")}, "teacher", "majority", FEW)
    assert near.high == math.inf  # a coin's correlation is below zero in some resamples


def test_ninety_five_of_a_hundred_intervals_of_a_difference_hold_the_truth():
    held = 0
    how = Bootstrap(resamples=300)
    for number in range(200):
        answers = task({"teacher": [0.8], "student": [0.7]}, n=150, metric="matthews_correlation", seed=1000 + number)
        found = difference({"A": answers}, "student", "teacher", how)
        held += found.low <= 0.4 - 0.6 <= found.high  # of balanced classes the correlation is 2 p - 1
    assert 0.89 < held / 200 < 0.99


def test_models_without_answers_or_with_other_examples_are_refused():
    first, second = task(PAIR), task(PAIR, seed=1)
    with pytest.raises(BookError, match="'studnet' has no predictions"):
        compare({"A": first}, ["studnet"])
    with pytest.raises(BookError, match="two models were scored on different examples"):
        compare({"A": {"teacher": first["teacher"], "student": second["student"]}}, ["teacher", "student"])
    other = Answers("f1", first["student"].labels, first["student"].predicted, first["student"].groups)
    with pytest.raises(BookError, match="scored by accuracy and by f1"):
        compare({"A": {"teacher": first["teacher"], "student": other}}, ["teacher", "student"])
    with pytest.raises(BookError, match="no task"):
        compare({}, ["teacher"])


def test_ten_thousand_resamples_of_a_large_task_take_seconds():
    """As many examples as QQP's development set, two models of five seeds, the slowest metric of classes."""
    rng = np.random.default_rng(7)
    labels = rng.integers(2, size=40_430)
    hard = rng.random(40_430) < 0.15
    answers = {
        name: Answers("f1_and_accuracy", labels, _mostly(rng, labels, hard), np.arange(40_430))
        for name in ("teacher", "student")
    }
    began = time.process_time()
    found = retention({"QQP": answers}, "student", "teacher")
    assert time.process_time() - began < 10
    assert found.low < 1 < found.high


def _mostly(rng, labels, hard) -> np.ndarray:
    """Return five seeds' answers, which agree on most examples as those of trained models do."""
    wrong = hard & (rng.random(len(labels)) < 0.5)
    return np.stack([np.where(wrong ^ (rng.random(len(labels)) < 0.03), 1 - labels, labels) for _ in range(5)])
