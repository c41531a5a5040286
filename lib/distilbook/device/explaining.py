"""Where a ratio of times comes from: what every layer takes, what does not depend on depth, and tokenisation."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np

from ..model.dimensions import DIMENSIONS
from ..statistics import Interval, median_interval
from .lengths import PairLength
from .times import Measured, over_starts

#: [CLS] and both [SEP].
SPECIAL = 3


@dataclass(frozen=True)
class LayerTimes:
    """The line through the times of one network with more and fewer layers, in milliseconds a pair.

    Attributes:
        fixed: what it takes without layers, as the line has it; ``without`` is what was measured without any.
        layer: what each layer takes.
        points: layers and median of the fastest passes.
    """

    fixed: Interval
    without: Interval
    layer: Interval
    points: tuple[tuple[int, float], ...]


def layer_times(measured: Measured) -> LayerTimes:
    """Fit a line to each input's times by depth; medians over inputs, intervals over inputs and starts.

    Args:
        measured: BERTs that differ in nothing but their layers, one of them without any, among other models.
    """
    models = measured.comparison.models
    name = DIMENSIONS["bert"]["layers"]
    depths = {n: timed.config[name] for n, timed in enumerate(models) if timed.config["model_type"] == "bert"}
    lines, empty = [], []
    for start in measured.starts:
        times = np.array([start.fastest(number) for number in depths])  # (models, inputs)
        slope, intercept = np.polyfit(list(depths.values()), times, 1)
        lines.append((median_interval(intercept), median_interval(slope)))
        empty.append(median_interval(times[list(depths.values()).index(0)]))
    fixed, layer = (over_starts(one) for one in zip(*lines, strict=True))
    points = [
        (depth, median(median(start.fastest(number)) for start in measured.starts)) for number, depth in depths.items()
    ]
    return LayerTimes(fixed, over_starts(empty), layer, tuple(sorted(points)))


def independent_of_depth(teacher: float, student: float) -> float:
    """Return the part of both times that does not shrink with the depth, of a student with half the layers.

    With ``fixed + layers`` and ``fixed + layers / 2`` for the two, that is ``2 * student - teacher``.
    """
    return 2 * student - teacher


def pairs_of_text(lengths: Sequence[PairLength], ids: np.ndarray, tokenizer) -> list[tuple[str, str]]:
    """Cut running text into pairs of pieces that have about the word pieces of ``lengths``.

    Args:
        ids: word pieces of text, (any,), long enough.
        tokenizer: that they come from.
    """
    pairs, place = [], 0
    for length in lengths:
        first = (length.pieces - SPECIAL) // 2
        ends = (place, place + first, place + length.pieces - SPECIAL)
        pairs.append(tuple(tokenizer.decode(ids[a:b]) for a, b in zip(ends, ends[1:], strict=False)))
        place = ends[-1]
    return pairs


def tokenisation_times(pairs: Iterable[tuple[str, str]], folder: Path, repeats: int = 3) -> dict[str, Interval]:
    """Return the milliseconds a pair takes to become word pieces, by today's tokenizer and by that of 2019.

    Args:
        folder: of the tokenizer, in the layout of ``transformers``.
        repeats: the fastest counts.
    """
    from transformers.models.bert.tokenization_bert_legacy import BertTokenizerLegacy

    from ..model.loading import load_tokenizer

    today = load_tokenizer(folder)
    with TemporaryDirectory() as place:
        python = BertTokenizerLegacy(str(write_vocabulary(today, Path(place))))
    pairs = list(pairs)
    ways = {"today's tokenizer, in Rust": today, "the tokenizer of 2019, in Python": python}
    return {name: median_interval([_fastest(way, pair, repeats) for pair in pairs]) for name, way in ways.items()}


def write_vocabulary(tokenizer, folder: Path) -> Path:
    """Write the word pieces of a tokenizer as a ``vocab.txt``, one a line in the order of their numbers."""
    path = folder / "vocab.txt"
    pieces = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    path.write_text("".join(f"{piece}\n" for piece, _ in pieces), encoding="utf-8")
    return path


def _fastest(tokenizer: Callable, pair: tuple[str, str], repeats: int) -> float:
    best = float("inf")
    for _ in range(repeats):
        began = time.perf_counter_ns()
        tokenizer(*pair)
        best = min(best, (time.perf_counter_ns() - began) / 1e6)
    return best
