"""Hidden states of an encoder without work on padding.

Sequences of different lengths are joined into one row, in which each token attends to its own sequence: every product
but that of attention is over real tokens alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from .family import family_of

#: The name under which transformers knows :func:`attention_within_sequences`.
WITHIN_SEQUENCES = "distilbook_within_sequences"


def hidden_states(model: PreTrainedModel, input_ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
    """Return the last hidden states of every token except padding, (tokens, width).

    Args:
        model: of a registered family, with a masked-LM head.
        input_ids: (blocks, length).
        attention_mask: (blocks, length) bool, False for padding, at a block's end; None without padding.
    """
    encoder = model.base_model
    first = family_of(encoder.config).first_position(encoder.config.pad_token_id)
    places = torch.arange(first, first + input_ids.shape[1], device=input_ids.device).expand_as(input_ids)
    if attention_mask is None:
        # A masked block may hold the padding token as a random one, from which a RoBERTa would count its positions.
        position_ids = {"position_ids": places} if first else {}
        return encoder(input_ids=input_ids, **position_ids).last_hidden_state.flatten(0, 1)
    if encoder.config._attn_implementation != WITHIN_SEQUENCES:
        encoder.set_attn_implementation(WITHIN_SEQUENCES)
    row = encoder(
        input_ids=input_ids[attention_mask][None],
        position_ids=places[attention_mask][None],
        lengths=attention_mask.sum(dim=1).tolist(),
    )
    return row.last_hidden_state[0]


def attention_within_sequences(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    dropout: float = 0.0,
    scaling: float | None = None,
    lengths: list[int] | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """Return softmax attention within each of the sequences that are joined in one row.

    Args:
        query, key, value: (1, heads, tokens, head width).
        lengths: tokens of each sequence; None for ordinary attention over a batch.

    Returns:
        (1, tokens, heads, head width), and None for the weights.
    """
    if lengths is None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, dropout=dropout, scaling=scaling)
    sequences: Iterator[tuple[Tensor, Tensor, Tensor]] = zip(
        *(tensor.split(lengths, dim=2) for tensor in (query, key, value)), strict=True
    )
    attended = [F.scaled_dot_product_attention(*one, dropout_p=dropout, scale=scaling) for one in sequences]
    return torch.cat(attended, dim=2).transpose(1, 2), None


AttentionInterface.register(WITHIN_SEQUENCES, attention_within_sequences)
AttentionMaskInterface.register(WITHIN_SEQUENCES, sdpa_mask)
