"""Sentences and figure of the token-type probe follow from its intervals."""

import re

import numpy as np
import pytest
from distilbook.finetuning.token_types import Reading
from distilbook.views.style import COLOURS
from distilbook.views.token_types import probe_accuracy, probe_sentences

TEXTS = 40
EACH = 100


def reading(*shares: float, spread: int = 6) -> Reading:
    """Return a reading with these shares of correct tokens in a hundred, ``spread`` more or fewer in each text."""
    more = spread * np.where(np.arange(TEXTS) % 2, 1, -1)[:, None]
    right = np.concatenate([(np.arange(EACH) < np.rint(EACH * share) + more).reshape(1, -1) for share in shares])
    return Reading(right, np.arange(TEXTS).repeat(EACH))


HALF = reading(0.5, 0.5, 0.5, 0.5, spread=-6)


@pytest.mark.parametrize(
    ("separator", "effects"),
    [
        (
            reading(0.5, 0.6, 0.7, 0.5),
            "raises it after layers 1 and 2 (layer 1: 10.0 points); does not change it significantly after layer 3.",
        ),
        (
            reading(0.5, 0.5, 0.6, 0.5),
            "raises it after layer 2 (layer 2: 10.0 points); does not change it significantly after layers 1 and 3.",
        ),
        (reading(0.5, 0.6, 0.6, 0.6), "raises it after layers 1, 2 and 3 (layer 1: 10.0 points)."),
        (reading(0.5, 0.4, 0.4, 0.4), "lowers it after layers 1, 2 and 3 (layer 1: -10.0 points)."),
        (
            reading(0.5, 0.6, 0.4, 0.5),
            "raises it after layer 1 (layer 1: 10.0 points); lowers it after layer 2 (layer 2: -10.0 points); does not "
            "change it significantly after layer 3.",
        ),
        (HALF, "does not change it significantly after layers 1, 2 and 3."),
        (reading(0.5, 0.55, 0.6, 0.45, spread=40), "does not change it significantly after layers 1, 2 and 3."),
    ],
)
def test_layers_are_grouped_by_the_sign_of_a_significant_effect(separator, effects):
    said = probe_sentences({"full": {"separator": separator, "another token": HALF}})["The student"]
    said = re.sub(r" \[-?[\d.]+ to -?[\d.]+\]", "", said)
    assert said.endswith("[SEP], compared with another token in its place, " + effects)


def test_an_effect_is_given_with_the_interval_that_holds_for_all_layers_together():
    separator = reading(0.5, 0.5, 0.4, 0.5)
    lead = separator.lead(HALF)[2]
    assert lead.high < 0
    said = probe_sentences({"full": {"separator": separator, "another token": HALF}})["The student"]
    assert f"layer 2 (layer 2: -10.0 [{100 * lead.low:.1f} to {100 * lead.high:.1f}] points)" in said


@pytest.mark.parametrize(
    ("embeddings", "side"), [(0.5, "not significantly different from"), (0.6, "above"), (0.4, "below")]
)
def test_accuracy_after_the_embeddings_is_compared_with_chance(embeddings, side):
    readings = {"full": {"separator": reading(embeddings, 0.5), "another token": reading(0.5, 0.5)}}
    said = probe_sentences(readings)["The student"]
    assert said.startswith(f"After the embeddings the probe's accuracy is {embeddings:.1%} [")
    assert f"] (95% interval over 40 texts), {side} the 50% of the position alone." in said


def test_a_single_text_settles_nothing():
    one = Reading(np.array([[True, False], [True, True]]), np.array([0, 0]))
    other = Reading(np.array([[True, False], [False, False]]), np.array([0, 0]))
    said = probe_sentences({"full": {"separator": one, "another token": other}})["The student"]
    assert "50.0% (no bounds)" in said and "over 1 text)" in said
    assert said.endswith("does not change it significantly after layer 1.")


def test_each_model_has_its_sentences_and_token_types_are_mentioned_where_there_are_any():
    pair = {"separator": HALF, "another token": HALF}
    told = probe_sentences({"full": pair, "teacher": pair | {"token types": reading(0.9, 0.8, 0.7, 0.6)}})
    assert list(told) == ["The student", "The teacher"]
    student, teacher = told.values()
    assert "token types" not in student
    assert "With token types it is 90.0% [" in teacher and "after the embeddings and 60.0% [" in teacher


def test_a_line_a_model_and_condition_with_intervals_over_the_layers():
    shares = {"full": (0.5, 0.6), "teacher": (0.5, 0.55, 0.7)}
    readings = {
        model: {
            "separator": reading(*some),
            "another token": reading(*[0.5] * len(some)),
            "token types": reading(*[0.9] * len(some)),
        }
        for model, some in shares.items()
    }
    made = probe_accuracy(readings)
    assert [trace.name for trace in made.data] == [
        "student, [SEP]",
        "student, no [SEP]",
        "teacher, [SEP]",
        "teacher, no [SEP]",
    ]
    for trace, some in zip(made.data[::2], shares.values(), strict=True):
        assert trace.y == pytest.approx(some) and [round(x) for x in trace.x] == list(range(len(some)))
        assert [text.strip() for text in trace.text if text] == [trace.name]
    accuracy = readings["teacher"]["separator"].accuracy()
    assert made.data[2].error_y.array == pytest.approx([one.high - one.value for one in accuracy])
    assert made.data[2].error_y.arrayminus == pytest.approx([one.value - one.low for one in accuracy])
    assert [trace.line.color for trace in made.data] == [COLOURS["full"]] * 2 + [COLOURS["teacher"]] * 2
    assert made.layout.shapes[0].y0 == 0.5 and list(made.layout.xaxis.ticktext) == ["embeddings", "1", "2"]
    assert made.layout.xaxis.title.text and made.layout.yaxis.title.text
