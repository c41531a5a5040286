"""The training loop of all stages, on accelerate.

A stage gives an :class:`~distilbook.training.objectives.Objective`, a module that turns a batch into a loss, and a
:class:`~distilbook.training.batches.Source` of batches; the loop takes the steps, measures, writes metrics and
checkpoints. A step is a function of its number alone, so a killed run resumes bit for bit.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from accelerate import Accelerator, PartialState
from accelerate.optimizer import AcceleratedOptimizer
from accelerate.utils import broadcast_object_list
from torch import nn

from ..core.files import sole
from ..core.finished import MARKER, begin_again, is_whole
from ..core.progress import log_line
from ..models.loading import check_float32
from .batches import Batch, Source
from .checkpoint import checkpoints, load_checkpoint, save_checkpoint
from .divergence import Guard
from .log import Metrics, Reporter, check_installed, read_curves
from .objectives import Objective
from .precision import accelerator_for
from .schedule import LoopConfig, Optimisation, learning_rate_at, warmup_steps
from .step import accumulate, adamw

#: Factory: run folder -> context manager that is active during training, such as a live plot.
Watch = Callable[[Path], contextlib.AbstractContextManager]


def train(
    objective: Objective,
    source: Source,
    config: LoopConfig,
    folder: Path,
    description: str,
    measure: Callable[[int], dict[str, float]] | None = None,
    measure_every: int = 1,
) -> None:
    """Train ``objective`` to its last step, from the checkpoint in ``folder`` if there is one.

    Args:
        folder: receives ``metrics.jsonl``, a line a step, the trackers' files, and ``checkpoint/``.
        description: the run's name in progress lines.
        measure: held-out measurements at a step, for the metrics file.
        measure_every: optimiser steps between them; the first and the last step are always measured.

    Raises:
        Diverged: see :class:`~distilbook.training.divergence.Guard`; the last good checkpoint stays.
        BookError: when a tracker is not installed, or a step does not divide among the processes.
        Stopped: after a Ctrl-C.
    """
    check_float32(objective)
    check_installed(config.trackers)
    logs = folder / "logs" / re.sub(r"\W+", "-", description).strip("-")  # TensorBoard names a run by its path
    accelerator = accelerator_for(config.precision, log_with=list(config.trackers) or None, project_dir=logs)
    source.check_division(accelerator.num_processes)
    optimizer = adamw(objective.to(accelerator.device), config.learning_rate, config.optimisation)
    done = load_checkpoint(folder / "checkpoint", objective, optimizer, accelerator.scaler)
    if config.compile:
        objective.compile_encoders()
    wrapped, stepper = accelerator.prepare(objective, optimizer)
    steps = range(done, config.steps)
    ahead = source.steps_ahead(steps, accelerator.process_index, accelerator.num_processes)
    metrics = Metrics(folder, done, config, accelerator)
    before = [line["loss"] for line in metrics.kept if "loss" in line]
    warmup = warmup_steps(config) if config.stops_when_loss_rises else None
    guard = Guard(folder, warmup, accelerator.scaler is not None, accelerator.process_index, before)
    run = Running(accelerator, wrapped, stepper, config.optimisation, source.seed, guard)
    reporting = Reporter(metrics, description, config.steps, done, source.units_per_step, source.unit)
    with stopping(folder, description), reporting as reporter:
        for step, batches in zip(steps, ahead, strict=True):
            if measure and step % measure_every == 0:
                reporter.measured(step, measure(step))
            reporter.stepped(step + 1, take_step(run, step, learning_rate_at(step, config), batches))
            kept = (step + 1) % config.checkpoint_every == 0 and guard.may_keep(step + 1, objective)
            if kept and accelerator.is_main_process:
                save_checkpoint(folder / "checkpoint", objective, optimizer, step + 1, accelerator.scaler)
        if measure:
            reporter.measured(config.steps, measure(config.steps))


class Stopped(KeyboardInterrupt):
    """An interrupted training; a notebook shows its message alone."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


@contextlib.contextmanager
def stopping(folder: Path, description: str) -> Iterator[None]:
    """Report the step at which a training was interrupted, and the checkpoint from which it resumes.

    Raises:
        Stopped: in place of a KeyboardInterrupt.
    """
    try:
        yield
    except KeyboardInterrupt:
        kept = next(iter(checkpoints(folder / "checkpoint")), None)
        step = next((line["step"] for line in reversed(read_curves(folder)[0])), 0)
        where = f"its checkpoint of step {kept.name}" if kept else "the beginning: there is no checkpoint yet"
        line = f"{description}: stopped at step {step}; run again to resume from {where}"
        log_line(line)
        raise Stopped(line) from None


@dataclass(frozen=True)
class Running:
    """The constants of a run over its steps; ``wrapped`` is the objective as accelerate has prepared it."""

    accelerator: Accelerator
    wrapped: nn.Module
    optimizer: AcceleratedOptimizer
    optimisation: Optimisation
    seed: int
    guard: Guard


def take_step(run: Running, step: int, rate: float, batches: Sequence[Batch]) -> dict[str, float]:
    """Take one optimiser step with the learning rate ``rate``, unless the guard stops the run.

    Returns:
        Loss terms, gradient norm, learning rate, tokens, seconds, and tokens a second.
    """
    started = time.perf_counter()
    terms = accumulate(run.accelerator, run.wrapped, batches, run.seed, step, run.optimisation)
    run.guard.check(step, terms, batches)
    for group in run.optimizer.param_groups:
        group["lr"] = rate
    run.optimizer.step()
    run.optimizer.zero_grad()
    seconds = time.perf_counter() - started
    return terms | {"learning_rate": rate, "seconds": seconds, "tokens_per_second": terms["tokens"] / seconds}


def make_once(folder: Path, what: str, watch: Watch, make: Callable[[], None]) -> None:
    """Call ``make`` to write the result into ``folder``, unless it is finished there; alike on all processes.

    Args:
        what: the result's name at the beginning of a message, such as "this training".

    Raises:
        BookError: when another process or thread is making it.
    """
    leads, marker = PartialState().is_main_process, folder / MARKER
    if _on_all(leads and is_whole(marker)):
        return
    with sole(folder / "lock", what) if leads else contextlib.nullcontext():
        if _on_all(leads and is_whole(marker)):  # another process has just finished it
            return
        if leads:
            begin_again(marker, what)
        with watch(folder):
            make()


def _on_all(value: bool) -> bool:
    """Return the main process's ``value`` on all processes of a launch."""
    values = [value]
    broadcast_object_list(values)
    return values[0]
