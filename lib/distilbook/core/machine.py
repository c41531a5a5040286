"""The machine: cores and GPUs, a process's share of them, memory in use."""

from __future__ import annotations

import functools
import os
import platform
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import psutil


@functools.cache
def processor() -> str:
    """Return the processor's name as the operating system gives it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def hardware() -> dict[str, str | int]:
    """Return what the measurements depend on: processor, cores that may be used, accelerator."""
    return {"processor": processor(), "cores": len(usable_cores()), "accelerator": accelerator()}


def usable_cores() -> list[int]:
    """Return the numbers of the cores this process may use."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


def accelerator() -> str:
    """Return the first GPU's name, or "none"; without importing torch where no driver is present."""
    if not Path("/proc/driver/nvidia").exists():
        return "none"
    import torch

    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else "none"


@dataclass(frozen=True)
class Share:
    """What a process may use: numbers of cores, and of GPUs as CUDA_VISIBLE_DEVICES has them."""

    cores: tuple[int, ...]
    gpus: tuple[str, ...] = ()


def visible_gpus() -> tuple[str, ...]:
    """Return the GPUs this process may use; without a driver none. Torch is not asked, its import takes seconds."""
    present = Path("/proc/driver/nvidia/gpus")
    if not present.is_dir():
        return ()
    if (named := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        # As CUDA reads it: what follows a number below zero, or nothing, is hidden.
        return tuple(takewhile(lambda name: name and not name.startswith("-"), map(str.strip, named.split(","))))
    return tuple(str(number) for number in range(len(list(present.iterdir()))))


def shares(number: int | None = None) -> list[Share]:
    """Return this machine in ``number`` even shares; by default one for each GPU, or without GPUs one for each core.

    There are never more shares than cores. A core or a GPU belongs to one share, unless there are more shares
    than GPUs: then a GPU serves several.
    """
    cores, gpus = usable_cores(), visible_gpus()
    number = min(number or len(gpus) or len(cores), len(cores))
    return [
        Share(tuple(cores[n::number]), gpus[n::number] or gpus[n % len(gpus) :][:1] if gpus else ())
        for n in range(number)
    ]


def keep_to(cores: Sequence[int]) -> None:
    """Restrict this process and all it starts to ``cores``; libraries take their number of threads from that."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)
    else:  # macOS knows no affinity: at least the number of threads
        os.environ["OMP_NUM_THREADS"] = os.environ["RAYON_NUM_THREADS"] = str(len(cores))


class MemoryWatch:
    """The largest resident memory of this process and of its largest child while the block runs, in bytes.

    Attributes:
        every: seconds between two measurements.
        before: this process's, when the watch was made.
    """

    def __init__(self, every: float = 0.05):
        self.every = every
        self.before = psutil.Process().memory_info().rss
        self.main = self.largest_child = 0

    def __enter__(self) -> MemoryWatch:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        process, ended = psutil.Process(), False
        while not ended:
            ended = self._stop.wait(self.every)
            self.main = max(self.main, process.memory_info().rss)
            for child in process.children():
                try:
                    self.largest_child = max(self.largest_child, child.memory_info().rss)
                except psutil.NoSuchProcess:  # it has just ended
                    continue
