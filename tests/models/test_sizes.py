"""Parameters counted from shapes, by formula, and as published."""

from __future__ import annotations

import pytest
import torch
from distilbook.core.config import BookError
from distilbook.models.parameters import (
    MODEL_KINDS,
    Row,
    count_by_formula,
    empty_model,
    parameter_table,
    parameters_of,
    table_of,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

PUBLISHED = {
    "BertModel": 109_482_240,
    "BertForMaskedLM": 109_514_298,
    "DistilBertModel": 66_362_880,
    "DistilBertForMaskedLM": 66_985_530,
}


def total(rows: list[Row], *parts: str) -> int:
    return sum(row.count for row in rows if not parts or row.part in parts)


@pytest.fixture(scope="module")
def bert() -> list[Row]:
    return parameter_table("BertModel")


@pytest.mark.parametrize("kind", PUBLISHED)
def test_the_parts_add_up_to_the_published_model(kind):
    assert total(parameter_table(kind)) == PUBLISHED[kind]


def test_a_counted_model_holds_no_numbers():
    assert {parameter.device.type for parameter in empty_model("BertModel").parameters()} == {"meta"}


def test_the_parts_of_bert_base_are_those_of_its_architecture(bert):
    assert total(bert, "word embeddings") == 30_522 * 768
    assert total(bert, "position embeddings") == 512 * 768
    assert total(bert, "token-type embeddings") == 2 * 768
    assert total(bert, "pooler") == 768 * 768 + 768
    assert total(bert) - total(bert, "pooler") == 108_891_648
    per_layer = {row.part: row.count for row in bert if row.layer == 11}
    square = 768 * 768 + 768
    assert per_layer == {
        "attention query": square,
        "attention key": square,
        "attention value": square,
        "attention output": square,
        "attention LayerNorm": 1536,
        "feed-forward, widening": 768 * 3072 + 3072,
        "feed-forward, narrowing": 3072 * 768 + 768,
        "feed-forward LayerNorm": 1536,
    }
    assert {row.layer for row in bert} == {None, *range(12)}


@pytest.mark.parametrize("kind", ["BertForMaskedLM", "DistilBertForMaskedLM"])
def test_the_tied_decoder_adds_nothing_but_a_bias(kind):
    rows = parameter_table(kind)
    assert total(rows, "MLM head decoder") == 0
    assert total(rows, "MLM head bias") == 30_522
    assert total(rows, "MLM head transform", "MLM head LayerNorm") == 768 * 768 + 768 + 1536


dimensions = st.fixed_dictionaries(
    {
        "layers": st.integers(1, 3),
        "width": st.integers(1, 6).map(lambda n: 2 * n),
        "feed_forward": st.integers(1, 20),
        "vocabulary": st.integers(5, 50),
        "positions": st.integers(2, 20),
    }
)


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(sorted(MODEL_KINDS)), dimensions, st.integers(1, 3))
def test_formula_table_and_model_agree_whatever_the_dimensions(kind, dimensions, token_types):
    of_bert = {"token_types": token_types} if "token_types" in MODEL_KINDS[kind].dimensions else {}
    model = empty_model(kind, heads=2, **dimensions, **of_bert)
    by_formula = count_by_formula(
        **({"token_types": 0} | dimensions | of_bert),
        pooler=kind.endswith("Model") and not kind.startswith("Distil"),
        masked_lm_head="MaskedLM" in kind,
    )
    assert by_formula == parameters_of(model) == total(table_of(model))


def test_heads_change_no_count():
    small = {"layers": 2, "width": 8, "feed_forward": 16, "vocabulary": 30, "positions": 10}
    counts = {parameters_of(empty_model("BertModel", heads=heads, **small)) for heads in (1, 2, 8)}
    assert len(counts) == 1


def test_shared_weights_are_counted_once_in_any_model():
    first, second = nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False)
    second.weight = first.weight
    assert parameters_of(nn.Sequential(first, second)) == 9


def test_a_parameter_of_no_known_part_is_not_passed_over():
    with pytest.raises(BookError, match=r"'weight' belongs to no known part"):
        model = empty_model("BertModel", layers=1)
        model.register_parameter("weight", nn.Parameter(torch.empty(2, device="meta")))
        table_of(model)


@pytest.mark.parametrize(
    ("kind", "names", "advice"),
    [
        ("BertModle", {}, "BertModel"),
        ("BertModel", {"layer": 3}, "layers"),
        ("DistilBertModel", {"token_types": 1}, "use one"),
    ],
)
def test_an_unknown_kind_or_dimension_is_refused_with_advice(kind, names, advice):
    with pytest.raises(BookError, match=advice):
        empty_model(kind, **names)
