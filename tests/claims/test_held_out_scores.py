"""Scores on held-out text: from kept predictions by block, and how far a difference hangs on the text."""

import math
from dataclasses import replace

import numpy as np
import pytest
from distilbook.claims.differences import HeldOutScores, held_out
from distilbook.core.config import BookError
from distilbook.core.files import sha256
from distilbook.core.records import TRAINING_MASKS, Record
from distilbook.stats.intervals import Bootstrap, difference_interval


def keep(path, seed, share=0.3, blocks=60):
    """Write what a student may have predicted: blocks of unequal size and unequal difficulty."""
    layout = np.random.default_rng(0)
    sizes = layout.integers(5, 30, blocks)
    block = np.repeat(np.arange(blocks) * 3, sizes)  # numbers of blocks need not be consecutive
    labels = layout.integers(0, 50, len(block))
    easy = np.repeat(layout.beta(2, 4, blocks), sizes)
    random = np.random.default_rng(seed)
    right = random.random(len(block)) < share + 0.4 * easy
    loss = random.gamma(2.0, 2.0 - share, len(block))
    np.savez(path, labels=labels, predicted=np.where(right, labels, labels + 1), loss=loss, block=block)


def record(path, seed, metric="masked_accuracy", **more) -> Record:
    kept = np.load(path)
    value = float((kept["labels"] == kept["predicted"]).mean() if metric == "masked_accuracy" else kept["loss"].mean())
    values = {"edition": "e", "chapter": "06_pretraining", "model": "student", "task": "held-out text"}
    values |= {"split": "held-out", "metric": metric, "value": value, "unit": "1", "n": len(kept["loss"]), "seed": seed}
    return Record(**values, predictions=path.name, predictions_hash=sha256(path), **more)


@pytest.fixture
def students(tmp_path):
    """The records of two students of one recipe and of two of another."""
    paths = {name: tmp_path / f"{name}.npz" for name in ("a0", "a1", "b0", "b1")}
    for number, (name, path) in enumerate(paths.items()):
        keep(path, number + 1, 0.35 if name.startswith("a") else 0.2)
    return lambda metric: [[record(paths[f"{x}{s}"], s, metric) for s in (0, 1)] for x in "ab"]


@pytest.mark.parametrize("metric", ["masked_accuracy", "masked_lm_loss"])
def test_the_text_reaches_as_far_as_a_bootstrap_over_blocks_does(students, tmp_path, metric):
    sides = students(metric)
    less = HeldOutScores.of(sides[0], tmp_path) - HeldOutScores.of(sides[1], tmp_path)
    assert less.values == pytest.approx([a.value - b.value for a, b in zip(*sides, strict=True)])

    def mean_by_position(records):
        arrays = [np.load(tmp_path / r.predictions) for r in records]
        scored = [a["loss"] if metric == "masked_lm_loss" else a["labels"] == a["predicted"] for a in arrays]
        return np.mean(scored, axis=0)

    blocks = np.load(tmp_path / "a0.npz")["block"]
    expected = difference_interval(*map(mean_by_position, sides), blocks, Bootstrap(resamples=4_000))
    assert less.text == pytest.approx((expected.high - expected.low) / 2, rel=0.06)
    assert np.mean(less.values) == pytest.approx(expected.value)


def test_a_student_beside_itself_hangs_on_no_text(students, tmp_path):
    one = HeldOutScores.of(students("masked_accuracy")[0], tmp_path)
    assert one.text > 0 and (one - one).text == 0


def test_without_files_the_text_is_unknown_and_so_is_every_difference(students, tmp_path):
    one, other = students("masked_accuracy")
    (tmp_path / "b1.npz").unlink()
    assert math.isinf((HeldOutScores.of(one, tmp_path) - HeldOutScores.of(other, tmp_path)).text)
    assert math.isinf(HeldOutScores.of([replace(one[0], predictions=None)], tmp_path).text)


def test_another_file_than_the_record_was_made_from_is_refused(students, tmp_path):
    one, _ = students("masked_accuracy")
    keep(tmp_path / "a1.npz", 9)
    with pytest.raises(BookError, match="not the one its record was made from"):
        HeldOutScores.of(one, tmp_path)


@pytest.mark.parametrize("who", ["two seeds", "two recipes"])
def test_other_positions_are_refused(students, tmp_path, who):
    one, other = students("masked_accuracy")
    keep(tmp_path / "c.npz", 9, blocks=40)
    strange = record(tmp_path / "c.npz", 1)
    with pytest.raises(BookError, match=f"{who} were scored on different examples"):
        if who == "two seeds":
            HeldOutScores.of([one[0], strange], tmp_path)
        HeldOutScores.of(one, tmp_path) - HeldOutScores.of([strange, strange], tmp_path)


def test_a_single_block_bounds_nothing(tmp_path):
    keep(tmp_path / "a.npz", 0, blocks=1)
    assert math.isinf(HeldOutScores.of([record(tmp_path / "a.npz", 0)], tmp_path).text)


def test_scores_are_those_of_students_on_one_kind_of_masks(students):
    records = [*students("masked_accuracy")[0], *students("masked_lm_loss")[0]]
    records += [replace(records[0], model="teacher"), replace(records[0], task=TRAINING_MASKS)]
    assert held_out(records) == records[:2] and held_out(records, "masked_lm_loss") == records[2:4]
    assert held_out(records, task=TRAINING_MASKS) == records[5:]
