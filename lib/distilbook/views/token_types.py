"""Sentences and figure of the token-type probe: accuracy by layer, and the effect of the separator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from ..core.markup import Markup, for_figure
from ..core.quantities import POINTS, SHARE, counted, listed, with_ends
from ..finetuning.token_types import Condition, Reading
from ..stats.intervals import Interval
from .style import COLOURS, ENDS, GREY, MARKERS, error_bars, figure

#: Names of the models; the student has the full recipe's colour.
LABELS = {"full": "student", "teacher": "teacher"}
#: Accuracy from the position alone: every position that is read is as often in the first sentence as in the second.
CHANCE = 0.5
#: Horizontal offset of each model's markers, so that the intervals do not overlap.
OFFSETS = {"full": -0.05, "teacher": 0.05}
#: Dash, label and label position of each condition drawn. Token types are left out: their accuracy is so high that the
#: differences between the others would not be visible on the same axis.
LOOKS: dict[Condition, tuple[str, str, str]] = {
    "separator": ("solid", "[SEP]", "top right"),
    "another token": ("dot", "no [SEP]", "bottom right"),
}


def probe_sentences(readings: Mapping[str, Mapping[Condition, Reading]]) -> dict[str, str]:
    """Return for each model the probe's accuracy before attention, and the layers at which the separator changes it.

    Args:
        readings: the result of ``read_sentences`` for the models ``full`` (the student) and ``teacher``.
    """
    return {f"The {LABELS[model]}": _of_model(conditions) for model, conditions in readings.items()}


def _of_model(conditions: Mapping[Condition, Reading]) -> str:
    separator = conditions["separator"]
    first = separator.accuracy()[0]
    sentences = [
        f"After the embeddings the probe's accuracy is {_share(first)} ({first.level:.0%} interval over "
        f"{counted(separator.texts, 'text')}), {_against_chance(first)} the {CHANCE:.0%} of the position alone.",
        f"[SEP], compared with another token in its place, {_effects(separator.lead(conditions['another token'])[1:])}.",
    ]
    if "token types" in conditions:
        first, *_, last = conditions["token types"].accuracy()
        sentences.append(f"With token types it is {_share(first)} after the embeddings and {_share(last)} at the end.")
    return " ".join(sentences)


def _against_chance(accuracy: Interval) -> str:
    return {1: "above", -1: "below", 0: "not significantly different from"}[_side(accuracy, CHANCE)]


def _effects(leads: Sequence[Interval]) -> str:
    """Return the layers by the separator's effect, each significant one with its first layer's; ``leads`` by layer."""
    names = {1: "raises it", -1: "lowers it", 0: "does not change it significantly"}
    parts = []
    for side, name in names.items():
        layers = [layer for layer, lead in enumerate(leads, start=1) if _side(lead, 0.0) == side]
        if layers:
            first = leads[layers[0] - 1]
            by = f" (layer {layers[0]}: {with_ends(first.value, first.low, first.high, 0.0, POINTS)})" if side else ""
            parts.append(f"{name} after layer{'s' * (len(layers) > 1)} {listed(list(map(str, layers)))}{by}")
    return "; ".join(parts)


def _side(interval: Interval, bound: float) -> int:
    """Return 1 if the interval is above the bound, -1 if it is below, 0 if it contains it."""
    return int(interval.low > bound) - int(interval.high < bound)


def _share(one: Interval) -> str:
    return with_ends(one.value, one.low, one.high, CHANCE, SHARE)


def probe_accuracy(readings: Mapping[str, Mapping[Condition, Reading]]) -> go.Figure:
    """Draw the probe's accuracy over the layers, a line a model and condition.

    Args:
        readings: as for :func:`probe_sentences`.
    """
    title = "Is this token in the first or in the second sentence?"
    made = figure(title, "after layer", "accuracy of the probe", height=420)
    deepest = 0
    for model, conditions in readings.items():
        for condition in LOOKS:
            accuracy = conditions[condition].accuracy()
            deepest = max(deepest, len(accuracy) - 1)
            _line(made, model, condition, accuracy)
    made.add_hline(
        y=CHANCE,
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


def _line(made: go.Figure, model: str, condition: Condition, accuracy: Sequence[Interval]) -> None:
    dash, text, position = LOOKS[condition]
    values, lows, highs = ([getattr(one, end) for one in accuracy] for end in ENDS)
    # The label stands at the line's maximum, for the control at its end, clear of the other lines.
    place = values.index(max(values)) if condition == "separator" else len(values) - 1
    label = f"{LABELS[model]}, {text}"
    made.add_scatter(
        x=[number + OFFSETS[model] for number in range(len(values))],
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
        error_y=error_bars(values, lows, highs, thickness=1.5, width=4),
        hovertemplate=Markup(f"%{{y:.1%}}<extra>{for_figure(label)}</extra>"),
    )
