"""The training loop that the teacher's head and every student share, on accelerate.

A stage gives an :class:`Objective`, a module that turns a batch into a loss; the loop gives it batches,
accumulates, clips, steps, measures, writes metrics and checkpoints. What is random in a step is a
function of (seed, step, micro-batch), so a run goes on after a kill as if nothing had happened.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from accelerate import Accelerator
from pydantic import Field
from torch import Tensor, nn

from ..config import BookError, Config
from ..data.masking import IGNORED, Masking, block_order
from ..files import sole, write_text
from ..progress import Progress
from .checkpoint import load_checkpoint, save_checkpoint

#: AdamW's constants and the largest gradient norm, from the original code.
BETAS, EPSILON, MAX_GRADIENT_NORM = (0.9, 0.98), 1e-6, 5.0


class LoopConfig(Config):
    """How long a stage trains, and how fast it learns."""

    circumstances: ClassVar[frozenset[str]] = frozenset({"checkpoint_every"})

    steps: int = Field(ge=1, description="optimiser steps")
    blocks_per_step: int = Field(ge=1, description="blocks an optimiser step, over all processes")
    micro_batch: int = Field(ge=1, description="blocks a forward pass")
    learning_rate: float = Field(gt=0, lt=1, description="at the end of the warm-up; it then falls to 0 linearly")
    warmup_share: float = Field(ge=0, le=1, description="share of the steps in which the learning rate rises")
    checkpoint_every: int = Field(ge=1, description="optimiser steps between checkpoints")


class Objective(nn.Module):
    """A model together with what it is trained on.

    Subclasses compute, in ``forward(input_ids, labels, tokens, masked)``, the loss of a micro-batch
    whose sums are divided by the step's own counts ``tokens`` and ``masked``, and a dictionary of the
    undivided sums of each term.
    """

    #: How each term's sum is divided for display: by ``tokens`` or by ``masked``.
    normalised_by: dict[str, str]


@dataclass(frozen=True)
class MicroBatch:
    """Some blocks, masked: ``input_ids`` and ``labels``, (blocks, length) int64."""

    input_ids: Tensor
    labels: Tensor


class Blocks:
    """The blocks of a run, step by step: which, in which order, and how masked."""

    def __init__(self, blocks: np.ndarray, masking: Masking, config: LoopConfig, seed: int):
        self.blocks, self.masking, self.config, self.seed = blocks, masking, config, seed
        self._orders: dict[int, np.ndarray] = {}

    def step(self, step: int, process: int, processes: int) -> list[MicroBatch]:
        """Return the micro-batches of ``step`` that are ``process``'s: every ``processes``-th of them."""
        size = self.config.micro_batch
        starts = range(0, self.config.blocks_per_step, size)
        first = step * self.config.blocks_per_step
        return [
            self._masked(first + start, min(size, self.config.blocks_per_step - start))
            for start in starts[process::processes]
        ]

    def _masked(self, first: int, number: int) -> MicroBatch:
        """Return ``number`` blocks from place ``first`` of the run on, masked as their epochs say."""
        epochs, places = np.divmod(np.arange(first, first + number), len(self.blocks))
        parts = []
        for epoch in np.unique(epochs):
            numbers = self._order(int(epoch))[places[epochs == epoch]]
            parts.append(self.masking(self.blocks[numbers], numbers, self.seed, int(epoch)))
        input_ids, labels = (torch.from_numpy(np.concatenate(arrays)) for arrays in zip(*parts, strict=True))
        return MicroBatch(input_ids, labels)

    def _order(self, epoch: int) -> np.ndarray:
        if epoch not in self._orders:
            self._orders = {epoch: block_order(self.seed, epoch, len(self.blocks))} | {
                known: order for known, order in self._orders.items() if known == epoch - 1
            }
        return self._orders[epoch]


def learning_rate_at(step: int, config: LoopConfig) -> float:
    """Return the learning rate of ``step``: a linear rise over the warm-up, then a linear fall to 0."""
    warmup = max(1, round(config.warmup_share * config.steps))
    rise = (step + 1) / warmup
    fall = (config.steps - step) / max(1, config.steps - warmup)
    return config.learning_rate * min(rise, fall, 1.0)


def train(
    objective: Objective,
    blocks: Blocks,
    config: LoopConfig,
    folder: Path,
    description: str,
    measure: Callable[[int], dict[str, float]],
    measure_every: int,
) -> None:
    """Train ``objective`` to its last step, from the checkpoint in ``folder`` if there is one.

    Args:
        folder: receives ``metrics.jsonl``, a line a step, and ``checkpoint/``.
        description: what the progress line calls the run.
        measure: held-out measurements at a step, for the metrics file.
        measure_every: optimiser steps between them; the first and the last step are measured always.

    Raises:
        BookError: when a step's loss is not finite; the last checkpoint stays. Also when another process
            trains in ``folder``.
    """
    accelerator = Accelerator()
    check_division(config, accelerator.num_processes)
    alone = sole(folder / "lock", "this training") if accelerator.is_main_process else contextlib.nullcontext()
    with alone:
        optimizer = adamw(objective.to(accelerator.device), config.learning_rate)
        done = load_checkpoint(folder / "checkpoint", objective, optimizer)
        metrics = MetricsFile(folder / "metrics.jsonl", after=done, writes=accelerator.is_main_process)
        wrapped, stepper = accelerator.prepare(objective, optimizer)
        length = blocks.blocks.shape[1]
        progress = Progress(description, total=config.steps * config.blocks_per_step * length, unit="tokens")
        progress.initial = progress.n = done * config.blocks_per_step * length
        for step in range(done, config.steps):
            if step % measure_every == 0:
                metrics.write(step, measure(step))
            terms = optimise(accelerator, wrapped, stepper, blocks, config, step)
            check_finite(terms["loss"], step, folder)
            metrics.write(step + 1, terms)
            progress.advance(config.blocks_per_step * length, loss=terms["loss"])
            if (step + 1) % config.checkpoint_every == 0 and accelerator.is_main_process:
                save_checkpoint(folder / "checkpoint", objective, optimizer, step + 1)
        metrics.write(config.steps, measure(config.steps))
        progress.close()


def check_finite(loss: float, step: int, folder: Path) -> None:
    """Refuse to go on with a loss that is infinite or no number."""
    if not np.isfinite(loss):
        raise BookError(
            f"the loss of step {step} is {loss}",
            where=folder,
            expected="a finite loss",
            do="lower learning_rate or raise warmup_share; the last checkpoint is kept",
        )


def check_division(config: LoopConfig, processes: int) -> None:
    """Refuse a step whose micro-batches cannot be shared out evenly."""
    if -(-config.blocks_per_step // config.micro_batch) % processes:
        raise BookError(
            "the micro-batches of a step do not divide among the processes",
            where="parameter 'micro_batch'",
            expected=f"blocks_per_step / micro_batch a multiple of {processes}",
            do="choose a smaller micro_batch",
        )


def adamw(objective: Objective, learning_rate: float) -> torch.optim.AdamW:
    """Return the optimiser of what ``objective`` trains, without weight decay, as the original code has it."""
    trained = [parameter for parameter in objective.parameters() if parameter.requires_grad]
    return torch.optim.AdamW(trained, lr=learning_rate, betas=BETAS, eps=EPSILON, weight_decay=0.0, fused=True)


def optimise(accelerator, wrapped, optimizer, blocks: Blocks, config: LoopConfig, step: int) -> dict[str, float]:
    """Take one optimiser step and return its loss terms, gradient norm and learning rate."""
    started = time.perf_counter()
    objective = accelerator.unwrap_model(wrapped)
    batches = blocks.step(step, accelerator.process_index, accelerator.num_processes)
    counts = torch.tensor([sum(b.labels.numel() for b in batches), sum((b.labels != IGNORED).sum() for b in batches)])
    tokens, masked = (int(count) for count in accelerator.reduce(counts.to(accelerator.device)))
    for group in optimizer.param_groups:
        group["lr"] = learning_rate_at(step, config)
    sums: dict[str, Tensor] = {}
    for number, batch in enumerate(batches):
        micro_batch = accelerator.process_index + number * accelerator.num_processes
        torch.manual_seed(int(np.random.SeedSequence([blocks.seed, step, micro_batch]).generate_state(1)[0]))
        last = number == len(batches) - 1
        with accelerator.no_sync(wrapped) if not last else contextlib.nullcontext():
            loss, parts = wrapped(
                batch.input_ids.to(accelerator.device), batch.labels.to(accelerator.device), tokens, masked
            )
            accelerator.backward(loss * accelerator.num_processes)
        for name, value in {"loss": loss.detach(), **parts}.items():
            sums[name] = sums.get(name, 0) + value
    norm = accelerator.clip_grad_norm_(wrapped.parameters(), MAX_GRADIENT_NORM)
    optimizer.step()
    optimizer.zero_grad()
    sums = {name: float(value) for name, value in accelerator.reduce(sums).items()}
    divisors = {name: {"tokens": tokens, "masked": max(masked, 1)}[by] for name, by in objective.normalised_by.items()}
    means = {name: value / divisors.get(name, 1) for name, value in sums.items()}
    return means | {
        "gradient_norm": float(norm),
        "learning_rate": learning_rate_at(step, config),
        "tokens": tokens,
        "seconds": time.perf_counter() - started,
    }


class MetricsFile:
    """A JSON line a measurement; what was written after the checkpoint is dropped when a run goes on."""

    def __init__(self, path: Path, after: int, writes: bool):
        self.path, self.writes = path, writes
        if writes:
            # The held-out measurement at the checkpoint's step is taken again, so its line goes too.
            kept = [line for line in read_metrics(path) if line["step"] < after + ("loss" in line)] if after else []
            write_text(path, "".join(json.dumps(line) + "\n" for line in kept))

    def write(self, step: int, values: dict[str, float]) -> None:
        """Append ``values`` measured at ``step``; one process of several does."""
        if not self.writes:
            return
        with self.path.open("a") as file:
            file.write(json.dumps({"step": step, **values}) + "\n")


def read_metrics(path: Path) -> list[dict]:
    """Return the lines of a metrics file; a last one that a full disk cut off is left out."""
    return [json.loads(line) for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]


def read_curves(folder: Path) -> tuple[list[dict], list[dict]]:
    """Return the training steps and the held-out measurements of the run in ``folder``; none where nothing was trained."""
    path = folder / "metrics.jsonl"
    lines = read_metrics(path) if path.exists() else []
    return [line for line in lines if "loss" in line], [line for line in lines if "masked_accuracy" in line]
