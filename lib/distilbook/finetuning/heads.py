"""Heads by kind of task: features of examples, objective, predictions, scores, and checks of a model's own head."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from transformers import BatchEncoding, PreTrainedModel, PreTrainedTokenizerFast

from ..models.family import family_of
from ..stats.metrics import correct, negative_squared_error
from ..tasks import Examples, Task
from ..training.objectives import Classification, Objective, Regression

#: Standard errors below a constant prediction beyond which a warning on a model's own head is given.
FAR = 2.0


@dataclass(frozen=True)
class Encoded:
    """Examples as tokens.

    Attributes:
        inputs: by name of the model's input (for a BERT on pairs also ``token_type_ids``), a list per example.
        truncated: the share of the examples that were cut.
    """

    inputs: dict[str, list[list[int]]]
    truncated: float

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each example, (examples,)."""
        return np.array([len(ids) for ids in self.inputs["input_ids"]])

    def __len__(self) -> int:
        return len(self.inputs["input_ids"])

    def batch(self, numbers: Sequence[int] | NDArray[np.integer], tokenizer: PreTrainedTokenizerFast) -> BatchEncoding:
        """Return the examples with these ``numbers``, padded to the longest of them, as tensors."""
        chosen = {name: [values[i] for i in numbers] for name, values in self.inputs.items()}
        return tokenizer.pad(chosen, return_tensors="pt")


def encode(examples: Examples, tokenizer: PreTrainedTokenizerFast, model: PreTrainedModel, max_length: int) -> Encoded:
    """Return ``examples`` as ``[CLS] first [SEP]`` or ``[CLS] first [SEP] second [SEP]``.

    A pair that is too long loses tokens from its longer sentence. DistilBERT and RoBERTa have no ``token_type_ids``.
    """
    pair = () if examples.second is None else (examples.second,)
    cut = tokenizer(examples.first, *pair, truncation=True, max_length=max_length, return_token_type_ids=True)
    names = ["input_ids"] + (["token_type_ids"] if pair and family_of(model.config).has_token_types else [])
    too_long = sum(bool(encoding.overflowing) for encoding in cut.encodings)
    return Encoded({name: cut[name] for name in names}, too_long / max(1, len(examples)))


class Head(ABC):
    """A kind of task: how examples become features, and logits a loss, predictions and scores."""

    def encode(
        self, examples: Examples, tokenizer: PreTrainedTokenizerFast, model: PreTrainedModel, max_length: int
    ) -> Encoded:
        """Return the features of ``examples``."""
        return encode(examples, tokenizer, model, max_length)

    @abstractmethod
    def objective(self, model: PreTrainedModel) -> Objective:
        """Return the training objective of ``model``."""

    @abstractmethod
    def predict(self, logits: Tensor) -> Tensor:
        """Return the prediction of each example from the model's ``logits``, (examples, outputs)."""

    @abstractmethod
    def score(self, labels: NDArray, predictions: NDArray) -> NDArray[np.float64]:
        """Return the score of each example; a metric that is a mean over examples is the mean of these."""


class ClassHead(Head):
    """One output a class; an example scores 1 where the likeliest class is right."""

    def objective(self, model: PreTrainedModel) -> Objective:
        return Classification(model)

    def predict(self, logits: Tensor) -> Tensor:
        return logits.argmax(-1)

    def score(self, labels: NDArray, predictions: NDArray) -> NDArray[np.float64]:
        return correct(labels, predictions)


class ValueHead(Head):
    """One output, a number; an example scores minus its squared error."""

    def objective(self, model: PreTrainedModel) -> Objective:
        return Regression(model)

    def predict(self, logits: Tensor) -> Tensor:
        return logits.squeeze(-1)

    def score(self, labels: NDArray, predictions: NDArray) -> NDArray[np.float64]:
        return negative_squared_error(labels, predictions)


def head_of(task: Task) -> Head:
    """Return the head for the kind of ``task``."""
    return ValueHead() if task.is_regression else ClassHead()


def doubt(task: Task, labels: NDArray, predictions: NDArray) -> str:
    """Return why ``predictions`` of a model's own head cannot be those of a working one; "" if they can."""
    return (
        doubtful_values(labels, predictions)
        if task.is_regression
        else doubtful_classes(labels, predictions, task.classes)
    )


def doubtful_classes(labels: NDArray, predictions: NDArray, classes: Sequence[str]) -> str:
    """Report an accuracy far below a constant prediction's, and the best order of the outputs."""
    table: NDArray = np.zeros((len(classes), len(classes)), dtype=int)  # predicted, true
    np.add.at(table, (predictions.astype(int), labels.astype(int)), 1)
    constant, number = table.sum(axis=0).max() / len(labels), len(labels)
    accuracy = np.trace(table) / number
    if accuracy >= constant - FAR * np.sqrt(constant * (1 - constant) / number):
        return ""
    outputs, meant = linear_sum_assignment(table, maximize=True)
    order = ", ".join(classes[place] for place in meant)
    return (
        f"accuracy {accuracy:.3f} is far below the {constant:.3f} of a constant prediction; with the outputs in the "
        f"order {order} it would be {table[outputs, meant].sum() / number:.3f}: set id2label in the model's "
        "config.json to the classes of its outputs"
    )


def doubtful_values(labels: NDArray, predictions: NDArray) -> str:
    """Report a negative correlation of values and labels."""
    if min(np.ptp(predictions), np.ptp(labels)) == 0:
        return ""
    correlation = np.corrcoef(predictions, labels)[0, 1]
    if correlation >= -FAR / np.sqrt(len(labels)):
        return ""
    return f"the values correlate with the labels at {correlation:.3f}: the head may have the opposite sign"
