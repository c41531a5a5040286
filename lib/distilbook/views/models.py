"""Figures of the models: their layers, their parameters, their probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from ..core.markup import Markup, for_figure
from .style import COLOURS, PLAIN, figure


def softened(logits: np.ndarray, words: Sequence[str], temperatures: Sequence[float], chosen: float) -> go.Figure:
    """Draw a distribution at several temperatures, with a slider.

    Args:
        logits: (words,) of the words shown; the distribution is over these alone.
        chosen: the temperature the slider starts at, one of ``temperatures``.
    """
    made = figure("The same logits at different temperatures", "", "probability among these words")
    for temperature in temperatures:
        scaled = np.exp((logits - logits.max()) / temperature)
        made.add_bar(
            x=list(words),
            y=scaled / scaled.sum(),
            marker_color=COLOURS["teacher"],
            visible=temperature == chosen,
            name=f"T = {temperature:g}",
            showlegend=False,
        )
    steps = [
        {
            "label": f"{temperature:g}",
            "method": "update",
            "args": [{"visible": [t == temperature for t in temperatures]}],
        }
        for temperature in temperatures
    ]
    made.update_layout(
        sliders=[
            {
                "steps": steps,
                "active": list(temperatures).index(chosen),
                "currentvalue": {"prefix": "temperature "},
                "pad": {"t": 45},
            }
        ]
    )
    made.update_yaxes(range=[0, 1], tickformat=".0%")
    return made


def gradient_norms(temperatures: Sequence[float], plain: Sequence[float], scaled: Sequence[float]) -> go.Figure:
    """Draw the norm of the distillation gradient over the temperature, without and with the factor T squared."""
    made = figure("Size of the distillation gradient", "temperature (log)", "gradient norm (log)")
    made.add_scatter(x=list(temperatures), y=list(scaled), name="with T²", line_color=PLAIN[0])
    made.add_scatter(x=list(temperatures), y=list(plain), name="without", line={"color": PLAIN[1], "dash": "dash"})
    made.update_xaxes(type="log")
    made.update_yaxes(type="log")
    return made


def layer_map(layers: Sequence[int], depth: int) -> go.Figure:
    """Draw which of the teacher's ``depth`` layers the student copies."""
    made = figure("Which layers are copied", "", "layer (from 0)", height=160 + 32 * depth)
    copied = set(layers)
    for place, layer in enumerate(layers):
        made.add_scatter(
            x=[0.08, 0.92],
            y=[layer, place],
            mode="lines",
            line={"color": "rgba(128,128,128,0.7)", "width": 2},
            showlegend=False,
            hoverinfo="skip",
        )
    _boxes(made, 0, range(depth), lambda layer: COLOURS["teacher"] if layer in copied else "rgba(128,128,128,0.35)")
    _boxes(made, 1, range(len(layers)), lambda _: COLOURS["full"])
    made.update_xaxes(tickvals=[0, 1], ticktext=["teacher", "student"], range=[-0.3, 1.3])
    made.update_yaxes(dtick=1, showgrid=False, range=[-0.7, depth - 0.3])
    return made


def _boxes(made: go.Figure, x: float, layers, colour) -> None:
    made.add_scatter(
        x=[x] * len(layers),
        y=list(layers),
        mode="markers",
        showlegend=False,
        marker={"symbol": "square", "size": 22, "color": [colour(layer) for layer in layers]},
        hovertemplate=Markup("layer %{y}<extra></extra>"),
    )


def parameter_bars(tables: Mapping[str, Mapping[str, int]]) -> go.Figure:
    """Draw where each model's parameters are.

    Args:
        tables: for each model, the number of parameters of each of its parts.
    """
    parts = list(dict.fromkeys(part for table in tables.values() for part in table))
    made = figure("Where the parameters are", "millions of parameters", "", height=190 + 60 * len(tables))
    for number, part in enumerate(parts):
        made.add_bar(
            y=list(tables),
            x=[table.get(part, 0) / 1e6 for table in tables.values()],
            name=part,
            orientation="h",
            marker_color=PLAIN[number % len(PLAIN)],
            hovertemplate=Markup(f"%{{y}}: %{{x:.2f}} M<extra>{for_figure(part)}</extra>"),
        )
    made.update_layout(barmode="stack", legend={"y": -0.4, "traceorder": "normal"})
    made.update_yaxes(showgrid=False, autorange="reversed")
    return made
