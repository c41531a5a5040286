"""Timing of models side by side: fresh processes, ratios with intervals, latency, throughput, noise.

Times are comparable only side by side: every input passes through all models of a comparison before the next input,
each model begins equally often, and the ratio is taken input by input. Processes differ by more than the inputs of
one process do, so a claim's measurement is repeated in fresh ones (:mod:`distilbook.inference.worker`), and its
interval covers them all.
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
from enum import Enum
from statistics import mean, median
from typing import Any

import numpy as np

from ..core.config import BookError
from ..core.progress import Progress
from ..stats.intervals import Interval, median_interval, score_interval
from . import worker as timing_process
from .models import Comparison, Order
from .noise import TOO_LOUD

#: Noise below which a machine counts as quiet: two processes on a quiet machine differ by as much.
QUIET = 0.01
#: Share of its core's time below which a process competed with others.
UNDISTURBED = 0.95
#: The percentile that is reported beside the median latency.
PERCENTILE = 95


@dataclass(frozen=True)
class Start:
    """The measurement of one comparison by one process.

    Attributes:
        passes: milliseconds by input, model and repeat.
        noise: by input, of the first model and of the first model again, by repeat.
        share: share of its cores' time that the process had; below 1 where other processes want the cores or where
            threads wait for each other.
        seconds: total time of all passes.
    """

    passes: tuple[tuple[tuple[float, ...], ...], ...]
    noise: tuple[tuple[tuple[float, ...], ...], ...]
    share: float
    seconds: float

    def fastest(self, model: int) -> list[float]:
        """Return the fastest pass of each input: other work on the machine can only add to it."""
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
        """Device, threads and precision, as in records."""
        if self.device != "cpu":
            return f"{self.device}, {self.comparison.models[0].precision}"
        beside = f", beside {self.neighbours} busy processes" if self.neighbours else ""
        return f"cpu, {self.threads} thread{'s' * (self.threads > 1)}{beside}"

    @property
    def title(self) -> str:
        """Task and split."""
        return f"{self.comparison.name}, {self.split}"

    def same_kind(self, other: Measured) -> bool:
        """Return whether ``other`` is the same measurement, made in other processes."""
        return replace(self, starts=()) == replace(other, starts=())

    def ratio(self, model: int) -> Interval:
        """Return first / ``model`` over all starts; the interval covers every start's interval."""
        return over_starts([start.ratio(model) for start in self.starts])

    @property
    def noise(self) -> Interval:
        """The first model's ratio to itself over all starts."""
        return over_starts([start.self_ratio for start in self.starts])

    @property
    def stray(self) -> float:
        """The largest deviation of the noise interval from 1."""
        noise = self.noise
        return max(abs(noise.low - 1), abs(noise.high - 1))

    @property
    def share(self) -> float:
        """The smallest share of its cores' time that one of the processes had."""
        return min(start.share for start in self.starts)

    def latency(self, model: int) -> Interval:
        """Return the median milliseconds of a pass, over all inputs and repeats."""
        return over_starts([median_interval(passes) for passes in self._passes(model)])

    def latency_95(self, model: int) -> float:
        """Return the percentile :data:`PERCENTILE` of all passes in milliseconds, slow ones included."""
        return float(np.percentile(np.concatenate(self._passes(model)), PERCENTILE))

    def throughput(self, model: int) -> float:
        """Return the sentence pairs a second, from the median pass of each input."""
        seconds = mean(sum(median(passes[model]) for passes in start.passes) / 1e3 for start in self.starts)
        return sum(given.batch for given in self.comparison.inputs) / seconds

    def full_pass(self, model: int, pairs: int) -> Interval:
        """Return the seconds of ``pairs`` pairs one by one, extrapolated from the mean over the inputs."""
        each = [score_interval([median(passes[model]) for passes in start.passes]) for start in self.starts]
        whole, scale = over_starts(each), pairs / 1e3
        return replace(whole, value=whole.value * scale, low=whole.low * scale, high=whole.high * scale)

    def _passes(self, model: int) -> list[np.ndarray]:
        return [np.concatenate([passes[model] for passes in start.passes]) for start in self.starts]


@dataclass(frozen=True)
class TimingResult:
    """All measurements of a run."""

    measured: tuple[Measured, ...]

    def __add__(self, other: TimingResult) -> TimingResult:
        return TimingResult((*self.measured, *other.measured))

    def of(self, task: str) -> list[Measured]:
        """Return the measurements of a task, by threads, device and precision.

        Raises:
            BookError: when there are none.
        """
        found = [one for one in self.measured if one.comparison.name == task]
        if not found:
            known = ", ".join(dict.fromkeys(one.comparison.name for one in self.measured))
            raise BookError(f"nothing was timed as {task!r}", expected=f"one of {known}")
        return found


def over_starts(intervals: Sequence[Interval]) -> Interval:
    """Return the median of the starts' values with an interval that covers all of theirs."""
    low, high = min(start.low for start in intervals), max(start.high for start in intervals)
    return replace(intervals[0], value=median(start.value for start in intervals), low=low, high=high)


class Reliability(Enum):
    """Reliability of a measurement; the value is its description and its consequence for a reader."""

    TOO_NOISY = ("Too noisy to decide anything", "")
    BUSY = ("Busy machine", " Ratios hold within their intervals; single times do not describe an idle machine.")
    NOISY = ("Slightly noisy", " Smaller differences between ratios are not significant.")
    QUIET = ("Quiet", "")


def trust(measured: Measured) -> str:
    """Return a sentence on the reliability of a measurement."""
    stray, share = measured.stray, measured.share
    # With several threads the share also falls where threads wait for each other.
    one_core = measured.device == "cpu" and measured.threads == 1
    if stray > TOO_LOUD:
        reliability = Reliability.TOO_NOISY
    elif one_core and share < UNDISTURBED:
        reliability = Reliability.BUSY
    else:
        reliability = Reliability.NOISY if stray > QUIET else Reliability.QUIET
    description, consequence = reliability.value
    core = f", and the process had its core for {share:.1%} of the time" if one_core else ""
    return f"{description}: the first model's ratio to itself deviates from 1 by up to {stray:.1%}{core}.{consequence}"


def run_timing(orders: Sequence[Order]) -> TimingResult:
    """Run ``orders`` in fresh processes, one after the other; those of one kind become starts of one measurement.

    Raises:
        BookError: when a process fails, with the end of its output.
    """
    found: list[Measured] = []
    with Progress("timing", sum(order.inputs for order in orders), "inputs") as progress:
        for order in orders:
            for comparison, times in zip(order.comparisons, _times_of(order, progress), strict=True):
                new = Measured(comparison, order.threads, order.device, order.neighbours, (Start(**times),))
                place = next((n for n, one in enumerate(found) if one.same_kind(new)), len(found))
                earlier = found[place].starts if place < len(found) else ()
                found[place : place + 1] = [replace(new, starts=(*earlier, *new.starts))]
    return TimingResult(tuple(found))


def _times_of(order: Order, progress: Progress) -> list[dict[str, Any]]:
    """Return the times of each comparison, measured by a fresh process."""
    # The libraries read the number of threads when they are loaded.
    threads = {"OMP_NUM_THREADS": str(order.threads), "MKL_NUM_THREADS": str(order.threads)}
    answer: dict[str, Any] = {}
    with (
        _neighbours(order.neighbours),
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors,
        subprocess.Popen(
            [sys.executable, "-m", timing_process.__name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=os.environ | threads,
            text=True,
        ) as child,
    ):
        assert child.stdin and child.stdout
        try:
            with contextlib.suppress(BrokenPipeError):  # the process has ended; its output is reported below
                child.stdin.write(order.to_json())
                child.stdin.close()
            for line in child.stdout:
                answer = json.loads(line)
                progress.advance(answer["done"])
        except BaseException:
            child.kill()
            raise
        if child.wait() != 0 or "times" not in answer:
            errors.seek(0)
            raise BookError(
                "a timing process failed",
                where=last_words(errors.read()) or "no output",
                expected="times",
                do="run the chapter again; with less memory, time smaller models",
            )
    return answer["times"]


def last_words(text: str) -> str:
    """Return the end of a failed process's output on one line."""
    return " ".join(text.split()[-60:])


#: A program that keeps a core busy until the process that started it, whose number it gets, has ended in any way.
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
