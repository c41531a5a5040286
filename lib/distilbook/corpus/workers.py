"""Several processes that tokenise, and their results in the order of the text.

The processes are started as programs of their own and not forked or spawned: a notebook's kernel and a
training process hold things that must not be copied, and a script need not be importable for it.
"""

from __future__ import annotations

import os
import pickle
import queue
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol, TypeVar

from ..core.config import BookError
from . import tokenising_process
from .tokenising import Settings, SplitDocument, Tokenised, Tokeniser

#: Less text than this is tokenised at once rather than handed to another process.
CHARACTERS_HANDED_ON = 200_000

#: So many batches a process are read ahead, or wait to be taken: enough that none is ever without work.
AHEAD = 2


class Batch(Protocol):
    """Documents that are tokenised together."""

    documents: list[SplitDocument]
    characters: int


SomeBatch = TypeVar("SomeBatch", bound=Batch)


class Worker:
    """A process that tokenises, started when it gets its first documents."""

    def __init__(self, settings: Settings):
        self.settings = settings
        self.process: subprocess.Popen | None = None

    def __call__(self, documents: list[SplitDocument]) -> Tokenised:
        """Have ``documents`` tokenised.

        Raises:
            BookError: when the process has ended.
            RuntimeError: with what went wrong in it.
        """
        first = self.process is None
        if first:
            self._start()
        try:
            if first:
                self._send(self.settings)
            self._send(documents)
            answer = pickle.load(self.process.stdout)
        except (EOFError, OSError, pickle.UnpicklingError):
            raise BookError(
                f"a tokenising process ended before its work was done (exit code {self.process.wait()})",
                expected="a process that goes on; the system ends the largest ones where memory runs out",
                do="start again, what was prepared is kept; with little memory, set processes to a smaller number",
            ) from None
        if isinstance(answer, str):
            raise RuntimeError(f"a tokenising process failed:\n{answer}")
        return answer

    def _start(self) -> None:
        # There is a process for every core already: none needs threads of its own.
        environment = os.environ | {"TOKENIZERS_PARALLELISM": "false", "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-m", tokenising_process.__name__]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)

    def _send(self, what: object) -> None:
        pickle.dump(what, self.process.stdin, protocol=pickle.HIGHEST_PROTOCOL)
        self.process.stdin.flush()

    def kill(self) -> None:
        """End the process at once; who waits for its answer gets an error."""
        if self.process is not None:
            self.process.kill()

    def close(self) -> None:
        """End the process and forget it."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()


class Workers:
    """Processes that tokenise, each asked by a thread of this one; a context in which they live."""

    def __init__(self, settings: Settings, number: int):
        self.workers = [Worker(settings) for _ in range(number)]
        self.idle: queue.SimpleQueue[Worker] = queue.SimpleQueue()
        for worker in self.workers:
            self.idle.put(worker)
        self.threads = ThreadPoolExecutor(number, thread_name_prefix="tokenising")

    def submit(self, documents: list[SplitDocument]) -> Future[Tokenised]:
        """Return what will hold ``documents`` tokenised, by the next process without work."""
        return self.threads.submit(self._by_an_idle_one, documents)

    def _by_an_idle_one(self, documents: list[SplitDocument]) -> Tokenised:
        worker = self.idle.get()
        try:
            return worker(documents)
        finally:
            self.idle.put(worker)

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_) -> None:
        self.threads.shutdown(wait=False, cancel_futures=True)
        for worker in self.workers:
            worker.kill()
        self.threads.shutdown(wait=True)
        for worker in self.workers:
            worker.close()


def tokenised(
    batches: Iterable[SomeBatch], settings: Settings, processes: int
) -> Iterator[tuple[SomeBatch, Tokenised]]:
    """Yield every batch with its documents tokenised, in order; a bounded number is on its way at any time."""
    here = Tokeniser(settings)
    if processes == 1:
        yield from ((batch, here(batch.documents)) for batch in batches)
        return
    waiting: deque[tuple[SomeBatch, Future[Tokenised]]] = deque()
    with Workers(settings, processes) as workers:
        for batch in batches:
            if batch.characters < CHARACTERS_HANDED_ON:
                made: Future[Tokenised] = Future()
                made.set_result(here(batch.documents))
            else:
                made = workers.submit(batch.documents)
            waiting.append((batch, made))
            while len(waiting) > AHEAD * processes:
                yield _next(waiting)
        while waiting:
            yield _next(waiting)


def _next(waiting: deque[tuple[SomeBatch, Future[Tokenised]]]) -> tuple[SomeBatch, Tokenised]:
    batch, made = waiting.popleft()
    return batch, made.result()
