"""Each sentence states the case its values make, and no other."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from distilbook.claims import CLAIMS, judge
from distilbook.stats.intervals import Interval
from distilbook.views import sentences
from distilbook.views.sentences import nat, percent


def seeds(*ends):
    return [[{"m": first}, {"m": 0.0}, {"m": last}] for first, last in ends]


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        (
            [(2.0, 1.0), (3.0, 2.5)],
            "the loss falls on every seed: from 2.50 nat before training to 1.75 nat at its end",
        ),
        ([(1.0, 2.0), (1.0, 1.5)], "the loss rises on every seed"),
        ([(1.0, 2.0), (2.0, 1.0)], "the loss does not go the same way on every seed"),
        ([(1.0, 2.0), (2.0, 2.0)], "the loss does not go the same way on every seed"),
        ([(1.0, 1.0)], "the loss ends where it began on every seed: from 1 nat before training to 1 nat"),
    ],
)
def test_a_course_is_told_by_all_seeds(ends, said):
    assert said in sentences.course("loss", seeds(*ends), "m", nat)


def test_a_course_names_its_seeds_and_its_unit():
    assert sentences.course("masked accuracy", seeds((0.1, 0.25)), "m", percent) == (
        "On the blocks measured along the way the masked accuracy rises on every seed: from 10.0% before training to "
        "25.0% at its end (medians, 1 seed)."
    )


@pytest.mark.parametrize(
    ("ends", "side"),
    [
        ([0.2, 0.25], "below the teacher's 30.0%"),
        ([0.35, 0.4], "above the teacher's 30.0%"),
        ([0.25, 0.35], "not on one side of the teacher's 30.0%"),
        ([0.3, 0.3], "level with the teacher's 30.0%"),
        ([0.25, 0.3], "not on one side of the teacher's 30.0%"),
    ],
)
def test_the_students_end_on_the_side_of_the_teacher_on_which_all_of_them_are(ends, side):
    said = sentences.final_accuracy(ends, 0.3, 1500)
    assert said.startswith("Over 2 seeds") and "n = 1,500 positions" in said and said.endswith(f"{side}.")


@pytest.mark.parametrize(
    ("constant", "against"),
    [
        (0.1, "10.0% at best, which is less."),
        (0.6, "60.0% at best, which is more."),
        (0.4, "40.0% at best, which the interval does not exclude."),
    ],
)
def test_the_teacher_is_held_against_one_fixed_guess(constant, against):
    said = sentences.teacher_score(Interval(0.4, 0.3, 0.5, 1200, 0.95), 12.345, constant)
    assert said.startswith(
        "The teacher guesses 40.0% [30.0% to 50.0%] of the hidden word pieces (95% interval over blocks"
    )
    assert "n = 1,200" in said and "perplexity of 12.3." in said and said.endswith(against)


def test_a_teacher_measured_on_one_block_has_no_bounds():
    said = sentences.teacher_score(Interval(0.4, -np.inf, np.inf, 9, 0.95), 5.0, 0.1)
    assert "40.0% (no bounds)" in said and "which the interval does not exclude" in said


@pytest.mark.parametrize(
    ("rates", "said"),
    [
        ({"1 to 9": 0.5, "10 to 99": 0.2}, "the share falls."),
        ({"1 to 9": 0.1, "10 to 99": 0.2}, "the share rises."),
        ({"1 to 9": 0.1, "10 to 99": 0.2, "100 to 999": 0.15}, "the share neither falls nor rises throughout."),
        ({"1 to 9": 0.5}, "All word pieces occur 1 to 9 times; of these 50.0% are drawn."),
    ],
)
def test_rates_fall_only_when_they_fall_from_group_to_group(rates, said):
    assert sentences.rates_by_frequency(rates).endswith(said)


@pytest.mark.parametrize(
    ("drawn", "how"), [([1, 2, 3], "rarer than"), ([7, 8, 9], "more frequent than"), ([5], "as frequent as")]
)
def test_drawn_word_pieces_are_held_against_all(drawn, how):
    assert f"The drawn ones are {how} the rest" in sentences.drawn_against_all(np.array(drawn), np.array([4, 5, 6]))


def test_half_of_the_text_is_counted_from_the_most_frequent_word_piece_on():
    said = sentences.half_of_text(np.array([1, 6, 0, 3, 2]), ["a", "the", "[CLS]", "`", "b"])
    assert said == (
        "Half of the training text is made of 1 of the 4 word pieces that occur in it. The most frequent are ‘the’."
    )
    assert "‘a’, ‘`’" in sentences.half_of_text(np.array([2, 2, 1]), ["a", "`", "b"])


def test_copies_are_all_equal_or_counted():
    assert sentences.copies([True, True]) == "All of 2 copied modules equal their source, number for number."
    assert sentences.copies([True, False, True]).startswith("Of 3 copied modules only 2 equal")


TEACHER, STUDENT = {"word embeddings": 40, "layers": 60}, {"word embeddings": 38, "layers": 30}


def test_the_published_saving_is_split_into_embeddings_and_the_rest():
    assert sentences.published_sizes(TEACHER, STUDENT) == (
        "From 100 to 68 parameters: 32.0% smaller. Of BERT-base 40.0% are embeddings, and DistilBERT saves 2 of these "
        "40; all the rest of the saving, 30, comes from layers and pooler."
    )


@pytest.mark.parametrize(("layers", "how"), [(30, "as much as"), (20, "more than"), (50, "less than")])
def test_the_editions_own_saving_is_held_against_the_published_one(layers, how):
    own = TEACHER, STUDENT | {"layers": layers}
    assert f"smaller, {how} the published pair's 32.0%" in sentences.own_sizes(own, (TEACHER, STUDENT))


def test_the_gradient_changes_less_with_the_square_only_where_it_does():
    assert sentences.gradient_sizes([0.5, 16.0], [8, 2], [4, 2]) == (
        "Between T = 0.5 and T = 16 the largest norm is 2 times the smallest with the square and 4 times without it: "
        "with the square it changes less than without."
    )
    assert sentences.gradient_sizes([0.5, 16.0], [4, 2], [4, 2]).endswith("no less than without.")


def test_library_and_formula_disagree_where_one_difference_is_too_large_or_undefined():
    assert sentences.agreement({"a": 0.0, "b": 1e-12}) == "Library and formula agree to within 1e-09 in all of a, b."
    said = sentences.agreement({"a": 0.0, "b": 1e-3, "c": float("nan")})
    assert said == "Library and formula differ by more than 1e-09 in b, c."


def test_the_cost_of_the_positions_is_counted():
    assert sentences.projected_positions("masked", 1024, 0.15, 30522) == (
        "This edition takes the distillation loss at the masked positions, about 154 in a step, each projected onto "
        "30,522 word pieces in both networks; every position would be 1,024, 6.67 times as many."
    )
    assert sentences.projected_positions("all", 1024, 0.15, 30522) == (
        "This edition takes the distillation loss at every position, 1,024 in a step, each projected onto 30,522 word "
        "pieces in both networks; the masked positions alone would be about 154, and these are 6.67 times as many."
    )


def test_claims_and_verdicts_are_counted():
    arms = sum(claim.kind == "arm" for claim in CLAIMS)
    assert sentences.on_trial(CLAIMS) == f"On trial are {len(CLAIMS) - arms} figures and {arms} directions."
    none = [judge(claim, []) for claim in CLAIMS[:3]]
    some = [replace(none[0], verdict="reproduced", in_miniature=True), *none[1:]]
    assert sentences.verdict_counts(some) == (
        "Of 3 claims this edition reproduced 1, contradicted 0 and left 2 unsettled. Verdicts in miniature: 1."
    )


def test_each_machine_is_named_once():
    one, other = (
        SimpleNamespace(hardware={"processor": name, "cores": 2, "accelerator": "none"}) for name in ("A 1", "B 2")
    )
    assert sentences.machines([other, one, other]) == (
        "Measured on: ‘A 1’, 2 cores, accelerator: none; ‘B 2’, 2 cores, accelerator: none."
    )
    assert sentences.machines([]) == "There are no records yet."
    aside = [(SimpleNamespace(chapter="08"), "code")] * 2 + [(SimpleNamespace(chapter="06"), "weights")]
    assert sentences.machines([one], aside).endswith(
        " Not counted beside these: 2 records of `08` (other code) and 1 record of `06` (other weights)."
    )


@pytest.mark.parametrize(
    ("value", "shown"), [(1234.4, "1,234"), (38.98, "39.0"), (39, "39"), (0.00037916, "0.000379"), (0.5, "0.500")]
)
def test_three_digits_are_shown_and_whole_numbers_stay_whole(value, shown):
    assert sentences.short(value) == shown
