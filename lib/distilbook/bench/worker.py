"""The process that takes pre-training steps to be timed: ``python -m distilbook.bench.worker``.

It reads an order as JSON from the first line of standard input, says a line when it is ready, and then
takes one step for each line it gets. One process a way of computing, so that each has memory of its own.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

#: Of a batch's length groups, as in the original: blocks of nearly the same length come together.
GROUPS_ACROSS = 50


def main() -> None:
    """Follow the orders on standard input; what libraries print goes to standard error."""
    answers, sys.stdout = sys.stdout, sys.stderr
    order = json.loads(sys.stdin.readline())
    step = prepared(order)
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for _ in sys.stdin:
        print(json.dumps(step()), file=answers, flush=True)


def prepared(order: dict[str, Any]) -> Callable[[], dict[str, float]]:
    """Return what takes a step and says how long it took.

    Args:
        order: ``way``, ``original`` or ``ours``; ``threads``; ``inputs``, the folder that ``write_inputs`` of
            :mod:`~distilbook.bench.pretraining` filled; ``blocks``, the name of its blocks; ``teacher``, dimensions;
            ``recipe``; ``batch``, blocks a step; ``grouped``, whether blocks of like length share a batch;
            ``precision``, ``compile``, ``dropout`` and ``learning_rate``.

    Returns:
        A function that gives the step's ``seconds``, its word pieces (``tokens``), their number squared a
        block (``squares``), its ``loss``, and the most memory so far (``memory``, bytes).
    """
    import torch

    if order["threads"]:
        torch.set_num_threads(order["threads"])
    torch.manual_seed(0)
    take, device = (_original if order["way"] == "original" else _ours)(order)
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
            "memory": most_memory(device),
        }

    return step


def most_memory(device) -> int:
    """Return the most bytes this process has held: on the GPU where it has one, else resident."""
    import resource

    import torch

    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def _models(order: dict[str, Any], dropout: float) -> tuple:
    """Return teacher and student with random weights: a product takes as long whatever its numbers are."""
    from transformers import BertForMaskedLM

    from ..distillation.student import build_student
    from ..models.parameters import model_config

    teacher = BertForMaskedLM(model_config("BertForMaskedLM", **order["teacher"])).eval().requires_grad_(False)
    return teacher, build_student(teacher, _recipe(order), dropout, seed=0).train()


def _recipe(order: dict[str, Any]):
    from ..distillation.recipe import Recipe

    return Recipe(**order["recipe"])


def _original(order: dict[str, Any]) -> tuple:
    from accelerate import PartialState

    from . import original

    device = PartialState().device
    teacher, student = (model.to(device) for model in _models(order, order["dropout"]))
    optimizer = original.optimiser(student, order["learning_rate"])
    recipe = _recipe(order)
    return lambda batch: original.step(student, teacher, batch.to(device), recipe, optimizer), device


def _ours(order: dict[str, Any]) -> tuple:
    from ..distillation.objectives import TripleLoss
    from ..training.precision import accelerator_for
    from ..training.step import accumulate, adamw

    accelerator = accelerator_for(order["precision"])
    teacher, student = _models(order, order["dropout"])
    teacher.to(accelerator.device)
    objective = TripleLoss(student, teacher, _recipe(order)).train()
    if order["compile"]:
        objective.compile_encoders()
    wrapped, optimizer = accelerator.prepare(objective, adamw(objective.to(accelerator.device), order["learning_rate"]))

    def take(batch) -> float:
        terms = accumulate(accelerator, wrapped, [batch], seed=0, step=0)
        optimizer.step()
        optimizer.zero_grad()
        return terms["loss"]

    return take, accelerator.device


def _batches(order: dict[str, Any]) -> Iterator:
    """Yield micro-batches of the same blocks in the same order for every way of computing."""
    import numpy as np

    from ..corpus.masking import Masking
    from ..training.batches import masked_arrays, micro_batch

    folder = Path(order["inputs"])
    facts = json.loads((folder / "facts.json").read_text())
    blocks = np.load(folder / f"{order['blocks']}.npy")
    masking = Masking(np.load(folder / "weights.npy"), facts["mask_id"], facts["pad_id"])
    places = np.random.default_rng(0).permutation(len(blocks))
    size = order["batch"]
    if order["grouped"]:
        groups = _of_like_length(places, masking.real(blocks).sum(axis=1), size)
    else:
        groups = [places[start : start + size] for start in range(0, len(places) - size + 1, size)]
    for epoch in range(10**6):
        for numbers in groups:
            yield micro_batch(*masked_arrays(blocks[numbers], numbers, masking, seed=0, epoch=epoch))


def _of_like_length(places, lengths, size: int) -> list:
    """Return ``places`` in groups of ``size``, those of like length among some fifty groups together, shuffled."""
    import numpy as np

    reach = size * GROUPS_ACROSS
    windows = (places[start : start + reach] for start in range(0, len(places), reach))
    sorted_ = (window[np.argsort(lengths[window], kind="stable")] for window in windows)
    groups = [ranked[start : start + size] for ranked in sorted_ for start in range(0, len(ranked) - size + 1, size)]
    np.random.default_rng(1).shuffle(groups)
    return groups


if __name__ == "__main__":
    main()
