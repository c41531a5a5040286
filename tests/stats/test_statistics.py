"""Intervals against independent computations, closed forms, and the laws they obey."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from distilbook.core.config import BookError
from distilbook.stats import intervals as statistics
from distilbook.stats.intervals import (
    POWER_FACTOR,
    Bootstrap,
    Interval,
    difference_interval,
    half_width_over_groups,
    median_and_range,
    median_interval,
    score_interval,
    seed_difference_interval,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

FEW = Bootstrap(resamples=300)
finite = st.floats(-100, 100, allow_nan=False)
samples = st.lists(finite, min_size=2, max_size=30)


def test_the_median_comes_with_the_smallest_the_largest_and_the_number():
    assert median_and_range([3, 1, 2, 10]) == statistics.Summary(2.5, 1, 10, 4)


def test_the_interval_of_a_mean_is_that_of_the_normal_distribution():
    values = np.random.default_rng(1).normal(5, 2, 2_000)
    found = score_interval(values)
    half = 1.96 * values.std() / math.sqrt(values.size)
    assert found.value == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - half, abs=0.05 * half)
    assert found.high == pytest.approx(values.mean() + half, abs=0.05 * half)
    assert (found.n, found.level) == (2_000, 0.95)


def test_a_paired_interval_agrees_with_scipy():
    rng = np.random.default_rng(2)
    a = rng.normal(3, 1, 400)
    b = a + rng.normal(0.5, 0.3, 400)
    found = difference_interval(a, b)
    peer = stats.bootstrap(
        (a, b), lambda a, b, axis: (a - b).mean(axis=axis), paired=True, method="percentile", n_resamples=10_000, rng=0
    )
    width = found.high - found.low
    assert found.low == pytest.approx(peer.confidence_interval.low, abs=0.04 * width)
    assert found.high == pytest.approx(peer.confidence_interval.high, abs=0.04 * width)


def test_the_interval_of_a_median_agrees_with_scipy():
    values = np.random.default_rng(3).lognormal(size=200)
    found = median_interval(values)
    peer = stats.bootstrap((values,), np.median, method="percentile", n_resamples=10_000, rng=0).confidence_interval
    assert (found.low, found.high) == pytest.approx((peer.low, peer.high), abs=0.1 * (found.high - found.low))


def test_examples_that_agree_within_their_group_count_as_one():
    rng = np.random.default_rng(4)
    by_group = rng.normal(size=100)
    groups = np.repeat(np.arange(100), 25)
    clustered = score_interval(by_group[groups], groups)
    alone = score_interval(by_group)
    assert clustered.high - clustered.low == pytest.approx(alone.high - alone.low, rel=1e-9)
    naive = score_interval(by_group[groups])
    assert clustered.high - clustered.low > 4 * (naive.high - naive.low)


def test_groups_of_unequal_size_weigh_what_they_hold():
    values, groups = [1.0, 1.0, 1.0, 0.0], ["a", "a", "a", "b"]
    found = score_interval(values, groups)
    assert (found.value, found.low, found.high) == (0.75, 0.0, 1.0)


def test_ninety_five_of_a_hundred_intervals_hold_the_truth():
    rng = np.random.default_rng(7)
    how = Bootstrap(resamples=400)
    intervals = [score_interval(rng.exponential(2.0, 80), how=how) for _ in range(400)]
    assert 0.89 < np.mean([i.low <= 2.0 <= i.high for i in intervals]) < 0.98


def test_ten_thousand_resamples_of_clustered_examples_take_less_than_two_seconds():
    rng = np.random.default_rng(9)
    student, teacher = rng.random((2, 2_500)) < [[0.7], [0.8]]
    began = time.process_time()
    difference_interval(student, teacher, rng.integers(500, size=2_500))
    assert time.process_time() - began < 2


def test_a_single_example_or_group_bounds_nothing():
    assert score_interval([0.7]).high == math.inf
    assert score_interval([0.7, 0.8], ["film", "film"]).low == -math.inf
    assert median_interval([3.0]).low == -math.inf


def test_the_same_values_give_the_same_interval_and_another_seed_another():
    values = np.random.default_rng(10).normal(size=50)
    assert score_interval(values) == score_interval(values)
    assert score_interval(values) != score_interval(values, how=Bootstrap(seed=1))


def test_drawing_in_parts_draws_the_same(monkeypatch):
    values = np.random.default_rng(11).normal(size=50)
    whole = score_interval(values, how=FEW)
    monkeypatch.setattr(statistics, "DRAWN_AT_ONCE", 700)
    parts = score_interval(values, how=FEW)
    assert (parts.low, parts.high) == pytest.approx((whole.low, whole.high), abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(samples)
def test_no_resample_leaves_the_range_of_the_values(values):
    for found in (score_interval(values, how=FEW), median_interval(values, FEW)):
        assert min(values) - 1e-9 <= found.low <= found.high <= max(values) + 1e-9


@settings(max_examples=40, deadline=None)
@given(samples, st.floats(0.1, 10), finite)
def test_the_interval_of_scaled_and_shifted_values_is_scaled_and_shifted(values, scale, shift):
    plain, changed = score_interval(values, how=FEW), score_interval(scale * np.array(values) + shift, how=FEW)
    for end in ("value", "low", "high"):
        assert getattr(changed, end) == pytest.approx(scale * getattr(plain, end) + shift, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(finite, finite), min_size=2, max_size=30))
def test_a_difference_the_other_way_round_is_its_negative(pairs):
    a, b = zip(*pairs, strict=True)
    forth, back = difference_interval(a, b, how=FEW), difference_interval(b, a, how=FEW)
    assert (forth.value, forth.low, forth.high) == pytest.approx((-back.value, -back.high, -back.low), abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(samples)
def test_every_example_a_group_of_its_own_is_no_grouping(values):
    assert score_interval(values, np.arange(len(values)), FEW) == score_interval(values, how=FEW)


def test_the_seed_interval_is_students_of_the_paired_differences():
    a, b = [0.30, 0.33, 0.31, 0.35], [0.28, 0.29, 0.30, 0.30]
    peer = stats.ttest_rel(a, b).confidence_interval(0.95)
    found = seed_difference_interval(a, b)
    assert (found.low, found.high) == pytest.approx((peer.low, peer.high))
    assert (found.value, found.n) == (pytest.approx(0.03), 4)


def test_one_seed_bounds_no_difference():
    assert seed_difference_interval([0.3], [0.2]) == Interval(pytest.approx(0.1), -math.inf, math.inf, 1, 0.95)


def test_groups_of_one_example_have_students_interval_of_the_mean():
    values = np.random.default_rng(0).normal(1.0, 2.0, 40)
    low, high = stats.t.interval(0.95, 39, values.mean(), stats.sem(values))
    assert half_width_over_groups(values, np.ones(40)) == pytest.approx((high - low) / 2)


def test_the_half_width_over_unequal_groups_is_that_of_a_bootstrap():
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(80), rng.integers(1, 20, 80))
    values = rng.normal(np.repeat(rng.normal(0, 1, 80), np.bincount(groups)), 1.0)
    expected = score_interval(values, groups, Bootstrap(resamples=5_000))
    half = half_width_over_groups(np.bincount(groups, values), np.bincount(groups))
    assert half == pytest.approx((expected.high - expected.low) / 2, rel=0.06)


def test_ninety_five_of_a_hundred_half_widths_reach_the_truth():
    rng = np.random.default_rng(2)
    drawn = rng.normal(0, 1, (4_000, 30)) + 0.5
    sizes = rng.integers(1, 10, (4_000, 30))
    reached = [
        abs((row * size).sum() / size.sum() - 0.5) <= half_width_over_groups(row * size, size)
        for row, size in zip(drawn, sizes, strict=True)
    ]
    assert 0.93 < np.mean(reached) < 0.965


def test_a_single_group_bounds_nothing_and_groups_alike_everything():
    assert math.isinf(half_width_over_groups([3.0], [5]))
    assert half_width_over_groups([1.0, 2.0, 4.0], [2, 4, 8]) == 0


def test_a_value_so_many_half_widths_from_zero_is_found_four_times_out_of_five():
    drawn = np.random.default_rng(3).normal(POWER_FACTOR * stats.norm.ppf(0.975), 1.0, 100_000)
    assert np.mean(np.abs(drawn) > stats.norm.ppf(0.975)) == pytest.approx(0.8, abs=0.005)


def detectable(*recipes):
    return statistics.detectable_difference(statistics.pooled_spread(recipes), *map(len, recipes))


def test_the_smallest_detectable_difference_is_found_four_times_out_of_five():
    rng = np.random.default_rng(12)
    spread = np.array([-1.0, 0.0, 1.0, -1.0, 1.0])
    effect = detectable(spread, spread)
    sigma = spread.std(ddof=1)
    a, b = rng.normal(effect, sigma, (4_000, 5)), rng.normal(0, sigma, (4_000, 5))
    assert 0.75 < (stats.ttest_ind(a, b, axis=1).pvalue < 0.05).mean() < 0.85


def test_the_pooled_spread_weighs_variances_by_degrees_of_freedom():
    a, b = [0.3, 0.32, 0.31, 0.35], [0.2, 0.25, 0.21]
    spread = statistics.pooled_spread([a, b])
    assert spread == pytest.approx(math.sqrt((3 * np.var(a, ddof=1) + 2 * np.var(b, ddof=1)) / 5))


def test_a_spread_needs_a_second_seed_of_some_recipe():
    assert math.isnan(statistics.pooled_spread([[0.3], [0.2]]))
    assert statistics.pooled_spread([[0.3], [0.1, 0.2]]) == pytest.approx(np.std([0.1, 0.2], ddof=1))


def test_without_a_second_seed_no_difference_is_detectable():
    assert detectable([0.3], [0.2]) == math.inf
    assert math.isfinite(detectable([0.3, 0.31], [0.2]))


@pytest.mark.parametrize(
    "call",
    [
        lambda: score_interval([]),
        lambda: median_and_range([1.0, math.nan]),
        lambda: difference_interval([1.0, 2.0], [1.0]),
        lambda: score_interval([1.0, 2.0], ["a"]),
        lambda: score_interval(np.ones((2, 2))),
    ],
)
def test_values_that_mean_nothing_are_refused(call):
    with pytest.raises(BookError):
        call()
