"""Tokens are those of the model's tokenizer, without truncation, for any size of a batch."""

import numpy as np
import pytest
from distilbook.corpus.tokenising import Settings, Tokeniser
from distilbook.models.loading import load_tokenizer
from smoke_inputs import documents


@pytest.fixture(scope="module")
def tokenizer(inputs):
    return load_tokenizer(inputs / "teacher")


@pytest.fixture
def text():
    """Documents by turns for each split."""
    return [("held_out" if number % 3 == 0 else "train", text) for number, text in enumerate(documents(20, seed=5))]


@pytest.mark.parametrize("at_once", [1, 1_000, 10**9])
def test_streams_hold_each_splits_tokens_as_the_tokenizer_gives_them(tokenizer, text, monkeypatch, at_once):
    monkeypatch.setattr("distilbook.corpus.tokenising.CHARACTERS_AT_ONCE", at_once)
    made = Tokeniser(Settings.of(tokenizer, 32, "full_sentences"))(text)
    expected = {"train": [], "held_out": []}
    for split, paragraphs in text:
        for paragraph in paragraphs:
            expected[split] += tokenizer(paragraph, add_special_tokens=False)["input_ids"]
        expected[split].append(tokenizer.sep_token_id)
    assert {split: stream.tolist() for split, stream in made.streams.items()} == expected
    assert all(stream.dtype == np.uint16 for stream in made.streams.values())
    assert made.words == sum(len(paragraph.split()) for _, paragraphs in text for paragraph in paragraphs)
    assert made.tokens == sum(map(len, expected.values())) - len(text) and made.unknown == made.dropped == 0


def test_a_tokenizer_that_cuts_and_pads_its_models_inputs_does_neither_here(inputs, text):
    tokenizer = load_tokenizer(inputs / "teacher")
    expected = Tokeniser(Settings.of(tokenizer, 32, "full_sentences"))(text)
    tokenizer.backend_tokenizer.enable_truncation(4)
    tokenizer.backend_tokenizer.enable_padding(length=50)
    made = Tokeniser(Settings.of(tokenizer, 32, "full_sentences"))(text)
    assert made.streams["train"].tolist() == expected.streams["train"].tolist()


def test_unknown_tokens_are_counted(tokenizer):
    made = Tokeniser(Settings.of(tokenizer, 32, "full_sentences"))([("train", ["the река river", "море"])])
    assert (made.unknown, made.tokens, made.words) == (2, 4, 4)


def test_no_documents_are_empty_streams(tokenizer):
    made = Tokeniser(Settings.of(tokenizer, 32, "one_sequence"))([])
    assert all(len(stream) == 0 for stream in made.streams.values()) and made.words == 0
