"""Training objectives with a teacher: the triple loss."""

from __future__ import annotations

import torch
from torch import Tensor
from transformers import PreTrainedModel

from ..corpus.masking import IGNORED
from ..models.encoder import hidden_states
from ..models.lm_head import Projection
from ..training.batches import MicroBatch
from ..training.objectives import Counts, Objective
from .losses import cosine_loss, vocabulary_loss
from .recipe import Recipe


class TripleLoss(Objective[MicroBatch]):
    """A student and the three terms of its loss; the teacher is evaluated, never trained."""

    def __init__(self, student: PreTrainedModel, teacher: PreTrainedModel, recipe: Recipe):
        super().__init__()
        self.student, self.recipe = student, recipe
        self.distils_all = recipe.distillation_weight > 0 and recipe.distilled_positions == "all"
        self.normalised_by = {
            "distillation_loss": "tokens" if self.distils_all else "masked",
            "masked_lm_loss": "masked",
            "cosine_loss": "tokens",
        }
        # In a list, so that the teacher is no part of this module: not trained, not saved, not wrapped.
        self._teacher = [teacher]

    def compile_encoders(self) -> None:
        self.student.base_model.compile()
        self._teacher[0].base_model.compile()

    def forward(self, batch: MicroBatch, counts: Counts) -> tuple[Tensor, dict[str, Tensor]]:
        recipe, labels = self.recipe, batch.real(batch.labels)
        tokens, masked = counts["tokens"], max(counts["masked"], 1)
        positions = slice(None) if self.distils_all else labels != IGNORED
        hidden = hidden_states(self.student, batch.input_ids, batch.attention_mask)  # (tokens, width)
        teacher_hidden, target = self._teacher_outputs(batch, positions)
        loss, divergence, cross_entropy = vocabulary_loss(
            Projection.of(self.student, hidden[positions]),
            target,
            labels[positions],
            recipe.temperature,
            recipe.distillation_weight / (tokens if self.distils_all else masked),
            recipe.masked_lm_weight / masked,
        )
        terms = {"masked_lm_loss": cross_entropy}
        if target is not None:
            terms["distillation_loss"] = divergence
        if recipe.cosine_weight > 0:
            assert teacher_hidden is not None  # a recipe with a cosine term uses the teacher
            cosine = cosine_loss(hidden, teacher_hidden.clone())
            loss = loss + recipe.cosine_weight / tokens * cosine
            terms["cosine_loss"] = cosine.detach()
        return loss, terms

    @torch.inference_mode()
    def _teacher_outputs(self, batch: MicroBatch, positions: Tensor | slice) -> tuple[Tensor | None, Projection | None]:
        """Return the teacher's hidden states and its projection at ``positions``, as far as the recipe uses them."""
        if not self.recipe.uses_teacher:
            return None, None
        hidden = hidden_states(self._teacher[0], batch.input_ids, batch.attention_mask)
        distils = self.recipe.distillation_weight > 0
        return hidden, Projection.of(self._teacher[0], hidden[positions]) if distils else None
