"""When a training has gone wrong and is stopped, and what is kept of it for a look."""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from ..core.config import BookError
from ..core.progress import log_line
from .batches import MicroBatch
from .checkpoint import checkpoints

#: The loss of a run is the median of so many steps: a batch of odd text, or nine of them, stop nothing.
WINDOW = 20
#: A run diverges when its loss is so many times the lowest it has had. In 32 curves of this book's trainings, of 80
#: to 1,500 steps of 4 to 16 blocks, that ratio stayed below 1.06. A student that forgets all but how frequent words
#: are comes to 1.26: 22.9 at a learning rate of 0.03, where the laptop edition's full recipe ends at 18.2.
DIVERGED = 1.15
#: While the median of so many steps is as high as that, no checkpoint is written; in those curves it stayed below 1.09.
RECENT = 5
#: So many gradients in a row that are not finite: a scaler of float16 that begins at 2**16 and halves each time has
#: come below 1 by then, so that the scale is not what made them infinite.
LOST_IN_A_ROW = 20


class Guard:
    """Stops a run that has gone wrong, before the optimiser makes use of the step that shows it.

    A run has gone wrong when the loss or the gradient's norm of a step is not finite, or when its loss
    diverges: when the median of the last ``WINDOW`` steps is above ``DIVERGED`` times the lowest median of
    as many steps on end. The warm-up is not judged: it may undo what copied layers bring. A run that
    learns nothing from the start does not diverge; its curves show it. In float16 an infinite gradient is
    the sign for the scaler to lower its scale, and only a row of them stops the run.
    """

    def __init__(self, folder: Path, warmup: int, scaled: bool, process: int, before: Iterable[float] = ()):
        """Watch the run in ``folder``.

        Args:
            warmup: steps of the warm-up.
            scaled: whether a gradient scaler is at work.
            process: the number of this process, for the name of its batch's file.
            before: the losses of the steps that were taken before the checkpoint the run goes on from.
        """
        self.folder, self.warmup, self.scaled, self.process = folder, warmup, scaled, process
        self._recent: deque[float] = deque(maxlen=WINDOW)
        self._lowest, self._lost = math.inf, 0
        #: The step with which the loss rose above the bound, as far as the last steps tell; None while it is below.
        self.risen: int | None = None
        for step, loss in enumerate(before):
            self._note(step, loss)

    def check(self, step: int, terms: dict[str, float], batches: Sequence[MicroBatch]) -> None:
        """Look at what :func:`~distilbook.training.step.accumulate` returned of ``step``.

        Raises:
            BookError: when the run has gone wrong; ``batches`` are kept in ``bad_batch/`` for a look.
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
        """Whether a checkpoint of ``model`` before ``step`` may replace the one there is: not while the loss is high.

        Raises:
            BookError: when a weight is not finite, though every loss was.
        """
        if broken := [name for name, tensor in model.named_parameters() if not tensor.isfinite().all()]:
            self._stop(step, f"weights are not finite after {step} steps: {broken[0]}", "finite weights", {}, [])
        if self.risen is not None:
            log_line(f"no checkpoint at step {step}: the loss has risen since step {self.risen}")
        return self.risen is None

    def _note(self, step: int, loss: float) -> str:
        """Take note of a step's loss; return what is wrong where the loss diverges, else ""."""
        self._recent.append(loss)
        bound = DIVERGED * self._lowest
        self._note_rise(step, bound)
        if len(self._recent) < WINDOW:
            return ""
        now = median(self._recent)
        if now > bound and step >= self.warmup + WINDOW:
            return f"over {WINDOW} steps to step {step} its median is {now:.4g}, and it was {self._lowest:.4g} before"
        self._lowest = min(self._lowest, now)
        return ""

    def _note_rise(self, step: int, bound: float) -> None:
        last = list(self._recent)[-RECENT:]
        if median(last) <= bound:
            self.risen = None
        elif self.risen is None:
            self.risen = step - len(last) + 1 + next(place for place, loss in enumerate(last) if loss > bound)

    def _stop(self, step: int, what: str, expected: str, terms: dict[str, float], batches: Sequence[MicroBatch]):
        kept = ""
        if batches:
            path = self.folder / "bad_batch" / f"step_{step}.process_{self.process}.safetensors"
            keep_batches(path, batches, {"step": step, **terms})
            kept = f"; what it read is in {path.relative_to(self.folder)} (distilbook.training.divergence.read_batches)"
        raise BookError(
            what,
            where=f"{self.folder}; {self._checkpoint(step)}{kept}",
            expected=expected,
            do="look at the text; lower learning_rate, raise warmup_share, or set precision to float32",
        )

    def _checkpoint(self, step: int) -> str:
        """Say which checkpoint is the last good one."""
        found = checkpoints(self.folder / "checkpoint")
        if not found:
            return "there is no checkpoint"
        wrong_from = step if self.risen is None else self.risen
        # The loss of step n is that of the weights in checkpoint n.
        for path in found:
            if int(path.name) < wrong_from:
                return f"the last good checkpoint is checkpoint/{path.name}"
        return f"the last checkpoint, checkpoint/{found[0].name}, is no older than that and may be bad itself"


def keep_batches(path: Path, batches: Sequence[MicroBatch], facts: dict[str, float]) -> None:
    """Write micro-batches to ``path``, a safetensors file with ``facts`` among its metadata."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {
        f"{number}.{name}": tensor.cpu()
        for number, batch in enumerate(batches)
        for name, tensor in vars(batch).items()
        if tensor is not None
    }
    save_file(tensors, path, metadata={"step": json.dumps(facts)})


def read_batches(path: Path) -> tuple[dict[str, float], list[MicroBatch]]:
    """Return what a run that was stopped has kept: the step with its terms, and the micro-batches it read.

    ``tokenizer.batch_decode(batch.input_ids)`` shows the text, ``batch.numbers`` are the blocks of the corpus.
    """
    parts: dict[int, dict[str, torch.Tensor]] = {}
    with safe_open(path, framework="pt") as file:
        facts = json.loads(file.metadata()["step"])
        for key in file.keys():  # noqa: SIM118 a file, not a dict
            number, name = key.split(".")
            parts.setdefault(int(number), {})[name] = file.get_tensor(key)
    return facts, [MicroBatch(**{"attention_mask": None} | parts[number]) for number in sorted(parts)]
