"""What the chapters on tasks show: the tasks, how they are fine-tuned on, and the scores of a grid of runs.

Figures of scores on tasks: every seed of every model, and what each arm changes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from os.path import relpath
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from ..claims.task_scores import ArmChange
from ..core.markup import Markup
from ..core.quantities import POINTS, SHARE, counted, with_ends
from ..stats import Answers, Tasks, compare, difference, scores_on_one_task
from ..stats.intervals import Interval
from ..stats.metrics import METRIC_LABELS
from .rows import answer, task_rows
from .sentences import quoted
from .style import ENDS, GREY, LABELS, PLAIN, dressed, error_bars, figure, look, subplots

if TYPE_CHECKING:
    from ..finetuning.config import FinetuneConfig
    from ..finetuning.grid import Cell
    from ..tasks import Task

#: A text longer than this is shown by its beginning.
SHOWN = 160


def task_table(tasks: Sequence[Task]) -> list[dict]:
    """Return a row a task: what is given, what is asked, how it is scored, how many examples there are."""
    return [
        {
            "task": task.name,
            "given": "one text" if task.train.second is None else "two texts",
            "asked": "a number" if task.is_regression else f"one of {', '.join(task.classes)}",
            "scored by": METRIC_LABELS[task.metric],
            "to train on": len(task.train),
            "scored": ", ".join(f"{len(examples):,} ({split})" for split, examples in task.evaluation.items()),
            "units": units(task),
            "withheld": sum(map(len, task.withheld.values())) or None,
        }
        for task in tasks
    ]


def units(task: Task) -> str:
    """Return of how many independent units the examples of the main split are, in words."""
    groups = next(iter(task.evaluation.values())).groups
    number = len(np.unique(groups))
    if groups.ndim == 2:
        return f"pairs of {number:,} texts"
    return "examples" if number == len(groups) else f"{number:,} groups"


def left_out(tasks: Sequence[Task]) -> str:
    """Say which lines of the tasks' training files could not be used, and what is both trained on and scored."""
    lines = [line for task in tasks for line in task.left_out]
    said = (
        f"Left out of the training files: {counted(len(lines), 'line')}. The first: {quoted(lines[:3])}."
        if lines
        else "Every line of the tasks' files could be used."
    )
    repeated = [
        f"{number:,} of {len(task.evaluation[split]):,} ({task.name}, {split})"
        for task in tasks
        for split, number in task.repeated.items()
        if number
    ]
    return said + (f" Scored examples that occur word for word in training: {'; '.join(repeated)}." if repeated else "")


def example_rows(tasks: Sequence[Task]) -> list[dict]:
    """Return the first training example of each label of each task; of a regression the ends of the labels."""
    rows = []
    for task in tasks:
        labels = task.train.labels
        numbers = (
            [int(labels.argmin()), int(labels.argmax())]
            if task.is_regression
            else [int(np.flatnonzero(labels == label)[0]) for label in range(len(task.classes)) if label in labels]
        )
        for number in numbers:
            texts = [task.train.first[number], *([task.train.second[number]] if task.train.second else [])]
            label = f"{labels[number]:g}" if task.is_regression else task.classes[labels[number]]
            rows.append({"task": task.name, "text": " / ".join(map(shortened, texts)), "label": label})
    return rows


def shortened(text: str) -> str:
    """Return the beginning of a text that is too long for a table."""
    return text if len(text) <= SHOWN else text[:SHOWN].rsplit(" ", 1)[0] + " …"


def settings_rows(config: FinetuneConfig) -> list[dict]:
    """Return how each task of ``config`` is fine-tuned on, with the arms and the seeds."""
    rows = []
    for task in config.tasks:
        settings = config.settings(task)
        rows.append(
            {
                "task": task.name,
                "training examples": settings.train_examples,
                "epochs": settings.epochs,
                "batch": settings.batch_size,
                "learning rate": f"{settings.learning_rate:g}",
                "warm-up": f"{settings.warmup_share:.0%}",
                "word pieces at most": settings.max_length,
                "seeds": len(config.seeds),
            }
        )
    return rows


def scores_by_task(cells: Sequence[Cell], answers: Tasks) -> list[dict]:
    """Return a row for each task and model: median, range and interval of its score, collapses, failures, cost."""
    from ..finetuning.records import runs_of

    rows = []
    for task, models in answers.items():
        runs = runs_of(cells, task)
        cost = {model: mean(run.seconds * run.cores for run in some) for model, some in runs.items()}
        failed = {model: sum(run.diverged is not None for run in some) for model, some in runs.items()}
        made = zip(models, task_rows(task, models, cost), strict=True)
        rows += [{"task": task} | _narrow(row) | {"diverged": failed[model] or None} for model, row in made]
    return rows


def _narrow(row: dict) -> dict:
    """Return a row without the metric, which the table of tasks names."""
    return {name: value for name, value in row.items() if name != "scored by"}


def macro_rows(answers: Tasks) -> list[dict]:
    """Return a row a model: its macro-score over all tasks that every model has, with its interval."""
    models = common_models(answers)
    compared = compare(answers, models)
    n = sum(len(next(iter(some.values())).labels) for some in answers.values())
    return [
        {
            "model": LABELS[model],
            "macro-score [95% interval]": with_ends(*ends(compared.score(model)), 0.0, SHARE),
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


def ends(interval) -> tuple[float, float, float]:
    """Return an interval's value and its two ends."""
    return interval.value, interval.low, interval.high


def submitted(folders: Sequence[Path], root: Path) -> str:
    """Say where the answers to withheld test sets were written."""
    if not folders:
        return "No task of this edition has a withheld test set, so there is nothing to hand in."
    files = sorted({path.name for folder in folders for path in folder.iterdir()})
    return (
        f"Answers to withheld test sets, as GLUE's server takes them ({quoted(files)}), are "
        f"in {counted(len(folders), 'folder')}, one for each model and seed, such as "
        f"{quoted([relpath(folders[0], root)])}."
    )


def cut_rows(cells: Sequence[Cell], shorter: Mapping[int, Sequence[Cell]], whole: int) -> list[dict]:
    """Return a row for each task, model and shorter length: the score there and at the ``whole``, and what is lost."""
    from ..finetuning.records import answers_of, runs_of

    long = answers_of(cells)
    rows = []
    for length, some in shorter.items():
        for task, models in answers_of(some).items():
            for model, cut in models.items():
                if model not in long.get(task, {}):  # every run at the whole length diverged
                    continue
                gap = difference({task: {"cut": cut, "whole": long[task][model]}}, "whole", "cut")
                run = next(run for run in runs_of(some, task)[model] if run.diverged is None)
                scored = next(share for split, share in run.truncated.items() if split != "train")
                rows.append(
                    {
                        "task": task,
                        "model": LABELS[model],
                        "cut to": length,
                        "scored texts cut": f"{scored:.0%}",
                        "score": f"{cut.score:.3f}",
                        f"score at {whole}": f"{long[task][model].score:.3f}",
                        "lost by the cut [95% interval]": with_ends(*ends(gap), 0.0, POINTS),
                        "a loss": answer(gap),
                        "seeds": len(cut.predicted),
                    }
                )
    return rows


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
