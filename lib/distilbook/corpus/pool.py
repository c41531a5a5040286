"""Tokenisation in several processes, with results in the order of the text.

The workers are fresh interpreters, started by loky (a part of joblib): a notebook's kernel must not be forked, and
``multiprocessing`` requires an importable script.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from joblib.externals.loky import BrokenProcessPool, ProcessPoolExecutor

from ..core.config import BookError
from .tokenising import Settings, SplitDocument, Tokenised, Tokeniser

#: Batches of fewer characters are tokenised in this process.
CHARACTERS_HANDED_ON = 200_000

#: Batches per process that are read ahead or wait to be taken.
AHEAD = 2


@dataclass
class Batch:
    """Documents of one source that are tokenised together, with the state of the reading after them."""

    documents: list[SplitDocument]
    characters: int
    place: dict[str, Any]
    bytes_read: int
    last: bool


def tokenised(batches: Iterable[Batch], settings: Settings, processes: int) -> Generator[tuple[Batch, Tokenised]]:
    """Yield every batch with its documents tokenised, in order; a bounded number is in memory at any time.

    Raises:
        BookError: when a worker process dies.
    """
    here = Tokeniser(settings)
    if processes == 1:
        yield from ((batch, here(batch.documents)) for batch in batches)
        return
    waiting: deque[tuple[Batch, Future[Tokenised]]] = deque()
    # One process per core: the tokenizer needs no threads of its own.
    pool = ProcessPoolExecutor(
        processes, initializer=_begin, initargs=(settings, os.getpid()), env={"TOKENIZERS_PARALLELISM": "false"}
    )
    try:
        for batch in batches:
            if batch.characters < CHARACTERS_HANDED_ON:
                made: Future[Tokenised] = Future()
                made.set_result(here(batch.documents))
            else:
                made = pool.submit(_tokenise, batch.documents)
            waiting.append((batch, made))
            while len(waiting) > AHEAD * processes:
                yield _next(waiting)
        while waiting:
            yield _next(waiting)
    except BrokenProcessPool as error:
        raise BookError(
            "a tokenising process ended before its work was done",
            expected="enough memory: the system ends the largest processes where it runs out",
            do="start again, what was prepared is kept; with little memory, set processes to a smaller number",
        ) from error
    finally:
        pool.shutdown(kill_workers=True)


def _next(waiting: deque[tuple[Batch, Future[Tokenised]]]) -> tuple[Batch, Tokenised]:
    batch, made = waiting.popleft()
    return batch, made.result()


_worker: Tokeniser


def _begin(settings: Settings, parent: int) -> None:
    """Initialise a worker process, which ignores interrupts and ends when its parent is gone."""
    global _worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    _worker = Tokeniser(settings)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _tokenise(documents: list[SplitDocument]) -> Tokenised:
    return _worker(documents)
