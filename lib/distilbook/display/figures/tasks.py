"""Figures of scores on tasks: every seed of every model, and what each arm changes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from ...answers import Answers, Tasks, scores_on_one_task
from ...claims.arm_scores import ArmChange
from ...markup import Markup
from ...metrics import METRIC_LABELS
from ...statistics import Interval
from ..palette import ENDS, GREY, PLAIN, dressed, error_bars, figure, look, subplots

#: The mark of a seed that says the same of every example, in its model's colour: hollow, with a cross.
COLLAPSED = "circle-x-open"
#: The model that says the same of every example by nature.
BY_NATURE = "majority"


def task_scores(tasks: Tasks) -> go.Figure:
    """Draw the scores of every model, a panel a task: a mark a seed, a bar at the median, a line for its interval.

    A seed that collapsed is drawn hollow with a cross; neither median nor interval counts it.
    """
    titles = [f"{task}: {METRIC_LABELS[next(iter(some.values())).metric]}" for task, some in tasks.items()]
    rows = [len(some) for some in tasks.values()]
    height = 90 + sum(36 * models + 80 for models in rows)
    spacing = min(0.9 / len(rows), 80 / height)
    made = subplots(rows=len(rows), cols=1, subplot_titles=titles, row_heights=rows, vertical_spacing=spacing)
    for row, (task, models) in enumerate(tasks.items(), start=1):
        intervals = scores_on_one_task(task, models)
        for place, (name, answers) in enumerate(models.items()):
            _model(made, name, place, answers, intervals[name], row)
        labels = [look(name, place)[3] for place, name in enumerate(models)]
        made.update_yaxes(categoryorder="array", categoryarray=labels, autorange="reversed", row=row, col=1)
    title = "Scores, a mark a seed; crossed where it says the same of every example"
    made.update_yaxes(showgrid=True, gridcolor="rgba(128,128,128,0.25)")
    return dressed(made, title, height, left=230)


def _model(made: go.Figure, name: str, place: int, answers: Answers, interval: Interval, row: int) -> None:
    colour, marker, _, label = look(name, place)
    hollow = answers.constant if name != BY_NATURE else [False] * len(answers.scores)
    made.add_scatter(
        x=[interval.value],
        y=[label],
        mode="markers",
        showlegend=False,
        name=label,
        marker={"symbol": "line-ns-open", "size": 24, "color": colour, "line": {"width": 3}},
        error_x=_reach(interval, 1.0, colour),
        hovertemplate=Markup("median %{x:.3f}"),
        row=row,
        col=1,
    )
    made.add_scatter(
        x=answers.scores.tolist(),
        y=[label] * len(answers.scores),
        mode="markers",
        showlegend=False,
        name=label,
        marker={
            "color": colour,
            "symbol": [COLLAPSED if one else marker for one in hollow],
            "size": 11,
            "opacity": 0.7,
            "line": {"width": 1.5, "color": colour},
        },
        hovertemplate=Markup("a seed, %{x:.3f}"),
        row=row,
        col=1,
    )


def arm_score_changes(changes: Sequence[ArmChange]) -> go.Figure:
    """Draw how each arm changes the full recipe's macro-score, and beside it what the paper's Table 4 has."""
    titles = ["ours, with its interval", "the paper's Table 4, GLUE"]
    made = subplots(rows=1, cols=2, shared_yaxes=True, subplot_titles=titles, horizontal_spacing=0.04)
    for place, one in enumerate(changes):
        colour, marker, _, label = look(one.arm, place)
        mark = {"symbol": marker, "size": 12, "color": colour, "line": {"width": 1.5, "color": colour}}
        common = {"y": [label], "mode": "markers", "showlegend": False, "name": label, "marker": mark, "row": 1}
        made.add_scatter(x=[100 * one.change.value], error_x=_reach(one.change, 100.0, colour), col=1, **common)
        if one.paper is not None:
            made.add_scatter(x=[100 * one.paper], col=2, **common)
    for column in (1, 2):
        made.add_vline(x=0, row=1, col=column, line_dash="dash", line_color=GREY, line_width=2, opacity=1)
        made.update_xaxes(title_text="change of the score (points)", matches="x", row=1, col=column)
    labels = [look(one.arm, place)[3] for place, one in enumerate(changes)]
    made.update_yaxes(categoryorder="array", categoryarray=labels, autorange="reversed", showgrid=True)
    made.update_yaxes(showgrid=True, gridcolor="rgba(128,128,128,0.25)")
    return dressed(made, "Change against the full recipe", 170 + 40 * len(changes), left=230)


def _reach(interval: Interval, scale: float, colour: str) -> dict | None:
    """Return the bar from an interval's low to its high end; None where it has no ends."""
    if not math.isfinite(interval.high - interval.low):
        return None
    value, low, high = ([scale * getattr(interval, end)] for end in ENDS)
    return error_bars(value, low, high) | {"color": colour}


def text_lengths(lengths: Mapping[str, Sequence[int]], cuts: Sequence[int]) -> go.Figure:
    """Draw how many texts of each task have how many word pieces, and where they are cut.

    Args:
        lengths: word pieces of every training text, by task.
        cuts: the lengths at which texts are cut, each a line with the share of the texts that is longer.
    """
    every = np.concatenate([np.asarray(some) for some in lengths.values()])
    upper = float(np.quantile(every, 0.99))
    x, y = "word pieces, the longest hundredth left out", "share of the texts"
    made = figure("How long the training texts are", x, y)
    for colour, (task, some) in zip(PLAIN, lengths.items(), strict=False):
        heights, edges = np.histogram(some, bins=40, range=(0, upper))
        middles = (edges[:-1] + edges[1:]) / 2
        made.add_bar(x=middles, y=heights / len(some), name=task, marker_color=colour, opacity=0.75)
    for place, cut in enumerate(sorted(cuts)):
        longer = f"{(every > cut).mean():.0%} are longer than {cut}"
        made.add_vline(x=cut, line_dash="dash", line_color=GREY)
        made.add_annotation(x=cut, y=1.0 - 0.1 * place, yref="paper", text=longer, showarrow=False, xanchor="left")
    made.update_layout(barmode="overlay", yaxis_tickformat=".0%", bargap=0.05, showlegend=len(lengths) > 1)
    return made
