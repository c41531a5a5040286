"""Each sentence states the case its values make, and no other."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from distilbook.claims import CLAIMS, judge
from distilbook.core.quantities import nat, percent, short
from distilbook.stats.intervals import Interval
from distilbook.views import corpus, models, pretraining, trial


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
        ([(1.0, 2.0), (2.0, 1.0)], "the loss changes in different directions over the seeds"),
        ([(1.0, 2.0), (2.0, 2.0)], "the loss changes in different directions over the seeds"),
        ([(1.0, 1.0)], "the loss is unchanged on every seed: from 1 nat before training to 1 nat"),
    ],
)
def test_a_course_has_a_direction_only_if_all_seeds_share_it(ends, said):
    assert said in pretraining.course("loss", seeds(*ends), "m", nat)


def test_a_course_names_its_seeds_and_its_unit():
    assert pretraining.course("masked accuracy", seeds((0.1, 0.25)), "m", percent) == (
        "On the blocks measured during training the masked accuracy rises on every seed: from 10.0% before training to "
        "25.0% at its end (medians, 1 seed)."
    )


@pytest.mark.parametrize(
    ("ends", "side"),
    [
        ([0.2, 0.25], "below the teacher's 30.0%"),
        ([0.35, 0.4], "above the teacher's 30.0%"),
        ([0.25, 0.35], "a range that includes the teacher's 30.0%"),
        ([0.3, 0.3], "equal to the teacher's 30.0%"),
        ([0.25, 0.3], "a range that includes the teacher's 30.0%"),
    ],
)
def test_the_students_end_on_the_side_of_the_teacher_on_which_all_of_them_are(ends, side):
    said = pretraining.final_accuracy(ends, 0.3, 1500)
    assert said.startswith("Over 2 seeds") and "n = 1,500 positions" in said and said.endswith(f"{side}.")


@pytest.mark.parametrize(
    ("constant", "against"),
    [
        (0.1, "10.0%, which is less."),
        (0.6, "60.0%, which is more."),
        (0.4, "40.0%, a value inside the interval."),
    ],
)
def test_the_teacher_is_compared_with_the_best_constant_guess(constant, against):
    said = pretraining.teacher_score(Interval(0.4, 0.3, 0.5, 1200, 0.95), 12.345, constant)
    assert said.startswith("The teacher guesses 40.0% [30.0% to 50.0%] of the masked tokens (95% interval over blocks")
    assert "n = 1,200" in said and "perplexity of 12.3." in said and said.endswith(against)


def test_a_teacher_measured_on_one_block_has_no_bounds():
    said = pretraining.teacher_score(Interval(0.4, -np.inf, np.inf, 9, 0.95), 5.0, 0.1)
    assert "40.0% (no bounds)" in said and "a value inside the interval" in said


@pytest.mark.parametrize(
    ("rates", "said"),
    [
        ({"1 to 9": 0.5, "10 to 99": 0.2}, "the share falls."),
        ({"1 to 9": 0.1, "10 to 99": 0.2}, "the share rises."),
        ({"1 to 9": 0.1, "10 to 99": 0.2, "100 to 999": 0.15}, "the share is not monotonic."),
        ({"1 to 9": 0.5}, "All tokens occur 1 to 9 times; of these 50.0% are drawn."),
    ],
)
def test_rates_fall_only_when_they_fall_from_group_to_group(rates, said):
    assert corpus.rates_by_frequency(rates).endswith(said)


@pytest.mark.parametrize(
    ("drawn", "how"), [([1, 2, 3], "rarer than"), ([7, 8, 9], "more frequent than"), ([5], "as frequent as")]
)
def test_drawn_tokens_are_compared_with_all(drawn, how):
    assert f"The drawn tokens are {how} the rest" in corpus.drawn_against_all(np.array(drawn), np.array([4, 5, 6]))


def test_half_of_the_text_is_counted_from_the_most_frequent_token_on():
    said = corpus.half_of_text(np.array([1, 6, 0, 3, 2]), ["a", "the", "[CLS]", "`", "b"])
    assert said == (
        "Half of the training text is made of 1 of the 4 tokens that occur in it. The most frequent are ‘the’."
    )
    assert "‘a’, ‘`’" in corpus.half_of_text(np.array([2, 2, 1]), ["a", "`", "b"])


def test_copies_are_all_equal_or_counted():
    assert models.copies([True, True]) == "All of 2 copied modules equal their source, exactly."
    assert models.copies([True, False, True]).startswith("Of 3 copied modules only 2 equal")


TEACHER, STUDENT = {"word embeddings": 40, "layers": 60}, {"word embeddings": 38, "layers": 30}


def test_the_published_saving_is_split_into_embeddings_and_the_rest():
    assert models.published_sizes(TEACHER, STUDENT) == (
        "From 100 to 68 parameters: 32.0% smaller. Of BERT-base 40.0% are embeddings, and DistilBERT saves 2 of these "
        "40; the rest of the saving, 30, comes from layers and pooler."
    )


@pytest.mark.parametrize(("layers", "how"), [(30, "as much as"), (20, "more than"), (50, "less than")])
def test_the_editions_own_saving_is_compared_with_the_published_one(layers, how):
    own = TEACHER, STUDENT | {"layers": layers}
    assert f"smaller, {how} the published pair's 32.0%" in models.own_sizes(own, (TEACHER, STUDENT))


def test_the_gradient_changes_less_with_the_square_only_where_it_does():
    assert models.gradient_sizes([0.5, 16.0], [8, 2], [4, 2]) == (
        "Between T = 0.5 and T = 16 the largest norm is 2 times the smallest with the factor T² and 4 times "
        "without it: with the factor it changes less than without."
    )
    assert models.gradient_sizes([0.5, 16.0], [4, 2], [4, 2]).endswith("no less than without.")


def test_library_and_formula_disagree_where_one_difference_is_too_large_or_undefined():
    assert models.agreement({"a": 0.0, "b": 1e-12}) == "Library and formula agree to within 1e-09 for a, b."
    said = models.agreement({"a": 0.0, "b": 1e-3, "c": float("nan")})
    assert said == "Library and formula differ by more than 1e-09 for b, c."


def test_the_cost_of_the_positions_is_counted():
    assert pretraining.projected_positions("masked", 1024, 0.15, 30522) == (
        "This edition takes the distillation loss at the masked positions, about 154 in a step, each projected onto "
        "30,522 tokens in both networks; every position would be 1,024, 6.67 times as many."
    )
    assert pretraining.projected_positions("all", 1024, 0.15, 30522) == (
        "This edition takes the distillation loss at every position, 1,024 in a step, each projected onto 30,522 "
        "tokens in both networks; the masked positions would be about 154, a factor of 6.67 fewer."
    )


def test_claims_and_verdicts_are_counted():
    arms = sum(claim.kind == "arm" for claim in CLAIMS)
    assert trial.on_trial(CLAIMS) == f"On trial are {len(CLAIMS) - arms} figures and {arms} directions."
    none = [judge(claim, []) for claim in CLAIMS[:3]]
    some = [replace(none[0], verdict="reproduced", in_miniature=True), *none[1:]]
    assert trial.verdict_counts(some) == (
        "Of 3 claims this edition reproduced 1, contradicted 0 and left 2 unsettled. Verdicts in miniature: 1."
    )


def test_each_machine_is_named_once():
    one, other = (
        SimpleNamespace(hardware={"processor": name, "cores": 2, "accelerator": "none"}) for name in ("A 1", "B 2")
    )
    assert trial.machines([other, one, other]) == (
        "Measured on: ‘A 1’, 2 cores, accelerator: none; ‘B 2’, 2 cores, accelerator: none."
    )
    assert trial.machines([]) == "There are no records yet."
    aside = [(SimpleNamespace(chapter="08"), "code")] * 2 + [(SimpleNamespace(chapter="06"), "weights")]
    assert trial.machines([one], aside).endswith(
        " Excluded: 2 records of `08` (other code) and 1 record of `06` (other weights)."
    )


@pytest.mark.parametrize(
    ("value", "shown"), [(1234.4, "1,234"), (38.98, "39.0"), (39, "39"), (0.00037916, "0.000379"), (0.5, "0.500")]
)
def test_three_digits_are_shown_and_whole_numbers_stay_whole(value, shown):
    assert short(value) == shown
