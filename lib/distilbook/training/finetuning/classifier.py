"""A pre-trained model with a head for a task: a new one to be trained, or the one that it comes with."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForSequenceClassification

from ...config import BookError
from ...data.tasks import Task
from ...model.teacher import quiet_loading

#: Weights that fine-tuning adds and that may therefore be missing in a pre-trained model.
NEW_WEIGHTS = ("classifier.", "pre_classifier.", "bert.pooler.")

#: Dimensions by which a model counts as one of the paper's: type, layers, width.
PAPER_KINDS = {("bert", 12, 768): "bert-base", ("distilbert", 6, 768): "distilbert"}


def model_kind(folder: Path) -> str:
    """Return ``bert-base`` or ``distilbert`` for a model of these dimensions, else its type and dimensions."""
    config = AutoConfig.from_pretrained(folder, local_files_only=True)
    dimensions = (config.model_type, config.num_hidden_layers, config.hidden_size)
    return PAPER_KINDS.get(dimensions, "{} {} x {}".format(*dimensions))


def new_classifier(folder: Path, task: Task):
    """Return the pre-trained model in ``folder`` with a new head: one output a class, or one for a regression.

    Raises:
        BookError: naming any weight other than the head's that was not loaded.
    """
    model, missing = _load(folder, num_labels=max(1, len(task.classes)))
    if lost := [name for name in missing if not name.startswith(NEW_WEIGHTS)]:
        raise BookError(
            f"{len(lost)} weights were not loaded: {', '.join(lost[:4])}",
            where=folder,
            expected="a whole pre-trained model",
            do="save it with save_pretrained",
        )
    return model


def finished_classifier(folder: Path, task: Task):
    """Return the fine-tuned model in ``folder``, its outputs in the order of the task's classes.

    Raises:
        BookError: when it has no head, or one for another number of classes or with other names.
    """
    names = AutoConfig.from_pretrained(folder, local_files_only=True).id2label
    model, missing = _load(folder)
    if missing:
        raise BookError(
            f"the model has no classification head: it lacks {', '.join(missing[:4])}",
            where=folder,
            expected=f"a model fine-tuned on {task.name}, since epochs is 0",
            do="set epochs to 1 or more, so that a head is trained",
        )
    order = _order([names[number] for number in sorted(names)], task, folder)
    head = model.classifier
    head.weight.data, head.bias.data = head.weight.data[order], head.bias.data[order]
    return model


def _order(names: list[str], task: Task, folder: Path) -> list[int]:
    """Return which of the head's outputs stands for each class of ``task``, by its name; as it is where it has none."""
    wanted = list(task.classes) or ["a number"]
    if len(names) != len(wanted):
        raise BookError(
            f"the model's head has {len(names)} outputs",
            where=folder,
            expected=f"{len(wanted)} for {task.name}: {', '.join(wanted)}",
            do="give a model that was fine-tuned on this task, or set epochs to 1 or more",
        )
    plain = [name.lower().replace("-", "_") for name in names]
    if sorted(plain) == sorted(name.lower().replace("-", "_") for name in wanted):
        return [plain.index(name.lower().replace("-", "_")) for name in wanted]
    if any(not name.startswith("label_") for name in plain) and not all(name.isdigit() for name in wanted):
        raise BookError(
            f"the model's classes are {', '.join(names)}",
            where=folder,
            expected=", ".join(wanted),
            do="set id2label in the model's config.json to the task's names, in the order of its outputs",
        )
    return list(range(len(wanted)))


def _load(folder: Path, **options):
    """Return the classifier in ``folder`` and the names of the weights that it did not give."""
    with quiet_loading():
        model, report = AutoModelForSequenceClassification.from_pretrained(
            folder, output_loading_info=True, local_files_only=True, **options
        )
    return model, sorted(report["missing_keys"])


def set_dropout(model, share: float) -> None:
    """Give every dropout of ``model``, those of the attention among them, the same ``share``."""
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = share
