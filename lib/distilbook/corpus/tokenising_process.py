"""A process that tokenises: ``python -m distilbook.corpus.tokenising_process``.

It reads from standard input the settings, then documents, and answers each time on standard output, all as
pickles. It ends when its input does, so it never outlives the process that started it.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import traceback

from .tokenising import Tokeniser


def main() -> None:
    """Tokenise until the input ends; what libraries print goes to standard error."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who interrupts a notebook means its kernel, and we follow it
    orders, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    tokenise = Tokeniser(pickle.load(orders))
    while True:
        try:
            documents = pickle.load(orders)
        except EOFError:
            return
        try:
            answer = tokenise(documents)
        except Exception:
            answer = traceback.format_exc()
        try:
            pickle.dump(answer, answers, protocol=pickle.HIGHEST_PROTOCOL)
            answers.flush()
        except BrokenPipeError:  # nobody is left to answer to
            os._exit(1)


if __name__ == "__main__":
    main()
