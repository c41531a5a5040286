"""Benchmark process that takes pre-training steps: ``python -m distilbook.bench.worker``.

It reads an order as JSON from the first line of standard input, answers with a line when it is ready, and then takes a
step for each further line.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

#: Batches whose blocks are sorted by length together, as in the original's grouping.
GROUPED_BATCHES = 50


def main() -> None:
    """Follow the lines of standard input; output of libraries goes to standard error."""
    answers, sys.stdout = sys.stdout, sys.stderr
    step = prepared(json.loads(sys.stdin.readline()))
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for _ in sys.stdin:
        print(json.dumps(step()), file=answers, flush=True)


def prepared(order: dict[str, Any]) -> Callable[[], dict[str, float]]:
    """Return a function that takes a step.

    Args:
        order: ``original``, the implementation; ``threads``; ``inputs``, the folder filled by ``write_inputs`` of
            :mod:`~distilbook.bench.pretraining`; ``blocks``, the name of the blocks in it; ``teacher``, dimensions;
            ``recipe``; ``batch``, blocks a step; ``grouped``, whether blocks of similar length share a batch;
            ``precision``, ``compile``, ``dropout`` and ``learning_rate``.

    Returns:
        A function that returns the step's ``seconds``, its ``tokens``, the sum of the squares of the sequences'
        lengths (``squares``), its ``loss``, and the peak of ``memory`` so far in bytes.
    """
    threads, implementation = order["threads"], _original if order["original"] else _ours
    import torch

    if threads:
        torch.set_num_threads(threads)
    torch.manual_seed(0)
    take, device = implementation(order)
    batches = _batches(order)

    def step() -> dict[str, float]:
        batch = next(batches)
        began = time.perf_counter()
        loss = take(batch)
        if device.type == "cuda":
            torch.cuda.synchronize(device)  # the optimiser is still at work
        seconds = time.perf_counter() - began
        blocks, length = batch.labels.shape
        lengths = torch.full((blocks,), length) if batch.attention_mask is None else batch.attention_mask.sum(dim=1)
        return {
            "seconds": seconds,
            "tokens": batch.tokens,
            "squares": int((lengths**2).sum()),
            "loss": loss,
            "memory": peak_memory(device),
        }

    return step


def peak_memory(device: Any) -> int:
    """Return the peak bytes of this process: allocated on the GPU if it has one, otherwise resident."""
    import resource

    import torch

    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _models(order: dict[str, Any]) -> tuple[Any, Any, Any]:
    """Return teacher and student with random weights, and the recipe."""
    from transformers import BertForMaskedLM

    from ..distillation.recipe import Recipe
    from ..distillation.student import build_student
    from ..models.parameters import model_config

    recipe = Recipe(**order["recipe"])
    teacher = BertForMaskedLM(model_config("BertForMaskedLM", **order["teacher"])).eval().requires_grad_(False)
    return teacher, build_student(teacher, recipe, order["dropout"], seed=0).train(), recipe


def _original(order: dict[str, Any]) -> tuple[Callable, Any]:
    """Return the original's step of a batch, and the device."""
    from accelerate import PartialState

    from . import original

    device = PartialState().device
    teacher, student, recipe = _models(order)
    teacher.to(device)
    optimizer = original.optimiser(student.to(device), order["learning_rate"])
    return lambda batch: original.step(student, teacher, batch.to(device), recipe, optimizer), device


def _ours(order: dict[str, Any]) -> tuple[Callable, Any]:
    """Return our step of a batch, and the device."""
    from ..distillation.objectives import TripleLoss
    from ..training.precision import accelerator_for
    from ..training.step import accumulate, adamw

    accelerator = accelerator_for(order["precision"])
    teacher, student, recipe = _models(order)
    teacher.to(accelerator.device)
    objective = TripleLoss(student, teacher, recipe).train()
    if order["compile"]:
        objective.compile_encoders()
    wrapped, optimizer = accelerator.prepare(objective, adamw(objective.to(accelerator.device), order["learning_rate"]))

    def take(batch: Any) -> float:
        terms = accumulate(accelerator, wrapped, [batch], seed=0, step=0)
        optimizer.step()
        optimizer.zero_grad()
        return terms["loss"]

    return take, accelerator.device


def _batches(order: dict[str, Any]) -> Iterator[Any]:
    """Yield batches of the same blocks in the same order for every variant."""
    import numpy as np

    from ..corpus.masking import Masking
    from ..training.batches import masked_arrays, micro_batch

    blocks = np.load(Path(order["inputs"], f"{order['blocks']}.npy"))
    saved = np.load(Path(order["inputs"], "masking.npz"))
    masking = Masking(saved["weights"], int(saved["mask_id"]), int(saved["pad_id"]))
    places, size = np.random.default_rng(0).permutation(len(blocks)), order["batch"]
    reach = size * GROUPED_BATCHES if order["grouped"] else len(places)
    windows = [places[start : start + reach] for start in range(0, len(places), reach)]
    if order["grouped"]:
        lengths = masking.real(blocks).sum(axis=1)
        windows = [window[np.argsort(lengths[window], kind="stable")] for window in windows]
    groups = [window[start : start + size] for window in windows for start in range(0, len(window) - size + 1, size)]
    if order["grouped"]:
        np.random.default_rng(1).shuffle(groups)
    for epoch in range(10**6):
        for numbers in groups:
            yield micro_batch(*masked_arrays(blocks[numbers], numbers, masking, seed=0, epoch=epoch))


if __name__ == "__main__":
    main()
