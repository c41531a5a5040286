"""What a pass costs at least, and what the machine could do: operations and bytes (Williams et al. 2009)."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from ..model.dimensions import DIMENSIONS
from .times import Measured

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
