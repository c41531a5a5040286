"""Masks: shares, weights, determinism, and padding."""

import dataclasses

import numpy as np
import pytest
from distilbook.corpus.masking import Masking, block_draws, block_order
from hypothesis import given, settings
from hypothesis import strategies as st

SPECIAL, PAD, MASK, WORDS = [0, 1, 2, 3], 0, 3, 200


def masking(share=0.15, weights=None) -> Masking:
    weights = np.arange(1, WORDS + 1) ** -0.7 if weights is None else weights
    weights = np.where(np.isin(np.arange(WORDS), SPECIAL), 0.0, weights)
    return Masking(weights, MASK, PAD, share=share)


def some_blocks(number=400, length=64, seed=0) -> np.ndarray:
    draw = np.random.default_rng(seed)
    blocks = draw.integers(4, WORDS, size=(number, length))
    blocks[:, 0], blocks[:, -1] = 1, 2
    return blocks.astype(np.uint16)


def test_every_block_gives_exactly_its_share_and_never_a_special_token():
    blocks = some_blocks()
    _, labels = masking()(blocks, range(len(blocks)), 0, 0)
    assert set((labels != -100).sum(axis=1)) == {round(0.15 * 62)}
    assert not np.isin(labels, SPECIAL).any()


def test_a_label_is_the_original_token_and_undrawn_positions_are_untouched():
    blocks = some_blocks()
    input_ids, labels = masking()(blocks, range(len(blocks)), 0, 0)
    drawn = labels != -100
    assert (labels[drawn] == blocks[drawn]).all() and (input_ids[~drawn] == blocks[~drawn]).all()


def test_of_the_drawn_eighty_per_cent_are_hidden_ten_replaced_and_ten_left():
    blocks = some_blocks(2000)
    input_ids, labels = masking()(blocks, range(len(blocks)), 0, 0)
    drawn = labels != -100
    hidden = (input_ids[drawn] == MASK).mean()
    left = (input_ids[drawn] == blocks[drawn]).mean()
    # 18,000 draws: one standard deviation is 0.003 for the first and 0.0022 for the second.
    assert abs(hidden - 0.8) < 0.012 and abs(left - (0.1 + 0.1 / 196)) < 0.009
    assert not np.isin(input_ids[drawn], [0, 1, 2]).any()


def test_rare_words_are_drawn_in_proportion_to_their_weight():
    """One of two words a block: the chance is that of the first draw, weight over the sum of weights."""
    weights = np.ones(WORDS)
    weights[10], weights[11] = 3.0, 1.0
    blocks = np.tile([[1, 10, 11, 2]], (20_000, 1))
    _, labels = masking(share=0.5, weights=weights)(blocks, range(len(blocks)), 0, 0)
    assert abs((labels[:, 1] != -100).mean() - 0.75) < 0.012
    assert ((labels != -100).sum(axis=1) == 1).all()


def test_smoothed_weights_are_counts_to_the_minus_seven_tenths():
    class Tokenizer:
        all_special_ids, mask_token_id, pad_token_id = SPECIAL, MASK, PAD

        @staticmethod
        def get_vocab():
            return {f"piece {number}": number for number in (0, 1, 2, 3, 4, 5, 6, 8)}

    counts = np.array([9, 9, 9, 9, 0, 1, 100, 0, 1])
    weights = Masking.smoothed(counts, Tokenizer).weights
    np.testing.assert_allclose(weights, [0, 0, 0, 0, 1, 1, 100**-0.7, 0, 1])  # no token has the id 7


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 2**31 - 1),
    st.integers(0, 1000),
    st.lists(st.integers(0, 10**6), min_size=4, max_size=4, unique=True),
)
def test_a_block_is_masked_the_same_way_on_one_process_and_on_four(seed, epoch, numbers):
    blocks = some_blocks(4, seed=1)
    together = masking()(blocks, numbers, seed, epoch)
    alone = [masking()(blocks[i : i + 1], numbers[i : i + 1], seed, epoch) for i in (3, 1, 0, 2)]
    for i, (input_ids, labels) in zip((3, 1, 0, 2), alone, strict=True):
        assert (together[0][i] == input_ids[0]).all() and (together[1][i] == labels[0]).all()


def test_another_epoch_another_block_or_another_seed_draws_anew():
    first = block_draws(0, 0, 0, 16)
    for other in (block_draws(1, 0, 0, 16), block_draws(0, 1, 0, 16), block_draws(0, 0, 1, 16)):
        assert (first != other).any()


def test_held_out_masks_are_uniform_and_hide_every_drawn_token():
    blocks = some_blocks(3000)
    uniform = masking().uniform()
    input_ids, labels = uniform(blocks, range(len(blocks)), 7, 0)
    drawn = labels != -100
    assert (input_ids[drawn] == MASK).all()
    rates = np.bincount(labels[drawn], minlength=WORDS)[4:] / np.bincount(blocks.ravel(), minlength=WORDS)[4:]
    # Each word occurs about 950 times: a standard deviation of the rate is 0.0115.
    assert abs(rates - 9 / 62).max() < 0.06


def test_a_block_of_special_tokens_alone_has_nothing_to_predict():
    _, labels = masking()(np.full((1, 8), 2), [0], 0, 0)
    assert (labels == -100).all()


def test_a_block_with_one_word_is_asked_for_it():
    _, labels = masking()(np.array([[1, 50, 2]]), [0], 0, 0)
    assert labels.tolist() == [[-100, 50, -100]]


def test_masking_leaves_its_blocks_alone():
    blocks = some_blocks(3)
    before = blocks.copy()
    masking()(blocks, range(3), 0, 0)
    assert (blocks == before).all() and dataclasses.is_dataclass(Masking)


@pytest.mark.parametrize("number", [1, 17, 1000])
def test_an_epoch_visits_every_block_once(number):
    assert sorted(block_order(3, 5, number)) == list(range(number))


def test_epochs_have_different_orders():
    assert (block_order(0, 0, 100) != block_order(0, 1, 100)).any()


def test_positions_after_the_last_token_are_padding_and_those_before_are_not():
    blocks = np.array([[1, 9, 2, PAD, PAD], [1, PAD, 9, 9, 2], [1, 9, PAD, 2, PAD]])
    real = [[True] * 3 + [False] * 2, [True] * 5, [True] * 4 + [False]]
    np.testing.assert_array_equal(masking().real(blocks), real)


def test_padding_is_never_drawn_and_a_padded_block_gives_its_share_of_the_real_tokens():
    blocks = some_blocks()
    blocks[:, 41:] = PAD
    _, labels = masking()(blocks, range(len(blocks)), 0, 0)
    assert ((labels != -100).sum(axis=1) == round(0.15 * 40)).all() and (labels[:, 41:] == -100).all()
