"""Breakdown of a ratio: depth, the part independent of depth, tokenisation."""

import numpy as np
import pytest
from distilbook.inference.breakdown import (
    independent_of_depth,
    layer_times,
    pairs_of_text,
    tokenisation_times,
    tokenizer_of_2019,
)
from distilbook.inference.lengths import PairLength
from distilbook.inference.models import Comparison, Input, bert, distilbert
from distilbook.inference.timing import Measured, Start


def test_a_linear_fit_separates_the_time_of_a_layer_from_the_fixed_time():
    fixed, layer = 3.0, 5.0
    models = (*(bert(n, 8, 2, 8) for n in (4, 2, 1, 0)), distilbert(2, 8, 2, 8))
    passes = tuple(
        tuple((scale * (fixed + depth * layer), 99.0) for depth in (4, 2, 1, 0, 2)) for scale in (1.0, 1.1, 0.9)
    )
    start = Start(passes, (((1.0,), (1.0,)),) * 3, 1.0, 1.0)
    found = layer_times(Measured(Comparison("x", models, (Input(1, 10),) * 3, 2, 3), 1, "cpu", 0, (start,)))
    assert found.fixed.value == pytest.approx(fixed) == found.without.value
    assert found.layer.value == pytest.approx(layer)
    assert found.points == ((0, 3.0), (1, 8.0), (2, 13.0), (4, 23.0))


def test_the_papers_two_times_imply_a_fixed_part():
    assert independent_of_depth(668, 410) == 152
    assert independent_of_depth(100, 50) == 0


def test_pairs_are_cut_from_running_text_to_the_lengths_asked_for(teacher_folder):
    from distilbook.models.loading import load_tokenizer

    tokenizer = load_tokenizer(teacher_folder)
    ids = np.array(tokenizer("the river flows past the old mill " * 40, add_special_tokens=False)["input_ids"])
    lengths = [PairLength(11, 0, 0), PairLength(20, 0, 0)]
    pairs = pairs_of_text(lengths, ids, tokenizer)
    assert [len(tokenizer(*pair)["input_ids"]) for pair in pairs] == pytest.approx([11, 20], abs=3)


def test_both_tokenizers_are_timed_on_the_same_pairs(teacher_folder):
    found = tokenisation_times([("the river", "the train"), ("a", "b")], teacher_folder, repeats=2)
    assert [interval.n for interval in found.values()] == [2, 2]
    assert all(interval.value > 0 for interval in found.values())


def test_the_python_tokenizer_gives_the_tokens_of_todays(teacher_folder):
    from transformers import AutoTokenizer

    today = AutoTokenizer.from_pretrained(teacher_folder)
    python = tokenizer_of_2019(today)
    pair = ("the river flows past the old mill", "trains run at night")
    assert python(*pair)["input_ids"] == today(*pair)["input_ids"]
