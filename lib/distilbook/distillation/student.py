"""Student model: the teacher's architecture with fewer layers; of a BERT a DistilBERT, of a RoBERTa a RoBERTa."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import CONFIG_MAPPING, AutoModelForMaskedLM, PretrainedConfig, PreTrainedModel

from ..core.config import BookError, ChapterConfig
from ..models.family import families, family_of
from .recipe import Layers, Recipe


class StudentConfig(ChapterConfig):
    """Which layers the student of chapter 04 copies."""

    layers: Layers


def student_config(teacher: PretrainedConfig, layers: int, dropout: float) -> PretrainedConfig:
    """Return the configuration of a student ``layers`` deep and as wide as its ``teacher``."""
    family = family_of(teacher)
    settings = family.student_settings(teacher.to_dict(), layers, dropout)
    return CONFIG_MAPPING[str(family.student)](**settings)


def module_map(teacher: PreTrainedModel, layers: Sequence[int]) -> dict[str, str]:
    """Return the teacher's module for each module of a student that copies ``layers``, both by their full names."""
    return family_of(teacher.config).module_map(tuple(layers))


def copied_weights(teacher: PreTrainedModel, layers: Sequence[int]) -> dict[str, Tensor]:
    """Return the state of a student that copies ``layers`` of its ``teacher``."""
    state, places = teacher.state_dict(), module_map(teacher, layers)
    family = family_of(teacher.config)
    bias = {families()[str(family.student)].head_bias: state[family.head_bias]}
    return bias | {
        f"{student}.{kind}": state[f"{source}.{kind}"]
        for student, source in places.items()
        for kind in ("weight", "bias")
        if f"{source}.{kind}" in state
    }


def build_student(teacher: PreTrainedModel, recipe: Recipe, dropout: float, seed: int) -> PreTrainedModel:
    """Return a student of ``teacher`` as ``recipe`` starts it.

    Args:
        seed: of a random initialisation.

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
        config = student_config(teacher.config, len(recipe.layers), dropout)
        student = AutoModelForMaskedLM.from_config(config, attn_implementation="sdpa")
    if recipe.initialisation == "copied":
        student.load_state_dict(copied_weights(teacher, recipe.layers), strict=True)
        student.tie_weights()
    return student
