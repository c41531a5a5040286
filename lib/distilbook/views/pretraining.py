"""From a run's metrics file to the lines of a learning curve.

Figures of what was measured: curves, scores, intervals, times.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import plotly.graph_objects as go

from .style import COLOURS, ENDS, GREY, PLAIN, error_bars, figure, look, subplots

if TYPE_CHECKING:
    from ..pretraining.config import PretrainRun


def held_out_curves(run: PretrainRun) -> list[dict]:
    """Return the held-out measurements of ``run``, each with the tokens ``seen`` until then."""
    # Here, because it brings torch along, which chapters that only read records do without.
    from ..training.log import read_curves

    tokens_a_step = run.tokens / run.config.steps
    return [line | {"seen": line["step"] * tokens_a_step} for line in read_curves(run.folder)[1]]


def learning_curves(
    curves: Mapping[str, Sequence[Sequence[Mapping]]], metric: str, y: str, title: str, reference: float | None = None
) -> go.Figure:
    """Draw a metric over training, one line a seed, one colour an arm.

    Args:
        curves: for each arm or choice, one list of measurements a seed; each has ``seen`` (tokens) and ``metric``.
        reference: the teacher's value, a dashed line.
    """
    made = figure(title, "training tokens seen", y)
    for place, (arm, seeds) in enumerate(curves.items()):
        colour, marker, dash, label = look(arm, place)
        for number, lines in enumerate(seeds):
            made.add_scatter(
                x=[line["seen"] for line in lines],
                y=[line[metric] for line in lines],
                mode="lines+markers",
                name=label,
                legendgroup=arm,
                showlegend=number == 0,
                opacity=0.9,
                line={"color": colour, "dash": dash},
                marker={"symbol": marker, "size": 7},
            )
    if reference is not None:
        made.add_hline(
            y=reference,
            line_dash="longdash",
            line_color=COLOURS["teacher"],
            line_width=2,
            opacity=1,
            annotation={"text": "teacher", "font_color": COLOURS["teacher"]},
        )
    return made


def loss_terms(seeds: Sequence[Sequence[Mapping]], terms: Mapping[str, str]) -> go.Figure:
    """Draw each term of the loss over the optimiser's steps, a panel a term.

    Args:
        seeds: for each seed the training lines of its metrics file.
        terms: the terms' names in the file, and how they are called.
    """
    made = subplots(rows=1, cols=len(terms), subplot_titles=list(terms.values()), horizontal_spacing=0.08)
    for column, term in enumerate(terms, start=1):
        for number, lines in enumerate(seeds):
            made.add_scatter(
                x=[line["step"] for line in lines],
                y=[line[term] for line in lines],
                mode="lines",
                row=1,
                col=column,
                line={"color": PLAIN[column - 1], "width": 1.6, "dash": "solid" if number == 0 else "dot"},
                showlegend=False,
                name=f"seed {number}",
            )
        made.update_xaxes(title_text="optimiser step", row=1, col=column)
    base = figure("", "", "").layout
    made.update_layout(
        template=base.template,
        paper_bgcolor=base.paper_bgcolor,
        plot_bgcolor=base.plot_bgcolor,
        height=320,
        margin={"l": 50, "r": 20, "t": 50, "b": 60},
    )
    return made


def intervals(rows: Sequence[Mapping], x: str, title: str, reference: float, reference_text: str) -> go.Figure:
    """Draw estimates with their intervals and the value that decides.

    Args:
        rows: each with ``label``, ``value``, ``low`` and ``high``.
    """
    made = figure(title, x, "", height=150 + 46 * len(rows))
    made.add_scatter(
        x=[row["value"] for row in rows],
        y=[row["label"] for row in rows],
        mode="markers",
        showlegend=False,
        marker={"size": 11, "color": COLOURS["full"]},
        error_x=error_bars(*([row[end] for row in rows] for end in ENDS)),
    )
    made.add_vline(
        x=reference,
        line_dash="dash",
        line_color=GREY,
        line_width=2,
        opacity=1,
        annotation={"text": reference_text, "font_color": GREY, "yref": "paper", "y": 1.08},
    )
    made.update_yaxes(autorange="reversed")
    return made
