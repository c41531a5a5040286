"""Lengths of STS-B's pairs: counted again from the file where it is there, and sampled evenly."""

import re
from pathlib import Path
from statistics import median

import pytest
from distilbook.inference.lengths import PairLength, sample_lengths, stsb_lengths

SHARED = Path(__file__).resolve().parents[2].parent / "shared/data"


def test_the_packaged_lengths_are_those_of_the_development_set():
    lengths = [length.tokens for length in stsb_lengths()]
    assert (len(lengths), lengths[0], lengths[-1]) == (1_500, 11, 87)
    assert median(lengths) == 28


def test_the_packaged_lengths_can_be_counted_again():
    if not SHARED.exists():
        pytest.skip("needs STS-B and the vocabulary in ../shared/data")
    from transformers import PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(SHARED / "vocab/tokenizer.json"))
    lines = (SHARED / "glue/STS-B/dev.tsv").read_text(encoding="utf-8").splitlines()[1:]
    words = lambda text: len(re.findall(r"\w+|[^\w\s]", text))  # letters and digits together, other marks alone
    counted = (
        PairLength(len(tokenizer(first, second)["input_ids"]), words(first), words(second))
        for first, second in (line.split("\t")[7:9] for line in lines)
    )
    assert sorted(counted) == stsb_lengths()


def test_a_sample_of_lengths_has_the_median_of_all_and_always_the_same_order():
    sample = sample_lengths(stsb_lengths(), 101)
    assert sorted(sample)[50].tokens == 28
    assert sample == sample_lengths(stsb_lengths(), 101) != sorted(sample)
    two = [PairLength(5, 1, 1), PairLength(9, 2, 2)]
    assert sorted(sample_lengths([*two, *two], 4)) == sorted([*two, *two])
