"""Original implementation of a pre-training step, for comparison and as a check.

It follows the released training code of Sanh et al. 2019: sequences padded to the longest of the batch, logits at all
positions from both models, tokens selected from them by masks, each term by the framework's own loss. The models are
those of today's ``transformers`` on both sides, so that a comparison is of the step, not of attention kernels.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import BertForMaskedLM, DistilBertForMaskedLM

from ..corpus.masking import IGNORED
from ..distillation.recipe import Recipe
from ..training.batches import MicroBatch
from ..training.schedule import Optimisation


def triple_loss(
    student: DistilBertForMaskedLM, teacher: BertForMaskedLM, batch: MicroBatch, recipe: Recipe
) -> dict[str, Tensor]:
    """Return the loss and its terms, scalars, each a mean; distillation at every token except padding."""
    real = torch.ones_like(batch.labels, dtype=torch.bool) if batch.attention_mask is None else batch.attention_mask
    inputs = {"input_ids": batch.input_ids, "attention_mask": real.long(), "output_hidden_states": True}
    ours = student(**inputs)
    with torch.no_grad():
        theirs = teacher(**inputs)
    vocabulary = real.unsqueeze(-1).expand_as(ours.logits)  # (blocks, length, vocabulary)
    z = ours.logits.masked_select(vocabulary).view(-1, ours.logits.shape[-1])
    t = theirs.logits.masked_select(vocabulary).view(-1, theirs.logits.shape[-1])
    divergence = F.kl_div(
        F.log_softmax(z / recipe.temperature, dim=-1), F.softmax(t / recipe.temperature, dim=-1), reduction="batchmean"
    )
    terms = {
        "distillation_loss": divergence * recipe.temperature**2,
        "masked_lm_loss": F.cross_entropy(ours.logits.flatten(0, 1), batch.labels.flatten(), ignore_index=IGNORED),
        "cosine_loss": _cosine(ours.hidden_states[-1], theirs.hidden_states[-1], real),
    }
    weights = (recipe.distillation_weight, recipe.masked_lm_weight, recipe.cosine_weight)
    return terms | {"loss": sum(weight * term for weight, term in zip(weights, terms.values(), strict=True))}


def _cosine(ours: Tensor, theirs: Tensor, real: Tensor) -> Tensor:
    width = real.unsqueeze(-1).expand_as(ours)
    ours, theirs = (states.masked_select(width).view(-1, states.shape[-1]) for states in (ours, theirs))
    return F.cosine_embedding_loss(ours, theirs, ours.new_ones(len(ours)), reduction="mean")


def optimiser(student: DistilBertForMaskedLM, learning_rate: float) -> torch.optim.AdamW:
    """Return AdamW that updates parameter by parameter, as before fused kernels."""
    how = Optimisation()
    constants = {"betas": how.betas, "eps": how.epsilon, "weight_decay": how.weight_decay}
    return torch.optim.AdamW(student.parameters(), lr=learning_rate, **constants, foreach=False, fused=False)


def step(
    student: DistilBertForMaskedLM,
    teacher: BertForMaskedLM,
    batch: MicroBatch,
    recipe: Recipe,
    optimizer: torch.optim.Optimizer,
) -> float:
    """Take one optimiser step on one batch and return its loss."""
    loss = triple_loss(student, teacher, batch, recipe)["loss"]
    loss.backward()
    torch.nn.utils.clip_grad_norm_(student.parameters(), Optimisation().max_gradient_norm)
    optimizer.step()
    optimizer.zero_grad()
    return float(loss.detach())
