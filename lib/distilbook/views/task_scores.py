"""Rows and figures of scores on tasks: by model and seed, macro-scores, leads, differences, effects of ablations."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import mean

import plotly.graph_objects as go

from ..claims.task_scores import ArmChange
from ..core.markup import Markup
from ..core.quantities import POINTS, RATIO, SHARE, figure, quantity
from ..finetuning.grid import Cell
from ..stats import Answers, Tasks, compare, compare_in_common, scores_on_one_task
from ..stats.intervals import Interval, median_and_range
from ..stats.metrics import METRIC_LABELS
from .style import GREY, GRID, LABELS, dressed, error_bars, look, mark, subplots

#: The mark of a seed that predicts a single class: hollow, with a cross, in its model's colour.
COLLAPSED = "circle-x-open"
#: The baseline that predicts a single class by design.
CONSTANT = "majority"


def task_rows(task: str, answers: Mapping[str, Answers], cost: Mapping[str, float] | None = None) -> list[dict]:
    """Return a row per model: its score on one ``task`` over the seeds that count, its collapses and its cost.

    Args:
        answers: of the task, by model.
        cost: core seconds per seed, by model; None leaves that column out.
    """
    intervals = scores_on_one_task(task, answers)
    ranges = {name: median_and_range(one.scores[one.counted]) for name, one in answers.items()}
    return [
        {
            "model": LABELS[name],
            "metric": METRIC_LABELS[one.metric],
            "median [95% interval]": intervals[name].text(RATIO),
            "range over seeds": f"{ranges[name].low:.3f}, {ranges[name].high:.3f}",
            "seeds": len(one.scores),
            "collapsed": int(one.constant.sum()),
            "examples": len(one.labels),
        }
        | ({"core seconds per seed": cost[name]} if cost else {})
        for name, one in answers.items()
    ]


def scores_by_task(cells: Sequence[Cell], answers: Tasks) -> list[dict]:
    """Return a row per task and model, as :func:`task_rows` has them, with the number of diverged runs."""
    from ..finetuning.records import runs_of

    rows = []
    for task, models in answers.items():
        runs = runs_of(cells, task)
        cost = {model: mean(run.seconds * run.cores for run in some) for model, some in runs.items()}
        failed = {model: sum(run.diverged is not None for run in some) for model, some in runs.items()}
        for model, row in zip(models, task_rows(task, models, cost), strict=True):
            del row["metric"]  # the table of tasks names it
            rows.append({"task": task} | row | {"diverged": failed[model] or None})
    return rows


def macro_rows(answers: Tasks) -> list[dict]:
    """Return a row per model: its macro-score, with its interval, over all tasks that every model has."""
    models = common_models(answers)
    compared = compare(answers, models)
    n = sum(len(next(iter(some.values())).labels) for some in answers.values())
    return [
        {
            "model": LABELS[model],
            "macro-score [95% interval]": compared.score(model).text(SHARE),
            "tasks": len(answers),
            "examples": n,
            "seeds": min(len(some[model].predicted) for some in answers.values()),
        }
        for model in models
    ]


def common_models(answers: Tasks) -> list[str]:
    """Return the models that have answers to every task."""
    first, *others = answers.values()
    return [model for model in first if all(model in some for some in others)]


def lead_rows(shares: Mapping[str, Interval]) -> list[dict]:
    """Return, for each baseline that the teacher leads, the share of the lead that the student keeps."""
    return [
        {"lead over": LABELS[name], "share kept [95% interval]": share.text(SHARE)} for name, share in shares.items()
    ]


def answer_rows(tasks: Tasks, questions: Iterable[tuple[str, str]]) -> list[dict]:
    """Return, for each pair of models, the difference of their macro-scores, and whether the first is better."""
    return [
        {
            "is": LABELS[one],
            "better than": LABELS[other],
            "on": ", ".join(found.tasks),
            "difference [95% interval]": (gap := found.difference(one, other)).text(POINTS),
            "answer": answer(gap),
        }
        for (one, other), found in compare_in_common(tasks, questions).items()
    ]


def answer(gap: Interval) -> str:
    """Return whether one model is better than another, from the interval of their difference."""
    return "yes" if gap.low > 0 else "reversed" if gap.high < 0 else "not settled"


def score_change_rows(changes: Sequence[ArmChange]) -> list[dict]:
    """Return a row per ablation: its change of the full recipe's score on tasks, and the paper's Table 4.

    The smallest detectable change is half of the interval's width.
    """
    return [
        {
            "ablation": LABELS[one.arm],
            "change [95% interval]": one.change.text(POINTS),
            "verdict": one.side,
            "smallest detectable": quantity(one.resolution, POINTS, 1) if math.isfinite(one.resolution) else "unknown",
            "Table 4": None if one.paper is None else figure(one.paper, POINTS),
            "on": ", ".join(one.tasks),
            "examples": one.change.n,
            "seeds": one.seeds,
            "students": one.pretrainings,
        }
        for one in changes
    ]


def task_scores(tasks: Tasks) -> go.Figure:
    """Draw the scores of every model, a panel per task: a mark per seed, a bar at the median, a line for its interval.

    A collapsed seed is drawn hollow with a cross; neither median nor interval counts it.
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
    title = "Scores, one mark per seed; crossed where it predicts a single class"
    made.update_yaxes(showgrid=True, gridcolor=GRID)
    return dressed(made, title, height, left=230)


def _model(made: go.Figure, name: str, place: int, answers: Answers, interval: Interval, row: int) -> None:
    colour, marker, _, label = look(name, place)
    hollow = answers.constant if name != CONSTANT else [False] * len(answers.scores)
    common = {"mode": "markers", "showlegend": False, "name": label, "row": row, "col": 1}
    made.add_scatter(
        x=[interval.value],
        y=[label],
        marker={"symbol": "line-ns-open", "size": 24, "color": colour, "line": {"width": 3}},
        error_x=_reach(interval, 1.0, colour),
        hovertemplate=Markup("median %{x:.3f}"),
        **common,
    )
    made.add_scatter(
        x=answers.scores.tolist(),
        y=[label] * len(answers.scores),
        marker=mark(colour, [COLLAPSED if one else marker for one in hollow], 11) | {"opacity": 0.7},
        hovertemplate=Markup("a seed, %{x:.3f}"),
        **common,
    )


def score_changes(changes: Sequence[ArmChange]) -> go.Figure:
    """Draw each ablation's change of the full recipe's macro-score, and the paper's Table 4."""
    titles = ["ours, with its interval", "the paper's Table 4, GLUE"]
    made = subplots(rows=1, cols=2, shared_yaxes=True, subplot_titles=titles, horizontal_spacing=0.04)
    for place, one in enumerate(changes):
        colour, symbol, _, label = look(one.arm, place)
        common = {"y": [label], "mode": "markers", "showlegend": False, "name": label, "row": 1}
        common |= {"marker": mark(colour, symbol, 12)}
        made.add_scatter(x=[100 * one.change.value], error_x=_reach(one.change, 100.0, colour), col=1, **common)
        if one.paper is not None:
            made.add_scatter(x=[100 * one.paper], col=2, **common)
    for column in (1, 2):
        made.add_vline(x=0, row=1, col=column, line_dash="dash", line_color=GREY, line_width=2, opacity=1)
        made.update_xaxes(title_text="change of the score (points)", matches="x", row=1, col=column)
    labels = [look(one.arm, place)[3] for place, one in enumerate(changes)]
    made.update_yaxes(categoryorder="array", categoryarray=labels, autorange="reversed", showgrid=True, gridcolor=GRID)
    return dressed(made, "Change against the full recipe", 170 + 40 * len(changes), left=230)


def _reach(interval: Interval, scale: float, colour: str) -> dict | None:
    """Return the error bar of an interval; None where its ends are infinite."""
    if not math.isfinite(interval.high - interval.low):
        return None
    value, low, high = (scale * end for end in (interval.value, interval.low, interval.high))
    return error_bars([value], [low], [high]) | {"color": colour}
