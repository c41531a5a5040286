"""How long models take: random weights, real sentence lengths, the models of a comparison in turn.

Weights are random, because a product takes as long whatever its numbers are. Times are only comparable side by side,
so every input is passed through all models of a comparison before the next one, each model beginning as often as the
others, and the ratio is taken input by input. Processes differ by more than the inputs of one process do, so what a
claim rests on is repeated in fresh ones (:mod:`distilbook.device.timing_process`), and its interval covers them all.
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
from typing import Any, TextIO

from ..config import BookError
from ..progress import Progress
from . import timing_process
from .comparisons import Order
from .times import Measured, Start


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
