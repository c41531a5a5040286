"""Divergence guard: stops a failed training, names the last good checkpoint and keeps the batch of the failed step."""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import NoReturn

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from ..core.config import BookError
from ..core.progress import log_line
from .batches import Batch, MicroBatch
from .checkpoint import checkpoints

#: Steps whose median loss is judged: up to nine outliers do not stop a run.
WINDOW = 20
#: Ratio of that median to its minimum above which a run has diverged. In 32 trainings of the book, of 80 to 1,500
#: steps of 4 to 16 blocks, it stayed below 1.06; a student that predicts token frequencies only reaches 1.26 (a loss
#: of 22.9 at a learning rate of 0.03, where the laptop edition's full recipe ends at 18.2).
DIVERGED = 1.15
#: Steps whose median defers checkpoints while it is above that ratio; in those trainings it stayed below 1.09.
RECENT = 5
#: Non-finite gradients in a row that float16 may have: by then the scale, halved each time from 2**16, is below 1 and
#: not their cause.
LOST_IN_A_ROW = 20


class Diverged(BookError):
    """A training that has gone wrong at ``step``."""

    step: int


class Guard:
    """Stops a run that has gone wrong, before the optimiser uses the step that shows it.

    A run has gone wrong when the loss or the gradient norm of a step is not finite, or when the median loss of the
    last ``WINDOW`` steps is above ``DIVERGED`` times the lowest such median. The warm-up is not judged: the loss of
    copied layers may rise in it. In float16 an infinite gradient makes the scaler lower its scale, and only
    ``LOST_IN_A_ROW`` of them stop the run.
    """

    def __init__(self, folder: Path, warmup: int | None, scaled: bool, process: int, before: Iterable[float] = ()):
        """Guard the run in ``folder``.

        Args:
            warmup: steps of the warm-up; None where a loss that rises does not stop the run.
            scaled: whether a gradient scaler is used.
            process: the rank, for the name of its batch's file.
            before: the losses of the steps before the checkpoint from which the run resumes.
        """
        self.folder, self.warmup, self.scaled, self.process = folder, warmup, scaled, process
        self._recent: deque[float] = deque(maxlen=WINDOW)
        self._lowest, self._lost = math.inf, 0
        #: The step at which the loss rose above the bound, by the last steps; None while it is below.
        self.risen: int | None = None
        for step, loss in enumerate(before):
            self._note(step, loss)

    def check(self, step: int, terms: dict[str, float], batches: Sequence[Batch]) -> None:
        """Check the ``terms`` of ``step`` from :func:`~distilbook.training.step.accumulate`.

        Raises:
            Diverged: when the run has gone wrong; ``batches`` are kept in ``bad_batch/``.
        """
        loss, norm = terms["loss"], terms["gradient_norm"]
        if not math.isfinite(loss):
            self._stop(step, f"the loss of step {step} is {loss}", "a finite loss", terms, batches)
        self._lost = 0 if math.isfinite(norm) else self._lost + 1
        if self._lost > (LOST_IN_A_ROW if self.scaled else 0):
            self._stop(step, f"the gradient norm of step {step} is {norm}", "a finite norm", terms, batches)
        if diverged := self._note(step, loss):
            self._stop(step, f"the loss diverges: {diverged}", "a loss that falls", terms, batches)

    def may_keep(self, step: int, model: torch.nn.Module) -> bool:
        """Return whether a checkpoint of ``model`` may replace the last one: not while the loss is high.

        Raises:
            Diverged: when a weight is not finite, though every loss was.
        """
        if broken := [name for name, tensor in model.named_parameters() if not tensor.isfinite().all()]:
            self._stop(step, f"weights are not finite after {step} steps: {broken[0]}", "finite weights", {}, [])
        if self.risen is not None:
            log_line(f"no checkpoint at step {step}: the loss has risen since step {self.risen}")
        return self.risen is None

    def _note(self, step: int, loss: float) -> str:
        """Record a step's loss; return a description of its divergence, or ""."""
        if self.warmup is None:
            return ""
        self._recent.append(loss)
        bound = DIVERGED * self._lowest
        self._update_risen(step, bound)
        if len(self._recent) < WINDOW:
            return ""
        now = median(self._recent)
        if now > bound and step >= self.warmup + WINDOW:
            return f"over {WINDOW} steps to step {step} its median is {now:.4g}, and it was {self._lowest:.4g} before"
        self._lowest = min(self._lowest, now)
        return ""

    def _update_risen(self, step: int, bound: float) -> None:
        last = list(self._recent)[-RECENT:]
        if median(last) <= bound:
            self.risen = None
        elif self.risen is None:
            self.risen = step - len(last) + 1 + next(place for place, loss in enumerate(last) if loss > bound)

    def _stop(self, step: int, what: str, expected: str, terms: dict[str, float], batches: Sequence[Batch]) -> NoReturn:
        kept = ""
        if batches:
            path = self.folder / "bad_batch" / f"step_{step}.process_{self.process}.safetensors"
            _keep_batches(path, batches, {"step": step, **terms})
            kept = f"; its batch is in {path.relative_to(self.folder)} (distilbook.training.divergence.read_batches)"
        error = Diverged(
            what,
            where=f"{self.folder}; {self._checkpoint(step)}{kept}",
            expected=expected,
            do="look at the text; lower learning_rate, raise warmup_share, or set precision to float32",
        )
        error.step = step
        raise error

    def _checkpoint(self, step: int) -> str:
        """Return a sentence on the last good checkpoint."""
        found = checkpoints(self.folder / "checkpoint")
        if not found:
            return "there is no checkpoint"
        wrong_from = step if self.risen is None else self.risen
        # The loss of step n is that of the weights in checkpoint n.
        for path in found:
            if int(path.name) < wrong_from:
                return f"the last good checkpoint is checkpoint/{path.name}"
        return f"the last checkpoint, checkpoint/{found[0].name}, is not older than that and may be bad itself"


def _keep_batches(path: Path, batches: Sequence[Batch], facts: dict[str, float]) -> None:
    """Write micro-batches to ``path``, a safetensors file with ``facts`` among its metadata."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {
        f"{number}.{name}": tensor.cpu()
        for number, batch in enumerate(batches)
        for name, tensor in batch.tensors.items()
    }
    save_file(tensors, path, metadata={"step": json.dumps(facts)})


def read_batches(path: Path, kind: type[Batch] = MicroBatch) -> tuple[dict[str, float], list[Batch]]:
    """Return the terms of the step at which a run was stopped, and its micro-batches.

    ``tokenizer.batch_decode(batch.input_ids)`` shows the text, ``batch.numbers`` are the blocks of the corpus.

    Args:
        kind: :class:`~distilbook.training.batches.LabelledBatch` after fine-tuning.
    """
    parts: dict[int, dict[str, torch.Tensor]] = {}
    with safe_open(path, framework="pt") as file:
        facts = json.loads(file.metadata()["step"])
        for key in file.keys():  # noqa: SIM118 a file, not a dict
            number, name = key.split(".")
            parts.setdefault(int(number), {})[name] = file.get_tensor(key)
    return facts, [kind(**parts[number]) for number in sorted(parts)]
