"""Schedule of the chapters on cores and GPUs, and estimates of the time left.

Every chapter has its own cores, by CPU affinity: two trainings that both use every core are several times slower than
one after the other. Times are estimated from earlier executions here, else from those of another machine.
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
    """Cores and GPUs to share, and the number of heavy chapters (``jobs``) at once."""

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
    """Return the ``ready`` chapters that may start now beside the ``running`` ones, each with its share.

    Light chapters go first, each on a core; they take seconds. Heavy ones wait for these, then divide the free cores
    and GPUs evenly. One that measures times starts when nothing else runs or could.
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
    """Return the seconds that ``machine`` takes for the rest, by simulating the schedule.

    Args:
        seconds: total duration of each chapter that is not done, running ones included.
        running: share and elapsed seconds of the running chapters.
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
    """Return the measured seconds of the chapters of ``edition`` that ship with the package, if any."""
    text = resources.files("distilbook.runner").joinpath("durations.json").read_text(encoding="utf-8")
    return json.loads(text)["seconds"].get(edition, {})


class Estimate:
    """Expected times; those of another machine are scaled by the times of this run."""

    def __init__(self, edition: str, conditions: Mapping[str, Condition], machine: Machine):
        self.machine = machine
        self._own = {name: c.last.longest for name, c in conditions.items() if c.last and c.last.longest}
        self._shipped = shipped_seconds(edition)
        self._took = self._expected = 0.0

    def learn(self, chapter: str, seconds: float) -> None:
        """Scale the other machine's times by the ``seconds`` that ``chapter`` took here, if it was not run here before."""
        if chapter not in self._own and chapter in self._shipped:
            self._took += seconds
            self._expected += self._shipped[chapter]

    def seconds(self, chapter: str) -> float | None:
        """Return the longest execution of ``chapter`` here, or elsewhere; None if there was none."""
        if chapter in self._own:
            return self._own[chapter]
        scale = self._took / self._expected if self._expected else 1.0
        return scale * self._shipped[chapter] if chapter in self._shipped else None

    def left(self, waiting: Sequence[str], running: Mapping[str, Running]) -> str:
        """Return the time left for the ``waiting`` and the ``running`` chapters in words."""
        known = {name: seconds for name in (*running, *waiting) if (seconds := self.seconds(name)) is not None}
        unknown = len(waiting) + len(running) - len(known)
        if not known:
            return "time left not known before the first run" if unknown else "nothing left"
        now = {name: (one.share, one.seconds) for name, one in running.items() if name in known}
        words = f"up to {duration(time_needed(known, now, self.machine))} left"
        return words + (f", and {counted(unknown, 'chapter')} of which no time is known" if unknown else "")
