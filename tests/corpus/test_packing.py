"""Both packings: the place of every token, and the sequences that the original code drops."""

import numpy as np
import pytest
from distilbook.corpus.packing import BlockFormat, FullSentences, OneSequence
from hypothesis import given
from hypothesis import strategies as st

PAD, CLS, SEP, UNK = 0, 1, 2, 3


def block_format(length: int) -> BlockFormat:
    return BlockFormat(length, "uint16", CLS, SEP, PAD, UNK)


def arrays(documents):
    return [[np.array(paragraph, dtype="uint16") for paragraph in document] for document in documents]


paragraphs = st.lists(st.integers(UNK, 99), max_size=40)
texts = st.lists(st.lists(paragraphs, max_size=4), max_size=10)


@given(texts, st.integers(8, 20), st.lists(st.integers(0, 10)))
def test_full_sentences_keep_every_token_in_order_but_for_an_incomplete_last_block(documents, length, cuts):
    packer = FullSentences(block_format(length))
    stream = [part for document in arrays(documents) for part in packer.arrange(document)[0]]
    # However the parts come together, the blocks are the same.
    bounds = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    none = np.array([], dtype="uint16")
    made = [packer.cut(np.concatenate([none, *stream[a:b]])) for a, b in zip(bounds, bounds[1:], strict=False)]
    blocks = np.concatenate(made)
    assert blocks.dtype == "uint16" and (blocks[:, 0] == CLS).all() and (blocks[:, -1] == SEP).all()
    whole = [token for document in documents for paragraph in document for token in paragraph]
    expected = [token for document in documents for token in [*(t for p in document for t in p), SEP]]
    assert len(expected) == len(whole) + len(documents)
    assert blocks[:, 1:-1].ravel().tolist() + packer.waiting == expected
    assert len(packer.waiting) < length - 2


def test_one_sequence_is_a_block_with_its_ends_and_padding():
    packer = OneSequence(block_format(16))
    arranged, dropped = packer.arrange(arrays([[range(10, 20)]])[0])
    assert packer.cut(np.concatenate(arranged)).tolist() == [[CLS, *range(10, 20), SEP, PAD, PAD, PAD, PAD]]
    assert dropped == 0


@pytest.mark.parametrize(
    ("pieces", "unknown", "kept"),
    [
        (9, 0, 0),  # 11 tokens with [CLS] and [SEP]
        (10, 0, 1),
        (10, 5, 1),
        (10, 6, 0),  # half of the 12
        (14, 0, 1),
        (15, 0, 1),  # the last piece makes 3 tokens
        (23, 0, 1),
        (24, 0, 2),
        (28, 0, 2),
        (0, 0, 0),
    ],
)
def test_sequences_are_cut_and_dropped_as_the_original_code_does(pieces, unknown, kept):
    packer = OneSequence(block_format(16))
    tokens = [UNK] * unknown + [9] * (pieces - unknown)
    arranged, dropped = packer.arrange(arrays([[tokens]])[0])
    assert (len(arranged), dropped) == (kept, -(-pieces // 14) - kept)


@given(texts, st.integers(12, 20))
def test_one_sequence_a_block_holds_the_text_of_one_paragraph_in_order(documents, length):
    packer = OneSequence(block_format(length))
    size = length - 2
    for document in arrays(documents):
        arranged, dropped = packer.arrange(document)
        cut = [paragraph[at : at + size] for paragraph in document for at in range(0, len(paragraph), size)]
        kept = [part for part in cut if len(part) >= 10 and 2 * (part == UNK).sum() < len(part) + 2]
        assert [list(block[1 : len(part) + 1]) for block, part in zip(arranged, kept, strict=True)] == [
            list(part) for part in kept
        ]
        assert dropped == len(cut) - len(kept)
