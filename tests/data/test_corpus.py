import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from distilbook.config import BookError
from distilbook.data.corpus import CorpusConfig, Packer, evenly_spaced, in_held_out, prepare
from distilbook.model.teacher import load_tokenizer


def config(inputs, **changes) -> CorpusConfig:
    values = {
        "edition": "test",
        "texts": [{"name": "rivers", "address": str(inputs / "rivers.txt")}],
        "tokenizer": "-",
        "block_length": 32,
        "held_out_share": 0.2,
        "held_out_blocks": 1000,
    }
    return CorpusConfig(**values | changes)


@given(st.lists(st.lists(st.integers(10, 99), max_size=40), max_size=20), st.integers(8, 20))
def test_packing_keeps_every_word_piece_in_order_but_for_an_incomplete_last_block(documents, length):
    packer = Packer(length, cls_id=1, sep_id=2)
    blocks = [block for tokens in documents for block in packer.add(tokens)]
    assert all(len(block) == length and block[0] == 1 and block[-1] == 2 for block in blocks)
    inner = [token for block in blocks for token in block[1:-1]]
    stream = [token for tokens in documents for token in (*tokens, 2)]
    assert inner + packer.waiting == stream and len(packer.waiting) < length - 2


def test_the_corpus_holds_the_documents_text(inputs, tmp_path):
    tokenizer = load_tokenizer(inputs / "teacher")
    made = prepare(config(inputs), tokenizer, tmp_path)
    text = (inputs / "rivers.txt").read_text()
    inner = np.concatenate([block[1:-1] for block in made.train[:2]])
    pieces = [token for token in inner if token != tokenizer.sep_token_id]
    assert tokenizer.decode(pieces[:15]).replace(" .", ".") in " ".join(text.split())
    row = made.statistics[0]
    assert row["documents"] == 40 and row["words"] == len(text.split())
    assert row["train_blocks"] == len(made.train) and row["held_out_blocks"] == len(made.held_out)


def test_counts_are_those_of_the_training_blocks(inputs, tmp_path):
    tokenizer = load_tokenizer(inputs / "teacher")
    made = prepare(config(inputs), tokenizer, tmp_path)
    assert made.counts.sum() == made.train.size and len(made.counts) == len(tokenizer)
    assert made.counts[tokenizer.cls_token_id] == len(made.train)


def test_a_second_preparation_opens_the_first(inputs, tmp_path):
    tokenizer = load_tokenizer(inputs / "teacher")
    first = prepare(config(inputs), tokenizer, tmp_path)
    stamp = (first.folder / "train.bin").stat().st_mtime_ns
    again = prepare(config(inputs), tokenizer, tmp_path)
    assert again.folder == first.folder and (first.folder / "train.bin").stat().st_mtime_ns == stamp
    other = prepare(config(inputs, block_length=16), tokenizer, tmp_path)
    assert other.folder != first.folder and other.train.shape[1] == 16


def test_held_out_is_decided_by_the_documents_name_alone():
    names = [f"document {number}" for number in range(20_000)]
    share = np.mean([in_held_out(name, 0.05) for name in names])
    assert abs(share - 0.05) < 0.007
    assert all(in_held_out(name, 0.3) for name in names if in_held_out(name, 0.1))


def test_at_most_the_wanted_held_out_blocks_are_kept(inputs, tmp_path):
    made = prepare(config(inputs, held_out_blocks=3), load_tokenizer(inputs / "teacher"), tmp_path)
    assert len(made.held_out) == 3


@given(st.integers(1, 500), st.integers(1, 600))
def test_evenly_spaced_numbers_are_within_bounds_and_distinct(number, most):
    chosen = evenly_spaced(number, most)
    assert len(chosen) == min(number, most) and chosen[0] == 0 and chosen[-1] < number


def test_too_little_text_is_an_error_that_leaves_nothing_behind(inputs, tmp_path):
    (tmp_path / "short.txt").write_text("the river.\n")
    texts = [{"name": "short", "address": str(tmp_path / "short.txt")}]
    with pytest.raises(BookError, match="no block of 32 word pieces came out of the train text"):
        prepare(config(inputs, texts=texts), load_tokenizer(inputs / "teacher"), tmp_path / "corpus")
    assert not list((tmp_path / "corpus").iterdir())
