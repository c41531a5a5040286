"""What the two architectures' configurations call a model's dimensions. Plain data, without torch."""

from __future__ import annotations

#: Our names of a model's dimensions, and those of its configuration, by ``model_type``.
DIMENSIONS = {
    "bert": {
        "layers": "num_hidden_layers",
        "width": "hidden_size",
        "heads": "num_attention_heads",
        "feed_forward": "intermediate_size",
        "vocabulary": "vocab_size",
        "positions": "max_position_embeddings",
        "token_types": "type_vocab_size",
    },
    "distilbert": {
        "layers": "n_layers",
        "width": "dim",
        "heads": "n_heads",
        "feed_forward": "hidden_dim",
        "vocabulary": "vocab_size",
        "positions": "max_position_embeddings",
    },
}
