"""The figure of the trial: each claim's interval, the bound that decides, and the noise around it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import plotly.graph_objects as go

from ...claims.judging import Judgement
from ...claims.wording import UNITS
from ..palette import GREY, VERDICTS, dressed, error_bars, padded, subplots


def verdicts(judgements: Sequence[Judgement]) -> go.Figure:
    """Draw each judged claim with its interval and its bound, a panel a claim, coloured by the verdict.

    A grey band is the noise that the interval must also lie beyond, where the claim's rule has one.

    Args:
        judgements: of ``claims.judge``; those without a value are left out.
    """
    judged = [judgement for judgement in judgements if judgement.value is not None]
    panels = max(len(judged), 1)
    titles = [f"{one.claim.title}: {one.verdict}" + (" (in miniature)" if one.in_miniature else "") for one in judged]
    made = subplots(rows=panels, cols=1, subplot_titles=titles, vertical_spacing=0.5 / panels)
    for row, one in enumerate(judged, start=1):
        _panel(made, one, row)
    return dressed(made, "The claims on trial", 100 + 135 * panels, left=30)


def _panel(made: go.Figure, one: Judgement, row: int) -> None:
    unit = UNITS[one.claim.kind]
    value, low, high, bound, margin = (
        number * unit.scale for number in (one.value, one.low, one.high, one.claim.bound, one.margin)
    )
    bounded, spot = math.isfinite(low) and math.isfinite(high), {"row": row, "col": 1}
    made.add_scatter(
        x=[value],
        y=[0],
        mode="markers",
        showlegend=False,
        name=one.claim.title,
        marker={"size": 11, "color": VERDICTS[one.verdict]},
        hovertext=one.ours,
        error_x=error_bars([value], [low], [high]) if bounded else None,
        **spot,
    )
    shown = [end for end in (value, low, high, bound - margin, bound + margin) if math.isfinite(end)]
    made.add_vline(x=bound, line_dash="dash", line_color=GREY, line_width=2, opacity=1, **spot)
    if 0 < margin < math.inf:
        band = {"fillcolor": GREY, "opacity": 0.25, "line_width": 0, "layer": "below"}
        made.add_vrect(x0=bound - margin, x1=bound + margin, **band, **spot)
    made.update_yaxes(visible=False, range=[-1, 1], **spot)
    made.update_xaxes(range=padded(shown), ticksuffix=unit.sign, showticksuffix="last", **spot)
