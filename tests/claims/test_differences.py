"""A difference is called one only beyond what other seeds and other text would change of it."""

import math

import numpy as np
import pytest
from distilbook.claims.differences import Differences, HeldOutScores
from scipy import stats

BLOCKS = 50


def scores(values, by_block=None) -> HeldOutScores:
    """Scores of some seeds on blocks of one position; without ``by_block`` all blocks score alike."""
    blocks = np.zeros(BLOCKS) if by_block is None else np.asarray(by_block, dtype=float)
    return HeldOutScores(tuple(values), blocks, np.ones(len(blocks)), np.zeros(len(blocks)))


def between(first, second) -> Differences:
    return Differences.between(scores(first), scores(second))


def test_three_differences_on_text_that_does_not_matter_have_students_interval_of_their_mean():
    values = [0.3, 0.1, 0.25, 0.2]
    found = between(values, [0.0] * 4)
    low, high = stats.t.interval(0.95, 3, np.mean(values), stats.sem(values))
    assert (found.interval.value, found.interval.low, found.interval.high) == pytest.approx((0.2125, low, high))
    assert found.margin == 0 and found.covered == "95% interval over seeds and text"


def test_seeds_that_agree_leave_the_interval_over_text():
    by_block = np.random.default_rng(0).normal(0.2, 0.1, BLOCKS)
    found = Differences.between(scores([by_block.mean()] * 3, by_block), scores([0.0] * 3))
    low, high = stats.t.interval(0.95, BLOCKS - 1, by_block.mean(), stats.sem(by_block))
    assert (found.interval.low, found.interval.high) == pytest.approx((low, high))


def test_both_half_widths_are_put_together_as_roots_of_squares():
    values, text = (0.3, 0.1, 0.25, 0.2), 0.07
    alone = Differences(values, 0.2).interval
    both = Differences(values, 0.2, text).interval
    assert both.high - both.value == pytest.approx(math.hypot(alone.high - alone.value, text))
    assert Differences((0.1, 0.1), 0.03, 0.08).margin == pytest.approx(0.1)


def test_two_differences_are_their_own_ends_and_one_has_none():
    found = between([0.3, 0.2], [0.1, 0.1])
    assert (found.interval.low, found.interval.high) == pytest.approx((0.1, 0.2))
    assert found.covered == "range of both differences"
    single = between([0.3], [0.1])
    assert math.isinf(single.interval.low) and math.isinf(single.interval.high) and single.side == "open"


@pytest.mark.parametrize(
    ("first", "second", "side"),
    [
        ([0.5, 0.5, 0.6], [0.1, 0.1, 0.2], "above"),
        ([0.1, 0.1, 0.2], [0.5, 0.5, 0.6], "below"),
        ([0.1, 0.3, 0.2], [0.2, 0.1, 0.2], "open"),
        ([0.50, 0.52], [0.40, 0.41], "above"),
        ([0.40, 0.41], [0.50, 0.52], "below"),
        ([0.50, 0.60], [0.45, 0.55], "open"),  # the same sign, but less than the seeds vary
        ([0.5, 0.5], [0.5, 0.5], "open"),
    ],
)
def test_a_side_is_taken_only_where_all_of_it_lies(first, second, side):
    assert between(first, second).side == side


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_what_a_few_blocks_decide_is_open_however_well_seeds_agree(seeds):
    """Ten points more on a single block of fifty: that block need not have been drawn."""
    one_block = np.eye(BLOCKS)[0] * 0.1 * BLOCKS
    assert Differences.between(scores([0.6] * seeds, one_block), scores([0.5] * seeds)).side == "open"
    assert Differences.between(scores([0.6] * seeds, one_block * 0 + 0.1), scores([0.5] * seeds)).side == "above"


@pytest.mark.parametrize("seeds", [1, 2, 3])
def test_where_predictions_are_not_kept_nothing_is_settled(seeds):
    found = Differences.between(HeldOutScores((0.9,) * seeds), scores([0.1] * seeds))
    assert math.isinf(found.text) and found.side == "open"


@pytest.mark.parametrize("text", [0.0, 0.3, 1.0, 4.0])
@pytest.mark.parametrize("shared", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("seeds", [2, 3])
def test_equal_recipes_are_called_different_in_at_most_one_comparison_of_twenty(seeds, shared, text):
    """As the summary says.

    ``shared`` is how much of the scatter the seed gives to both recipes, which pairing removes; ``text`` is what the
    text adds to a difference, in the same unit.
    """
    random, repetitions = np.random.default_rng(0), 10_000
    common = np.sqrt(shared) * random.normal(size=(repetitions, 1, seeds))
    made = common + np.sqrt(1 - shared) * random.normal(size=(repetitions, 2, seeds))
    made[:, 0] += text * random.normal(size=(repetitions, 1))
    differences, spread = made[:, 0] - made[:, 1], np.ptp(made, axis=2).max(axis=1)
    called = is_called(differences, spread, 1.96 * text)
    few = [Differences(tuple(d), s, 1.96 * text).side != "open" for d, s in zip(differences[:50], spread, strict=False)]
    assert few == called[:50].tolist()
    assert called.mean() < 0.055
    if not text and (seeds == 3 or not shared):
        assert called.mean() > 0.043


def is_called(differences: np.ndarray, spread: np.ndarray, text: float) -> np.ndarray:
    """Return for each repetition whether the rule calls the recipes different, (repetitions,)."""
    seeds, mean = differences.shape[1], differences.mean(axis=1)
    if seeds == 2:
        margin = np.hypot(2 * spread, text)
        return (differences.min(axis=1) > margin) | (differences.max(axis=1) < -margin)
    over_seeds = stats.t.ppf(0.975, seeds - 1) * differences.std(axis=1, ddof=1) / math.sqrt(seeds)
    return np.abs(mean) > np.hypot(over_seeds, text)
