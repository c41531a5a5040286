"""The training loop that the teacher's head and every student share, on accelerate.

A stage gives an :class:`Objective`, a module that turns a batch into a loss; the loop gives it batches,
takes the steps, measures, writes metrics and checkpoints. A step is a function of its number alone, so
a run goes on after a kill as if nothing had happened.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from accelerate import Accelerator

from ..config import BookError
from ..files import sole, write_text
from ..progress import Progress
from .batches import Blocks
from .checkpoint import load_checkpoint, save_checkpoint
from .schedule import LoopConfig, check_division, learning_rate_at
from .step import Objective, accumulate, adamw


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
        steps = range(done, config.steps)
        ahead = blocks.steps_ahead(steps, accelerator.process_index, accelerator.num_processes)
        for step, batches in zip(steps, ahead, strict=True):
            if step % measure_every == 0:
                metrics.write(step, measure(step))
            terms = take_step(accelerator, wrapped, stepper, batches, config, blocks.seed, step)
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


def take_step(accelerator, wrapped, optimizer, batches, config: LoopConfig, seed: int, step: int) -> dict[str, float]:
    """Take one optimiser step; return its loss terms, gradient norm, learning rate, word pieces and seconds."""
    started = time.perf_counter()
    terms = accumulate(accelerator, wrapped, batches, seed, step)
    rate = learning_rate_at(step, config)
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.step()
    optimizer.zero_grad()
    return terms | {"learning_rate": rate, "seconds": time.perf_counter() - started}


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
