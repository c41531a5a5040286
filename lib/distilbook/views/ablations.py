"""What a chapter shows of an arm beside the full recipe: what was changed, curves, scores, seed by seed.

Figures of the arms together: their changes with intervals, the 2 x 2, and what seeds could show.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from ..claims.ablation import Comparison, TwoByTwo, starts_at_random
from ..core.markup import Markup, for_figure
from ..distillation.recipe import ARM_LABELS, Recipe, changes_of
from ..stats.intervals import detectable_difference
from .pretraining import held_out_curves, learning_curves
from .sentences import short
from .style import GREY, LABELS, dressed, figure, look, padded, subplots

if TYPE_CHECKING:
    from ..pretraining.config import PretrainRun

#: The held-out scores: how each is called, and whether more of it is better.
HELD_OUT = {
    "masked_accuracy": ("masked accuracy", True),
    "masked_lm_loss": ("masked-LM loss (nat)", False),
    "perplexity": ("perplexity", False),
    "kl_to_teacher": ("divergence from the teacher (nat)", False),
    "top1_agreement": ("same first choice as the teacher", True),
}


def changed_rows(arm: str, recipe: Recipe) -> list[dict]:
    """Return a row for each field in which ``arm`` differs from ``recipe``, the full one."""
    return _changes(changes_of(arm, recipe), recipe, "this arm")


def choice_rows(choices: Mapping[str, Mapping[str, Any]], recipe: Recipe) -> list[dict]:
    """Return a row for each field that a choice changes in ``recipe``, the full one.

    Args:
        choices: by each choice's name the fields it changes, with their values.
    """
    return [
        {"choice": name} | row for name, changes in choices.items() for row in _changes(changes, recipe, "this choice")
    ]


def _changes(changes: Mapping[str, Any], recipe: Recipe, whose: str) -> list[dict]:
    return [
        {"changed": name, ARM_LABELS["full"]: getattr(recipe, name), whose: value} for name, value in changes.items()
    ]


def arm_curves(runs: Mapping[str, Sequence[PretrainRun]], teacher: float) -> go.Figure:
    """Draw the held-out masked accuracy of some recipes' runs, by the recipe's name, with the teacher's as a line."""
    curves = {recipe: [held_out_curves(run) for run in some] for recipe, some in runs.items()}
    title = "Masked accuracy on held-out text"
    return learning_curves(curves, "masked_accuracy", "masked accuracy", title, teacher)


def run_rows(runs: Mapping[str, Sequence[PretrainRun]]) -> list[dict]:
    """Return a row a run: its recipe and seed, its held-out scores, the tokens, seconds and cores it took."""
    return [
        {"recipe": LABELS.get(recipe, recipe), "seed": run.seed}
        | {name: run.scores[metric] for metric, (name, _) in HELD_OUT.items()}
        | {"tokens": run.tokens, "seconds": run.seconds, "cores": run.cores}
        for recipe, some in runs.items()
        for run in some
    ]


def comparison_rows(full: Sequence[PretrainRun], runs: Sequence[PretrainRun], other: str = "this arm") -> list[dict]:
    """Return a row a held-out score: both medians, and which of the two is better, seed against the same seed.

    Args:
        other: what the table calls ``runs``.
    """
    theirs = {run.seed: run.scores for run in runs}
    pairs = [(run.scores, theirs[run.seed]) for run in full if run.seed in theirs]
    return [
        _comparison(name, [(ours[metric], scores[metric]) for ours, scores in pairs], more, other)
        for metric, (name, more) in HELD_OUT.items()
    ]


def _comparison(
    name: str, pairs: Sequence[tuple[float, float]], more_is_better: bool, other: str
) -> Mapping[str, str | int]:
    ours, theirs = zip(*pairs, strict=True)
    return {
        "measured": name,
        ARM_LABELS["full"]: short(median(ours)),
        other: short(median(theirs)),
        "seeds": len(pairs),
        "better": better([(a - b) * (1 if more_is_better else -1) for a, b in pairs], other),
    }


def better(leads: Sequence[float], other: str = "this arm") -> str:
    """Say which of two is better, the full recipe or the ``other``, from the first one's lead on each seed."""
    if all(lead > 0 for lead in leads):
        return f"{ARM_LABELS['full']}, on every seed"
    if all(lead < 0 for lead in leads):
        return f"{other}, on every seed"
    return "neither: they are equal" if not any(leads) else "depends on the seed"


LOSSES = {"mlm": "MLM only", "triple": "triple loss"}


def changes(comparisons: Sequence[Comparison], paper: Mapping[str, float] | None = None) -> go.Figure:
    """Draw how each recipe changes the full one's masked accuracy, and beside it what the paper prints for GLUE.

    Recipes that start at random have a panel of their own, with its own scale: they are far from the others.

    Args:
        paper: the change of the GLUE score by arm, in points; None leaves the second column out.
    """
    groups = [
        group
        for random in (False, True)
        if (group := [one for one in comparisons if starts_at_random(one.recipe) == random])
    ]
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
        labels = [look(one.recipe)[3] for one in group]
        lines = [Markup(_broken(for_figure(label))) for label in labels]
        made.update_yaxes(categoryorder="array", categoryarray=labels, tickvals=labels, ticktext=lines, row=row)
    made.add_vline(x=0, line_dash="dash", line_color=GREY, line_width=2, opacity=1)
    made.update_yaxes(autorange="reversed", showgrid=True)
    made.update_xaxes(title_text="change (points)", row=len(groups))
    height = 170 + 44 * len(comparisons) + 40 * len(groups)
    return dressed(made, "Change against the full recipe", height, left=70)


def _broken(label: str) -> str:
    return label.replace(", equal", ",<br>equal").replace(" and ", "<br>and ")


def _ours(made: go.Figure, group: Sequence[Comparison], place: Mapping[str, int], row: int) -> None:
    """Draw each mean change with its interval, and a small stroke a seed."""
    reach = [0.0]
    for one in group:
        colour, marker, _, label = look(one.recipe, place[one.recipe])
        interval = one.change.interval
        ends = (interval.high - interval.value, interval.value - interval.low)
        bars = None
        if all(map(math.isfinite, ends)):
            bars = {"array": [100 * ends[0]], "arrayminus": [100 * ends[1]], "thickness": 2.5, "width": 8}
            reach += [100 * interval.low, 100 * interval.high]
        _mark(made, 100 * interval.value, label, colour, marker, (row, 1), error_x=bars)
        seeds = [100 * value for value in one.change.values]
        reach += seeds
        stroke = {"symbol": "line-ns-open", "size": 8, "color": colour, "line": {"width": 1.2}}
        text = [f"seed {r.seed}" for r in one.other]
        spot = {"row": row, "col": 1, "showlegend": False}
        made.add_scatter(x=seeds, y=[label] * len(seeds), mode="markers", marker=stroke, hovertext=text, **spot)
    made.update_xaxes(range=padded(reach), row=row, col=1)


def _papers(made: go.Figure, recipes: Sequence[str], paper: Mapping[str, float], row: int) -> None:
    for recipe in recipes:
        colour, marker, _, label = look(recipe)
        if recipe in paper:
            _mark(made, paper[recipe], label, colour, marker, (row, 2))
    made.update_xaxes(range=padded([0.0, *paper.values()]), row=row, col=2)


def _mark(
    made: go.Figure, x: float, label: str, colour: str, marker: str, where: tuple[int, int], error_x: dict | None = None
) -> None:
    made.add_scatter(
        x=[x],
        y=[label],
        mode="markers",
        showlegend=False,
        name=label,
        marker={"symbol": marker, "size": 12, "color": colour, "line": {"width": 1.5, "color": colour}},
        error_x={"type": "data", "symmetric": False, "color": colour, **error_x} if error_x else None,
        row=where[0],
        col=where[1],
    )


def factors(tables: Sequence[TwoByTwo]) -> go.Figure:
    """Draw what the teacher adds to each start, a row of panels a start and a column a budget.

    All panels span as many points, so that slopes compare: parallel lines add equally much.
    """
    starts = {"copied": "copied layers", "random": "random weights"}
    titles = [f"{name}, at equal {two.budget}" for name in starts.values() for two in tables]
    made = subplots(
        rows=len(starts),
        cols=len(tables),
        shared_yaxes=True,
        subplot_titles=titles,
        horizontal_spacing=0.05,
        vertical_spacing=0.2,
    )
    values = {
        start: [v for two in tables for loss in LOSSES for v in two.cells[start, loss].values] for start in starts
    }
    span = max(max(some) - min(some) for some in values.values()) * 1.3 or 0.01
    for row, start in enumerate(starts, start=1):
        middle = (max(values[start]) + min(values[start])) / 2
        for column, two in enumerate(tables, start=1):
            _line(made, two, start, (row, column))
        made.update_yaxes(range=[middle - span / 2, middle + span / 2], row=row)
    made.update_yaxes(tickformat=".1%", showgrid=True)
    made.update_yaxes(title_text="masked accuracy", col=1)
    made.update_xaxes(range=[-0.4, 1.4], tickvals=[0, 1], ticktext=list(LOSSES.values()))
    return dressed(made, "With the teacher's outputs and without", 520, left=70)


def _line(made: go.Figure, two: TwoByTwo, start: str, where: tuple[int, int]) -> None:
    """Draw a line between the medians of the two losses, and a mark a seed."""
    spot = {"row": where[0], "col": where[1], "showlegend": False}
    ends = [median(two.cells[start, loss].values) for loss in LOSSES]
    made.add_scatter(x=[0, 1], y=ends, mode="lines", line={"color": GREY, "width": 2}, hoverinfo="skip", **spot)
    for x, loss in enumerate(LOSSES):
        colour, marker, _, label = look(two.recipes[start, loss])
        seeds = list(two.cells[start, loss].values)
        mark = {"symbol": marker, "size": 10, "color": colour, "line": {"width": 1.5, "color": colour}}
        made.add_scatter(x=[x] * len(seeds), y=seeds, mode="markers", name=label, marker=mark, **spot)


def detectable(spread: float, comparisons: Sequence[Comparison], most: int = 20) -> go.Figure:
    """Draw the smallest difference that is found four times out of five against the number of seeds.

    Args:
        spread: the standard deviation over seeds; without one (zero, or NaN of single seeds) there is no curve.
        comparisons: whose differences are marked, at the seeds they were found with.
        most: up to how many seeds.
    """
    made = figure("What so many seeds could show", "seeds of each recipe", "difference (points, log)")
    seeds = list(range(2, most + 1)) if spread > 0 else []
    made.add_scatter(
        x=seeds,
        y=[100 * detectable_difference(spread, n, n) for n in seeds],
        mode="lines",
        name="found four times out of five",
        line={"color": GREY, "width": 3},
    )
    for place, one in enumerate(comparisons):
        colour, marker, _, label = look(one.recipe, place)
        size = abs(100 * one.change.interval.value)
        if size > 0:
            mark = {"symbol": marker, "size": 11, "color": colour, "line": {"width": 1.5, "color": colour}}
            made.add_scatter(x=[len(one.other)], y=[size], mode="markers", name=label, marker=mark)
            made.add_hline(y=size, line_color=colour, line_width=1, line_dash="dot", opacity=0.6)
    made.update_yaxes(type="log")
    made.update_layout(height=460)
    return made
