"""The figure of what an edition took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from ...markup import Markup
from ..palette import PLAIN, figure

#: From so many seconds of the longest chapter on, the axis is in minutes.
IN_MINUTES = 180
#: What is neither training nor measuring, in a grey that both themes show.
REST = "#9AA0A6"


def time_spent(rows: Sequence[Mapping]) -> go.Figure:
    """Draw what each chapter took, a bar a chapter: training and measuring, and the rest.

    Args:
        rows: each with ``label``, and ``training`` and ``rest`` in seconds.
    """
    longest = max((row["training"] + row["rest"] for row in rows), default=0)
    unit, size = ("minutes", 60) if longest >= IN_MINUTES else ("seconds", 1)
    made = figure("What each chapter took", unit, "", height=170 + 30 * len(rows))
    for name, part, colour in (("training and measuring", "training", PLAIN[0]), ("the rest", "rest", REST)):
        made.add_bar(
            x=[row[part] / size for row in rows],
            y=[row["label"] for row in rows],
            name=name,
            orientation="h",
            marker_color=colour,
            hovertemplate=Markup(f"%{{y}}: %{{x:.1f}} {unit}<extra>{name}</extra>"),
        )
    made.update_layout(barmode="stack", legend={"y": -0.3, "traceorder": "normal"})
    made.update_xaxes(showgrid=True, gridcolor="rgba(128,128,128,0.25)")
    made.update_yaxes(autorange="reversed", showgrid=False, automargin=True)
    return made
