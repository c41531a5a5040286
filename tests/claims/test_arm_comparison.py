"""Recipes against the full one: paired by seed, each budget by itself, and nothing concluded beyond the interval."""

from dataclasses import replace

import numpy as np
import pytest
from distilbook.book.contents import chapter_of
from distilbook.claims import ablation as arms
from distilbook.claims import claim, judge
from distilbook.claims.ablation import AS_LONG, RECIPES, compare, compared, two_by_two
from distilbook.core.records import Record
from distilbook.distillation.recipe import ARMS
from held_out_files import kept

ACCURACIES = {
    "full": [0.30, 0.31, 0.33],
    "random_initialisation": [0.10, 0.12, 0.11],
    "without_teacher": [0.28, 0.30, 0.30],
    "from_scratch": [0.09, 0.10, 0.11],
    f"without_teacher{AS_LONG}": [0.31, 0.31, 0.32],
    f"from_scratch{AS_LONG}": [0.13, 0.14, 0.13],
}


def record(recipe: str, seed: int, value: float, **changes) -> Record:
    values = {
        "edition": "e",
        "chapter": chapter_of(recipe),
        "model": "student",
        "recipe": recipe,
        "task": "held-out text",
        "split": "held-out",
        "metric": "masked_accuracy",
        "value": value,
        "unit": "1",
        "n": 500,
        "step": None if recipe.endswith(AS_LONG) else 80,
        "seed": seed,
        "seconds": 10.0,
        "detail": {"tokens": 900 if recipe.endswith(AS_LONG) else 600, "cores": 2},
        "hardware": {"processor": "p", "cores": 4, "accelerator": "none"},
    }
    return kept([Record(**values | changes)])[0]


@pytest.fixture
def records() -> list[Record]:
    return [record(name, seed, v) for name, values in ACCURACIES.items() for seed, v in enumerate(values)]


def test_the_change_of_an_arm_is_the_verdicts_difference_with_the_other_sign(records):
    verdict, one = judge(claim("without_teacher"), records), compare(records, "without_teacher")
    assert one.change.interval.value == pytest.approx(-verdict.value)
    assert (one.change.interval.low, one.change.interval.high) == pytest.approx((-verdict.high, -verdict.low))


def test_records_of_an_arm_at_equal_tokens_and_at_equal_seconds_do_not_mix(records):
    tokens, seconds = (compare(records, f"without_teacher{end}") for end in ("", AS_LONG))
    assert tokens.accuracies == ACCURACIES["without_teacher"] and not tokens.as_long
    assert seconds.accuracies == ACCURACIES[f"without_teacher{AS_LONG}"] and seconds.as_long
    without = [r for r in records if not r.recipe.endswith(AS_LONG)]
    assert judge(claim("without_teacher"), records) == judge(claim("without_teacher"), without)


def test_seeds_are_paired_and_those_of_one_side_alone_left_out(records):
    more = [*records, record("full", 7, 0.9), record("without_teacher", 8, 0.9)]
    one = compare(list(reversed(more)), "without_teacher")
    assert [r.seed for r in one.full] == [r.seed for r in one.other] == [0, 1, 2]
    assert compare(records, "without_mlm") is None


def test_every_arm_is_compared_and_those_without_a_teacher_a_second_time(records):
    names = [name for name in ARMS if name != "full"]
    assert list(RECIPES) == [*names, f"without_teacher{AS_LONG}", f"from_scratch{AS_LONG}"]
    assert [one.recipe for one in compared(records)] == [name for name in RECIPES if name in ACCURACIES]


def test_a_choice_is_a_recorded_recipe_that_is_no_ablation(records):
    tried = [*records, record("temperature 4", 0, 0.2), record("layers 0, 1", 0, 0.1)]
    assert arms.choices_in(tried) == ["temperature 4", "layers 0, 1"] and arms.choices_in(records) == []
    assert compare(tried, "temperature 4").accuracies == [0.2]


@pytest.mark.parametrize(("budget", "end"), [("tokens", ""), ("seconds", AS_LONG)])
def test_the_two_by_two_is_computed_from_four_recipes_seed_by_seed(records, budget, end):
    two = two_by_two(records, budget)
    full, random, mlm, scratch = (
        np.array(ACCURACIES[name])
        for name in ("full", "random_initialisation", f"without_teacher{end}", f"from_scratch{end}")
    )
    assert two.teacher("copied").values == pytest.approx(full - mlm)
    assert two.teacher("random").values == pytest.approx(random - scratch)
    assert two.copying("triple").values == pytest.approx(full - random)
    assert two.copying("mlm").values == pytest.approx(mlm - scratch)
    assert two.interaction.values == pytest.approx(full - mlm - random + scratch)
    ranges = [np.ptp(full - mlm), np.ptp(random - scratch)]
    assert two.interaction.spread == pytest.approx(max(ranges))


def test_the_two_by_two_takes_the_seeds_that_all_four_have(records):
    fewer = [r for r in records if (r.recipe, r.seed) != ("from_scratch", 1)]
    assert two_by_two(fewer, "tokens").cells["copied", "triple"].values == (0.30, 0.33)
    assert two_by_two([r for r in records if r.recipe != "from_scratch"], "tokens") is None


def test_a_run_costs_seconds_times_cores_and_seconds_alone_on_an_accelerator():
    assert arms.cost(record("full", 0, 0.3)) == 20
    gpu = {"processor": "p", "cores": 4, "accelerator": "a GPU"}
    assert arms.cost(record("full", 0, 0.3, hardware=gpu)) == 10
    unknown = record("full", 0, 0.3, detail={"tokens": 600})
    assert arms.cost(unknown) is None and arms.median_cost([unknown]) is None
    assert arms.median_cost([unknown, *(record("full", s, 0.3, seconds=s) for s in (1.0, 2.0, 9.0))]) == 4


NEW_TEACHER = {"detail": {"tokens": 600, "cores": 2, "teacher": "new"}}


@pytest.mark.parametrize("change", [{"config": "new"}, {"data": "new"}, {"code": "new"}, NEW_TEACHER])
def test_an_arm_is_not_compared_with_a_full_recipe_that_was_changed_since(records, change):
    """It was run beside one configuration, text and code; the full recipe was then run anew."""
    beside = [replace(r, detail=r.detail | {"beside": r.config}) for r in records]
    assert compare(beside, "without_teacher") and two_by_two(beside, "tokens")
    anew = [replace(r, **change) if r.recipe == "full" else r for r in beside]
    assert compare(anew, "without_teacher") is None and two_by_two(anew, "tokens") is None
    assert judge(claim("without_teacher"), anew).verdict == "not settled"


def test_seeds_that_both_have_are_compared_whatever_their_places(records):
    """The full recipe lacks seed 1, the arm seed 0; both have seed 2."""
    left = [r for r in records if (r.recipe, r.seed) not in (("full", 1), ("without_teacher", 0))]
    assert compare(left, "without_teacher").change.values == pytest.approx([0.30 - 0.33])
