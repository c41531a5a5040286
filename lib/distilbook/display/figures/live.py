"""The figure of a training that is under way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate

import plotly.graph_objects as go

from ...progress import duration
from ..palette import COLOURS, PLAIN, figure, subplots

#: A curve is drawn with at most so many points.
POINTS = 300
NAMES = {"distillation_loss": "distillation (nat)", "masked_lm_loss": "masked LM (nat)", "cosine_loss": "cosine"}
HELD_OUT = "masked accuracy, held-out text"


def under_way(steps: Sequence[Mapping], measured: Sequence[Mapping]) -> go.Figure:
    """Draw a run that goes on: each loss term and the held-out masked accuracy over the tokens seen.

    Args:
        steps, measured: the lines of its metrics file, of training steps and of held-out measurements.
    """
    terms = [name for name in NAMES if steps and name in steps[-1]]
    made = subplots(
        rows=1, cols=len(terms) + 1, subplot_titles=[*map(NAMES.get, terms), HELD_OUT], horizontal_spacing=0.07
    )
    seen = dict(zip((s["step"] for s in steps), accumulate(s["tokens"] for s in steps), strict=True))
    shown = thinned(steps)
    for column, term in enumerate(terms, start=1):
        x, y = [seen[line["step"]] for line in shown], [line[term] for line in shown]
        look = {"color": PLAIN[column - 1], "width": 1.6}
        made.add_scatter(x=x, y=y, mode="lines", line=look, showlegend=False, name=NAMES[term], row=1, col=column)
    points = thinned([line for line in measured if line["step"] in seen or line["step"] == 0])
    made.add_scatter(
        x=[seen.get(line["step"], 0) for line in points],
        y=[line["masked_accuracy"] for line in points],
        mode="lines+markers",
        line={"color": COLOURS["full"]},
        showlegend=False,
        name=HELD_OUT,
        row=1,
        col=len(terms) + 1,
    )
    made.update_xaxes(title_text="tokens seen")
    made.update_yaxes(rangemode="tozero", row=1, col=len(terms) + 1)
    base = figure(state_of(steps), "", "").layout
    made.update_layout(
        template=base.template, title=base.title, height=330, margin={"l": 50, "r": 20, "t": 80, "b": 60}
    )
    return made.update_layout(paper_bgcolor=base.paper_bgcolor, plot_bgcolor=base.plot_bgcolor)


def thinned(lines: Sequence[Mapping]) -> list[Mapping]:
    """Return at most ``POINTS`` of ``lines``, evenly spaced, the last among them."""
    every = max(1, -(-len(lines) // POINTS))
    return list(lines[::-1][::every][::-1])


def state_of(steps: Sequence[Mapping]) -> str:
    """Say how far a run is, how fast it was over its last steps and how long it will take still."""
    if not steps:
        return "before the first step"
    last = steps[-20:]
    speed = sum(line["tokens"] for line in last) / sum(line["seconds"] for line in last)
    left = steps[-1]["seconds_left"]
    return f"step {steps[-1]['step']:,}: {speed:,.0f} tokens/s, " + (
        f"{duration(left)} left" if left else "no step left"
    )
