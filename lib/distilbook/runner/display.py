"""Display of a running book: its chapters, the step within each, the time left.

In a terminal the lines of the running chapters are renewed in place below the log. Elsewhere, and in the edition's
``book.log``, each chapter prints a line now and then. A chapter's whole progress is in its own file in ``logs/``.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ..core.markup import lines
from ..core.progress import duration
from ..core.quantities import counted
from ..core.workspace import Workspace
from .execution import Outcome, Running, log_of

#: Seconds between two lines of one chapter where lines are not renewed in place.
SPARSE = 30.0


class BookDisplay:
    """Progress of an edition's chapters, on the screen and in ``book.log``."""

    def __init__(self, workspace: Workspace, chapters: int, console: Console | None = None):
        self.log = workspace.root / "book.log"
        self.workspace, self.chapters, self.done = workspace, chapters, 0
        self.console = console or Console(highlight=False, soft_wrap=True)
        live = Live(console=self.console, refresh_per_second=2, transient=True)
        self.live = live if self.console.is_terminal else None
        self._followed: dict[str, Followed] = {}

    def __enter__(self) -> Self:
        if self.live:
            self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.live:
            self.live.stop()

    def say(self, text: str) -> None:
        """Print a line that stays, and write it to the log."""
        line = f"{time.strftime('%H:%M:%S')} {lines(text)}"
        self.console.print(line, markup=False)
        with self.log.open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def starts(self, running: Running, reasons: tuple[str, ...]) -> None:
        """Report the start of a chapter, its share of the machine, and the reasons."""
        cores = counted(len(running.share.cores), "core")
        gpus = f" and GPU {', '.join(running.share.gpus)}" if running.share.gpus else ""
        self._followed[running.chapter] = Followed(log_of(running.chapter, self.workspace))
        self.say(f"{running.chapter} starts on {cores}{gpus}: {'; '.join(reasons)}")

    def settled(self, outcome: Outcome) -> None:
        """Report the outcome of a chapter."""
        self.done += 1
        self._followed.pop(outcome.chapter, None)
        text = {"executed": f"done in {duration(outcome.seconds)}", "fresh": "fresh, nothing to do"}
        said = text.get(outcome.status, f"{outcome.status}: {outcome.error}" if outcome.error else outcome.status)
        self.say(f"{outcome.chapter}: {said} ({self.done} of {self.chapters})")

    def show(self, running: Mapping[str, Running], time_left: str) -> None:
        """Renew the panel in a terminal; elsewhere print the lines that are due."""
        for chapter, followed in self._followed.items():
            followed.read()
            if not self.live and (line := followed.due()):
                self.say(f"{chapter} | {line} | {self._book(time_left)}")
        if self.live:
            self.live.update(self._panel(running, time_left))

    def _panel(self, running: Mapping[str, Running], time_left: str) -> Table:
        panel = Table.grid(padding=(0, 2))
        for chapter, one in running.items():
            panel.add_row(chapter, duration(one.seconds), Text(self._followed[chapter].newest or "starting"))
        panel.add_row("the book", "", self._book(time_left))
        return panel

    def _book(self, time_left: str) -> str:
        return f"{self.done} of {self.chapters} chapters, {time_left}"


class Followed:
    """The newest line of a chapter's log; ``due`` gives it no more often than every :data:`SPARSE` seconds."""

    def __init__(self, path: Path):
        self.path, self.newest = path, ""
        self._place, self._said, self._when = 0, "", time.monotonic()

    def read(self) -> None:
        """Read the lines written since the last call."""
        with self.path.open(encoding="utf-8", errors="replace") as file:
            file.seek(self._place)
            lines = file.read().splitlines()
            self._place = file.tell()
        if lines:
            self.newest = lines[-1].partition(" ")[2]  # without the time

    def due(self) -> str:
        """Return the newest line if it is due and was not returned before; else ""."""
        if self.newest == self._said or time.monotonic() - self._when < SPARSE:
            return ""
        self._said, self._when = self.newest, time.monotonic()
        return self.newest
