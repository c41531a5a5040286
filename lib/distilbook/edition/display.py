"""One display for a running book: which chapter, what it is doing, how long still."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from importlib import resources
from pathlib import Path
from typing import Self

from ..workspace import Workspace


def expected_seconds() -> dict[str, float]:
    """Return how long each chapter of the laptop edition took where it was last measured (package data)."""
    return json.loads(resources.files("distilbook.edition").joinpath("durations.json").read_text())["seconds"]


class BookDisplay:
    """Prints what happens, line by line, and relays the progress that chapters write to the log.

    Kernels find the log by ``$DISTILBOOK_LOG``; what the display prints is in it too, so that the log
    tells the whole story of a run.
    """

    def __init__(self, workspace: Workspace, chapters: list[str]):
        self.log = workspace.root / "book.log"
        self.chapters = chapters
        self.expected = expected_seconds()
        self.left = list(chapters)
        self.spent = self.spent_expected = 0.0
        self.started = time.perf_counter()
        self._ends = threading.Event()

    def __enter__(self) -> Self:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.write_text("")
        os.environ["DISTILBOOK_LOG"] = str(self.log)
        self._relay = threading.Thread(target=self._follow, daemon=True)
        self._relay.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._relay.join()
        del os.environ["DISTILBOOK_LOG"]

    def starts(self, chapter: str) -> None:
        """Say that ``chapter`` starts, and how long the rest of the book may take."""
        place = self.chapters.index(chapter) + 1
        self._say(f"[{place}/{len(self.chapters)}] {chapter}: about {minutes(self.time_left())} left for the book")

    def settled(self, outcome) -> None:
        """Say what became of a chapter and learn from the time it took."""
        self.left.remove(outcome.chapter)
        if outcome.status == "executed":
            self.spent += outcome.seconds
            self.spent_expected += self.expected.get(outcome.chapter, outcome.seconds)
        text = {"executed": f"done in {minutes(outcome.seconds)}", "fresh": "fresh, nothing to do"}
        self._say(f"{outcome.chapter}: {text.get(outcome.status, f'{outcome.status}: {outcome.error}')}")

    def time_left(self) -> float:
        """Return an estimate in seconds: the expected times, scaled by how this machine has compared so far."""
        scale = self.spent / self.spent_expected if self.spent_expected else 1.0
        return scale * sum(self.expected.get(chapter, 0.0) for chapter in self.left)

    def _say(self, text: str) -> None:
        with Path(self.log).open("a", encoding="utf-8") as file:
            file.write(f"{time.strftime('%H:%M:%S')} {text}\n")

    def _follow(self) -> None:
        """Print the log's new lines as they come, and the last ones before stopping."""
        with self.log.open(encoding="utf-8") as file:
            while True:
                ending = self._ends.is_set()
                for line in file:
                    sys.stdout.write(line)
                sys.stdout.flush()
                if ending:
                    return
                self._ends.wait(0.5)


def minutes(seconds: float) -> str:
    """Return a duration as ``3 min 20 s``."""
    whole = round(seconds)
    return f"{whole // 60} min {whole % 60} s" if whole >= 60 else f"{whole} s"
