"""Rows of the chapters' longer tables: each function turns results at hand into what ``table`` shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..claims.wording import POINTS, SHARE, with_ends
from ..statistics import Interval, difference_interval, median_and_range
from .palette import LABELS

if TYPE_CHECKING:
    from ..device.timing import Start, TimingResult
    from ..training.finetune import FinetuneRun

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
    from ..model.sizes import DIMENSIONS, MODEL_KINDS, parameter_table

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


def score_rows(results: Mapping[str, Sequence[FinetuneRun]]) -> list[dict]:
    """Return a row a model: its accuracy over seeds, how many of them collapsed, and what they cost."""
    rows = []
    for name, runs in results.items():
        summary = median_and_range([run.accuracy for run in runs])
        rows.append(
            {
                "model": LABELS[name],
                "median": f"{summary.median:.3f}",
                "lowest seed": f"{summary.low:.3f}",
                "highest seed": f"{summary.high:.3f}",
                "seeds": summary.n,
                "of them constant": sum(run.constant for run in runs),
                "sentences": runs[0].n,
                "seconds a seed": sum(run.seconds for run in runs) / len(runs),
            }
        )
    return rows


def lead_rows(shares: Mapping[str, Interval]) -> list[dict]:
    """Return, for each baseline the teacher leads, the share of that lead the student keeps."""
    return [
        {"lead over": LABELS[name], "share kept [95% interval]": with_ends(s.value, s.low, s.high, 0.0, SHARE)}
        for name, s in shares.items()
    ]


def answer_rows(
    right: Mapping[str, np.ndarray], questions: Iterable[tuple[str, str]], groups: np.ndarray
) -> list[dict]:
    """Return, for each question whether one model is better than another, the difference and the answer.

    Args:
        right: which test examples each model answers rightly, (seeds, examples).
        questions: pairs of models; groups: the group of each example, (examples,).
    """
    rows = []
    for one, other in questions:
        gap = difference_interval(right[one], right[other], groups=groups)
        ends = with_ends(gap.value, gap.low, gap.high, 0.0, POINTS)
        names = {"is": LABELS[one], "better than": LABELS[other]}
        rows.append(names | {"difference in accuracy [95% interval]": ends, "answer": answer(gap)})
    return rows


def answer(gap: Interval) -> str:
    """Answer whether one model is better than another, from the interval of their difference."""
    return "yes" if gap.low > 0 else "the other way" if gap.high < 0 else "not settled"


def ratio_rows(starts: Sequence[Start]) -> list[dict]:
    """Return the intervals of every process start: teacher over student, and the teacher over itself."""
    return [
        {
            "label": f"{name}, {start.threads} thread{'s' * (start.threads > 1)}, start {number}",
            "value": ratio.value,
            "low": ratio.low,
            "high": ratio.high,
        }
        for number, start in enumerate(starts, start=1)
        for name, ratio in (("teacher / student", start.ratio), ("teacher / teacher", start.noise))
    ]


def time_rows(result: TimingResult) -> list[dict]:
    """Return a row for each number of threads: both models' times, their ratio, and the noise."""
    return [
        {
            "threads": threads,
            "teacher (ms)": result.latency(threads, "teacher").value,
            "student (ms)": result.latency(threads, "student").value,
            "ratio": result.ratio(threads).value,
            "noise": result.noise(threads).value,
            "pairs": result.ratio(threads).n,
            "starts": len(result.at(threads)),
        }
        for threads in result.threads
    ]
