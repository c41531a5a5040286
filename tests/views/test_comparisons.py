"""Rows and sentences about recipes: their numbers are the records', and they say no more than the ends do."""

import math
from dataclasses import replace

import numpy as np
import pytest
from distilbook.book.contents import chapter_of
from distilbook.claims.ablation import AS_LONG, RECIPES, Comparison, Differences, compare, compared, two_by_two
from distilbook.claims.paper import TABLE_4
from distilbook.claims.requirements import seeds_needed
from distilbook.core.quantities import POINTS
from distilbook.core.records import Record
from distilbook.stats.intervals import POWER_FACTOR, detectable_difference, pooled_spread
from distilbook.views import comparisons
from distilbook.views import style as palette
from held_out_files import kept, written
from scipy import stats

CPU = {"processor": "p", "cores": 4, "accelerator": "none"}
FULL = [0.30, 0.31, 0.33]


def records_of(recipe: str, values, tokens=600, seconds=10.0, hardware=CPU) -> list[Record]:
    made = [
        Record(
            edition="e",
            chapter=chapter_of(recipe),
            model="student",
            recipe=recipe,
            task="held-out text",
            split="held-out",
            metric="masked_accuracy",
            value=value,
            unit="1",
            n=500,
            seed=seed,
            seconds=seconds,
            detail={"tokens": tokens, "cores": 2},
            hardware=hardware,
        )
        for seed, value in enumerate(values)
    ]
    return kept(made)


def against_full(recipe: str, values, full=FULL, **changes) -> Comparison:
    return compare(records_of("full", full[: len(values)]) + records_of(recipe, values, **changes), recipe)


WORSE = [0.20, 0.22, 0.23]
BETTER = [0.40, 0.41, 0.43]
OPEN = [0.29, 0.32, 0.31]


def test_every_recipe_that_is_compared_has_a_label():
    assert all(palette.label(recipe) == palette.LABELS[recipe] for recipe in RECIPES)
    assert palette.label("temperature 4") == "temperature 4"


@pytest.mark.parametrize(("values", "answer"), [(WORSE, "worse"), (BETTER, "better"), (OPEN, "not settled")])
def test_a_row_has_the_change_its_verdict_and_the_smallest_detectable_one(values, answer):
    (row,) = comparisons.change_rows([against_full("without_cosine", values)])
    seen = detectable_difference(pooled_spread([FULL, values]), len(FULL), len(values))
    assert row["verdict"] == answer and row["smallest detectable (points)"] == f"{seen * 100:.2f}"
    assert row["masked accuracy"] == f"{np.median(values):.1%}" and row["seeds"] == 3
    assert row["Table 4 (points)"] == f"{TABLE_4['without_cosine']}" and row["tokens"] == 600
    assert row["seconds times cores"] == 20


def test_the_papers_column_is_left_out_for_choices_and_empty_for_arms_it_lacks():
    one = against_full("without_teacher", WORSE)
    assert comparisons.change_rows([one])[0]["Table 4 (points)"] is None
    assert "Table 4 (points)" not in comparisons.change_rows([one], with_paper=False)[0]


def test_one_seed_detects_nothing_and_has_no_bounds():
    (row,) = comparisons.change_rows([against_full("without_mlm", [0.2])])
    assert (
        row["smallest detectable (points)"] == "unknown"
        and row["change [95% interval] (points)"] == "-10.0 (no bounds)"
    )
    assert row["verdict"] == "not settled"


def test_a_sentence_says_on_which_side_the_whole_interval_lies():
    said = comparisons.change_sentence(against_full("without_mlm", WORSE))
    assert said.startswith("Without masked-LM loss: the masked accuracy changes by -9.7 [-11.1 to -8.2] points")
    assert said.endswith(
        "(95% interval over seeds and text, 3 seeds, 500 masked tokens). It is worse than the full recipe."
    )
    better = comparisons.change_sentence(against_full("without_mlm", BETTER))
    assert better.endswith("It is better than the full recipe.")


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (OPEN, "zero lies inside the interval"),
        ([0.2], "a single seed shows no spread"),
        ([0.295, 0.295], "the interval excludes zero, but by less than the noise of seeds and text, 2.00 points"),
    ],
)
def test_a_sentence_about_what_is_not_settled_says_why(values, why):
    said = comparisons.change_sentence(against_full("without_mlm", values))
    assert said.endswith(f"Whether it is better or worse is not settled: {why}.")
    assert "It is" not in said


def test_an_arm_at_equal_seconds_says_what_it_has_had_for_them():
    said = comparisons.longer_sentence(against_full(f"from_scratch{AS_LONG}", WORSE, tokens=900, seconds=9.5))
    assert said.startswith(
        "Random, MLM only, equal seconds: 1.50 times the full recipe's tokens, for 0.95 times its seconds times cores."
    )
    assert "different machines" not in said


def test_seconds_of_different_machines_are_said_not_to_compare():
    gpu = {"processor": "p", "cores": 4, "accelerator": "a GPU"}
    said = comparisons.budget_sentence(against_full(f"from_scratch{AS_LONG}", WORSE, hardware=gpu))
    assert said.endswith("(on different machines, whose seconds do not compare).")


def test_what_was_found_is_sorted_by_what_it_settles_and_says_what_chance_may_do():
    found = [against_full(name, v) for name, v in zip(("without_mlm", "without_cosine"), (WORSE, OPEN), strict=True)]
    assert comparisons.found_sentence(found) == (
        "Worse than the full recipe (1 of 2): without masked-LM loss. Not settled (1 of 2): without cosine loss. If "
        "no ingredient had an effect, chance alone would still call one or more of these 2 better or worse in up to 10% "
        "of repetitions."
    )
    assert "chance" not in comparisons.found_sentence([against_full("without_mlm", [0.2, 0.21])])


@pytest.fixture
def two():
    values = {
        "full": FULL,
        "random_initialisation": [0.10, 0.12, 0.11],
        "without_teacher": [0.20, 0.22, 0.23],
        "from_scratch": [0.11, 0.10, 0.12],
    }
    return two_by_two([r for name, some in values.items() for r in records_of(name, some)], "tokens")


def test_the_two_by_two_has_medians_and_what_rows_and_columns_add(two):
    copied, random, added = comparisons.cell_rows(two)
    assert copied["triple loss"] == "31.0%" and copied["MLM only"] == "22.0%"
    assert random["the teacher adds [95% interval] (points)"] == "0.0 [-4.3 to 4.3]"
    assert f"{added['MLM only']} points" == two.copying("mlm").interval.text(POINTS)


def test_a_factor_helps_only_where_its_whole_interval_says_so(two):
    said = comparisons.factor_sentences(two)
    assert len(said) == 5 and all("At equal tokens" in sentence for sentence in said)
    assert said[0].startswith("At equal tokens the teacher's outputs add 9.7 [8.2 to 11.1] points to copied layers")
    assert said[0].endswith("They help.")
    assert said[1].endswith(
        "(95% interval over seeds and text, 3 seeds). Whether they help is not settled: zero lies inside the interval."
    )
    assert said[2].endswith("It helps.") and said[4].endswith("Copied layers gain more.")


def test_the_seeds_a_difference_takes_come_from_the_spread_of_all_paired_differences():
    found = [against_full("without_mlm", OPEN), against_full("without_cosine", WORSE)]
    differences = np.array([np.subtract(v, FULL) for v in (OPEN, WORSE)])
    spread = math.sqrt(differences.var(axis=1, ddof=1).mean())
    near, far = comparisons.seed_rows(found)
    mean = abs(differences[0].mean())
    assert near["difference (points)"] == f"{mean * 100:.2f}" and near["seeds"] == 3
    even = seeds_needed(spread, mean)
    assert near["seeds at 50% power"] == even and near["seeds at 80% power"] > even
    assert far["seeds at 80% power"] == 3 and far["time at 80% power"] == "2 min"


BY_BLOCK = [0.20, 0.26] * 10


def on_text(recipe: str, values, by_block=BY_BLOCK) -> Comparison:
    """A recipe whose change over blocks is ``by_block`` less 0.2, whatever the seeds."""
    one = against_full(recipe, values)
    full, other = (str(written("masked_accuracy", some)) for some in ([0.2] * len(by_block), by_block))
    return Comparison(
        recipe,
        tuple(replace(r, predictions=full) for r in one.full),
        tuple(replace(r, predictions=other) for r in one.other),
    )


def test_what_other_text_would_change_counts_in_what_could_be_seen_and_in_the_seeds_it_takes():
    text = stats.t.ppf(0.975, 19) * stats.sem(BY_BLOCK)
    one, likely_open = on_text("without_cosine", WORSE), on_text("without_mlm", [v + 1.2 * text for v in FULL])
    over_seeds = detectable_difference(pooled_spread([FULL, WORSE]), len(FULL), len(WORSE))
    seen = math.hypot(over_seeds, POWER_FACTOR * text)
    assert comparisons.change_rows([one])[0]["smallest detectable (points)"] == f"{seen * 100:.2f}"
    row, near = comparisons.seed_rows([one, likely_open])
    spread = math.sqrt(np.var(np.subtract(WORSE, FULL), ddof=1) / 2)
    distance = abs(np.subtract(WORSE, FULL).mean())
    assert row["seeds at 50% power"] == seeds_needed(spread, math.sqrt(distance**2 - text**2))
    assert near["seeds at 50% power"] > 3  # it is beyond the text, but not so far as to be found mostly
    assert near["seeds at 80% power"] == "more text needed" and near["time at 80% power"] is None


def test_without_a_spread_no_number_of_seeds_is_named():
    (row,) = comparisons.seed_rows([against_full("without_mlm", [0.2])])
    assert row["seeds at 50% power"] is row["seeds at 80% power"] is row["time at 80% power"] is None
    assert comparisons.detectable_sentence(math.nan, 1).startswith("A single seed shows no spread")
    assert comparisons.detectable_sentence(0.0, 2).startswith("All seeds of a recipe have the same value")


def test_the_spread_is_that_over_seeds_of_all_recipes_the_full_one_counted_once():
    found = compared(
        [*records_of("full", FULL), *records_of("without_mlm", WORSE), *records_of("without_cosine", OPEN)]
    )
    expected = math.sqrt(np.mean([np.var(some, ddof=1) for some in (FULL, WORSE, OPEN)]))
    assert comparisons.spread_of(found) == pytest.approx(expected)


def test_what_could_be_seen_shrinks_with_the_seeds():
    said = comparisons.detectable_sentence(0.01, 5)
    assert said.startswith("Over seeds a recipe's masked accuracy has a standard deviation of 1.00 points. With 5")
    here, three, ten = (f"{100 * detectable_difference(0.01, n, n):.2f} points" for n in (5, 3, 10))
    assert said.endswith(f"repetitions is {here}; with 3 it is {three}, with 10 it is {ten}.")


def test_a_difference_is_written_with_its_ends():
    assert Differences((0.1, 0.2), 0.1).interval.text(POINTS) == "15.0 [10.0 to 20.0] points"
