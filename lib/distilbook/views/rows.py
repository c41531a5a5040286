"""Rows of the chapters' longer tables: each function turns results at hand into what ``table`` shows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..claims.task_scores import ArmChange
from ..core.quantities import POINTS, RATIO, SHARE, figure, quantity, with_ends
from ..stats import Answers, Tasks, compare_in_common, scores_on_one_task
from ..stats.intervals import Interval, median_and_range
from ..stats.metrics import METRIC_LABELS
from .style import LABELS

#: The coarse parts of a network, each found by a word in the names of its fine ones.
COARSE = {"embeddings": "embedding", "attention": "attention", "feed-forward": "feed-forward"}
#: Where fine parts go that have none of these words.
REST = "pooler and heads"


def spread_rows(shares: Mapping[str, np.ndarray]) -> list[dict]:
    """Return, for each way of drawing, how the share drawn differs from block to block.

    Args:
        shares: by the way's name, the share drawn of each block, (blocks,).
    """
    return [
        {
            "draw": name,
            "smallest share of a block": f"{share.min():.1%}",
            "median": f"{np.median(share):.1%}",
            "largest": f"{share.max():.1%}",
            "blocks": len(share),
        }
        for name, share in shares.items()
    ]


def parameters_by_part(kind: str, config: Any = None) -> dict[str, int]:
    """Return the parameters of a ``kind`` of model, such as ``BertModel``, summed over its layers part by part.

    Args:
        config: a configuration of ``transformers`` whose dimensions it has; None is the published model's.
    """
    from ..models.parameters import DIMENSIONS, MODEL_KINDS, parameter_table

    names = DIMENSIONS[MODEL_KINDS[kind]] if config is not None else {}
    parts: dict[str, int] = {}
    for row in parameter_table(kind, **{name: getattr(config, theirs) for name, theirs in names.items()}):
        name = row.part if row.layer is None else f"{row.part} (all layers)"
        parts[name] = parts.get(name, 0) + row.count
    return parts


def part_rows(models: Mapping[str, Mapping[str, int]]) -> list[dict]:
    """Return a row for each part of any of the ``models``, and one with their sums."""
    parts = list(dict.fromkeys(part for counts in models.values() for part in counts))
    rows = [{"part": part} | {name: counts.get(part, 0) for name, counts in models.items()} for part in parts]
    return [*rows, {"part": "together"} | {name: sum(counts.values()) for name, counts in models.items()}]


def coarse(counts: Mapping[str, int]) -> dict[str, int]:
    """Return the parameters by coarse part, each with its LayerNorm."""
    groups = dict.fromkeys((*COARSE, REST), 0)
    for part, count in counts.items():
        groups[next((group for group, word in COARSE.items() if word in part), REST)] += count
    return groups


def task_rows(task: str, answers: Mapping[str, Answers], cost: Mapping[str, float] | None = None) -> list[dict]:
    """Return a row a model: its score on one ``task`` over the seeds that count, how many collapsed, what a seed cost.

    Args:
        answers: of the task, by model.
        cost: core seconds a seed, by model; None leaves that column out.
    """
    intervals = scores_on_one_task(task, answers)
    return [
        _task_row(name, one, intervals[name]) | ({"core seconds a seed": cost[name]} if cost else {})
        for name, one in answers.items()
    ]


def _task_row(name: str, one: Answers, interval: Interval) -> dict:
    counted = median_and_range(one.scores[one.counted])
    return {
        "model": LABELS[name],
        "scored by": METRIC_LABELS[one.metric],
        "median [95% interval]": with_ends(interval.value, interval.low, interval.high, 0.0, RATIO),
        "seeds from, to": f"{counted.low:.3f}, {counted.high:.3f}",
        "seeds": len(one.scores),
        "of them collapsed": int(one.constant.sum()),
        "examples": len(one.labels),
    }


def lead_rows(shares: Mapping[str, Interval]) -> list[dict]:
    """Return, for each baseline the teacher leads, the share of that lead the student keeps."""
    return [
        {"lead over": LABELS[name], "share kept [95% interval]": with_ends(s.value, s.low, s.high, 0.0, SHARE)}
        for name, s in shares.items()
    ]


def answer_rows(tasks: Tasks, questions: Iterable[tuple[str, str]]) -> list[dict]:
    """Return, for each question whether one model is better than another, the difference and the answer.

    The difference is that of the scores on the tasks that both have answered, their macro-score where there are
    several.

    Args:
        questions: pairs of models.
    """
    return [
        {
            "is": LABELS[one],
            "better than": LABELS[other],
            "on": ", ".join(found.tasks),
            "difference [95% interval]": _points(gap := found.difference(one, other)),
            "answer": answer(gap),
        }
        for (one, other), found in compare_in_common(tasks, questions).items()
    ]


def arm_change_rows(changes: Sequence[ArmChange]) -> list[dict]:
    """Return a row an arm: how it changes the full recipe's score on tasks, and what the paper's Table 4 has.

    *Told from zero* is half of the interval's width: about so large a change has to be found to be called one.
    """
    return [
        {
            "arm": LABELS[one.arm],
            "change [95% interval]": _points(one.change),
            "which is": one.side,
            "told from zero": quantity(one.resolution, POINTS, 1) if math.isfinite(one.resolution) else "nothing",
            "Table 4": None if one.paper is None else figure(one.paper, POINTS),
            "on": ", ".join(one.tasks),
            "examples": one.change.n,
            "seeds": one.seeds,
            "students": one.pretrainings,
        }
        for one in changes
    ]


def _points(gap: Interval) -> str:
    return with_ends(gap.value, gap.low, gap.high, 0.0, POINTS)


def answer(gap: Interval) -> str:
    """Answer whether one model is better than another, from the interval of their difference."""
    return "yes" if gap.low > 0 else "the other way" if gap.high < 0 else "not settled"
