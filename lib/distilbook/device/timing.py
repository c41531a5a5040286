"""How long teacher and student take: random weights, real sentence lengths, both models in turn.

What is timed is ``BertModel`` (with pooler) against ``DistilBertModel``, the two whose sizes Table 3
prints: float32, PyTorch without compilation, eager attention as in the code of 2019. Weights are
random, because a product takes as long whatever its numbers are. Times are only comparable side by
side, so each pair of sentences is passed through both models in alternating order and the ratio is
taken pair by pair. Processes differ by more than the pairs of one process do, so each measurement is
repeated in fresh ones (:mod:`distilbook.device.timing_process`), and the interval covers them all.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from statistics import median
from typing import Any, Self, TextIO

from pydantic import Field, PositiveInt, model_validator

from ..config import BookError, ChapterConfig, short_hash
from ..progress import Progress
from ..provenance import code_hash, hardware
from ..records import Record
from ..statistics import Interval, median_interval
from . import timing_process

#: Layers, width, heads and feed-forward width of BERT-base (Devlin et al. 2019, section 3).
BERT_BASE = (12, 768, 12, 3072)


class TimingConfig(ChapterConfig):
    """How the models are timed, and how large the teacher is; the student has half its layers."""

    pairs: int = Field(ge=2, description="sentence pairs, spread evenly over the lengths of STS-B dev")
    noise_pairs: int = Field(ge=2, description="pairs on which the teacher is also timed against itself")
    repeats: int = Field(ge=1, description="passes of a pair through each model; the fastest counts")
    starts: int = Field(ge=1, description="fresh processes for each number of threads")
    threads: list[PositiveInt] | None = Field(min_length=1, description="numbers of threads; null is one a core")
    warm_up: int = Field(ge=0, description="passes through each model before the first that counts")
    batch_size: int = Field(ge=1, description="copies of a pair passed at once")
    layers: int = Field(ge=2, multiple_of=2)
    width: int = Field(ge=1)
    heads: int = Field(ge=1)
    feed_forward: int = Field(ge=1)

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"a width that the heads divide, {self.width} is not a multiple of {self.heads}")
        if self.noise_pairs > self.pairs:
            raise ValueError(f"noise_pairs at most {self.pairs}, the number of pairs, got {self.noise_pairs}")
        return self

    @property
    def dimensions(self) -> dict[str, dict[str, int]]:
        """The dimensions of both models, by the name under which they are recorded.

        The names ``bert-base`` and ``distilbert`` are kept for the published dimensions.
        """
        shared = {"width": self.width, "heads": self.heads, "feed_forward": self.feed_forward}
        published = (self.layers, *shared.values()) == BERT_BASE
        teacher, student = self.layers, self.layers // 2
        names = (
            ("bert-base", "distilbert")
            if published
            else (f"bert {teacher} x {self.width}", f"distilbert {student} x {self.width}")
        )
        return {names[0]: {"layers": teacher, **shared}, names[1]: {"layers": student, **shared}}


@dataclass(frozen=True)
class Start:
    """What one process measured: fastest times in milliseconds, one a pair, in the order of ``lengths``.

    ``noise_ms`` holds the teacher's times against its own, for the first pairs.
    """

    threads: int
    lengths: tuple[int, ...]
    teacher_ms: tuple[float, ...]
    student_ms: tuple[float, ...]
    noise_ms: tuple[tuple[float, float], ...]

    @property
    def ratio(self) -> Interval:
        """The median of the paired ratios teacher / student, with its interval over pairs."""
        return median_interval([a / b for a, b in zip(self.teacher_ms, self.student_ms, strict=True)])

    @property
    def noise(self) -> Interval:
        """The same ratio of the teacher to itself: 1 on a quiet machine."""
        return median_interval([a / b for a, b in self.noise_ms])


@dataclass(frozen=True)
class TimingResult:
    """All process starts, with the ``seconds`` they took together."""

    starts: tuple[Start, ...]
    seconds: float

    @property
    def threads(self) -> list[int]:
        """The numbers of threads that were measured."""
        return sorted({start.threads for start in self.starts})

    def at(self, threads: int) -> list[Start]:
        """Return the process starts with ``threads`` threads."""
        return [start for start in self.starts if start.threads == threads]

    def ratio(self, threads: int) -> Interval:
        """Return teacher / student over all starts; the interval covers every start's interval."""
        return over_starts([start.ratio for start in self.at(threads)])

    def noise(self, threads: int) -> Interval:
        """Return teacher / teacher over all starts; a claim closer to its bound than this is from 1 is not settled."""
        return over_starts([start.noise for start in self.at(threads)])

    def latency(self, threads: int, role: str) -> Interval:
        """Return the median milliseconds a pair of the ``teacher`` or ``student`` takes, over all starts."""
        return over_starts([median_interval(getattr(start, f"{role}_ms")) for start in self.at(threads)])


def over_starts(intervals: list[Interval]) -> Interval:
    """Return the median of the starts' values with an interval that covers all of theirs."""
    low, high = min(start.low for start in intervals), max(start.high for start in intervals)
    return Interval(median(start.value for start in intervals), low, high, intervals[0].n, intervals[0].level)


def length_histogram(pairs: Iterable[tuple[str, str]], tokenizer: Callable[[str, str], Mapping]) -> dict[int, int]:
    """Return how many sentence pairs have how many word pieces, [CLS] and both [SEP] counted."""
    counts = Counter(len(tokenizer(first, second)["input_ids"]) for first, second in pairs)
    return dict(sorted(counts.items()))


def stsb_lengths() -> dict[int, int]:
    """Return the histogram of the 1,500 pairs of STS-B dev, which the package holds."""
    text = resources.files(__package__).joinpath("stsb_dev_lengths.json").read_text(encoding="utf-8")
    return {int(length): count for length, count in json.loads(text)["histogram"].items()}


def sample_lengths(histogram: Mapping[int, int], pairs: int) -> list[int]:
    """Return ``pairs`` lengths at even quantiles of ``histogram``, always in the same shuffled order.

    Shuffled, so that a machine that slows down while it is measured does not do so by length.
    """
    every = [length for length, count in sorted(histogram.items()) for _ in range(count)]
    chosen = [every[int((i + 0.5) * len(every) / pairs)] for i in range(pairs)]
    random.Random(0).shuffle(chosen)
    return chosen


def run_timing(config: TimingConfig) -> TimingResult:
    """Time both models in fresh processes, one after the other.

    Raises:
        BookError: for more threads than cores, or when a process fails, with its last words.
    """
    began = time.perf_counter()
    cores = hardware()["cores"]
    settings = config.threads or [cores]
    if max(settings) > cores:
        raise BookError(
            f"{max(settings)} threads were asked for",
            where="threads",
            expected=f"at most {cores}, the cores this process may use",
            do="lower the number, or use null for one thread a core",
        )
    with Progress("timing", config.starts * len(settings) * config.pairs, "pairs") as progress:
        starts = [_start(config, threads, progress) for _ in range(config.starts) for threads in settings]
    return TimingResult(tuple(starts), time.perf_counter() - began)


def timing_records(result: TimingResult, config: TimingConfig, chapter: str) -> list[Record]:
    """Return the ratio of times, and each model's time, for every number of threads.

    The split is ``cpu`` for one thread a core, else ``cpu, 1 thread`` and so on.
    """
    teacher, student = config.dimensions
    records = []
    for threads in result.threads:
        split = "cpu" if config.threads is None else f"cpu, {threads} thread{'s' * (threads > 1)}"
        noise, starts = result.noise(threads), [_ends(start.ratio) for start in result.at(threads)]
        measured = [
            (
                f"{teacher} over {student}",
                "time_ratio",
                "1",
                result.ratio(threads),
                {"starts": starts, "noise": _ends(noise)},
            ),
            (teacher, "median_latency", "ms", result.latency(threads, "teacher"), {}),
            (student, "median_latency", "ms", result.latency(threads, "student"), {}),
        ]
        records += [
            Record(
                edition=config.edition,
                chapter=chapter,
                model=model,
                split=split,
                task=f"sentence pairs at batch {config.batch_size}",
                metric=metric,
                value=found.value,
                unit=unit,
                n=found.n,
                config=config.fingerprint(),
                code=code_hash("distilbook.device.timing"),
                data=short_hash(stsb_lengths()),
                detail=_ends(found) | {"threads": threads} | detail,
                seconds=result.seconds,
            )
            for model, metric, unit, found, detail in measured
        ]
    return records


def size_records(config: TimingConfig, chapter: str) -> list[Record]:
    """Return the parameters of the two models that are timed, without heads, BERT's pooler counted."""
    from ..model.sizes import empty_model, parameters_of

    kinds = {"teacher": "BertModel", "student": "DistilBertModel"}
    return [
        Record(
            edition=config.edition,
            chapter=chapter,
            model=model,
            task="size",
            split="-",
            metric="parameters",
            n=1,
            value=parameters_of(empty_model(kind, **dimensions)),
            unit="parameters",
            config=config.fingerprint(),
            code=code_hash("distilbook.model.sizes"),
            detail={"role": role, **dimensions},
        )
        for (role, kind), (model, dimensions) in zip(kinds.items(), config.dimensions.items(), strict=True)
    ]


def _ends(interval: Interval) -> dict[str, float]:
    return {"value": interval.value, "low": interval.low, "high": interval.high}


def _start(config: TimingConfig, threads: int, progress: Progress) -> Start:
    """Return what a fresh process measures with ``threads`` threads."""
    lengths = sample_lengths(stsb_lengths(), config.pairs)
    order = {"threads": threads, "lengths": lengths, "models": list(config.dimensions.values())}
    order |= config.model_dump(include={"noise_pairs", "repeats", "warm_up", "batch_size"})
    # The libraries read the number of threads when they are loaded, before any call could set it.
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as words,
        subprocess.Popen(
            [sys.executable, "-m", timing_process.__name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=words,
            env=environment,
            text=True,
        ) as child,
    ):
        try:
            json.dump(order, child.stdin)
            child.stdin.close()
            times = _listen(child.stdout, progress)
        except BaseException:
            child.kill()
            raise
        if child.wait() != 0 or not times:
            words.seek(0)
            raise BookError(
                "a timing process failed",
                where=" ".join(words.read().split()[-60:]) or "it said nothing",
                expected="times",
                do="run the chapter again; with less memory, time smaller models",
            )
    teacher, student = zip(*times["pairs"], strict=True)
    return Start(threads, tuple(lengths), teacher, student, tuple(map(tuple, times["noise"])))


def _listen(lines: TextIO, progress: Progress) -> dict[str, Any]:
    """Pass on the progress that a process reports; return what it says last."""
    said: dict[str, Any] = {}
    for line in lines:
        said = json.loads(line)
        progress.advance(said.pop("done", 0))
    return said
