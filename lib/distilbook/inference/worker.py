"""The process that times models: ``python -m distilbook.inference.worker``.

It reads one :class:`~distilbook.inference.models.Order` as JSON from standard input and answers in JSON lines on
standard output: how many inputs are done, and at last the times. It loads one framework, and nothing before the
threads are set.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from .models import Comparison, Input, Order, Timed, built, call_of

#: The parent is not woken more often than after this many inputs: on a small machine that takes a core away.
REPORT_EVERY = 10


def in_turn(calls: Sequence[Callable[[], Any]], repeats: int, turn: int) -> list[list[float]]:
    """Return the milliseconds that each of ``calls`` takes, ``repeats`` of them; ``turn`` says who begins.

    Who begins, and with every other repeat the direction, changes, so that none always runs in another's wake.
    """
    count = len(calls)
    spent: list[list[float]] = [[] for _ in calls]
    for repeat in range(repeats):
        order = [(turn + repeat + place) % count for place in range(count)]
        for which in order if repeat % 2 == 0 else [order[0], *reversed(order[1:])]:
            began = time.perf_counter_ns()
            calls[which]()
            spent[which].append((time.perf_counter_ns() - began) / 1e6)
    return spent


def measure(order: Order, report: Callable[[dict[str, Any]], None]) -> None:
    """Time what is ordered in this process and ``report`` on it.

    Args:
        report: gets ``{"done": inputs since the last report}``, and at last also ``"times"``: for each comparison
            ``passes``, milliseconds by input, model and repeat; ``noise``, those of the first model and of itself
            once more; ``share``, how much of its cores' time the process had; and ``seconds``, what it all took.
    """
    import torch

    torch.set_num_threads(order.threads)
    torch.set_num_interop_threads(1)
    models: dict[str, Any] = {}
    times = []
    gc.disable()
    with torch.inference_mode(), torch.backends.mkldnn.flags(enabled=order.onednn):
        for comparison in order.comparisons:
            for timed in comparison.models:
                if timed.key not in models:
                    models[timed.key] = built(timed, order.device)
            times.append(_compare(comparison, order, models, report))
    report({"done": 0, "times": times})


def _compare(
    comparison: Comparison, order: Order, models: dict[str, Any], report: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    def calls_for(given: Input, which: Sequence[Timed]) -> list[Callable[[], Any]]:
        return [call_of(models[timed.key], timed, given, order.device) for timed in which]

    for call in calls_for(comparison.inputs[0], comparison.models):
        for _ in range(order.warm_up):
            call()
    passes, noise, waiting = [], [], 0
    wall, cores = time.perf_counter(), time.process_time()
    for turn, given in enumerate(comparison.inputs):
        calls = calls_for(given, comparison.models)
        passes.append(in_turn(calls, comparison.repeats, turn))
        if turn < comparison.noise_inputs:
            noise.append(in_turn([calls[0], calls[0]], comparison.repeats, turn))
        waiting += 1
        if waiting == REPORT_EVERY or turn + 1 == len(comparison.inputs):
            report({"done": waiting})
            waiting = 0
    seconds = time.perf_counter() - wall
    share = (time.process_time() - cores) / seconds / order.threads
    return {"passes": passes, "noise": noise, "share": share, "seconds": seconds}


def main() -> None:
    """Follow the order on standard input; what libraries print goes to standard error."""
    answers, sys.stdout = sys.stdout, sys.stderr
    measure(Order.from_json(sys.stdin.read()), lambda answer: print(json.dumps(answer), file=answers, flush=True))


if __name__ == "__main__":
    main()
