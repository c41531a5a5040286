"""The student: the teacher's architecture with fewer layers, no token types, no pooler.

It is a plain ``DistilBertForMaskedLM``, so what comes out is loaded by ``transformers`` as any model is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from transformers import BertConfig, BertForMaskedLM, DistilBertConfig, DistilBertForMaskedLM

from ..core.config import BookError, ChapterConfig
from .recipe import Layers, Recipe

#: Student module: teacher module, inside one layer.
LAYER_PARTS = {
    "attention.q_lin": "attention.self.query",
    "attention.k_lin": "attention.self.key",
    "attention.v_lin": "attention.self.value",
    "attention.out_lin": "attention.output.dense",
    "sa_layer_norm": "attention.output.LayerNorm",
    "ffn.lin1": "intermediate.dense",
    "ffn.lin2": "output.dense",
    "output_layer_norm": "output.LayerNorm",
}

#: Student module: teacher module, outside the layers.
OTHER_PARTS = {
    "distilbert.embeddings.word_embeddings": "bert.embeddings.word_embeddings",
    "distilbert.embeddings.position_embeddings": "bert.embeddings.position_embeddings",
    "distilbert.embeddings.LayerNorm": "bert.embeddings.LayerNorm",
    "vocab_transform": "cls.predictions.transform.dense",
    "vocab_layer_norm": "cls.predictions.transform.LayerNorm",
    "vocab_projector": "cls.predictions.decoder",
}


class StudentConfig(ChapterConfig):
    """Which layers the student of chapter 04 copies."""

    layers: Layers


def student_config(teacher: BertConfig, layers: int, dropout: float) -> DistilBertConfig:
    """Return the configuration of a student ``layers`` deep and as wide as its ``teacher``."""
    return DistilBertConfig(
        vocab_size=teacher.vocab_size,
        max_position_embeddings=teacher.max_position_embeddings,
        n_layers=layers,
        n_heads=teacher.num_attention_heads,
        dim=teacher.hidden_size,
        hidden_dim=teacher.intermediate_size,
        activation=teacher.hidden_act,
        initializer_range=teacher.initializer_range,
        pad_token_id=teacher.pad_token_id,
        dropout=dropout,
        attention_dropout=dropout,
    )


def module_map(layers: Sequence[int]) -> dict[str, str]:
    """Return the teacher's module for each module of the student that copies ``layers``.

    What the teacher has and the map lacks is dropped: token-type embeddings, pooler, the other layers.
    """
    inside = {
        f"distilbert.transformer.layer.{place}.{student}": f"bert.encoder.layer.{layer}.{teacher}"
        for place, layer in enumerate(layers)
        for student, teacher in LAYER_PARTS.items()
    }
    return OTHER_PARTS | inside


def copied_weights(teacher: Mapping[str, Tensor], layers: Sequence[int]) -> dict[str, Tensor]:
    """Return the student's state made of the ``teacher``'s, both as ``state_dict`` names them."""
    return {
        f"{student}.{kind}": teacher[f"{source}.{kind}"]
        for student, source in module_map(layers).items()
        for kind in ("weight", "bias")
        if f"{source}.{kind}" in teacher
    }


def build_student(teacher: BertForMaskedLM, recipe: Recipe, dropout: float, seed: int) -> DistilBertForMaskedLM:
    """Return a student of ``teacher`` as ``recipe`` starts it.

    Args:
        seed: decides the random weights of a random initialisation; a copied one has none.

    Raises:
        BookError: for a layer that the teacher does not have.
    """
    depth = teacher.config.num_hidden_layers
    if recipe.layers[-1] >= depth:
        raise BookError(
            f"the teacher has no layer {recipe.layers[-1]}",
            where="parameter 'layers'",
            expected=f"layers from 0 to {depth - 1}",
            do="choose about half of them, such as every other one",
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        student = DistilBertForMaskedLM(student_config(teacher.config, len(recipe.layers), dropout))
    if recipe.initialisation == "copied":
        student.load_state_dict(copied_weights(teacher.state_dict(), recipe.layers), strict=True)
        student.tie_weights()
    return student
