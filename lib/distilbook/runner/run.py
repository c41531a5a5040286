"""Execution of the stale chapters of an edition, in parallel where the machine allows, without loss when killed.

A failed chapter keeps its notebook up to the failing cell, and the chapters that read it are left out. A run that is
stopped or killed leaves finished chapters finished, and trainings at their last checkpoint.
"""

from __future__ import annotations

import contextlib
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Literal

from ..book.contents import CHAPTERS, chain, check_names
from ..book.notebooks import EDITED, edited
from ..core.errors import BookError
from ..core.files import sole
from ..core.workspace import Workspace, project_root
from .display import BookDisplay
from .execution import Outcome, Running
from .freshness import Condition, Execution, condition, survey
from .preflight import check_chapters, check_output, check_records, check_room
from .resources import Estimate, Machine, may_start

#: Seconds between two polls of the running chapters.
LOOK = 0.2
BROKEN = ("failed", "left out")


def run(edition: str, only: list[str] | None = None, jobs: int | None = None, needed: bool = False) -> list[Outcome]:
    """Execute the chapters of ``edition`` that are not fresh, each after those it reads.

    Args:
        only: chapters to execute, fresh or not; all that are not fresh where none are named.
        jobs: at most this number of training chapters at once; see :meth:`Machine.here`.
        needed: also execute the chapters that the named ones need, where they are not fresh.

    Returns:
        The outcome of each chapter, in the book's order. A Ctrl-C or a SIGTERM leaves running and waiting ones
        ``interrupted``.

    Raises:
        BookError: before the first chapter starts, for invalid names, parameters, inputs, records or output folder, or
            when another process runs this edition; later when a chapter failed on a full disk.
    """
    check_names(edition, only or [])
    workspace = Workspace(edition)
    check_output(workspace)
    with sole(workspace.lock, f"a run of edition {edition!r}"):
        # What a killed run has left; no other process can be at work here.
        shutil.rmtree(workspace.root / "executing", ignore_errors=True)
        check_records(workspace)
        conditions, forced = survey(workspace), frozenset(only or ())
        chapters = chain(*forced) if needed and forced else [name for name in CHAPTERS if not forced or name in forced]
        due = [n for n in chapters if n in forced or conditions[n].state not in ("fresh", "waiting")]
        check_chapters(due, workspace)
        for name in edited(project_root() / "book"):
            print(f"book/{name}.ipynb was edited, and is not what is executed: {EDITED.format(name)}")
        machine = Machine.here(jobs)
        with BookDisplay(workspace, len(chapters)) as display, stopped_by_signals():
            book = BookRun(workspace, chapters, forced, machine, display, Estimate(edition, conditions, machine))
            return book.to_its_end()


class BookRun:
    """A run of an edition: its waiting, running and settled chapters."""

    def __init__(
        self,
        workspace: Workspace,
        chapters: list[str],
        forced: frozenset[str],
        machine: Machine,
        display: BookDisplay,
        estimate: Estimate,
    ):
        self.workspace, self.chapters, self.forced = workspace, chapters, forced
        self.machine, self.display, self.estimate = machine, display, estimate
        self.waiting = list(chapters)
        self.running: dict[str, Running] = {}
        self.outcomes: dict[str, Outcome] = {}
        self._found: dict[str, Condition] = {}

    def to_its_end(self) -> list[Outcome]:
        """Settle every chapter and return the outcomes in the book's order."""
        try:
            while self.waiting or self.running:
                self._settle_what_needs_no_execution()
                self._start()
                self._look()
        except KeyboardInterrupt:
            self._stop()
        finally:
            for one in self.running.values():
                one.stop()
        return [self.outcomes[name] for name in self.chapters]

    def _settle_what_needs_no_execution(self) -> None:
        """Settle the waiting chapters that turn out fresh, and those that read one that did not succeed."""
        for name in list(self.waiting):
            settled = [self.outcomes[read] for read in CHAPTERS[name].reads if read in self.outcomes]
            if broken := [one.chapter for one in settled if one.status in BROKEN]:
                self._settled(Outcome(name, "left out", error=f"it reads {broken[0]}, which did not succeed"))
            elif self._reads_are_settled(name):
                if name not in self._found:
                    self._found[name] = condition(name, self.workspace)
                if self._found[name].state == "fresh" and name not in self.forced:
                    self._settled(Outcome(name, "fresh"))

    def _reads_are_settled(self, name: str) -> bool:
        return not any(read in self.waiting or read in self.running for read in CHAPTERS[name].reads)

    def _start(self) -> None:
        """Start what may start beside what runs."""
        ready = [name for name in self.waiting if self._reads_are_settled(name)]
        shares = {name: one.share for name, one in self.running.items()}
        for name, share in may_start(ready, shares, self.machine).items():
            here = self._found[name] = condition(name, self.workspace)
            self.waiting.remove(name)
            self.running[name] = Running.start(name, self.workspace, share)
            self.display.starts(self.running[name], here.reasons or ("it was asked for",))

    def _look(self) -> None:
        """Wait a moment, show the progress, and settle the chapters that have ended."""
        if self.running:
            time.sleep(LOOK)
            self.display.show(self.running, self.estimate.left(self.waiting, self.running))
        for name, one in list(self.running.items()):
            if one.over:
                del self.running[name]
                self._ended(one)

    def _ended(self, one: Running) -> None:
        error, seconds = one.finish(), one.seconds
        before = self._found[one.chapter].last
        longest = max(before.longest if before else 0.0, 0.0 if error else seconds)
        now = datetime.now().astimezone().isoformat(timespec="seconds")
        status: Literal["failed", "executed"] = "failed" if error else "executed"
        origin, cores = self._found[one.chapter].origin, len(one.share.cores)
        Execution(status, origin, seconds, cores, longest, now, error).keep(one.chapter, self.workspace)
        if not error:
            self.workspace.withdraw(one.chapter, before=one.began)
            self.estimate.learn(one.chapter, seconds)
        self._settled(Outcome(one.chapter, status, seconds, error))
        if error:
            check_room(self.workspace)  # on a full disk the others would fail, too

    def _settled(self, outcome: Outcome) -> None:
        if outcome.chapter in self.waiting:
            self.waiting.remove(outcome.chapter)
        self.outcomes[outcome.chapter] = outcome
        self.display.settled(outcome)

    def _stop(self) -> None:
        """Stop what runs; a second Ctrl-C does not cut this short."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self.display.say("stopping; finished chapters and the checkpoints of trainings are kept")
        for name, one in list(self.running.items()):
            one.stop()
            del self.running[name]
            self.outcomes[name] = Outcome(name, "interrupted", one.seconds, "it was stopped while it ran")
        for name in self.waiting:
            self.outcomes[name] = Outcome(name, "interrupted", error="the run was stopped before it")
        self.waiting = []


@contextlib.contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Let SIGTERM, which batch systems send, stop the block as a Ctrl-C does; restore both handlers afterwards."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def check_outcomes(outcomes: list[Outcome]) -> None:
    """Raise a BookError that lists the chapters that failed or were left out, if any did."""
    bad = [outcome for outcome in outcomes if outcome.status in BROKEN]
    if bad:
        lines = "".join(f"\n    {outcome.chapter} {outcome.status}: {outcome.error}" for outcome in bad)
        raise BookError(
            f"{len(bad)} of {len(outcomes)} chapters did not succeed",
            where=lines,
            do="open the notebook in the edition's failed/ folder, put the cause right and run again",
        )
