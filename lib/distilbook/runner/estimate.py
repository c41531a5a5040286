"""How long the rest of a book may take: from earlier executions here, else from those of another machine."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib import resources

from ..claims.wording import counted
from ..progress import duration
from .execution import Running
from .freshness import Condition
from .schedule import Machine, time_needed


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
