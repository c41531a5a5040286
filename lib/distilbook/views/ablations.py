"""Rows and figures of recipes compared with the full one: changed fields, learning curves, effects, power."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import plotly.graph_objects as go

from ..claims.ablation import Comparison, TwoByTwo, starts_at_random
from ..core.markup import Markup, for_figure
from ..core.quantities import short
from ..distillation.recipe import Recipe, changes_of
from ..pretraining.config import PretrainRun
from ..pretraining.measures import MEASURES
from ..stats.intervals import detectable_difference
from .pretraining import held_out_curves, learning_curves
from .style import GREY, dressed, figure, label, look, mark, padded, subplots

#: The factors of the 2 x 2 of starts and losses.
STARTS = {"copied": "copied layers", "random": "random weights"}
LOSSES = {"mlm": "MLM only", "triple": "triple loss"}


def changed_rows(arm: str, recipe: Recipe) -> list[dict]:
    """Return a row for each field in which the ablation ``arm`` differs from ``recipe``, the full one."""
    return _changes(changes_of(arm, recipe), recipe, "this ablation")


def choice_rows(choices: Mapping[str, Mapping[str, Any]], recipe: Recipe) -> list[dict]:
    """Return a row for each field of ``recipe``, the full one, that one of ``choices`` changes."""
    return [
        {"choice": name} | row for name, changes in choices.items() for row in _changes(changes, recipe, "this choice")
    ]


def _changes(changes: Mapping[str, Any], recipe: Recipe, whose: str) -> list[dict]:
    return [{"changed": name, label("full"): getattr(recipe, name), whose: value} for name, value in changes.items()]


def accuracy_curves(runs: Mapping[str, Sequence[PretrainRun]], teacher: float) -> go.Figure:
    """Draw the held-out masked accuracy of runs, by recipe, with the teacher's as a line."""
    curves = {recipe: [held_out_curves(run) for run in some] for recipe, some in runs.items()}
    title = "Masked accuracy on held-out text"
    return learning_curves(curves, "masked_accuracy", MEASURES["masked_accuracy"].label, title, teacher)


def comparison_rows(
    full: Sequence[PretrainRun], runs: Sequence[PretrainRun], other: str = "this ablation"
) -> list[dict]:
    """Return a row per held-out score: both medians, and which is better, paired by seed; ``other`` names ``runs``."""
    theirs = {run.seed: run.scores for run in runs}
    pairs = [(run.scores, theirs[run.seed]) for run in full if run.seed in theirs]
    signs = {metric: 1 if measure.more_is_better else -1 for metric, measure in MEASURES.items()}
    return [
        {
            "measure": measure.label,
            label("full"): short(median(ours[metric] for ours, _ in pairs)),
            other: short(median(scores[metric] for _, scores in pairs)),
            "seeds": len(pairs),
            "better": better([signs[metric] * (ours[metric] - scores[metric]) for ours, scores in pairs], other),
        }
        for metric, measure in MEASURES.items()
    ]


def better(leads: Sequence[float], other: str = "this ablation") -> str:
    """Return which is better, the full recipe or the ``other``, from the full recipe's lead on each seed."""
    if all(lead > 0 for lead in leads):
        return f"{label('full')}, on every seed"
    if all(lead < 0 for lead in leads):
        return f"{other}, on every seed"
    return "neither: they are equal" if not any(leads) else "depends on the seed"


def changes(comparisons: Sequence[Comparison], paper: Mapping[str, float] | None = None) -> go.Figure:
    """Draw each recipe's change of the full one's masked accuracy, and the paper's change of the GLUE score.

    Recipes with a random initialisation have a panel with its own scale.

    Args:
        paper: the change of the GLUE score by ablation, in points; None leaves the second column out.
    """
    split = [[one for one in comparisons if starts_at_random(one.recipe) == random] for random in (False, True)]
    groups = list(filter(None, split))
    titles = ["ours: masked accuracy", "the paper: GLUE score"][: 2 if paper else 1]
    made = subplots(
        rows=max(len(groups), 1),
        cols=len(titles),
        shared_yaxes=True,
        subplot_titles=titles,
        row_heights=[len(group) for group in groups] or None,
        horizontal_spacing=0.04,
        vertical_spacing=0.16,
    )
    place = {one.recipe: number for number, one in enumerate(comparisons)}
    for row, group in enumerate(groups, start=1):
        _ours(made, group, place, row)
        if paper:
            _papers(made, [one.recipe for one in group], paper, row)
        labels = [label(one.recipe) for one in group]
        broken = [for_figure(name).replace(", equal", ",<br>equal").replace(" and ", "<br>and ") for name in labels]
        lines = list(map(Markup, broken))
        made.update_yaxes(categoryorder="array", categoryarray=labels, tickvals=labels, ticktext=lines, row=row)
    made.add_vline(x=0, line_dash="dash", line_color=GREY, line_width=2, opacity=1)
    made.update_yaxes(autorange="reversed", showgrid=True)
    made.update_xaxes(title_text="change (points)", row=len(groups))
    height = 170 + 44 * len(comparisons) + 40 * len(groups)
    return dressed(made, "Change against the full recipe", height, left=70)


def _ours(made: go.Figure, group: Sequence[Comparison], place: Mapping[str, int], row: int) -> None:
    """Draw each mean change with its interval, and a stroke per seed."""
    reach = [0.0]
    for one in group:
        colour, marker, _, name = look(one.recipe, place[one.recipe])
        interval = one.change.interval
        ends = (interval.high - interval.value, interval.value - interval.low)
        bars = None
        if all(map(math.isfinite, ends)):
            bars = {"type": "data", "symmetric": False, "color": colour, "thickness": 2.5, "width": 8}
            bars |= {"array": [100 * ends[0]], "arrayminus": [100 * ends[1]]}
            reach += [100 * interval.low, 100 * interval.high]
        _mean(made, 100 * interval.value, name, colour, marker, (row, 1), error_x=bars)
        seeds = [100 * value for value in one.change.values]
        reach += seeds
        stroke = {"symbol": "line-ns-open", "size": 8, "color": colour, "line": {"width": 1.2}}
        text = [f"seed {r.seed}" for r in one.other]
        spot = {"row": row, "col": 1, "showlegend": False}
        made.add_scatter(x=seeds, y=[name] * len(seeds), mode="markers", marker=stroke, hovertext=text, **spot)
    made.update_xaxes(range=padded(reach), row=row, col=1)


def _papers(made: go.Figure, recipes: Sequence[str], paper: Mapping[str, float], row: int) -> None:
    for recipe in recipes:
        colour, marker, _, name = look(recipe)
        if recipe in paper:
            _mean(made, paper[recipe], name, colour, marker, (row, 2))
    made.update_xaxes(range=padded([0.0, *paper.values()]), row=row, col=2)


def _mean(
    made: go.Figure, x: float, name: str, colour: str, symbol: str, where: tuple[int, int], error_x: dict | None = None
) -> None:
    spot = {"row": where[0], "col": where[1], "showlegend": False}
    shape = mark(colour, symbol, 12)
    made.add_scatter(x=[x], y=[name], mode="markers", name=name, marker=shape, error_x=error_x, **spot)


def factors(tables: Sequence[TwoByTwo]) -> go.Figure:
    """Draw the effect of the teacher's outputs, a row of panels per start and a column per budget.

    All panels span the same range, so that slopes compare: parallel lines show no interaction.
    """
    titles = [f"{name}, at equal {two.budget}" for name in STARTS.values() for two in tables]
    made = subplots(
        rows=len(STARTS),
        cols=len(tables),
        shared_yaxes=True,
        subplot_titles=titles,
        horizontal_spacing=0.05,
        vertical_spacing=0.2,
    )
    values = {
        start: [v for two in tables for loss in LOSSES for v in two.cells[start, loss].values] for start in STARTS
    }
    span = max(max(some) - min(some) for some in values.values()) * 1.3 or 0.01
    for row, start in enumerate(STARTS, start=1):
        middle = (max(values[start]) + min(values[start])) / 2
        for column, two in enumerate(tables, start=1):
            _line(made, two, start, (row, column))
        made.update_yaxes(range=[middle - span / 2, middle + span / 2], row=row)
    made.update_yaxes(tickformat=".1%", showgrid=True)
    made.update_yaxes(title_text="masked accuracy", col=1)
    made.update_xaxes(range=[-0.4, 1.4], tickvals=[0, 1], ticktext=list(LOSSES.values()))
    return dressed(made, "With and without the teacher's outputs", 520, left=70)


def _line(made: go.Figure, two: TwoByTwo, start: str, where: tuple[int, int]) -> None:
    """Draw a line between the medians of the two losses, and a mark per seed."""
    spot = {"row": where[0], "col": where[1], "showlegend": False}
    ends = [median(two.cells[start, loss].values) for loss in LOSSES]
    made.add_scatter(x=[0, 1], y=ends, mode="lines", line={"color": GREY, "width": 2}, hoverinfo="skip", **spot)
    for x, loss in enumerate(LOSSES):
        colour, marker, _, name = look(two.recipes[start, loss])
        seeds = list(two.cells[start, loss].values)
        shape = mark(colour, marker, 10)
        made.add_scatter(x=[x] * len(seeds), y=seeds, mode="markers", name=name, marker=shape, **spot)


def detectable(spread: float, comparisons: Sequence[Comparison], most: int = 20) -> go.Figure:
    """Draw the smallest difference detected at a power of 80% against the number of seeds.

    Args:
        spread: the standard deviation over seeds; zero, or NaN for single seeds, gives no curve.
        comparisons: differences to mark, at their numbers of seeds.
        most: the largest number of seeds.
    """
    made = figure("Smallest detectable difference", "seeds of each recipe", "difference (points, log)")
    seeds = list(range(2, most + 1)) if spread > 0 else []
    smallest, line = [100 * detectable_difference(spread, n, n) for n in seeds], {"color": GREY, "width": 3}
    made.add_scatter(x=seeds, y=smallest, mode="lines", name="detected in four of five repetitions", line=line)
    for place, one in enumerate(comparisons):
        colour, marker, _, name = look(one.recipe, place)
        size = abs(100 * one.change.interval.value)
        if size > 0:
            shape = mark(colour, marker, 11)
            made.add_scatter(x=[len(one.other)], y=[size], mode="markers", name=name, marker=shape)
            made.add_hline(y=size, line_color=colour, line_width=1, line_dash="dot", opacity=0.6)
    made.update_yaxes(type="log")
    made.update_layout(height=460)
    return made
