"""One optimiser step: the gradient of all its micro-batches, over all processes, and what AdamW makes of it.

What is random in a step is a function of (seed, step, micro-batch), and every sum is divided by the
counts of the whole step. So several small batches are one large one, and two processes are one.
"""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn

from .batches import MicroBatch

#: AdamW's constants and the largest gradient norm, from the original code.
BETAS, EPSILON, MAX_GRADIENT_NORM = (0.9, 0.98), 1e-6, 5.0


class Objective(nn.Module, ABC):
    """A model together with what it is trained on.

    Subclasses compute, in ``forward(batch, tokens, masked)``, the loss of a micro-batch whose sums are
    divided by the step's own counts ``tokens`` and ``masked``, and a dictionary of the undivided sums of
    each term.
    """

    #: How each term's sum is divided for display: by ``tokens`` or by ``masked``.
    normalised_by: dict[str, str]

    @abstractmethod
    def compile_encoders(self) -> None:
        """Let torch compile what the models do before the vocabulary; takes a minute at the first step."""


def adamw(objective: Objective, learning_rate: float) -> torch.optim.AdamW:
    """Return the optimiser of what ``objective`` trains, without weight decay, as the original code has it."""
    trained = [parameter for parameter in objective.parameters() if parameter.requires_grad]
    return torch.optim.AdamW(trained, lr=learning_rate, betas=BETAS, eps=EPSILON, weight_decay=0.0, fused=True)


def step_counts(accelerator: Accelerator, batches: Sequence[MicroBatch]) -> tuple[int, int]:
    """Return how many word pieces the step has, and how many are to be guessed, over all processes."""
    counts = torch.tensor([sum(batch.tokens for batch in batches), sum(batch.masked for batch in batches)])
    tokens, masked = accelerator.reduce(counts.to(accelerator.device)).tolist()
    return tokens, masked


def accumulate(
    accelerator: Accelerator, wrapped: nn.Module, batches: Sequence[MicroBatch], seed: int, step: int
) -> dict[str, float]:
    """Give the parameters of ``wrapped`` the gradient of a step, clipped.

    Args:
        wrapped: the :class:`Objective` as accelerate has prepared it.
        batches: this process's micro-batches of the step.

    Returns:
        The loss and its terms, each a mean over the whole step; the norm of the gradient before it was
        clipped; and the number of word pieces.
    """
    tokens, masked = step_counts(accelerator, batches)
    sums: dict[str, Tensor] = {}
    for number, batch in enumerate(batches):
        _seed_dropout(seed, step, accelerator.process_index + number * accelerator.num_processes)
        last = number == len(batches) - 1
        with contextlib.nullcontext() if last else accelerator.no_sync(wrapped):
            loss, parts = wrapped(batch.to(accelerator.device), tokens, masked)
            # Data-parallel training takes the mean over processes; what is wanted is the sum.
            accelerator.backward(loss * accelerator.num_processes)
        for name, value in {"loss": loss.detach(), **parts}.items():
            sums[name] = sums.get(name, 0) + value
    norm = accelerator.clip_grad_norm_(wrapped.parameters(), MAX_GRADIENT_NORM)
    totals = {name: float(value) for name, value in accelerator.reduce(sums).items()}
    divisors = accelerator.unwrap_model(wrapped).normalised_by
    counts = {"tokens": tokens, "masked": max(masked, 1)}
    means = {name: value / counts[divisors[name]] if name in divisors else value for name, value in totals.items()}
    return means | {"gradient_norm": float(norm), "tokens": tokens}


def _seed_dropout(seed: int, step: int, micro_batch: int) -> None:
    torch.manual_seed(int(np.random.SeedSequence([seed, step, micro_batch]).generate_state(1)[0]))
