"""Deferred LM head: logits, by far the largest tensors of a step, are computed late and in chunks."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import PreTrainedModel
from transformers.activations import ACT2FN

from .family import family_of


@dataclass(frozen=True)
class Projection:
    """Logits not yet computed: ``states @ weight.T + bias``.

    Attributes:
        states: (positions, width), the output of the masked-LM head's transform.
        weight: (vocabulary, width), the word embeddings.
        bias: (vocabulary,).
    """

    states: Tensor
    weight: Tensor
    bias: Tensor

    @classmethod
    def of(cls, model: PreTrainedModel, hidden: Tensor) -> Projection:
        """Return the projection at ``hidden`` states, (positions, width), of a model with a masked-LM head."""
        family = family_of(model.config)
        dense, norm, decoder = (model.get_submodule(name) for name in family.head.values())
        activation = ACT2FN[family.head_activation or getattr(model.config, family.activation)]
        return cls(norm(activation(dense(hidden))), decoder.weight, decoder.bias)

    def at(self, positions: Tensor | slice) -> Projection:
        """Return the projection of some positions only."""
        return Projection(self.states[positions], self.weight, self.bias)

    def logits(self) -> Tensor:
        """Return the logits of all positions at once, (positions, vocabulary), in float32 or wider."""
        logits = F.linear(self.states, self.weight.to(self.states.dtype), self.bias.to(self.states.dtype))
        return logits.to(torch.promote_types(logits.dtype, torch.float32))
