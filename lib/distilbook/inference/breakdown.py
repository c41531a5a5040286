"""Breakdown of a pass's time: layers, the part independent of depth, tokenisation; operations and bytes (roofline)."""

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

from ..models.family import families
from ..stats.intervals import Interval, median_interval
from .lengths import PairLength
from .timing import Measured, over_starts

#: Special tokens of a pair: [CLS] and both [SEP].
SPECIAL = 3
#: Bytes of a number in float32.
WIDE = 4
#: Numbers read to measure the memory's rate: far more than a cache holds.
READ = 64 * 2**20


@dataclass(frozen=True)
class LayerTimes:
    """Linear fit of a network's time by its layers, in milliseconds a pair.

    Attributes:
        fixed: the fit's intercept.
        without: the time measured without layers.
        layer: the fit's slope: the time of a layer.
        points: layers and median of the fastest passes.
    """

    fixed: Interval
    without: Interval
    layer: Interval
    points: tuple[tuple[int, float], ...]


def layer_times(measured: Measured) -> LayerTimes:
    """Fit a line to each input's times by depth; medians over inputs, intervals over inputs and starts.

    Args:
        measured: BERTs that differ only in their layers, one of them without any, among other models.
    """
    models = measured.comparison.models
    name = families()["bert"].dimensions["layers"]
    depths = {n: timed.config[name] for n, timed in enumerate(models) if timed.config["model_type"] == "bert"}
    layers = list(depths.values())
    fits = []
    for start in measured.starts:
        times = np.array([start.fastest(number) for number in depths])  # (models, inputs)
        slope, intercept = np.polyfit(layers, times, 1)
        fits.append([median_interval(values) for values in (intercept, times[layers.index(0)], slope)])
    points = [
        (depth, median(median(start.fastest(number)) for start in measured.starts)) for number, depth in depths.items()
    ]
    fixed, without, layer = (over_starts(intervals) for intervals in zip(*fits, strict=True))
    return LayerTimes(fixed, without, layer, tuple(sorted(points)))


def independent_of_depth(teacher: float, student: float) -> float:
    """Return the part of both times that does not depend on depth, for a student with half the layers.

    The times are ``fixed + layers`` and ``fixed + layers / 2``, so ``fixed`` is ``2 * student - teacher``.
    """
    return 2 * student - teacher


def pairs_of_text(lengths: Sequence[PairLength], ids: np.ndarray, tokenizer: Any) -> list[tuple[str, str]]:
    """Cut running text into pairs of strings of about the numbers of tokens in ``lengths``.

    Args:
        ids: tokens of a text that is long enough, (any,).
        tokenizer: the tokenizer of ``ids``.
    """
    pairs, start = [], 0
    for length in lengths:
        middle, end = start + (length.tokens - SPECIAL) // 2, start + length.tokens - SPECIAL
        pairs.append((tokenizer.decode(ids[start:middle]), tokenizer.decode(ids[middle:end])))
        start = end
    return pairs


def tokenisation_times(pairs: Iterable[tuple[str, str]], folder: Path, repeats: int = 3) -> dict[str, Interval]:
    """Return the milliseconds of tokenising a pair, with today's tokenizer and, of WordPiece, with that of 2019.

    Args:
        folder: of the tokenizer, in the layout of ``transformers``.
        repeats: the fastest counts.
    """
    from tokenizers.models import WordPiece

    from ..models.loading import load_tokenizer

    today, pairs = load_tokenizer(folder), list(pairs)
    tokenizers: dict[str, Callable] = {"today's tokenizer, in Rust": today}
    if isinstance(today.backend_tokenizer.model, WordPiece):
        tokenizers["the tokenizer of 2019, in Python"] = tokenizer_of_2019(today)
    return {
        name: median_interval([_fastest(tokenizer, pair, repeats) for pair in pairs])
        for name, tokenizer in tokenizers.items()
    }


def tokenizer_of_2019(today: Any) -> Any:
    """Return the WordPiece tokenizer written in Python, with the vocabulary of ``today``'s."""
    from transformers.models.bert.tokenization_bert_legacy import BertTokenizerLegacy

    vocabulary = today.get_vocab()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "vocab.txt"
        path.write_text("".join(f"{token}\n" for token in sorted(vocabulary, key=vocabulary.get)), encoding="utf-8")
        lower = json.loads(today.backend_tokenizer.to_str())["normalizer"]["lowercase"]
        return BertTokenizerLegacy(str(path), do_lower_case=lower)


def _fastest(tokenizer: Callable, pair: tuple[str, str], repeats: int) -> float:
    best = float("inf")
    for _ in range(repeats):
        began = time.perf_counter_ns()
        tokenizer(*pair)
        best = min(best, (time.perf_counter_ns() - began) / 1e6)
    return best


@dataclass(frozen=True)
class Cost:
    """Operations of a pass, and the bytes it moves if every product reads its factors once."""

    operations: float
    bytes: float

    @property
    def intensity(self) -> float:
        """Operations a byte."""
        return self.operations / self.bytes


@dataclass(frozen=True)
class Peaks:
    """A machine's measured peak rates: operations and bytes a second with a number of threads."""

    operations: float
    bytes: float
    threads: int

    def bound(self, intensity: float) -> float:
        """Return the roof: the most operations a second at this many operations a byte."""
        return min(self.operations, intensity * self.bytes)


def cost(config: Mapping[str, Any], batch: int, tokens: int) -> Cost:
    """Return the minimum cost of a pass of a BERT or DistilBERT in float32, (batch, tokens) without padding.

    A product of (m, k) and (k, n) takes 2 m k n operations and moves both factors and the result. A layer has four
    products of width x width, two of width x feed-forward, and two in attention; embeddings and pooler are left out.
    """
    names = families()[config["model_type"]].dimensions
    layers, width, wide, heads = (config[names[name]] for name in ("layers", "width", "feed_forward", "heads"))
    rows, weights = batch * tokens, 4 * width**2 + 2 * width * wide
    scores = batch * heads * tokens**2
    moved = weights + rows * (4 * 2 * width + 2 * (width + wide)) + 2 * (scores + 2 * rows * width)
    operations = 2 * rows * weights + 4 * rows * tokens * width
    return Cost(layers * operations, layers * WIDE * moved)


def machine_peaks(threads: int, repeats: int = 5) -> Peaks:
    """Measure the rates of a large product and of a sum over a large tensor in float32, the best of ``repeats``."""
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
    """Return operations a byte and operations a second of the fastest passes, a row for each model and shape."""
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
                    "tokens": given.tokens,
                    "operations a byte": least.intensity,
                    "operations a second": least.operations / seconds,
                }
            )
    return rows
