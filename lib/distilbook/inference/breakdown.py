"""Where a ratio of times comes from: what every layer takes, what does not depend on depth, and tokenisation.

What a pass costs at least, and what the machine could do: operations and bytes (Williams et al. 2009).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from ..models.parameters import DIMENSIONS
from ..stats.intervals import Interval, median_interval
from .lengths import PairLength
from .timing import Measured, over_starts

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
    """Return the milliseconds a pair takes to become word pieces, by today's tokenizer and, of WordPiece, by that of 2019.

    Args:
        folder: of the tokenizer, in the layout of ``transformers``.
        repeats: the fastest counts.
    """
    from tokenizers.models import WordPiece
    from transformers.models.bert.tokenization_bert_legacy import BertTokenizerLegacy

    from ..models.loading import load_tokenizer

    today, pairs = load_tokenizer(folder), list(pairs)
    ways: dict[str, Callable] = {"today's tokenizer, in Rust": today}
    if isinstance(today.backend_tokenizer.model, WordPiece):
        lower = json.loads(today.backend_tokenizer.to_str())["normalizer"]["lowercase"]
        with TemporaryDirectory() as place:
            python = BertTokenizerLegacy(str(write_vocabulary(today, Path(place))), do_lower_case=lower)
        ways["the tokenizer of 2019, in Python"] = python
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


#: Bytes of a number in float32.
WIDE = 4
#: Numbers read for the rate of memory: far more than any cache holds.
READ = 64 * 2**20


@dataclass(frozen=True)
class Cost:
    """Operations of a pass, and the bytes that it has to move when every product reads its factors once."""

    operations: float
    bytes: float

    @property
    def intensity(self) -> float:
        """Operations a byte."""
        return self.operations / self.bytes


@dataclass(frozen=True)
class Peaks:
    """The most operations and the most bytes a second that a machine was seen to do with so many threads."""

    operations: float
    bytes: float
    threads: int

    def bound(self, intensity: float) -> float:
        """Return the most operations a second at so many operations a byte: the roof."""
        return min(self.operations, intensity * self.bytes)


def cost(config: Mapping[str, Any], batch: int, tokens: int) -> Cost:
    """Return what a pass of a BERT or DistilBERT in float32 costs at least, (batch, tokens) without padding.

    A product of (m, k) and (k, n) takes 2 m k n operations, and moves both factors and what comes out. A layer has
    four maps of width x width and two of width x feed-forward, and two products of attention; embeddings and pooler
    are left out.
    """
    names = DIMENSIONS[config["model_type"]]
    layers, width, wide, heads = (config[names[name]] for name in ("layers", "width", "feed_forward", "heads"))
    rows, weights = batch * tokens, 4 * width**2 + 2 * width * wide
    scores = batch * heads * tokens**2
    moved = weights + rows * (4 * 2 * width + 2 * (width + wide)) + 2 * (scores + 2 * rows * width)
    operations = 2 * rows * weights + 4 * rows * tokens * width
    return Cost(layers * operations, layers * WIDE * moved)


def machine_peaks(threads: int, repeats: int = 5) -> Peaks:
    """Measure the rate of a large product and of a sum over a large tensor in float32, the best of ``repeats``."""
    import torch

    from ..training.precision import product_rate

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        operations = product_rate(torch.float32, torch.device("cpu"), 2048, repeats)
        numbers, best = torch.ones(READ), float("inf")
        for _ in range(repeats + 1):  # the first is slower
            began = time.perf_counter()
            numbers.sum().item()
            best = min(best, time.perf_counter() - began)
    finally:
        torch.set_num_threads(before)
    return Peaks(operations, READ * WIDE / best, threads)


def roofline_points(measured: Sequence[Measured]) -> list[dict[str, Any]]:
    """Return a row for each model and shape: operations a byte, and operations a second of its fastest passes."""
    rows = []
    for one in measured:
        given = one.comparison.inputs[0]
        for number, timed in enumerate(one.comparison.models):
            least = cost(timed.config, given.batch, given.tokens)
            seconds = median(min(start.fastest(number)) for start in one.starts) / 1e3
            rows.append(
                {
                    "model": timed.name,
                    "batch": given.batch,
                    "word pieces": given.tokens,
                    "operations a byte": least.intensity,
                    "operations a second": least.operations / seconds,
                }
            )
    return rows
