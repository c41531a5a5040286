"""What a larger budget would settle: the stated number of units is checked by drawing so many of them."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from distilbook.claims import CLAIMS, claim, judge
from distilbook.claims.requirements import (
    Settling,
    evidence,
    seconds_behind,
    seeds_needed,
    what_settles,
)
from distilbook.core.records import TRAINING_MASKS, Record
from distilbook.stats import Answers, compare
from distilbook.stats.intervals import Bootstrap, seed_difference_interval
from held_out_files import kept, written
from scipy import stats
from scored_runs import Task


def record(**values) -> Record:
    filled = {
        "edition": "test",
        "split": "test",
        "unit": "1",
        "n": 1000,
        "started": "2026",
        "hardware": {},
        "versions": {},
    }
    return Record(**filled | values)


def students(full: list[float], other: list[float], tokens=(1000, 1000)) -> list[Record]:
    """Return the records of both arms, 10 s a run; each run leaves two records."""
    made = [
        record(
            chapter=chapter,
            model="student",
            recipe=recipe,
            task="held-out text",
            metric=metric,
            value=value,
            seed=seed,
            step=50,
            seconds=10.0,
            detail={"tokens": seen},
        )
        for chapter, recipe, values, seen in (
            ("06_pretraining", "full", full, tokens[0]),
            ("07_ablations/without_teacher", "without_teacher", other, tokens[1]),
        )
        for seed, value in enumerate(values)
        for metric in ("masked_accuracy", "perplexity")
    ]
    return kept(made)


def settling(id: str, records: list[Record], folder: Path | None = None) -> Settling:
    return what_settles(claim(id), records, folder)


def arm(full: list[float], other: list[float], **more) -> Settling:
    return settling("without_teacher", students(full, other, **more))


def number(text: str) -> int:
    """Return the first whole number after "about" or "at most"."""
    return int(re.search(r"(?:about|at most) ([\d,]+)", text)[1].replace(",", ""))


# ---- arms -------------------------------------------------------------------------------------------------------


def test_two_seeds_are_told_how_many_students_interval_takes():
    found = arm([0.250, 0.275], [0.240, 0.235])  # differences of 1 and 4 points
    assert not found.settled
    assert found.need.text == ("about 6 seeds, now 2 (mean difference 2.5 points, standard deviation 2.1 points)")
    assert found.need.factor == 3 and found.cost == 120


@pytest.mark.parametrize("spread", [0.5, 1.0, 2.0])
def test_so_many_seeds_exclude_zero_about_every_second_time_twice_as_many_mostly_and_a_quarter_rarely(spread):
    mean, draw = 0.01, np.random.default_rng(0)
    half = (
        spread * 2 * mean / math.sqrt(2)
    )  # of two differences, so that their standard deviation is twice that of the mean
    found = arm([0.5 + mean + half, 0.5 + mean - half], [0.5, 0.5])
    seeds = number(found.need.text)

    def excluded(many: int) -> float:
        """Return how often zero is below the interval of so many seeds, mean and spread being as found."""
        drawn = draw.normal(mean, spread * 2 * mean, size=(2_000, many))
        return float((stats.ttest_1samp(drawn, 0, axis=1).confidence_interval(0.95).low > 0).mean())

    assert 0.45 < excluded(seeds) < 0.72
    assert excluded(2 * seeds) > 0.75
    if seeds >= 8:
        assert excluded(seeds // 4) < 0.25


def test_fewer_seeds_than_needed_do_not_have_an_interval_so_narrow_and_the_needed_ones_do():
    for spread in (0.1, 1.0, 3.0, 20.0):
        seeds = seeds_needed(spread, distance=1.0)
        half = [stats.t.ppf(0.975, n - 1) * spread / math.sqrt(n) for n in (seeds - 1, seeds)]
        assert half[1] < 1.0 and (half[0] >= 1.0 or seeds == 3)


def test_so_many_seeds_find_the_difference_four_times_out_of_five():
    spread, distance = 1.0, 1.1
    seeds = seeds_needed(spread, distance, 1000, power=0.8)
    draws = np.random.default_rng(0).normal(distance, spread, (20_000, seeds))
    assert 0.76 < (stats.ttest_1samp(draws, 0, axis=1).pvalue < 0.05).mean() < 0.86
    assert seeds_needed(spread, 100.0, 1000, power=0.8) == 3
    assert seeds_needed(spread, 0.01, 1000, power=0.8) is None and seeds_needed(1.0, 0.0, 9, power=0.8) is None


def test_from_three_seeds_on_the_spread_is_read_from_the_interval():
    differences = [0.01, 0.05, -0.01, 0.03]
    found = arm([0.5 + d for d in differences], [0.5] * 4)
    assert number(found.need.text) == seeds_needed(float(np.std(differences, ddof=1)), float(np.mean(differences)))
    assert found.need.state == "open" and found.seconds == 80


def on_text(full: list[float], other: list[float], by_block: list[float]) -> Settling:
    """Settle an arm whose lead over text has the blocks ``by_block``, whatever the seeds."""
    files = {name: str(written("masked_accuracy", some)) for name, some in (("full", by_block), ("arm", [0.2] * 20))}
    records = [replace(r, predictions=files["full" if r.recipe == "full" else "arm"]) for r in students(full, other)]
    return settling("without_teacher", records)


def test_seeds_are_counted_beyond_what_other_text_would_change():
    differences = [0.01, 0.05, -0.01, 0.03]
    by_block = [0.2, 0.24] * 10
    found = on_text([0.5 + d for d in differences], [0.5] * 4, by_block)
    text = stats.t.ppf(0.975, 19) * stats.sem(by_block)
    left = math.sqrt(np.mean(differences) ** 2 - text**2)
    expected = seeds_needed(float(np.std(differences, ddof=1)), left)
    assert number(found.need.text) == expected > seeds_needed(float(np.std(differences, ddof=1)), 0.02)


@pytest.mark.parametrize("seeds", [2, 4])
def test_where_other_text_might_turn_it_more_seeds_are_no_help_and_more_text_is(seeds):
    by_block = [0.2, 0.24] * 2 + [0.2] * 16  # a lead of 0.4 points
    found = on_text([0.204] * seeds, [0.2] * seeds, by_block)
    assert not found.settled and found.cost is None
    times = (stats.t.ppf(0.975, 19) * stats.sem(by_block) / 0.004) ** 2
    tokens = int(
        re.match(r"more than ([\d,]+) masked tokens of held-out text, now 1,000", found.need.text)[1].replace(",", "")
    )
    assert 1_000 * times <= tokens < 1_100 * times


@pytest.mark.parametrize("full", [[0.2, 0.2], [0.30, 0.1001]])
def test_no_budget_settles_what_lies_at_the_bound(full):
    found = arm(full, [0.2, 0.2])
    assert found.need.text == "undecidable at this threshold: more than 1,000 times the seeds"
    assert found.need.state == "undecidable" and found.cost is None


def test_a_lacking_seed_is_counted_and_priced():
    found = arm([0.25], [0.10])
    assert (found.need.state, found.need.text) == ("obstacle", "1 more seed")
    assert (found.need.factor, found.seconds, found.cost) == (2, 20, 40)


def test_runs_on_unequal_tokens_are_not_mended_by_more_seeds():
    found = arm([0.25, 0.26], [0.20, 0.20], tokens=(1000, 900))
    assert found.need.text == (
        "another run of both on equal numbers of tokens (the runs did not see equal numbers of tokens)"
    )
    assert found.cost == 40


def test_a_settled_arm_says_how_wide_its_interval_could_have_been():
    full = [0.05, 0.06, 0.07]
    found = arm(full, [0.0] * 3)
    assert found.settled and found.need.state == "settled"
    interval = seed_difference_interval(full, [0.0] * 3)
    times = f"{interval.value / (interval.value - interval.low):.2g}"
    assert found.need.text == f"settled; an interval up to {times} times as wide would settle it, too"
    assert found.seconds == 60


def test_an_arm_that_was_not_run_is_priced_by_the_full_recipe():
    found = arm([0.2, 0.3], [])
    assert (found.need.state, found.need.missing, found.cost) == ("missing", "without_teacher", 20)
    assert arm([], [0.2]).need.missing == "full"
    assert arm([], [0.2]).cost is None


def test_a_run_is_counted_once_and_only_at_the_seeds_compared():
    records = students([0.2, 0.3, 0.4], [0.2, 0.3])
    assert seconds_behind(evidence(claim("without_teacher"), records)) == 40
    again = [replace(r, task=TRAINING_MASKS, chapter="07_ablations/without_teacher") for r in records]
    assert evidence(claim("without_teacher"), records + again) == evidence(claim("without_teacher"), records)
    assert seconds_behind([]) is None


# ---- times ------------------------------------------------------------------------------------------------------


def times(*starts: tuple[float, float, float], noise: float = 0.0) -> list[Record]:
    """Return the record of process starts, each with low end, value and high end."""
    ends = [dict(zip(("low", "value", "high"), start, strict=True)) for start in starts]
    detail = {"low": min(s[0] for s in starts), "high": max(s[2] for s in starts), "starts": ends}
    return [
        record(
            chapter="11_timing",
            model="bert-base over distilbert",
            task="sentence pairs at batch 1",
            split="cpu",
            metric="time_ratio",
            value=float(np.median([s[1] for s in starts])),
            n=40,
            seconds=60.0,
            detail=detail | {"noise": {"low": 1 - noise, "value": 1.0, "high": 1.0}},
        )
    ]


def test_pairs_narrow_each_start_and_the_worst_of_them_decides():
    # 0.05 beyond the bound with a reach of 0.10 takes 4 times the pairs; the other, 0.15 with 0.20, fewer.
    found = settling("faster", times((1.50, 1.60, 1.70), (1.50, 1.70, 1.90)))
    assert found.need.text == "about 160 sentence pairs, now 40"
    assert found.cost == pytest.approx(240)


def test_the_noise_is_beyond_the_bound_and_does_not_shrink_with_pairs():
    found = settling("faster", times((1.50, 1.60, 1.70), (1.55, 1.60, 1.70), noise=0.02 / 1.55))
    assert found.need.factor == pytest.approx((0.10 / 0.03) ** 2)
    below = settling("faster", times((1.30, 1.45, 1.60), (1.30, 1.45, 1.56)))
    assert below.need.factor == pytest.approx((0.15 / 0.10) ** 2)


def test_a_start_within_the_noise_asks_for_a_quieter_machine():
    found = settling("faster", times((1.50, 1.60, 1.70), (1.55, 1.60, 1.70), noise=0.10 / 1.55))
    assert found.need.text.startswith("less noise") and found.cost is None
    assert found.need.text.endswith("(a process start within the noise)")
    apart = settling("faster", times((1.40, 1.50, 1.60), (1.60, 1.70, 1.80)))
    assert apart.need.text.endswith("(process starts disagree)")


def test_too_loud_a_machine_settles_nothing_however_far_the_ratio_is_from_its_bound():
    far = times((3.90, 4.00, 4.10), (3.90, 4.00, 4.10), noise=0.101)
    assert judge(claim("faster"), far).verdict == "not settled"
    found = settling("faster", far)
    assert found.need.state == "obstacle" and found.cost is None
    assert found.need.text.startswith("less noise") and "the machine was too noisy" in found.need.text


def test_one_process_start_lacks_another():
    assert settling("faster", times((1.9, 2.0, 2.1))).need.text == "1 more process start"


def test_a_settled_ratio_says_its_reach():
    found = settling("faster", times((1.95, 2.00, 2.05), (1.95, 2.00, 2.05)))
    assert found.need.text == "settled; an interval up to 9 times as wide would settle it, too"


def test_sizes_are_counted():
    records = [
        record(chapter="11_timing", model=m, task="size", metric="parameters", value=v, detail={"role": r})
        for m, v, r in (("bert-base", 100, "teacher"), ("distilbert", 60, "student"))
    ]
    assert settling("smaller", records).need.text == "settled by exact counts"


# ---- scores on tasks ----------------------------------------------------------------------------------------------


def answers(task: Task, teacher: float, student: float) -> list[Record]:
    """Return two seeds of each, independently right, both seeds the same: examples alone are left to chance."""
    return [r for seed in range(2) for r in (task.run("teacher", teacher, seed), task.run("full", student, seed))]


class Fixed(Task):
    """A task on which a model answers alike on every seed."""

    def run(self, model, right, seed=0, kind=None, **values):
        self.rng = np.random.default_rng(len(model))
        return super().run(model, right, seed, kind, **values)


def test_so_many_examples_exclude_the_bound_about_every_second_time_and_a_quarter_of_them_rarely(tmp_path):
    draw = np.random.default_rng(1)
    found = settling("retention", answers(Fixed(tmp_path, n=500), 0.80, 0.75), tmp_path)
    many = number(found.need.text)

    def excluded(examples: int) -> float:
        high = []
        for _ in range(150):
            right = draw.random((2, examples)) < [[0.80], [0.75]]
            kept = {
                name: Answers("accuracy", np.ones(examples), row[None].astype(float), np.arange(examples))
                for name, row in zip(("teacher", "student"), right, strict=True)
            }
            found = compare({"reviews": kept}, ("student", "teacher"), Bootstrap(resamples=400))
            high.append(found.retention("student", "teacher").high)
        return float(np.mean([end < 0.965 for end in high]))

    assert many > 2 * 500
    assert 0.35 < excluded(many) < 0.75
    assert excluded(many // 4) < 0.3


@pytest.mark.parametrize(("id", "texts"), [("retention", "sentences"), ("imdb", "documents")])
def test_examples_and_seeds_are_asked_for_together_and_the_pretraining_behind_the_student_counts(tmp_path, id, texts):
    task = Task(tmp_path, n=400, groups=np.repeat(np.arange(40), 10), texts=texts)
    records = [*answers(task, 0.80, 0.78), task.run("without_teacher", 0.7), *students([0.2, 0.3], [0.2, 0.3])]
    found = settling(id, records, tmp_path)
    assert re.search(
        r"at most [\d,]+ test examples and \d+ seeds, now 400 and 2 \([\d.]+ points from the threshold, half-width",
        found.need.text,
    )
    assert found.seconds == 4 * 5 + 2 * 10


def test_without_predictions_the_chapter_is_to_be_run_again(tmp_path):
    records = answers(Task(tmp_path, n=100), 0.8, 0.7)
    (tmp_path / records[1].predictions).unlink()
    found = settling("retention", records, tmp_path)
    assert found.need.text.startswith("another run of its chapter") and found.cost == found.seconds


def test_one_group_of_examples_gives_no_factor(tmp_path):
    records = answers(Task(tmp_path, n=100, groups=np.zeros(100)), 0.8, 0.7)
    assert (
        settling("retention", records, tmp_path).need.text == "more clusters of test examples: the interval has no ends"
    )


def test_a_teacher_whose_lead_is_uncertain_may_need_no_more_than_seeds(tmp_path):
    task = Task(tmp_path, n=400)
    records = [*answers(task, 0.6, 0.6), task.run("majority", 0.58), task.run("majority", 0.58, 1)]
    takes = settling("retention", records, tmp_path).need.text
    assert takes.startswith("a teacher with a significant lead: better trained, or more seeds")


def test_a_teacher_that_got_nothing_right_is_no_matter_of_seeds(tmp_path):
    records = answers(Task(tmp_path, n=100), 0.0, 0.0)
    assert settling("retention", records, tmp_path).need.text.startswith("a teacher that has learnt the task")


def test_a_run_scored_on_two_splits_is_counted_once_and_one_on_another_task_by_itself(tmp_path):
    one, other = Task(tmp_path, "MNLI"), Task(tmp_path, "RTE")
    first = one.run("teacher", 0.8)
    second = replace(first, split="dev_mismatched", predictions=first.predictions.replace("dev", "dev_mismatched"))
    assert seconds_behind([first, second, other.run("teacher", 0.7)]) == 10


# ---- all --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("one", CLAIMS, ids=lambda one: one.id)
def test_without_records_what_is_missing_is_named_and_no_price(one):
    found = settling(one.id, [])
    assert found.need.text.startswith("records of ") and found.need.missing == one.id
    assert (found.cost, found.settled) == (None, False)


@pytest.mark.parametrize("full", [[0.3, 0.3], [0.3, 0.3001]])
def test_an_interval_without_a_width_to_speak_of_has_ample_room(full):
    assert arm(full, [0.2, 0.2]).need.text == "settled; an interval more than 100 times as wide would settle it, too"


def test_settling_is_imported_without_scipy():
    code = "import sys, distilbook.claims.requirements; assert not {'torch', 'scipy'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
