"""The memory a model takes, measured in a process of its own: ``python -m distilbook.inference.memory``.

On a CPU it is how far the process's largest resident memory rises above what it had before the model was built, on a
GPU the largest that PyTorch allocated. Activations count: eager PyTorch keeps some while others are made.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace

from ..core.config import BookError
from ..core.machine import MemoryWatch
from ..models.parameters import DIMENSIONS
from .models import Comparison, Input, Order, Timed, built, call_of
from .timing import Measured

#: Seconds between two looks at the memory: shorter than a pass.
LOOK_EVERY = 0.002
#: Dimensions that make a model next to nothing.
SMALL = {"layers": 1, "width": 8, "heads": 2, "feed_forward": 8, "vocabulary": 99}


def memory_of(timed: Timed, inputs: Sequence[Input], device: str = "cpu") -> list[int]:
    """Return the most bytes that the model and its passes took by the end of each of ``inputs``, smallest first.

    Args:
        timed: a BERT or a DistilBERT.

    Raises:
        BookError: when the process fails, as for want of memory.
    """
    order = Order(1, (Comparison("memory", (timed,), tuple(inputs), 1, 0),), device)
    done = subprocess.run(
        [sys.executable, "-m", __name__], input=order.to_json(), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise BookError(
            f"{timed.name} could not be built and run",
            where=" ".join(done.stderr.split()[-60:]) or f"exit status {done.returncode}, without a word",
            expected="a process with enough memory for the largest batch",
            do="leave out the largest batch sizes",
        )
    return json.loads(done.stdout)


def memory_taken(measured: Iterable[Measured]) -> dict[tuple[str, Input], int]:
    """Return the most bytes for every model and input of what was ``measured``, by the model's key and the input.

    A process each for every model on every device.
    """
    models: dict[tuple[str, str], Timed] = {}
    inputs: dict[tuple[str, str], set[Input]] = {}
    for one in measured:
        for timed in one.comparison.models:
            models[timed.key, one.device] = timed
            inputs.setdefault((timed.key, one.device), set()).update(one.comparison.inputs)
    taken = {}
    for (key, device), timed in models.items():
        growing = sorted(inputs[key, device], key=lambda given: given.batch * (given.tokens + given.padding))
        taken |= {(key, given): most for given, most in zip(growing, memory_of(timed, growing, device), strict=True)}
    return taken


def measure(order: Order) -> list[int]:
    """Build the order's only model in this process, pass each input once, and return the peaks in bytes."""
    import torch

    torch.set_num_threads(order.threads)
    (comparison,) = order.comparisons
    (timed,) = comparison.models
    with torch.inference_mode():
        # What the libraries themselves take, they take at the first pass: of a smaller model of the same kind.
        names = DIMENSIONS[timed.config["model_type"]]
        small = replace(timed, config=timed.config | {names[name]: value for name, value in SMALL.items()})
        call_of(built(small, order.device), small, comparison.inputs[0], order.device)()
        if order.device != "cpu":
            return _allocated(timed, comparison.inputs, order.device)
        peaks, watch = [], MemoryWatch(LOOK_EVERY)
        with watch:
            model = built(timed, order.device)
            for given in comparison.inputs:
                call_of(model, timed, given, order.device)()
                peaks.append(watch.main - watch.before)
    return peaks


def _allocated(timed: Timed, inputs: Sequence[Input], device: str) -> list[int]:
    """Return the most bytes that PyTorch had allocated on a GPU by the end of each of ``inputs``."""
    import torch

    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    model, peaks = built(timed, device), []
    for given in inputs:
        call_of(model, timed, given, device)()
        peaks.append(torch.cuda.max_memory_allocated() - before)
    return peaks


def main() -> None:
    """Follow the order on standard input."""
    print(json.dumps(measure(Order.from_json(sys.stdin.read()))))


if __name__ == "__main__":
    main()
