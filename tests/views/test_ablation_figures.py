"""Figures of the arms: what is drawn is what was given, in points, each recipe in its own colour."""

import math

import pytest
from distilbook.claims.ablation import compare, compared, two_by_two
from distilbook.stats.intervals import detectable_difference
from distilbook.views import ablations
from distilbook.views import style as palette
from test_comparisons import FULL, WORSE, against_full, records_of

VALUES = {
    "full": FULL,
    "without_cosine": WORSE,
    "random_initialisation": [0.10, 0.12, 0.11],
    "without_teacher": [0.20, 0.22, 0.23],
    "from_scratch": [0.11, 0.10, 0.12],
    "without_teacher_equal_seconds": [0.28, 0.29, 0.31],
    "from_scratch_equal_seconds": [0.12, 0.11, 0.13],
}
RECORDS = [record for name, values in VALUES.items() for record in records_of(name, values)]


def test_a_change_is_drawn_with_its_interval_in_points_and_a_stroke_a_seed():
    one = compare(RECORDS, "without_cosine")
    mean, strokes = ablations.changes([one]).data
    assert mean.x == (100 * one.change.interval.value,) and mean.y == ("without cosine loss",)
    assert mean.error_x.array == pytest.approx([100 * (one.change.interval.high - one.change.interval.value)])
    assert mean.marker.color == palette.COLOURS["without_cosine"]
    assert strokes.x == tuple(100 * value for value in one.change.values)


def test_a_single_seed_has_no_interval_drawn():
    assert ablations.changes([against_full("temperature 4", [0.2])]).data[0].error_x.array is None


def test_what_starts_at_random_has_a_panel_of_its_own_and_the_paper_a_column():
    made = ablations.changes(compared(RECORDS), {"without_cosine": -1.46, "random_initialisation": -3.69})
    panels = {(trace.y[0], trace.xaxis) for trace in made.data}
    assert ("without cosine loss", "x") in panels and ("without cosine loss", "x2") in panels
    assert ("random initialisation", "x3") in panels and ("random initialisation", "x4") in panels
    assert ("random, MLM only", "x3") in panels and ("random, MLM only", "x4") not in panels
    assert [trace.x for trace in made.data if trace.xaxis == "x2"] == [(-1.46,)]


def test_zero_is_on_the_axis_however_far_a_change_is_from_it():
    low, high = ablations.changes([against_full("temperature 4", [0.2])]).layout.xaxis.range
    assert low < -10 < 0 < high


def test_the_two_by_two_has_a_row_a_start_and_a_column_a_budget_of_equal_height():
    tables = [two_by_two(RECORDS, budget) for budget in ("tokens", "seconds")]
    made = ablations.factors(tables)
    marks = {(trace.name, trace.xaxis): trace.y for trace in made.data if trace.mode == "markers"}
    assert marks["full recipe", "x"] == marks["full recipe", "x2"] == tuple(FULL)
    assert marks["copied layers, MLM only, equal seconds", "x2"] == tuple(VALUES["without_teacher_equal_seconds"])
    assert marks["random, MLM only", "x3"] == tuple(VALUES["from_scratch"])
    spans = [high - low for low, high in (made.layout.yaxis.range, made.layout.yaxis3.range)]
    assert spans[0] == pytest.approx(spans[1])
    lines = [trace.y for trace in made.data if trace.mode == "lines"]
    assert lines[0] == (0.22, 0.31) and len(lines) == 4


def test_the_smallest_difference_is_drawn_over_seeds_with_the_differences_found():
    one = compare(RECORDS, "without_cosine")
    curve, mark = ablations.detectable(0.01, [one], most=6).data
    assert curve.x == (2, 3, 4, 5, 6) and curve.y[0] == pytest.approx(100 * detectable_difference(0.01, 2, 2))
    assert mark.x == (3,) and mark.y == pytest.approx((100 * abs(one.change.interval.value),))


@pytest.mark.parametrize("spread", [0.0, math.nan])
def test_without_a_spread_there_is_no_curve(spread):
    assert ablations.detectable(spread, []).data[0].x == ()
