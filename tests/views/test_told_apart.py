"""The figure and the sentences of the experiment with sentence pairs say what its intervals say, and no more."""

import re

import numpy as np
import pytest
from distilbook.finetuning.token_types import Reading
from distilbook.views.style import COLOURS
from distilbook.views.token_types import sentences_told_apart, told_apart

TEXTS = 40
EACH = 100


def reading(*shares: float, spread: int = 6) -> Reading:
    """Return a reading in which so many word pieces of a hundred are right, ``spread`` more or fewer in each text."""
    more = spread * np.where(np.arange(TEXTS) % 2, 1, -1)[:, None]
    right = np.concatenate([(np.arange(EACH) < np.rint(EACH * share) + more).reshape(1, -1) for share in shares])
    return Reading(right, np.arange(TEXTS).repeat(EACH))


HALF = reading(0.5, 0.5, 0.5, 0.5, spread=-6)


@pytest.mark.parametrize(
    ("separator", "said"),
    [
        (
            reading(0.5, 0.6, 0.7, 0.5),
            "With [SEP] it is right more often than with another word piece in its place after layers 1 and 2 "
            "(after layer 1 by 10.0 points); after layer 3 that is not settled.",
        ),
        (
            reading(0.5, 0.5, 0.6, 0.5),
            "more often than with another word piece in its place after layer 2 (by 10.0 points); "
            "after layers 1 and 3 that is not settled.",
        ),
        (
            reading(0.5, 0.6, 0.6, 0.6),
            "often than with another word piece in its place after layers 1, 2 and 3 (after layer 1 by 10.0 points).",
        ),
        (
            reading(0.5, 0.4, 0.4, 0.4),
            "less often than with another word piece in its place after layers 1, 2 and 3 (after layer 1 by 10.0",
        ),
        (
            reading(0.5, 0.6, 0.4, 0.5),
            "right more often than with another word piece in its place after layer 1 (by 10.0 points) "
            "and less often after layer 2 (by 10.0 points); after layer 3 that is not settled.",
        ),
        (HALF, "After no layer is it settled that [SEP] makes a difference to another word piece in its place."),
        (reading(0.5, 0.55, 0.6, 0.45, spread=40), "After no layer is it settled that"),
    ],
)
def test_layers_are_named_after_which_the_interval_leaves_no_doubt(separator, said):
    told = told_apart({"full": {"separator": separator, "another word piece": HALF}})
    assert said in re.sub(r" \[[\d.]+ to [\d.]+\]", "", told["The student"])


def test_a_difference_is_told_with_the_interval_that_holds_for_all_layers_together():
    separator = reading(0.5, 0.5, 0.4, 0.5)
    lead = separator.lead(HALF)[2]
    assert lead.high < 0
    told = told_apart({"full": {"separator": separator, "another word piece": HALF}})
    assert f"after layer 2 (by 10.0 [{-100 * lead.high:.1f} to {-100 * lead.low:.1f}] points)" in told["The student"]


@pytest.mark.parametrize(
    ("embeddings", "side"),
    [
        (0.5, "which the interval does not tell from the half"),
        (0.6, "which is more than the half"),
        (0.4, "which is less than the half"),
    ],
)
def test_the_embeddings_are_held_against_the_half_of_the_position_alone(embeddings, side):
    told = told_apart({"full": {"separator": reading(embeddings, 0.5), "another word piece": reading(0.5, 0.5)}})
    said = told["The student"]
    assert said.startswith(f"After the embeddings the probe is right for {embeddings:.1%} [")
    assert f"of the word pieces (95% interval over 40 texts), {side} that the position alone gives." in said


def test_a_single_text_settles_nothing():
    one = Reading(np.array([[True, False], [True, True]]), np.array([0, 0]))
    other = Reading(np.array([[True, False], [False, False]]), np.array([0, 0]))
    said = told_apart({"full": {"separator": one, "another word piece": other}})["The student"]
    assert "50.0% (no bounds)" in said and "over 1 text)" in said and "After no layer is it settled" in said


def test_each_model_has_its_line_and_token_types_are_told_where_there_are_any():
    pair = {"separator": HALF, "another word piece": HALF}
    told = told_apart({"full": pair, "teacher": pair | {"token types": reading(0.9, 0.8, 0.7, 0.6)}})
    assert list(told) == ["The student", "The teacher"]
    student, teacher = told.values()
    assert "token types" not in student
    assert "With token types as well it is right for 90.0% [" in teacher and "after the embeddings, 60.0% [" in teacher


def test_a_line_a_model_and_condition_with_intervals_over_the_layers():
    shares = {"full": (0.5, 0.6), "teacher": (0.5, 0.55, 0.7)}
    readings = {
        model: {
            "separator": reading(*some),
            "another word piece": reading(*[0.5] * len(some)),
            "token types": reading(*[0.9] * len(some)),
        }
        for model, some in shares.items()
    }
    made = sentences_told_apart(readings)
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
