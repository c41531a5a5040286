"""The process that times two models: ``python -m distilbook.device.timing_process``.

It reads one order as JSON from standard input and answers in JSON lines on standard output: how many
pairs are done, and at last the times. It loads one framework, and nothing before the threads are set.
"""

from __future__ import annotations

import gc
import json
import math
import sys
import time
from collections.abc import Callable
from typing import Any

VOCABULARY = 30_522

#: The parent is not woken more often than after this many pairs: on a small machine that takes a core away.
REPORT_EVERY = 10


def time_pair(first: Callable[[], Any], second: Callable[[], Any], repeats: int, turn: int) -> tuple[float, float]:
    """Return the fastest of ``repeats`` calls of each, in milliseconds; ``turn`` says who begins.

    Who begins changes with every repeat, so that neither always runs in the other's wake.
    """
    calls, best = (first, second), [math.inf, math.inf]
    for repeat in range(repeats):
        for which in ((0, 1), (1, 0))[(turn + repeat) % 2]:
            began = time.perf_counter_ns()
            calls[which]()
            best[which] = min(best[which], (time.perf_counter_ns() - began) / 1e6)
    return best[0], best[1]


def measure(order: dict[str, Any], report: Callable[[dict[str, Any]], None]) -> None:
    """Time the models of ``order`` in this process and ``report`` on it.

    Args:
        order: ``threads``; ``models``, the dimensions of teacher and student; ``lengths`` of the pairs in
            tokens; ``noise_pairs``, ``repeats``, ``warm_up`` and ``batch_size``.
        report: gets ``{"done": pairs since the last report}``, and at last also ``"pairs"`` and
            ``"noise"``, lists of two times in milliseconds: teacher and student, teacher and teacher.
    """
    import torch

    torch.set_num_threads(order["threads"])
    torch.set_num_interop_threads(1)
    teacher, student = _random_models(*order["models"])
    times: dict[str, list] = {"pairs": [], "noise": []}
    gc.disable()
    with torch.inference_mode():
        for _ in range(order["warm_up"]):
            for call in _calls((teacher, student), order["lengths"][0], order["batch_size"]):
                call()
        for turn, length in enumerate(order["lengths"]):
            of_teacher, of_student = _calls((teacher, student), length, order["batch_size"])
            times["pairs"].append(time_pair(of_teacher, of_student, order["repeats"], turn))
            if turn < order["noise_pairs"]:
                times["noise"].append(time_pair(of_teacher, of_teacher, order["repeats"], turn))
            if (turn + 1) % REPORT_EVERY == 0:
                report({"done": REPORT_EVERY})
    report({"done": len(order["lengths"]) % REPORT_EVERY, **times})


def _random_models(teacher: dict[str, int], student: dict[str, int]) -> tuple:
    """Return both models in evaluation mode, with the random weights of seed 0 and eager attention."""
    import torch
    from transformers import BertModel, DistilBertModel

    from ..model.sizes import model_config

    torch.manual_seed(0)
    models = []
    for kind, dimensions in ((BertModel, teacher), (DistilBertModel, student)):
        config = model_config(kind.__name__, vocabulary=VOCABULARY, **dimensions)
        config._attn_implementation = "eager"
        models.append(kind(config).eval())
    return tuple(models)


def _calls(models: tuple, length: int, batch_size: int) -> list[Callable[[], Any]]:
    """Return a call of each model on the same random input, ``(batch_size, length)`` tokens without padding."""
    import torch

    input_ids = torch.randint(VOCABULARY, (batch_size, length))
    inputs = {"input_ids": input_ids, "attention_mask": torch.ones_like(input_ids)}
    return [lambda model=model: model(**inputs) for model in models]


def main() -> None:
    """Follow the order on standard input; what libraries print goes to standard error."""
    answers, sys.stdout = sys.stdout, sys.stderr
    measure(json.load(sys.stdin), lambda answer: print(json.dumps(answer), file=answers, flush=True))


if __name__ == "__main__":
    main()
