"""The figure of the experiment with sentence pairs: what linear probes read layer by layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import plotly.graph_objects as go

from ...markup import Markup, for_figure
from ..palette import COLOURS, ENDS, GREY, MARKERS, error_bars, figure

if TYPE_CHECKING:
    from ...statistics import Interval
    from ...training.finetuning.segments import Reading

#: How the models are called; the student wears the full recipe's colour.
NAMES = {"full": "student", "teacher": "teacher"}
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
    label = f"{NAMES[model]}, {text}"
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
