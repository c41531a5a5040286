"""What was measured and what is made of it: ratios, latency, throughput, and how far to trust them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import mean, median

import numpy as np

from ..records import Record
from ..statistics import Interval, median_interval, score_interval
from .comparisons import Comparison

#: A model that seems to differ from itself by more than this settles nothing about two models.
TOO_LOUD = 0.10
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


def stray_of(ratios: Iterable[Record]) -> float:
    """Return how far the noise that goes with recorded ratios reaches from 1."""
    return max(abs(ratio.detail["noise"][end] - 1) for ratio in ratios for end in ("low", "high"))


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
