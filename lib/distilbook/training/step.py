"""One optimiser step: the clipped gradient of all its micro-batches over all processes, for AdamW.

Random numbers are a function of (seed, step, micro-batch), and every sum is divided by the counts of the whole step. So
without dropout several small batches equal one large one, and two processes equal one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn

from .batches import Batch
from .schedule import Optimisation


def adamw(objective: nn.Module, learning_rate: float, how: Optimisation = Optimisation()) -> torch.optim.AdamW:
    """Return the optimiser of the trained parameters; those of one dimension, biases and LayerNorm weights, do not decay."""
    trained = [parameter for parameter in objective.parameters() if parameter.requires_grad]
    groups = [
        {"params": [one for one in trained if one.ndim > 1], "weight_decay": how.weight_decay},
        {"params": [one for one in trained if one.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=learning_rate, betas=how.betas, eps=how.epsilon, fused=True)


def step_counts(accelerator: Accelerator, batches: Sequence[Batch]) -> dict[str, int]:
    """Return the counts of the step over all micro-batches and processes."""
    own = [batch.counts for batch in batches]
    counts = torch.tensor([sum(some[name] for some in own) for name in own[0]])
    return dict(zip(own[0], accelerator.reduce(counts.to(accelerator.device)).tolist(), strict=True))


def accumulate(
    accelerator: Accelerator,
    wrapped: nn.Module,
    batches: Sequence[Batch],
    seed: int,
    step: int,
    how: Optimisation = Optimisation(),
) -> dict[str, float]:
    """Compute the clipped gradient of a step for the parameters of ``wrapped``.

    Args:
        wrapped: the :class:`~distilbook.training.objectives.Objective` as accelerate has prepared it.
        batches: this process's micro-batches of the step.

    Returns:
        The loss and its terms, each a mean over the whole step; the norm of the gradient before clipping; the number
        of tokens.
    """
    counts = step_counts(accelerator, batches)
    sums: dict[str, Tensor] = {}
    for number, batch in enumerate(batches):
        place = accelerator.process_index + number * accelerator.num_processes
        torch.manual_seed(int(np.random.SeedSequence([seed, step, place]).generate_state(1)[0]))
        last = number == len(batches) - 1
        with contextlib.nullcontext() if last else accelerator.no_sync(wrapped):
            loss, parts = wrapped(batch.to(accelerator.device), counts)
            # Data-parallel training averages over processes; the step's gradient is the sum.
            accelerator.backward(loss * accelerator.num_processes)
        for name, value in {"loss": loss.detach(), **parts}.items():
            sums[name] = sums.get(name, 0) + value
    norm = accelerator.clip_grad_norm_(wrapped.parameters(), how.max_gradient_norm)
    totals = {name: float(value) for name, value in accelerator.reduce(sums).items()}
    divisors = accelerator.unwrap_model(wrapped).normalised_by
    means = {
        name: value / max(counts[divisors[name]], 1) if name in divisors else value for name, value in totals.items()
    }
    return means | {"gradient_norm": float(norm), "tokens": counts["tokens"]}
