"""How long models take: random weights, real sentence lengths, the models of a comparison in turn.

Weights are random, because a product takes as long whatever its numbers are. Times are only comparable side by side,
so every input is passed through all models of a comparison before the next one, each model beginning as often as the
others, and the ratio is taken input by input. Processes differ by more than the inputs of one process do, so what a
claim rests on is repeated in fresh ones (:mod:`distilbook.inference.worker`), and its interval covers them all.

What was measured and what is made of it: ratios, latency, throughput, and how far to trust them.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import mean, median
from typing import Any, TextIO

import numpy as np

from ..core.config import BookError
from ..core.progress import Progress
from ..stats.intervals import Interval, median_interval, score_interval
from . import worker as timing_process
from .models import Comparison, Order
from .noise import TOO_LOUD


@dataclass(frozen=True)
class TimingResult:
    """All that was measured."""

    measured: tuple[Measured, ...]

    def __add__(self, other: TimingResult) -> TimingResult:
        return TimingResult((*self.measured, *other.measured))

    def of(self, task: str) -> list[Measured]:
        """Return what was measured of a task, by threads, device and precision.

        Raises:
            BookError: when that is nothing.
        """
        found = [one for one in self.measured if one.comparison.name == task]
        if not found:
            known = ", ".join(dict.fromkeys(one.comparison.name for one in self.measured))
            raise BookError(f"nothing was timed as {task!r}", expected=f"one of {known}")
        return found


def run_timing(orders: Sequence[Order]) -> TimingResult:
    """Follow ``orders`` in fresh processes, one after the other; several of one kind become starts of one measurement.

    Raises:
        BookError: when a process fails, with its last words.
    """
    found: list[Measured] = []
    with Progress("timing", sum(order.inputs for order in orders), "inputs") as progress:
        for order in orders:
            for comparison, times in zip(order.comparisons, _followed(order, progress), strict=True):
                new = Measured(comparison, order.threads, order.device, order.neighbours, (Start(**times),))
                place = next((n for n, one in enumerate(found) if one.same_kind(new)), len(found))
                earlier = found[place].starts if place < len(found) else ()
                found[place : place + 1] = [replace(new, starts=(*earlier, *new.starts))]
    return TimingResult(tuple(found))


def _followed(order: Order, progress: Progress) -> list[dict[str, Any]]:
    """Return the times of each comparison, as a fresh process measures them."""
    # The libraries read the number of threads when they are loaded, before any call could set it.
    threads = {"OMP_NUM_THREADS": str(order.threads), "MKL_NUM_THREADS": str(order.threads)}
    with (
        _neighbours(order.neighbours),
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as words,
        subprocess.Popen(
            [sys.executable, "-m", timing_process.__name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=words,
            env=os.environ | threads,
            text=True,
        ) as child,
    ):
        try:
            with contextlib.suppress(BrokenPipeError):  # it has ended already; what it said is told below
                child.stdin.write(order.to_json())
                child.stdin.close()
            said = _listen(child.stdout, progress)
        except BaseException:
            child.kill()
            raise
        if child.wait() != 0 or "times" not in said:
            words.seek(0)
            raise BookError(
                "a timing process failed",
                where=" ".join(words.read().split()[-60:]) or "it said nothing",
                expected="times",
                do="run the chapter again; with less memory, time smaller models",
            )
    return said["times"]


#: Keeps a core busy for as long as the process with the number given, which started it, is there, however that ends.
BUSY = "import os, sys\nwhile os.getppid() == int(sys.argv[1]):\n    for _ in range(10**6): pass"


@contextlib.contextmanager
def _neighbours(count: int) -> Iterator[None]:
    """Keep ``count`` processes busy while the block runs."""
    busy = [subprocess.Popen([sys.executable, "-c", BUSY, str(os.getpid())]) for _ in range(count)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def _listen(lines: TextIO, progress: Progress) -> dict[str, Any]:
    """Pass on the progress that a process reports; return what it says last."""
    said: dict[str, Any] = {}
    for line in lines:
        said = json.loads(line)
        progress.advance(said.pop("done", 0))
    return said


#: Two processes on a quiet machine differ by no less.
QUIET = 0.01
#: Latencies are told as the median, and as what so many of a hundred passes stay below.
PERCENTILE = 95
#: Less than this of its cores' time leaves a process waiting for others.
UNDISTURBED = 0.95


@dataclass(frozen=True)
class Start:
    """What one process measured of one comparison.

    Attributes:
        passes: milliseconds by input, model and repeat.
        noise: by input, of the first model and of itself once more, by repeat.
        share: how much of its cores' time the process had; less than all where others want it too, or where work on
            several cores waits for one.
        seconds: what all passes took together.
    """

    passes: tuple[tuple[tuple[float, ...], ...], ...]
    noise: tuple[tuple[tuple[float, ...], ...], ...]
    share: float
    seconds: float

    def fastest(self, model: int) -> list[float]:
        """Return the fastest pass of each input: what else a machine does only adds to it."""
        return [min(passes[model]) for passes in self.passes]

    def ratio(self, model: int) -> Interval:
        """Return the median, over inputs, of the first model's time over that of ``model``."""
        pairs = zip(self.fastest(0), self.fastest(model), strict=True)
        return median_interval([first / other for first, other in pairs])

    @property
    def self_ratio(self) -> Interval:
        """The same ratio of the first model to itself: 1 on a quiet machine."""
        return median_interval([min(first) / min(again) for first, again in self.noise])


@dataclass(frozen=True)
class Measured:
    """All process starts of one comparison with one number of threads on one device."""

    comparison: Comparison
    threads: int
    device: str
    neighbours: int
    starts: tuple[Start, ...]

    @property
    def split(self) -> str:
        """Where and how, as records say it."""
        first = self.comparison.models[0]
        if self.device != "cpu":
            return f"{self.device}, {first.precision}"
        beside = f", beside {self.neighbours} busy processes" if self.neighbours else ""
        return f"cpu, {self.threads} thread{'s' * (self.threads > 1)}{beside}"

    def same_kind(self, other: Measured) -> bool:
        """Whether ``other`` is the same measurement, made in other processes."""
        return replace(self, starts=()) == replace(other, starts=())

    @property
    def title(self) -> str:
        """What was measured, and where and how."""
        return f"{self.comparison.name}, {self.split}"

    def ratio(self, model: int) -> Interval:
        """Return first / ``model`` over all starts; the interval covers every start's interval."""
        return over_starts([start.ratio(model) for start in self.starts])

    @property
    def noise(self) -> Interval:
        """The first model's ratio to itself over all starts."""
        return over_starts([start.self_ratio for start in self.starts])

    @property
    def stray(self) -> float:
        """How far the noise reaches from 1."""
        noise = self.noise
        return max(abs(noise.low - 1), abs(noise.high - 1))

    @property
    def share(self) -> float:
        """How much of their cores' time the processes had, the least of them."""
        return min(start.share for start in self.starts)

    def latency(self, model: int) -> Interval:
        """Return the median milliseconds of a pass, over all inputs and repeats."""
        return over_starts([median_interval(passes) for passes in self._passes(model)])

    def latency_95(self, model: int) -> float:
        """Return the milliseconds that :data:`PERCENTILE` of 100 passes stay below: a machine's other work counts."""
        return float(np.percentile(np.concatenate(self._passes(model)), PERCENTILE))

    def throughput(self, model: int) -> float:
        """Return the sentence pairs a second, from the median pass of each input."""
        seconds = mean(sum(median(passes[model]) for passes in start.passes) / 1e3 for start in self.starts)
        return sum(given.batch for given in self.comparison.inputs) / seconds

    def full_pass(self, model: int, pairs: int) -> Interval:
        """Return the seconds that ``pairs`` pairs take one by one, from the mean over the inputs timed."""
        each = [score_interval([median(passes[model]) for passes in start.passes]) for start in self.starts]
        whole = over_starts(each)
        scale = pairs / 1e3
        return Interval(whole.value * scale, whole.low * scale, whole.high * scale, whole.n, whole.level)

    def _passes(self, model: int) -> list[np.ndarray]:
        return [np.concatenate([passes[model] for passes in start.passes]) for start in self.starts]


def over_starts(intervals: Sequence[Interval]) -> Interval:
    """Return the median of the starts' values with an interval that covers all of theirs."""
    low, high = min(start.low for start in intervals), max(start.high for start in intervals)
    return Interval(median(start.value for start in intervals), low, high, intervals[0].n, intervals[0].level)


def trust(measured: Measured) -> str:
    """Say how far this machine let the times be trusted while they were taken."""
    stray, share = measured.stray, measured.share
    seen = f"the first model timed against itself strays up to {stray:.1%} from 1"
    if measured.device == "cpu" and measured.threads == 1:
        seen += f", and the process had its core for {share:.1%} of the time"
    if stray > TOO_LOUD:
        return f"Too loud to settle anything: {seen}."
    if measured.device == "cpu" and measured.threads == 1 and share < UNDISTURBED:
        return f"Not quiet: {seen}. Ratios hold within their intervals; single times are those of a busy machine."
    if stray > QUIET:
        return f"A little noisy: {seen}. Ratios that differ by less than that do not differ."
    return f"Quiet: {seen}."
