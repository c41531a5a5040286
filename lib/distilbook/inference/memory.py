"""Peak memory of a model, measured in a process of its own: ``python -m distilbook.inference.memory``.

On a CPU it is the rise of the process's resident memory since before the model was built, on a GPU the most that
PyTorch allocated. Activations count: eager PyTorch keeps some while others are computed.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from ..core.config import BookError
from ..core.machine import MemoryWatch
from ..models.family import families
from .models import Comparison, Input, Order, Timed, torch_runtime
from .timing import Measured, last_words

#: Seconds between two samples of the memory: shorter than a pass.
SAMPLE_EVERY = 0.002
#: Dimensions of a model of negligible size.
SMALL = {"layers": 1, "width": 8, "heads": 2, "feed_forward": 8, "vocabulary": 99}


def memory_of(timed: Timed, inputs: Sequence[Input], device: str = "cpu") -> list[int]:
    """Return the peak bytes of the model and its passes by the end of each of ``inputs``, smallest input first.

    Args:
        timed: a BERT or a DistilBERT.

    Raises:
        BookError: when the process fails, for example for lack of memory.
    """
    order = Order(1, (Comparison("memory", (timed,), tuple(inputs), 1, 0),), device)
    done = subprocess.run(
        [sys.executable, "-m", __name__], input=order.to_json(), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise BookError(
            f"{timed.name} could not be built and run",
            where=last_words(done.stderr) or f"exit status {done.returncode}, without output",
            expected="a process with enough memory for the largest batch",
            do="leave out the largest batch sizes",
        )
    return json.loads(done.stdout)


def memory_taken(measured: Iterable[Measured]) -> dict[tuple[str, Input], int]:
    """Return the peak bytes by the model's key and the input, for every model and input of ``measured``.

    Each model has one process a device.
    """
    models: dict[tuple[str, str], Timed] = {}
    inputs: dict[tuple[str, str], set[Input]] = {}
    for one in measured:
        for timed in one.comparison.models:
            models[timed.key, one.device] = timed
            inputs.setdefault((timed.key, one.device), set()).update(one.comparison.inputs)
    taken: dict[tuple[str, Input], int] = {}
    for (key, device), timed in models.items():
        growing = sorted(inputs[key, device], key=lambda given: given.batch * (given.tokens + given.padding))
        taken |= {(key, given): peak for given, peak in zip(growing, memory_of(timed, growing, device), strict=True)}
    return taken


def measure(order: Order) -> list[int]:
    """Build the order's only model in this process, pass each input once, and return the peaks in bytes."""
    import torch

    torch.set_num_threads(order.threads)
    (comparison,) = order.comparisons
    (timed,) = comparison.models
    with torch.inference_mode():
        # The libraries allocate their own memory at the first pass, here of a small model of the same architecture.
        names = families()[timed.config["model_type"]].dimensions
        small = replace(timed, config={**timed.config, **{names[name]: value for name, value in SMALL.items()}})
        torch_runtime(small, order.device)(comparison.inputs[0])()
        with _peak(order.device) as peak:
            peaks, runtime = [], torch_runtime(timed, order.device)
            for given in comparison.inputs:
                runtime(given)()
                peaks.append(peak())
    return peaks


@contextlib.contextmanager
def _peak(device: str) -> Iterator[Callable[[], int]]:
    """Yield a function that returns the most bytes taken since the block was entered."""
    if device == "cpu":
        with MemoryWatch(SAMPLE_EVERY) as watch:
            yield lambda: watch.main - watch.before
    else:
        import torch

        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        yield lambda: torch.cuda.max_memory_allocated() - before


if __name__ == "__main__":
    print(json.dumps(measure(Order.from_json(sys.stdin.read()))))
