"""The training loop that the teacher's head and every student share, on accelerate.

A stage gives an :class:`Objective`, a module that turns a batch into a loss; the loop gives it batches,
takes the steps, measures, writes metrics and checkpoints. A step is a function of its number alone, so
a run goes on after a kill as if nothing had happened.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from accelerate import Accelerator

from ..core.progress import log_line
from ..models.loading import check_float32
from .batches import Blocks
from .checkpoint import checkpoints, load_checkpoint, save_checkpoint
from .divergence import Guard
from .log import Metrics, Reporter, check_installed, logs_of, read_curves
from .precision import accelerator_for
from .schedule import LoopConfig, check_division, learning_rate_at, warmup_steps
from .step import Objective, accumulate, adamw

#: Makes, of a run's folder, a context in which the run is trained, such as a live figure of it.
Watch = Callable[[Path], contextlib.AbstractContextManager]


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
        folder: receives ``metrics.jsonl``, a line a step, the trackers' files, and ``checkpoint/``.
        description: what the progress line calls the run.
        measure: held-out measurements at a step, for the metrics file.
        measure_every: optimiser steps between them; the first and the last step are measured always.

    Raises:
        BookError: when the run has gone wrong, see :class:`~distilbook.training.divergence.Guard`; the last good
            checkpoint stays. Also when a tracker is not installed.
        Stopped: after a Ctrl-C.
    """
    check_float32(objective)
    check_installed(config.trackers)
    accelerator = accelerator_for(
        config.precision, log_with=list(config.trackers) or None, project_dir=logs_of(folder, description)
    )
    check_division(config, accelerator.num_processes)
    optimizer = adamw(objective.to(accelerator.device), config.learning_rate)
    done = load_checkpoint(folder / "checkpoint", objective, optimizer, accelerator.scaler)
    if config.compile:
        objective.compile_encoders()
    wrapped, stepper = accelerator.prepare(objective, optimizer)
    steps = range(done, config.steps)
    ahead = blocks.steps_ahead(steps, accelerator.process_index, accelerator.num_processes)
    metrics = Metrics(folder, done, config, accelerator)
    guard = guard_of(metrics, config, accelerator)
    tokens = config.blocks_per_step * blocks.blocks.shape[1]
    with stopping(folder, description), Reporter(metrics, description, config, done, tokens) as reporter:
        for step, batches in zip(steps, ahead, strict=True):
            if step % measure_every == 0:
                reporter.measured(step, measure(step))
            terms = take_step(accelerator, wrapped, stepper, batches, config, blocks.seed, step, guard)
            reporter.stepped(step + 1, terms)
            kept = (step + 1) % config.checkpoint_every == 0 and guard.may_keep(step + 1, objective)
            if kept and accelerator.is_main_process:
                save_checkpoint(folder / "checkpoint", objective, optimizer, step + 1, accelerator.scaler)
        reporter.measured(config.steps, measure(config.steps))


class Stopped(KeyboardInterrupt):
    """A training that was interrupted; a notebook shows the one line that it says."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


@contextlib.contextmanager
def stopping(folder: Path, description: str) -> Iterator[None]:
    """Say of an interrupted training where it was stopped, and from where it goes on.

    Raises:
        Stopped: in place of a KeyboardInterrupt.
    """
    try:
        yield
    except KeyboardInterrupt:
        kept = next(iter(checkpoints(folder / "checkpoint")), None)
        step = next((line["step"] for line in reversed(read_curves(folder)[0])), 0)
        where = f"its checkpoint of step {kept.name}" if kept else "the beginning: there is no checkpoint yet"
        line = f"{description}: stopped at step {step}; run again to go on from {where}"
        log_line(line)
        raise Stopped(line) from None


def guard_of(metrics: Metrics, config: LoopConfig, accelerator: Accelerator) -> Guard:
    """Return the guard of a run that goes on after what its ``metrics`` have kept."""
    before = [line["loss"] for line in metrics.kept if "loss" in line]
    folder = metrics.path.parent
    return Guard(folder, warmup_steps(config), accelerator.scaler is not None, accelerator.process_index, before)


def take_step(
    accelerator, wrapped, optimizer, batches, config: LoopConfig, seed: int, step: int, guard: Guard
) -> dict[str, float]:
    """Take one optimiser step, unless ``guard`` stops the run.

    Returns:
        Loss terms, gradient norm, learning rate, word pieces, seconds, and word pieces a second.
    """
    started = time.perf_counter()
    terms = accumulate(accelerator, wrapped, batches, seed, step)
    guard.check(step, terms, batches)
    rate = learning_rate_at(step, config)
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.step()
    optimizer.zero_grad()
    seconds = time.perf_counter() - started
    return terms | {"learning_rate": rate, "seconds": seconds, "tokens_per_second": terms["tokens"] / seconds}
