"""Classifiers: a pre-trained model with a new head for a task, or with its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import PreTrainedModel

from ..core.config import BookError
from ..models.folder import OWN_CONFIG, ModelFolder, look_at
from ..models.loading import load_model
from ..models.stored import listed
from ..tasks import Task
from .config import Settings


def check_start(folder: Path, settings: Settings, task: Task) -> None:
    """Check from its files that a model can be fine-tuned on ``task``, or evaluated as it is.

    Raises:
        BookError: for texts longer than the model's positions, or, with ``epochs`` 0, a head that is not the task's.
    """
    found = look_at(folder)
    if settings.epochs == 0:
        _outputs(found, task)
    positions = found.size["positions"]
    if settings.max_length > positions:
        raise BookError(
            f"the model has {positions} positions and texts may have {settings.max_length} tokens",
            where=folder,
            expected=f"max_length of at most {positions}",
            do="set max_length, or the task's own, to that",
        )


def new_classifier(folder: Path, task: Task) -> PreTrainedModel:
    """Return the pre-trained model in ``folder`` with a new head: one output a class, or one for a regression.

    The head is random even if the folder has one.

    Raises:
        BookError: for an incomplete model.
    """
    outputs = max(1, len(task.classes))
    names = {number: f"LABEL_{number}" for number in range(outputs)}
    model = load_model(folder, "classifier", new_head=True, num_labels=outputs, id2label=names)
    for name in look_at(folder).family.new_in_classifier:
        module = model.get_submodule(name)
        torch.nn.init.normal_(module.weight, std=model.config.initializer_range)
        torch.nn.init.zeros_(module.bias)
    return model


def finished_classifier(folder: Path, task: Task) -> PreTrainedModel:
    """Return the fine-tuned model in ``folder``, its outputs in the order of the task's classes.

    Raises:
        BookError: when it has no head, or one for another number of classes or with other names.
    """
    found = look_at(folder)
    order = _outputs(found, task)
    model = load_model(folder, "classifier", num_labels=len(order))
    head = model.get_submodule(found.family.classifier[-1])
    head.weight.data, head.bias.data = head.weight.data[order], head.bias.data[order]
    return model


def _outputs(found: ModelFolder, task: Task) -> list[int]:
    """Return the number of the head's output for each class; errors as in :func:`finished_classifier`."""
    if missing := found.lacks("classifier"):
        raise BookError(
            f"the model has no classification head: it lacks {listed(missing)}",
            where=found.path,
            expected=f"a model fine-tuned on {task.name}, since epochs is 0",
            do="set epochs to 1 or more, so that a head is trained",
        )
    outputs, wanted = found.tensors[f"{found.family.classifier[-1]}.bias"].shape[0], list(task.classes) or ["a number"]
    if outputs != len(wanted):
        raise BookError(
            f"the model's head has {outputs} outputs",
            where=found.path,
            expected=f"{len(wanted)} for {task.name}: {', '.join(wanted)}",
            do="give a model that was fine-tuned on this task, or set epochs to 1 or more",
        )
    names = _names(found, outputs)
    return list(range(outputs)) if names is None or task.is_regression else _order(names, wanted, found.path)


def _names(found: ModelFolder, outputs: int) -> list[str] | None:
    """Return the folder's names of the head's outputs; None where it has none."""
    said = found.config.get("id2label")
    if said is None:
        return None
    names = said if isinstance(said, dict) else {}
    numbers = [str(number) for number in range(outputs)]
    back = said_back if isinstance(said_back := found.config.get("label2id"), dict) else {}
    whole = sorted(names) == sorted(numbers) and all(isinstance(name, str | int) for name in names.values())
    if not whole or any(str(back.get(str(names[number]), number)) != number for number in numbers):
        raise BookError(
            f"config.json does not name each of the {outputs} outputs once: id2label is {said}, label2id is {back}",
            where=found.path,
            expected="a name for each number from 0, the same in id2label and label2id",
            do=OWN_CONFIG,
        )
    return [str(names[number]) for number in numbers]


def _order(names: Sequence[str], wanted: Sequence[str], folder: Path) -> list[int]:
    """Return the place of each ``wanted`` class among ``names``; ``LABEL_1`` is the class with the number 1."""
    plain, classes = [_plain(name) for name in names], [_plain(name) for name in wanted]
    numbered = [f"label_{number}" for number in range(len(classes))]
    for known in (classes, numbered):
        if sorted(plain) == sorted(known):
            return [plain.index(name) for name in known]
    if all(name.isdigit() for name in wanted):  # the task's classes have no names
        return list(range(len(wanted)))
    raise BookError(
        f"the model's classes are {', '.join(names)}",
        where=folder,
        expected=", ".join(wanted),
        do="set id2label in the model's config.json to the task's names, in the order of its outputs",
    )


def _plain(name: str) -> str:
    return name.strip().lower().replace("-", "_").replace(" ", "_")


def set_dropout(model: torch.nn.Module, share: float) -> None:
    """Set every dropout of ``model``, also in attention, to ``share``."""
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = share
