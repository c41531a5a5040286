"""Each rule at its boundaries, on records made for it; and the sentence that states the verdict."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from distilbook.claims import CLAIMS, Judgement, claim, judge
from distilbook.claims.finding import Obstacle
from distilbook.core.records import Record
from held_out_files import kept, written

MACHINE = {"hardware": {}, "versions": {}}


def record(**values) -> Record:
    filled = {"edition": "test", "split": "test", "unit": "1", "n": 1000, "started": "2026"} | MACHINE | values
    return Record(**filled)


# ---- smaller ----------------------------------------------------------------------------------------------------


def sizes(teacher: int, student: int, names=("bert-base", "distilbert")) -> list[Record]:
    return [
        record(chapter="11_timing", model=name, task="size", metric="parameters", value=count, detail={"role": role})
        for name, count, role in zip(names, (teacher, student), ("teacher", "student"), strict=True)
    ]


@pytest.mark.parametrize(
    ("student", "verdict"),
    [
        (6_500, "reproduced"),
        (6_501, "contradicted"),
        (6_000, "reproduced"),
        (5_400, "reproduced"),
        (10_000, "contradicted"),
    ],
)
def test_a_model_is_40_percent_smaller_from_35_on_and_when_smaller_still(student, verdict):
    assert judge(claim("smaller"), sizes(10_000, student)).verdict == verdict


def test_the_sentence_on_sizes_says_both_counts():
    found = judge(claim("smaller"), sizes(109_482_240, 66_362_880))
    assert found.sentence == (
        "Reproduced: distilbert has 39.4% fewer parameters than bert-base (66,362,880 against 109,482,240, counted "
        "exactly); the paper has 40%; the value is above the threshold of 35%."
    )
    assert found.low == found.value == found.high
    assert not found.in_miniature


def test_other_models_are_judged_in_miniature():
    found = judge(claim("smaller"), sizes(100, 60, ("bert 4 x 64", "distilbert 2 x 64")))
    assert found.in_miniature
    assert found.sentence.startswith("Reproduced in miniature: distilbert 2 x 64 has 40.0% fewer")


# ---- faster -----------------------------------------------------------------------------------------------------


def ratio(
    low: float,
    high: float,
    *,
    noise: float = 0.0,
    starts: int = 2,
    split: str = "cpu",
    batch: int = 1,
    model: str = "bert-base over distilbert",
) -> Record:
    middle = (low + high) / 2
    return record(
        chapter="11_timing",
        model=model,
        task=f"sentence pairs at batch {batch}",
        split=split,
        metric="time_ratio",
        value=middle,
        n=40,
        detail={
            "low": low,
            "high": high,
            "starts": [{"value": middle}] * starts,
            "noise": {"value": 1.0, "low": 1 - noise, "high": 1.0},
        },
    )


@pytest.mark.parametrize(
    ("low", "high", "noise", "verdict"),
    [
        (1.55, 1.70, 0.0, "reproduced"),
        (1.549, 1.70, 0.0, "not settled"),
        (1.30, 1.549, 0.0, "contradicted"),
        (1.30, 1.55, 0.0, "not settled"),
        (1.90, 2.10, 0.10, "reproduced"),
        (1.60, 2.10, 0.10, "not settled"),
        (1.30, 1.50, 0.10, "not settled"),
        (1.30, 1.39, 0.10, "contradicted"),
    ],
)
def test_a_ratio_must_lie_on_one_side_of_its_bound_beyond_the_noise(low, high, noise, verdict):
    assert judge(claim("faster"), [ratio(low, high, noise=noise)]).verdict == verdict


def test_one_process_start_settles_nothing():
    found = judge(claim("faster"), [ratio(1.99, 2.01, starts=1)])
    assert found.verdict == "not settled"
    assert "a verdict needs 2 process starts, there is 1" in found.sentence


def test_the_sentence_on_times_says_interval_pairs_starts_and_noise():
    found = judge(claim("faster"), [ratio(1.98, 2.02, noise=0.012)])
    assert found.sentence == (
        "Reproduced: bert-base takes 2.000 [1.980 to 2.020] times as long as distilbert (95% interval over 40 pairs, "
        "covering 2 process starts; the teacher timed against itself differs from 1 by up to 0.012); the paper has 1.6; the "
        "interval is above the threshold of 1.55 by more than the noise of 1.2%."
    )
    assert (found.n, found.seeds) == (40, 2)


def test_the_claim_must_hold_at_every_number_of_threads():
    quick, slow = ratio(1.9, 2.0, split="cpu, 1 thread"), ratio(1.4, 1.6, split="cpu, 2 threads")
    found = judge(claim("faster"), [quick, slow])
    assert (found.low, found.high, found.verdict) == (1.4, 2.0, "not settled")


def test_times_at_another_batch_size_do_not_try_the_claim():
    assert judge(claim("faster"), [ratio(1.9, 2.0, batch=8)]).value is None


def test_times_of_other_models_are_in_miniature():
    assert judge(claim("faster"), [ratio(1.9, 2.0, model="bert 4 x 64 over distilbert 2 x 64")]).in_miniature


# ---- arms -------------------------------------------------------------------------------------------------------


def students(full: list[float], other: list[float], arm: str = "without_teacher", tokens=(1000, 1000)) -> list[Record]:
    made = [
        record(
            chapter=chapter,
            model="student",
            recipe=recipe,
            task="held-out text",
            split="held-out",
            metric="masked_accuracy",
            value=value,
            n=3_000,
            seed=seed,
            step=50,
            detail={"tokens": seen},
        )
        for chapter, recipe, values, seen in (
            ("06_pretraining", "full", full, tokens[0]),
            (f"07_ablations/{arm}", arm, other, tokens[1]),
        )
        for seed, value in enumerate(values)
    ]
    return kept(made)


@pytest.mark.parametrize(
    ("full", "other", "verdict"),
    [
        ([0.25, 0.26], [0.20, 0.20], "reproduced"),
        ([0.50, 0.625], [0.25, 0.375], "not settled"),  # the smallest difference equals twice the spread
        ([0.25, 0.28], [0.20, 0.20], "not settled"),  # smaller than that, though larger than the spread
        ([0.20, 0.20], [0.25, 0.26], "contradicted"),
        ([0.25, 0.19], [0.20, 0.20], "not settled"),  # signs differ
        ([0.25], [0.10], "not settled"),
        ([0.25, 0.26, 0.25], [0.20, 0.20, 0.21], "reproduced"),
        ([0.20, 0.20, 0.21], [0.25, 0.26, 0.25], "contradicted"),
        ([0.25, 0.40, 0.25], [0.20, 0.20, 0.21], "not settled"),
        ([0.2, 0.2, 0.2], [0.2, 0.2, 0.2], "not settled"),
        ([0.2, 0.2], [0.2, 0.2], "not settled"),
    ],
)
def test_an_arm_must_differ_by_more_than_its_seeds_do(full, other, verdict):
    assert judge(claim("without_teacher"), students(full, other)).verdict == verdict


def test_the_sentence_on_two_seeds_calls_its_ends_differences():
    found = judge(claim("random_initialisation"), students([0.25, 0.26], [0.20, 0.20], "random_initialisation"))
    assert found.sentence == (
        "Reproduced in miniature: the masked accuracy of the full recipe minus that of the ablation 'random "
        "initialisation' is 5.5 [5.0 to 6.0] points (range of both differences, 2 seeds, 3,000 masked tokens of held-out "
        "text); the paper has 3.69 points of GLUE score; both differences are above zero by more than the noise of 2.00 "
        "points."
    )


def test_the_sentence_on_three_seeds_gives_an_interval_and_no_figure_the_paper_lacks():
    found = judge(claim("without_teacher"), students([0.25, 0.26, 0.25], [0.20, 0.20, 0.21]))
    assert "95% interval over seeds and text, 3 seeds" in found.sentence
    assert "the paper has" not in found.sentence
    assert found.value == pytest.approx(0.05)
    assert found.low < found.value < found.high


def on_blocks(records: list[Record], full: list[float], other: list[float]) -> list[Record]:
    """Return ``records`` with predictions that score in blocks what ``full`` and ``other`` say, for all seeds alike."""
    full, other = (str(written("masked_accuracy", by_block)) for by_block in (full, other))
    return [replace(r, predictions=full if r.recipe == "full" else other) for r in records]


@pytest.mark.parametrize("seeds", [2, 3])
def test_a_lead_that_a_few_blocks_decide_is_not_settled_however_well_seeds_agree(seeds):
    records = students([0.30] * seeds, [0.25] * seeds)
    everywhere = on_blocks(records, [0.3] * 10, [0.25] * 10)
    in_one_block = on_blocks(records, [0.75] + [0.25] * 9, [0.25] * 10)
    assert judge(claim("without_teacher"), everywhere).verdict == "reproduced"
    found = judge(claim("without_teacher"), in_one_block)
    assert found.verdict == "not settled" and found.value == pytest.approx(0.05)


def test_without_the_predictions_there_is_no_verdict():
    records = [replace(r, predictions="gone.npz") for r in students([0.30, 0.31, 0.32], [0.20, 0.21, 0.22])]
    found = judge(claim("without_teacher"), records)
    assert found.verdict == "not settled" and "(no bounds)" in found.sentence
    assert found.sentence.endswith(f"; {Obstacle.NO_PREDICTIONS.value}.")
    assert "10.00 [10.00 to 10.00] points" in judge(claim("without_teacher"), records[:2] + records[3:5]).sentence


def test_one_seed_is_said_to_be_too_few():
    found = judge(claim("without_teacher"), students([0.25], [0.10]))
    assert "15.0 points (no bounds)" in found.sentence
    assert "a verdict needs 2 seeds, there is 1" in found.sentence


@pytest.mark.parametrize(
    ("tokens", "verdict"), [((1000, 990), "reproduced"), ((1000, 989), "not settled"), ((1000, None), "not settled")]
)
def test_arms_are_compared_at_equal_tokens_only(tokens, verdict):
    found = judge(claim("without_teacher"), students([0.25, 0.26], [0.20, 0.20], tokens=tokens))
    assert found.verdict == verdict
    assert ("did not see equal numbers of tokens" in found.sentence) == (verdict == "not settled")


def test_only_seeds_that_both_arms_have_are_compared_and_only_their_last_step():
    records = students([0.25, 0.26, 0.9], [0.20, 0.20])
    early = record(
        chapter="06_pretraining",
        model="student",
        recipe="full",
        task="held-out text",
        metric="masked_accuracy",
        value=0.01,
        seed=0,
        step=10,
    )
    found = judge(claim("without_teacher"), [*records, early])
    assert (found.seeds, found.value) == (2, pytest.approx(0.055))


# ---- all --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("one", CLAIMS, ids=lambda one: one.id)
def test_without_records_nothing_is_settled_and_the_missing_ones_are_named(one):
    found = judge(one, [])
    assert (found.verdict, found.value, found.in_miniature) == ("not settled", None, False)
    assert found.sentence.startswith("Not settled: no records of ")


def test_every_number_of_a_sentence_moves_with_the_records():
    def numbers(judgement: Judgement) -> list[str]:
        return re.findall(r"\d+\.\d+", judgement.sentence)

    first = judge(claim("without_teacher"), students([0.25, 0.26], [0.20, 0.20]))
    second = judge(claim("without_teacher"), students([0.35, 0.37], [0.22, 0.23]))
    assert all(a != b for a, b in zip(numbers(first), numbers(second), strict=True))


def test_judging_imports_neither_torch_nor_transformers():
    import subprocess
    import sys

    code = "import sys, distilbook.claims; assert not {'torch', 'transformers', 'scipy', 'sklearn'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
