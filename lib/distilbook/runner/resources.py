"""Schedule of the chapters: which run in parallel, on which cores and GPUs, and how long the rest may take.

Cores are shared out, never shared: two trainings that both use every core are several times slower
than one after the other. A chapter keeps to the cores it is given by its CPU affinity, so that its
records name them.

Times are estimated from earlier executions here, else from those of another machine.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Self

from ..book.contents import CHAPTERS
from ..core.machine import Share, usable_cores, visible_gpus
from ..core.progress import duration
from ..core.quantities import counted
from .execution import Running
from .freshness import Condition


@dataclass(frozen=True)
class Machine:
    """What there is to share, and how many heavy chapters may run at once."""

    cores: tuple[int, ...]
    gpus: tuple[str, ...]
    jobs: int

    @classmethod
    def here(cls, jobs: int | None = None) -> Self:
        """Return this machine, as far as this process may use it.

        Args:
            jobs: heavy chapters at once; by default one on each GPU, or without GPUs one on each core.
        """
        cores, gpus = usable_cores(), visible_gpus()
        return cls(tuple(cores), gpus, min(jobs or len(gpus) or len(cores), len(cores)))


def may_start(ready: Sequence[str], running: Mapping[str, Share], machine: Machine) -> dict[str, Share]:
    """Return which of the ``ready`` chapters may start now beside the ``running`` ones, and on what.

    Light chapters go first, each on a core; they take seconds. Heavy ones wait for these, then share
    what is free evenly. One that measures times starts when nothing else runs or could.
    """
    loads = {name: CHAPTERS[name].load for name in (*ready, *running)}
    light, heavy, alone = ([name for name in ready if loads[name] == load] for load in ("light", "heavy", "alone"))
    at_work = [loads[name] for name in running]
    cores = _free(machine.cores, (share.cores for share in running.values()))
    gpus = _free(machine.gpus, (share.gpus for share in running.values()))
    if "alone" in at_work:
        return {}
    if "heavy" not in at_work and light:
        return {name: Share((core,)) for name, core in zip(light, cores, strict=False)}
    if "light" in at_work:
        return {}
    if heavy:
        places = min(len(heavy), machine.jobs - len(running), len(cores), len(gpus) if machine.gpus else len(cores))
        return {name: Share(cores[n::places], gpus[n::places]) for n, name in enumerate(heavy[:places])}
    return {alone[0]: Share(machine.cores, machine.gpus)} if alone and not running else {}


def _free(there: tuple, taken: Iterable[tuple]) -> tuple:
    used = {item for share in taken for item in share}
    return tuple(item for item in there if item not in used)


def time_needed(seconds: Mapping[str, float], running: Mapping[str, tuple[Share, float]], machine: Machine) -> float:
    """Return how long, in seconds, ``machine`` takes to execute what is left, by playing the schedule through.

    Args:
        seconds: how long each chapter that is not done will take, or takes as a whole where it runs already.
        running: what the chapters that run already have, and for how many seconds they have run.
    """
    ends = {name: max(seconds[name] - gone, 0.0) for name, (_, gone) in running.items()}
    shares = {name: share for name, (share, _) in running.items()}
    left = [name for name in seconds if name not in running]
    now = 0.0
    while left or ends:
        ready = [n for n in left if not any(read in left or read in ends for read in CHAPTERS[n].reads)]
        for name, share in may_start(ready, shares, machine).items():
            left.remove(name)
            ends[name], shares[name] = now + seconds[name], share
        first = min(ends, key=ends.__getitem__)
        now = max(now, ends.pop(first))
        del shares[first]
    return now


def shipped_seconds(edition: str) -> dict[str, float]:
    """Return how long each chapter of ``edition`` took where that was last measured (package data); {} if nowhere."""
    text = resources.files("distilbook.runner").joinpath("durations.json").read_text(encoding="utf-8")
    return json.loads(text)["seconds"].get(edition, {})


class Estimate:
    """Expected times, and what this run has taught about them."""

    def __init__(self, edition: str, conditions: Mapping[str, Condition], machine: Machine):
        self.machine = machine
        self._own = {name: c.last.longest for name, c in conditions.items() if c.last and c.last.longest}
        self._shipped = shipped_seconds(edition)
        self._took = self._expected = 0.0

    def learn(self, chapter: str, seconds: float) -> None:
        """Take notice of how long ``chapter`` took, where only another machine's time was known."""
        if chapter not in self._own and chapter in self._shipped:
            self._took += seconds
            self._expected += self._shipped[chapter]

    def seconds(self, chapter: str) -> float | None:
        """Return how long ``chapter`` takes at most, as far as is known: its longest execution here, or elsewhere."""
        if chapter in self._own:
            return self._own[chapter]
        scale = self._took / self._expected if self._expected else 1.0
        return scale * self._shipped[chapter] if chapter in self._shipped else None

    def left(self, waiting: Sequence[str], running: Mapping[str, Running]) -> str:
        """Return in words how long the ``waiting`` and the ``running`` chapters may take."""
        known = {name: seconds for name in (*running, *waiting) if (seconds := self.seconds(name)) is not None}
        unknown = len(waiting) + len(running) - len(known)
        if not known:
            return "time left not known before the first run" if unknown else "nothing left"
        now = {name: (one.share, one.seconds) for name, one in running.items() if name in known}
        words = f"up to {duration(time_needed(known, now, self.machine))} left"
        return words + (f", and {counted(unknown, 'chapter')} of which no time is known" if unknown else "")
