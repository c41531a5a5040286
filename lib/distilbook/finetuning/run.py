"""One fine-tuning run: a model, a task, a seed; what it answered is kept."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from accelerate import Accelerator
from accelerate.utils import gather_object
from torch import Tensor

from ..core.config import BookError, short_hash
from ..core.files import new_file
from ..core.finished import MARKER, opened, seal
from ..core.progress import Progress
from ..core.provenance import made_with
from ..core.run_keys import code_hash
from ..models.loading import check_float32, load_tokenizer, weights_fingerprint
from ..tasks import Examples, Task
from ..training.precision import accelerator_for
from .classifier import check_start, finished_classifier, new_classifier, set_dropout
from .config import Settings
from .encoding import Encoded, batches_for_prediction, encode, length_batches

MAX_GRADIENT_NORM = 1.0
WEIGHT_DECAY = 0.01


class Diverged(Exception):
    """The loss is no finite number any more, from ``step`` on."""

    def __init__(self, step: int):
        super().__init__(f"the loss is not finite at step {step}")
        self.step = step


@dataclass(frozen=True)
class FinetuneRun:
    """A finished run; ``<split>.npz`` in ``folder`` holds labels, predictions and groups of each split.

    Attributes:
        seconds: of training and prediction, on ``cores`` cores.
        truncated: by split, the share of the examples that were cut to the greatest length.
        made_with: the machine and the versions.
        diverged: the step at which the loss was no finite number, so that there are no predictions; else None.
    """

    folder: Path
    seed: int
    seconds: float
    cores: int
    train_examples: int
    made_with: dict[str, dict]
    truncated: dict[str, float] = field(default_factory=dict)
    diverged: int | None = None

    @classmethod
    def open(cls, folder: Path) -> FinetuneRun:
        """Return the finished run in ``folder``.

        Raises:
            Unfinished: when it is not finished, or a file of it is not as it was then.
        """
        return cls(folder=folder, **opened(folder / MARKER))

    def predictions(self, split: str) -> Path:
        """Return the file of what the run answered to a split's examples."""
        return self.folder / f"{split}.npz"


def run_key(settings: Settings, model: Path | str, task: Task, seed: int) -> str:
    """Return what a run is known by: settings, weights (or a baseline's name), the task's content, seed and code."""
    who = model if isinstance(model, str) else weights_fingerprint(model)
    code = code_hash("finetuning")
    return short_hash([settings.fingerprint(), who, task.fingerprint, seed, code])


def finetune(settings: Settings, model: Path, task: Task, seed: int, folder: Path, name: str) -> FinetuneRun:
    """Fine-tune the pre-trained ``model`` and keep what it answers to every split of ``task`` in ``folder``.

    With ``epochs`` 0 the model's own head is evaluated. Under several processes each takes its part of every batch.

    Args:
        name: what the progress line calls the run.

    Raises:
        BookError: when the model's folder lacks weights that fine-tuning does not add itself.
    """
    accelerator = accelerator_for(settings.precision)
    started = time.perf_counter()
    torch.manual_seed(seed)
    check_start(model, settings, task)
    classifier = finished_classifier(model, task) if settings.epochs == 0 else new_classifier(model, task)
    tokenizer = load_tokenizer(model)
    train = task.train.sample(None if settings.train_examples == "all" else settings.train_examples, seed)
    diverged, truncated, answers = None, {}, {}
    try:
        if settings.epochs:
            truncated["train"] = _train(settings, classifier, tokenizer, task, train, seed, accelerator, name)
        for split, examples in (task.evaluation | task.withheld).items():
            encoded = encode(examples, tokenizer, classifier, settings.max_length)
            truncated[split] = encoded.truncated
            answers[split] = predict(classifier, encoded, tokenizer, settings.batch_size, task, accelerator)
    except Diverged as error:
        diverged, answers = error.step, {}
    if accelerator.is_main_process:
        facts = {"seed": seed, "seconds": time.perf_counter() - started, "cores": torch.get_num_threads()}
        facts |= {"train_examples": len(train) if settings.epochs else 0, "truncated": truncated, "diverged": diverged}
        keep(folder, task, answers, facts)
    accelerator.wait_for_everyone()
    return FinetuneRun.open(folder)


def keep(folder: Path, task: Task, answers: dict[str, np.ndarray], facts: dict) -> None:
    """Write a run's predictions by split, and last the file that says that it is finished."""
    folder.mkdir(parents=True, exist_ok=True)
    for split, predicted in answers.items():
        examples = (task.evaluation | task.withheld)[split]
        arrays = {"predictions": predicted, "groups": examples.groups}
        if examples.labels is not None:
            arrays["labels"] = examples.labels
        with new_file(folder / f"{split}.npz") as temporary:
            np.savez_compressed(temporary, **arrays)
    seal(folder / MARKER, facts | {"made_with": made_with()}, [f"{split}.npz" for split in answers])


def _train(settings, model, tokenizer, task, train: Examples, seed: int, accelerator: Accelerator, name: str) -> float:
    """Train ``model`` in place and return the share of the training examples that were cut.

    Raises:
        Diverged: when the loss is not finite.
    """
    check_float32(model)
    set_dropout(model, settings.dropout)
    encoded = encode(train, tokenizer, model, settings.max_length)
    batches = list(all_batches(encoded, settings, seed))
    optimizer = torch.optim.AdamW(model.parameters(), lr=settings.learning_rate, weight_decay=WEIGHT_DECAY, fused=True)
    wrapped, stepper = accelerator.prepare(model.train(), optimizer)
    progress = Progress(f"fine-tuning {name}, seed {seed}", total=len(batches), unit="batches")
    for step, batch in enumerate(batches):
        loss = _share_of_loss(wrapped, encoded, tokenizer, train.labels, batch, task, accelerator)
        total = accelerator.reduce(loss.detach(), "mean").item()
        if not np.isfinite(total):
            raise Diverged(step)
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(wrapped.parameters(), MAX_GRADIENT_NORM)
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * rate_at(step, len(batches), settings.warmup_share)
        stepper.step()
        stepper.zero_grad()
        if accelerator.is_main_process:
            progress.advance(1, loss=total)
    progress.close()
    return encoded.truncated


def all_batches(encoded: Encoded, settings: Settings, seed: int) -> Iterator[np.ndarray]:
    """Yield the batches of all epochs."""
    for epoch in range(settings.epochs):
        yield from length_batches(encoded.lengths, settings.batch_size, seed, epoch)


def rate_at(step: int, steps: int, warmup_share: float) -> float:
    """Return the share of the learning rate at ``step``: a linear rise over the warm-up, then a linear fall to 0."""
    warmup = max(1, round(warmup_share * steps))
    return min((step + 1) / warmup, (steps - step) / max(1, steps - warmup), 1.0)


def _share_of_loss(model, encoded: Encoded, tokenizer, labels, batch, task: Task, accelerator: Accelerator) -> Tensor:
    """Return this process's part of a batch's mean loss, times the processes, over which gradients are averaged.

    A process without an example of its own computes one for nothing: its gradient is a part of every average.
    """
    processes, place = accelerator.num_processes, accelerator.process_index
    own = batch[place::processes]
    inputs = encoded.batch(own if len(own) else batch[:1], tokenizer).to(accelerator.device)
    targets = torch.from_numpy(labels[own if len(own) else batch[:1]]).to(accelerator.device)
    weight = processes / len(batch) if len(own) else 0.0
    return weight * loss_of(model(**inputs).logits.float(), targets, task)


def loss_of(logits: Tensor, targets: Tensor, task: Task) -> Tensor:
    """Return the sum over examples: cross-entropy of the classes, or the squared error of a regression.

    Args:
        logits: (examples, classes), or (examples, 1) for a regression; targets: (examples,).
    """
    if task.is_regression:
        return F.mse_loss(logits.squeeze(-1), targets.float(), reduction="sum")
    return F.cross_entropy(logits, targets, reduction="sum")


@torch.inference_mode()
def predict(model, encoded: Encoded, tokenizer, batch_size: int, task: Task, accelerator: Accelerator) -> np.ndarray:
    """Return the class (or number) of every example, each answered once, in order, on every process: (examples,).

    Raises:
        BookError: when the processes together did not answer every example exactly once.
    """
    model.to(accelerator.device).eval()
    batches = batches_for_prediction(encoded.lengths, 2 * batch_size)
    answered = []
    for batch in batches[accelerator.process_index :: accelerator.num_processes]:
        with accelerator.autocast():
            logits = model(**encoded.batch(batch, tokenizer).to(accelerator.device)).logits.float()
        answered.append((batch, (logits.squeeze(-1) if task.is_regression else logits.argmax(-1)).cpu().numpy()))
    return _assembled(gather_object(answered), len(encoded))


def _assembled(parts: list[tuple[np.ndarray, np.ndarray]], examples: int) -> np.ndarray:
    numbers = np.concatenate([np.empty(0, dtype=np.int64), *(batch for batch, _ in parts)])
    if not np.array_equal(np.sort(numbers), np.arange(examples)):
        raise BookError(
            f"{examples} examples got {len(numbers)} answers",
            expected="one answer for each example, over all processes",
            do="start the run again; report this if it comes back",
        )
    values = np.concatenate([values for _, values in parts])
    ordered = np.empty(examples, dtype=values.dtype)
    ordered[numbers] = values
    return ordered
