"""What the experiment with sentence pairs found, in words that its intervals choose.

The figure of the experiment with sentence pairs: what linear probes read layer by layer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import plotly.graph_objects as go

from ..core.markup import Markup, for_figure
from ..core.quantities import POINTS, SHARE, counted, with_ends
from ..stats.intervals import Interval
from .style import COLOURS, ENDS, GREY, MARKERS, error_bars, figure

if TYPE_CHECKING:
    from ..finetuning.token_types import Reading

#: How the models are called in these sentences.
NAMES = {"full": "The student", "teacher": "The teacher"}
#: What the position alone gives: each position that is read is as often in the first sentence as in the second.
HALF = 0.5


def told_apart(readings: Mapping[str, Mapping[str, Reading]]) -> dict[str, str]:
    """Say for each model what can be read before attention, and after which layers the separator has told.

    Args:
        readings: by model, ``full`` (the student) or ``teacher``, and by condition, as ``read_sentences`` gives them.
    """
    return {NAMES[model]: _of_model(conditions) for model, conditions in readings.items()}


def _of_model(conditions: Mapping[str, Reading]) -> str:
    separator = conditions["separator"]
    said = [_before_attention(separator), _after_layers(separator.lead(conditions["another word piece"])[1:])]
    if "token types" in conditions:
        first, *_, last = conditions["token types"].accuracy()
        said.append(
            f"With token types as well it is right for {_share(first)} after the embeddings, {_share(last)} at the end."
        )
    return " ".join(said)


def _before_attention(separator: Reading) -> str:
    first = separator.accuracy()[0]
    if first.low > HALF:
        side = "which is more than"
    elif first.high < HALF:
        side = "which is less than"
    else:
        side = "which the interval does not tell from"
    return (
        f"After the embeddings the probe is right for {_share(first)} of the word pieces ({first.level:.0%} interval "
        f"over {counted(separator.texts, 'text')}), {side} the half that the position alone gives."
    )


def _after_layers(leads: Sequence[Interval]) -> str:
    """Say after which layers the separator makes the probe right more often, or less; ``leads`` are one a layer."""
    more = [layer for layer, lead in enumerate(leads, start=1) if lead.low > 0]
    fewer = [layer for layer, lead in enumerate(leads, start=1) if lead.high < 0]
    rest = [layer for layer in range(1, len(leads) + 1) if layer not in more + fewer]
    if not more + fewer:
        return "After no layer is it settled that [SEP] makes a difference to another word piece in its place."
    than = "than with another word piece in its place "
    parts = []
    for how, layers in (("more", more), ("less", fewer)):
        if layers:
            parts.append(f"{how} often {than}{_after(layers, leads)}")
            than = ""
    left = f"; after {_listed(rest)} that is not settled" if rest else ""
    return f"With [SEP] it is right {' and '.join(parts)}{left}."


def _after(layers: Sequence[int], leads: Sequence[Interval]) -> str:
    """Return "after layers 1 and 2 (after layer 1 by 3.9 [2.1 to 5.8] points)": the first difference without a sign."""
    first = leads[layers[0] - 1]
    low, high = sorted((abs(first.low), abs(first.high)))
    by = f"by {with_ends(abs(first.value), low, high, 0.0, POINTS)}"
    return f"after {_listed(layers)} ({by if len(layers) == 1 else f'after layer {layers[0]} {by}'})"


def _listed(layers: Sequence[int]) -> str:
    """Return "layer 1", "layers 1 and 2", "layers 1, 2 and 4"."""
    if len(layers) == 1:
        return f"layer {layers[0]}"
    return f"layers {', '.join(map(str, layers[:-1]))} and {layers[-1]}"


def _share(one: Interval) -> str:
    return with_ends(one.value, one.low, one.high, HALF, SHARE)


if TYPE_CHECKING:
    from ..finetuning.token_types import Reading
    from ..stats.intervals import Interval

#: How the models are called; the student wears the full recipe's colour.
LABELS = {"full": "student", "teacher": "teacher"}
#: How far the models stand to the left and to the right of a layer's place, so that their intervals do not cover.
APART = {"full": -0.05, "teacher": 0.05}
#: For each condition drawn the line's dash, how its label goes on, and where the label stands. Token types are left
#: out: they tell so much more that nothing else could be seen on one axis with them.
LOOKS = {"separator": ("solid", "[SEP]", "top right"), "another word piece": ("dot", "no [SEP]", "bottom right")}


def sentences_told_apart(readings: Mapping[str, Mapping[str, Reading]]) -> go.Figure:
    """Draw the share of word pieces put into the right sentence over the layers, a line a model and condition.

    Args:
        readings: by model, ``full`` (the student) or ``teacher``, and by condition, as ``read_sentences`` gives them.
    """
    title = "Is this word piece in the first or in the second sentence?"
    made = figure(title, "after layer", "right answers of the probe", height=420)
    deepest = 0
    for model, conditions in readings.items():
        for condition in LOOKS:
            accuracy = conditions[condition].accuracy()
            deepest = max(deepest, len(accuracy) - 1)
            _line(made, model, condition, accuracy)
    made.add_hline(
        y=0.5,
        line_dash="dash",
        line_color=GREY,
        line_width=1.5,
        opacity=1,
        annotation={"text": "position alone", "font_color": GREY},
        annotation_position="top right",
    )
    ticks = list(range(deepest + 1))
    made.update_xaxes(tickvals=ticks, ticktext=["embeddings", *map(str, ticks[1:])], range=[-0.35, deepest + 1.4])
    made.update_yaxes(tickformat=".0%")
    return made


def _line(made: go.Figure, model: str, condition: str, accuracy: Sequence[Interval]) -> None:
    dash, text, position = LOOKS[condition]
    values = [one.value for one in accuracy]
    # Labelled where it stands clear of the others: at its height, or a control at its end.
    place = values.index(max(values)) if condition == "separator" else len(values) - 1
    label = f"{LABELS[model]}, {text}"
    made.add_scatter(
        x=[number + APART[model] for number in range(len(values))],
        y=values,
        mode="lines+markers+text",
        name=label,
        text=[f" {label}" if number == place else "" for number in range(len(values))],
        textposition=position,
        textfont={"color": COLOURS[model]},
        cliponaxis=False,
        showlegend=False,
        line={"color": COLOURS[model], "dash": dash},
        marker={"symbol": MARKERS[model], "size": 8},
        error_y=error_bars(*([getattr(one, end) for one in accuracy] for end in ENDS), thickness=1.5, width=4),
        hovertemplate=Markup(f"%{{y:.1%}}<extra>{for_figure(label)}</extra>"),
    )
