"""Timing process: ``python -m distilbook.inference.worker``.

It reads an :class:`~distilbook.inference.models.Order` as JSON from standard input and writes JSON lines to standard
output: the inputs done so far, and finally the times. It loads one framework, after the threads are set.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from .models import Comparison, Order, Pass, Runtime, torch_runtime

#: Inputs between two progress reports: each report wakes the parent, which takes a core on a small machine.
REPORT_EVERY = 10


def in_turn(calls: Sequence[Pass], repeats: int, turn: int) -> list[list[float]]:
    """Return the milliseconds of ``repeats`` passes of each of ``calls``, which take turns.

    The first of a round changes from repeat to repeat, beginning with number ``turn``, and every other round runs in
    the opposite direction, so that no model always follows the same other one.
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
    """Time an order in this process.

    Args:
        report: receives ``{"done": inputs since the last report}``, and finally ``"times"``: for each comparison the
            fields of :class:`~distilbook.inference.timing.Start`.
    """
    import torch

    torch.set_num_threads(order.threads)
    torch.set_num_interop_threads(1)
    models: dict[str, Runtime] = {}
    times = []
    gc.disable()
    with torch.inference_mode(), torch.backends.mkldnn.flags(enabled=order.onednn):
        for comparison in order.comparisons:
            for timed in comparison.models:
                if timed.key not in models:
                    models[timed.key] = torch_runtime(timed, order.device)
            runtimes = [models[timed.key] for timed in comparison.models]
            times.append(_compare(comparison, order, runtimes, report))
    report({"done": 0, "times": times})


def _compare(
    comparison: Comparison, order: Order, runtimes: Sequence[Runtime], report: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    for runtime in runtimes:
        call = runtime(comparison.inputs[0])
        for _ in range(order.warm_up):
            call()
    passes, noise = [], []
    wall, cores = time.perf_counter(), time.process_time()
    for turn, given in enumerate(comparison.inputs):
        calls = [runtime(given) for runtime in runtimes]
        passes.append(in_turn(calls, comparison.repeats, turn))
        if turn < comparison.noise_inputs:
            noise.append(in_turn([calls[0], calls[0]], comparison.repeats, turn))
        done = turn + 1
        if done % REPORT_EVERY == 0 or done == len(comparison.inputs):
            report({"done": turn % REPORT_EVERY + 1})
    seconds = time.perf_counter() - wall
    share = (time.process_time() - cores) / seconds / order.threads
    return {"passes": passes, "noise": noise, "share": share, "seconds": seconds}


def main() -> None:
    """Run the order on standard input; output of libraries goes to standard error."""
    answers, sys.stdout = sys.stdout, sys.stderr
    measure(Order.from_json(sys.stdin.read()), lambda answer: print(json.dumps(answer), file=answers, flush=True))


if __name__ == "__main__":
    main()
