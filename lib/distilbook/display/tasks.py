"""What the chapters on tasks show: the tasks, how they are fine-tuned on, and the scores of a grid of runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os.path import relpath
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING

import numpy as np

from ..answers import Tasks, compare, difference
from ..claims.wording import POINTS, SHARE, counted, with_ends
from ..metrics import METRIC_LABELS
from .palette import LABELS
from .rows import answer, task_rows
from .sentences import quoted

if TYPE_CHECKING:
    from ..data.tasks import Task
    from ..training.finetuning.config import FinetuneConfig
    from ..training.finetuning.grid import Cell

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
    from ..training.finetuning.results import runs_of

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
    from ..training.finetuning.results import answers_of, runs_of

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
