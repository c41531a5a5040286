"""Training objectives: the protocol, masked language modelling, classification and regression."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Generic, TypeVar

import torch.nn.functional as F
from torch import Tensor, nn
from transformers import PreTrainedModel

from ..corpus.masking import IGNORED
from ..models.encoder import hidden_states
from ..models.lm_head import Projection
from .batches import Batch, LabelledBatch, MicroBatch

#: Counts of a whole optimiser step by name, over all its micro-batches and processes.
Counts = Mapping[str, int]
OwnBatch = TypeVar("OwnBatch", bound=Batch)


class Objective(nn.Module, ABC, Generic[OwnBatch]):
    """A model together with its training objective, for one kind of batch."""

    #: The count by which each term's sum is divided for display, such as ``tokens``.
    normalised_by: Mapping[str, str] = {}

    @abstractmethod
    def forward(self, batch: OwnBatch, counts: Counts) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of a micro-batch, its sums divided by the step's ``counts``, and each term's undivided sum."""

    @abstractmethod
    def compile_encoders(self) -> None:
        """Let torch compile the encoders; takes a minute at the first step."""


class SingleModel(Objective[OwnBatch]):
    """An objective of one model, without a teacher."""

    def __init__(self, model: PreTrainedModel):
        super().__init__()
        self.model = model

    def compile_encoders(self) -> None:
        self.model.base_model.compile()


class MaskedLM(SingleModel[MicroBatch]):
    """Masked language modelling of a BERT whose word embeddings stay fixed."""

    normalised_by = {"masked_lm_loss": "masked"}

    def __init__(self, model: PreTrainedModel):
        super().__init__(model)
        model.get_input_embeddings().weight.requires_grad_(False)

    def forward(self, batch: MicroBatch, counts: Counts) -> tuple[Tensor, dict[str, Tensor]]:
        labels = batch.real(batch.labels)
        positions = labels != IGNORED
        hidden = hidden_states(self.model, batch.input_ids, batch.attention_mask)
        logits = Projection.of(self.model, hidden[positions]).logits()
        total = F.cross_entropy(logits, labels[positions], reduction="sum")
        return total / max(counts["masked"], 1), {"masked_lm_loss": total.detach()}


class LabelledObjective(SingleModel[LabelledBatch]):
    """A model with a task's head, trained on labelled examples; the loss is a mean over examples."""

    def forward(self, batch: LabelledBatch, counts: Counts) -> tuple[Tensor, dict[str, Tensor]]:
        total = self.total(self.model(**batch.inputs).logits.float(), batch.labels)
        return (1 / counts["examples"] if batch.counted else 0.0) * total, {}

    @staticmethod
    @abstractmethod
    def total(logits: Tensor, labels: Tensor) -> Tensor:
        """Return the sum of the loss over examples."""


class Classification(LabelledObjective):
    """Cross-entropy of the classes."""

    @staticmethod
    def total(logits: Tensor, labels: Tensor) -> Tensor:
        return F.cross_entropy(logits, labels, reduction="sum")


class Regression(LabelledObjective):
    """Squared error of a model with one output."""

    @staticmethod
    def total(logits: Tensor, labels: Tensor) -> Tensor:
        return F.mse_loss(logits.squeeze(-1), labels.float(), reduction="sum")
