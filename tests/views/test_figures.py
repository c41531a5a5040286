"""Every figure draws what it was given; no axis is without a title where it has one to give."""

import math

import numpy as np
import pytest
from distilbook.distillation.recipe import ARMS
from distilbook.views import corpus, models, pretraining, trial
from distilbook.views import style as palette

LONGER = {name: f"{name}_equal_seconds" for name in ("without_teacher", "from_scratch")}


def test_every_model_and_ablation_has_a_colour_a_marker_and_a_label_of_its_own():
    names = {*ARMS, "teacher", "tfidf", "majority"}
    for look in (palette.COLOURS, palette.MARKERS, palette.LABELS):
        assert look.keys() == names | {*LONGER.values()} and len({look[name] for name in names}) == len(names)


def test_an_ablation_at_equal_seconds_has_the_ablations_colour_its_marker_open_and_a_label_of_its_own():
    for arm, longer in LONGER.items():
        assert palette.COLOURS[longer] == palette.COLOURS[arm]
        assert palette.MARKERS[longer] == f"{palette.MARKERS[arm]}-open"
    assert len(set(palette.LABELS.values())) == len(palette.LABELS)


def test_choices_are_called_by_their_name_and_told_apart_from_each_other_and_from_the_arms():
    looks = [palette.look(f"temperature {number}", number) for number in range(6)]
    assert len({(colour, marker) for colour, marker, _, _ in looks}) == 6 and looks[3][3] == "temperature 3"
    assert {look[0] for look in looks}.isdisjoint(palette.COLOURS.values())
    assert palette.look("full") == (palette.COLOURS["full"], palette.MARKERS["full"], "solid", "full recipe")


def test_learning_curves_have_a_line_a_seed_and_one_legend_entry_an_arm():
    seeds = [[{"seen": 0, "m": 0.1}, {"seen": 10, "m": 0.2}]] * 2
    made = pretraining.learning_curves(
        {"full": seeds, "without_teacher": seeds}, "m", "masked accuracy", "t", reference=0.3
    )
    assert len(made.data) == 4 and [trace.showlegend for trace in made.data] == [True, False, True, False]
    assert made.data[0].y == (0.1, 0.2) and made.layout.shapes[0].y0 == 0.3
    assert made.layout.xaxis.title.text and made.layout.yaxis.title.text == "masked accuracy"


def test_masking_rates_are_drawn_over_occurrences():
    counts, occurrences = np.array([5, 50, 500]), np.array([2, 10, 100])
    rates = corpus.draw_rates(counts, np.array([1, 2, 5]), occurrences)
    assert rates == {"1 to 9": 0.5, "10 to 99": 0.2, "100 to 999": 0.05}
    assert corpus.masking_rates(rates).data[0].y == (0.5, 0.2, 0.05)


def test_the_most_frequent_token_has_its_group_even_at_a_power_of_ten():
    rates = corpus.draw_rates(np.array([1000]), np.array([1]), np.array([4]))
    assert rates == {"1,000 to 9,999": 0.25}


def test_the_gradient_is_drawn_with_and_without_the_square():
    made = models.gradient_norms([1.0, 2.0], [4.0, 1.0], [4.0, 4.0])
    assert {trace.name: trace.y for trace in made.data} == {"with T²": (4.0, 4.0), "without": (4.0, 1.0)}


def test_softened_probabilities_sum_to_one_and_flatten_with_the_temperature():
    made = models.softened(np.array([3.0, 1.0, 0.0]), ["a", "b", "c"], [1.0, 4.0], 4.0)
    assert all(np.isclose(sum(trace.y), 1) for trace in made.data)
    assert made.data[0].y[0] > made.data[1].y[0] and [t.visible for t in made.data] == [False, True]


def test_an_interval_reaches_to_its_ends():
    made = pretraining.intervals([{"label": "a", "value": 2.0, "low": 1.5, "high": 2.2}], "x", "t", 1.55, "bound")
    assert made.data[0].error_x.array[0] == pytest.approx(0.2) and made.data[0].error_x.arrayminus[0] == pytest.approx(
        0.5
    )
    assert made.layout.shapes[0].x0 == 1.55 and made.layout.shapes[0].line.width > 0


def test_blocks_are_coloured_by_what_was_done_to_them():
    drawn, treated = np.array([[True, True, False]]), np.array([[True, False, False]])
    assert corpus.masked_blocks(drawn, treated, [["a", "b", "c"]]).data[0].z.tolist() == [[2, 1, 0]]


def test_the_layer_map_links_each_student_layer_to_its_source():
    made = models.layer_map([0, 2, 5], 6)
    assert [tuple(trace.y) for trace in made.data[:3]] == [(0, 0), (2, 1), (5, 2)]


def test_parameters_are_stacked_part_by_part():
    made = models.parameter_bars({"A": {"x": 2_000_000}, "B": {"x": 1_000_000, "y": 500_000}})
    assert [tuple(trace.x) for trace in made.data] == [(2.0, 1.0), (0, 0.5)]


def test_frequencies_fall_with_rank():
    made = corpus.frequency_ranks(np.array([5, 100, 0, 20]), ["a", "b", "c", "d"])
    assert list(made.data[0].y) == sorted(made.data[0].y, reverse=True) and made.data[0].y[0] == 100


def test_a_verdict_is_drawn_against_its_bound_in_its_colour_and_one_without_records_is_left_out():
    from distilbook.claims import claim, judge
    from distilbook.claims.verdict import Judgement

    judged = Judgement(claim("faster"), 2.0, 1.9, 2.1, 40, 2, "reproduced", False, "", margin=0.05)
    made = trial.verdicts([judged, judge(claim("smaller"), [])])
    assert len(made.data) == 1 and made.data[0].x == (2.0,)
    assert made.data[0].marker.color == palette.VERDICTS["reproduced"]
    line, band = made.layout.shapes
    assert line.x0 == line.x1 == claim("faster").bound
    assert (band.x0, band.x1) == (claim("faster").bound - 0.05, claim("faster").bound + 0.05)


def test_verdicts_are_drawn_in_their_units_with_all_of_interval_bound_and_noise_in_sight():
    from distilbook.claims import claim
    from distilbook.claims.verdict import Judgement

    arm = Judgement(claim("without_cosine"), 0.0001, 0.0, 0.0003, 500, 2, "not settled", True, "", margin=0.0025)
    single = Judgement(claim("without_mlm"), 0.01, -math.inf, math.inf, 500, 1, "not settled", True, "")
    kept = Judgement(claim("retention"), 0.95, 0.9, 0.99, 500, 2, "not settled", True, "")
    made = trial.verdicts([arm, single, kept])
    assert [trace.x[0] for trace in made.data] == pytest.approx([0.01, 1.0, 95.0])
    assert made.data[1].error_x.array is None and made.data[0].error_x.array == pytest.approx([0.02])
    low, high = made.layout.xaxis.range
    assert low < -0.25 and high > 0.25 and made.layout.xaxis.ticksuffix == " points"
    low, high = made.layout.xaxis3.range
    assert low < 90 and high > 99 and made.layout.xaxis3.ticksuffix == "%"
