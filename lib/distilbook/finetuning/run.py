"""One fine-tuning run: a model, a task, a seed; its predictions are kept."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator, PartialState
from accelerate.utils import gather_object
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from ..core.config import BookError, short_hash
from ..core.files import new_file
from ..core.finished import MARKER, seal
from ..core.provenance import made_with
from ..core.run_keys import code_hash
from ..models.loading import load_tokenizer, weights_fingerprint
from ..tasks import Task
from ..training.checkpoint import drop_checkpoint
from ..training.divergence import Diverged
from ..training.log import FILE, read_curves
from ..training.loop import train
from ..training.precision import accelerator_for
from .batches import LabelledExamples, batches_for_prediction
from .classifier import check_start, finished_classifier, new_classifier, set_dropout
from .config import FinetuneRun, Settings
from .heads import Encoded, Head, head_of


def run_key(settings: Settings, model: Path | str, task: Task, seed: int) -> str:
    """Return the key of a run: settings, weights (or a baseline's name), the task's content, seed and code."""
    who = model if isinstance(model, str) else weights_fingerprint(model)
    return short_hash([settings.fingerprint(), who, task.fingerprint, seed, code_hash("finetuning")])


def finetune(settings: Settings, model: Path, task: Task, seed: int, folder: Path, name: str) -> FinetuneRun:
    """Fine-tune the pre-trained ``model`` and keep its predictions on every split of ``task`` in ``folder``.

    With ``epochs`` 0 the model's own head is evaluated. A run that was killed resumes from its checkpoint.

    Args:
        name: the run's name in progress lines.

    Raises:
        BookError: when the model's folder lacks weights that fine-tuning does not add itself.
        Stopped: after a Ctrl-C.
    """
    check_start(model, settings, task)
    head, tokenizer = head_of(task), load_tokenizer(model)
    torch.manual_seed(seed)  # initialises a new head
    classifier = new_classifier(model, task) if settings.epochs else finished_classifier(model, task)
    examples = task.train.sample(None if settings.train_examples == "all" else settings.train_examples, seed)
    splits = ({"train": examples} if settings.epochs else {}) | task.evaluation | task.withheld
    encoded = {split: head.encode(some, tokenizer, classifier, settings.max_length) for split, some in splits.items()}
    diverged, predicted = None, {}
    if settings.epochs:
        set_dropout(classifier, settings.dropout)
        source = LabelledExamples(
            encoded["train"], examples.labels, tokenizer, settings.batch_size, settings.epochs, seed
        )
        loop = settings.loop(len(source.batches))
        try:
            train(head.objective(classifier.train()), source, loop, folder, f"fine-tuning {name}, seed {seed}")
        except Diverged as error:
            diverged = error.step
    seconds = sum(line["seconds"] for line in read_curves(folder)[0])
    started = time.perf_counter()
    if diverged is None:
        accelerator = accelerator_for(settings.precision)
        for split in task.evaluation | task.withheld:
            predicted[split] = predict(classifier, encoded[split], tokenizer, settings.batch_size, head, accelerator)
    if PartialState().is_main_process:
        facts = {"seed": seed, "seconds": seconds + time.perf_counter() - started, "cores": torch.get_num_threads()}
        facts |= {"train_examples": len(examples) if settings.epochs else 0, "diverged": diverged}
        facts["truncated"] = {split: some.truncated for split, some in encoded.items()}
        keep(folder, task, predicted, facts)
        drop_checkpoint(folder / "checkpoint")
    PartialState().wait_for_everyone()
    return FinetuneRun.open(folder)


def keep(folder: Path, task: Task, predicted: Mapping[str, np.ndarray], facts: dict) -> None:
    """Write a run's predictions by split, and last the marker of a finished run."""
    folder.mkdir(parents=True, exist_ok=True)
    for split, own in predicted.items():
        examples = (task.evaluation | task.withheld)[split]
        arrays: dict[str, Any] = {"predictions": own, "groups": examples.groups}
        if examples.labels is not None:
            arrays |= {"labels": examples.labels, "scores": head_of(task).score(examples.labels, own)}
        with new_file(folder / f"{split}.npz") as temporary:
            np.savez_compressed(temporary, **arrays)
    curves = [FILE] if (folder / FILE).exists() else []
    seal(folder / MARKER, facts | {"made_with": made_with()}, [*(f"{split}.npz" for split in predicted), *curves])


@torch.inference_mode()
def predict(
    model: PreTrainedModel,
    encoded: Encoded,
    tokenizer: PreTrainedTokenizerFast,
    batch_size: int,
    head: Head,
    accelerator: Accelerator,
) -> np.ndarray:
    """Return the prediction for every example once, in order, on every process: (examples,).

    Raises:
        BookError: when the processes together did not predict every example exactly once.
    """
    model.to(accelerator.device).eval()
    batches = batches_for_prediction(encoded.lengths, 2 * batch_size)
    parts = []
    for batch in batches[accelerator.process_index :: accelerator.num_processes]:
        with accelerator.autocast():
            logits = model(**encoded.batch(batch, tokenizer).to(accelerator.device)).logits.float()
        parts.append((batch, head.predict(logits).cpu().numpy()))
    return _assembled(gather_object(parts), len(encoded))


def _assembled(parts: list[tuple[np.ndarray, np.ndarray]], examples: int) -> np.ndarray:
    numbers = np.concatenate([np.empty(0, dtype=np.int64), *(batch for batch, _ in parts)])
    if not np.array_equal(np.sort(numbers), np.arange(examples)):
        raise BookError(
            f"{examples} examples got {len(numbers)} predictions",
            expected="one prediction for each example, over all processes",
            do="start the run again; report this if it comes back",
        )
    values = np.concatenate([values for _, values in parts])
    ordered = np.empty(examples, dtype=values.dtype)
    ordered[numbers] = values
    return ordered
