"""The last part of a masked language model, from hidden states to logits, kept apart so that it can be put off.

Logits are by far the largest tensors of a step. What becomes logits is small, and is handed around instead.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Projection:
    """What becomes logits: ``states @ weight.T + bias``.

    Attributes:
        states: (positions, width), the output of the masked-LM head's transform.
        weight: (vocabulary, width), the word embeddings.
        bias: (vocabulary,).
    """

    states: Tensor
    weight: Tensor
    bias: Tensor

    def at(self, positions: Tensor | slice) -> Projection:
        """Return the projection of some positions only."""
        return Projection(self.states[positions], self.weight, self.bias)

    def logits(self) -> Tensor:
        """Return the logits of all positions at once, (positions, vocabulary), in float32."""
        return F.linear(self.states, self.weight, self.bias).float()


def transformed_states(model, input_ids: Tensor, positions: Tensor) -> tuple[Projection, Tensor]:
    """Return the projection at ``positions`` and all last hidden states, of a BERT or a DistilBERT.

    Args:
        input_ids: (blocks, length).
        positions: (blocks, length) bool, where logits are wanted.

    Returns:
        The projection, and the hidden states (blocks, length, width).
    """
    hidden = model.base_model(input_ids=input_ids).last_hidden_state
    chosen = hidden[positions]
    if hasattr(model, "vocab_projector"):
        states = model.vocab_layer_norm(model.activation(model.vocab_transform(chosen)))
        decoder = model.vocab_projector
    else:
        states = model.cls.predictions.transform(chosen)
        decoder = model.cls.predictions.decoder
    return Projection(states, decoder.weight, decoder.bias), hidden
