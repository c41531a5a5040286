"""Rows, figures and sentences about tasks: their examples, lengths, fine-tuning settings and submissions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os.path import relpath
from pathlib import Path

import numpy as np
import plotly.graph_objects as go

from ..core.quantities import POINTS
from ..finetuning.config import FinetuneConfig
from ..finetuning.grid import Cell
from ..stats import difference
from ..stats.metrics import METRIC_LABELS
from ..tasks import Task
from .style import GREY, LABELS, PLAIN, figure
from .task_scores import answer
from .templates import Template

#: Longest text of an example in a table, in characters.
SHOWN = 160
EXCLUDED = Template("Excluded from the training files: {lines:count of line}. The first: {first:quoted}.")
NONE_EXCLUDED = "No line of the tasks' files was excluded."
REPEATED = Template(" Scored examples that also occur in the training set, word for word: {cases}.")
REPEATED_CASE = Template("{number:count} of {all:count} ({task}, {split})")
NO_SUBMISSIONS = "No task of this edition has a withheld test set, so there is nothing to submit."
SUBMISSIONS = Template(
    "Answers to withheld test sets, in the format of GLUE's server ({files:quoted}), are in "
    "{folders:count of folder}, one for each model and seed, such as {first:quoted}."
)


def task_table(tasks: Sequence[Task]) -> list[dict]:
    """Return a row per task: its inputs, labels, metric and numbers of examples."""
    return [
        {
            "task": task.name,
            "input": "one text" if task.train.second is None else "two texts",
            "label": "a number" if task.is_regression else f"one of {', '.join(task.classes)}",
            "metric": METRIC_LABELS[task.metric],
            "training": len(task.train),
            "scored": ", ".join(f"{len(examples):,} ({split})" for split, examples in task.evaluation.items()),
            "units": units(task),
            "withheld": sum(map(len, task.withheld.values())) or None,
        }
        for task in tasks
    ]


def units(task: Task) -> str:
    """Return the independent units of the main split's examples: the examples, their groups or their texts."""
    groups = next(iter(task.evaluation.values())).groups
    number = len(np.unique(groups))
    if groups.ndim == 2:
        return f"pairs of {number:,} texts"
    return "examples" if number == len(groups) else f"{number:,} groups"


def left_out(tasks: Sequence[Task]) -> str:
    """Return the unusable lines of the tasks' training files, and the scored examples that are also trained on."""
    lines = [line for task in tasks for line in task.left_out]
    cases = [
        REPEATED_CASE.filled(number=number, all=len(task.evaluation[split]), task=task.name, split=split)
        for task in tasks
        for split, number in task.repeated.items()
        if number
    ]
    excluded = EXCLUDED.filled(lines=len(lines), first=lines[:3]) if lines else NONE_EXCLUDED
    return excluded + (REPEATED.filled(cases="; ".join(cases)) if cases else "")


def example_rows(tasks: Sequence[Task]) -> list[dict]:
    """Return the first training example of each label of each task; of a regression, of the extreme labels."""
    rows = []
    for task in tasks:
        labels = task.train.labels
        assert labels is not None, "only withheld examples lack labels"
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
    """Return ``text``, cut after a word where it is too long for a table."""
    return text if len(text) <= SHOWN else text[:SHOWN].rsplit(" ", 1)[0] + " …"


def settings_rows(config: FinetuneConfig) -> list[dict]:
    """Return a row per task of ``config``: the settings of its fine-tuning."""
    return [
        {
            "task": task.name,
            "training examples": settings.train_examples,
            "epochs": settings.epochs,
            "batch size": settings.batch_size,
            "learning rate": f"{settings.learning_rate:g}",
            "warm-up": f"{settings.warmup_share:.0%}",
            "maximum tokens": settings.max_length,
            "seeds": len(config.seeds),
        }
        for task in config.tasks
        for settings in [config.settings(task)]
    ]


def submitted(folders: Sequence[Path], root: Path) -> str:
    """Return the place of the answers to withheld test sets."""
    if not folders:
        return NO_SUBMISSIONS
    files = sorted({path.name for folder in folders for path in folder.iterdir()})
    return SUBMISSIONS.filled(files=files, folders=len(folders), first=[relpath(folders[0], root)])


def cut_rows(cells: Sequence[Cell], shorter: Mapping[int, Sequence[Cell]], whole: int) -> list[dict]:
    """Return a row per task, model and shorter length: the scores there and at the ``whole`` length, and their difference."""
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
                row = {"task": task, "model": LABELS[model], "cut to": length, "scored texts cut": f"{scored:.0%}"}
                row |= {"score": f"{cut.score:.3f}", f"score at {whole}": f"{long[task][model].score:.3f}"}
                row |= {"loss [95% interval]": gap.text(POINTS), "significant": answer(gap)}
                rows.append(row | {"seeds": len(cut.predicted)})
    return rows


def text_lengths(lengths: Mapping[str, Sequence[int]], cuts: Sequence[int]) -> go.Figure:
    """Draw the distribution of text lengths in tokens, by task, and the lengths at which texts are cut.

    Args:
        lengths: tokens of every training text, by task.
        cuts: lengths at which texts are cut, each drawn as a line with the share of longer texts.
    """
    every = np.concatenate([np.asarray(some) for some in lengths.values()])
    upper = float(np.quantile(every, 0.99))
    x, y = "tokens, without the longest hundredth", "share of the texts"
    made = figure("Lengths of the training texts", x, y)
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
