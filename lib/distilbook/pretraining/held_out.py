"""Held-out masked prediction: the same text and the same masks for every model.

Masks are uniform over tokens (or, as a control, smoothed as in training), fixed by their own seed, and always
``[MASK]``, never another or the unchanged token.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import PreTrainedModel

from ..core.files import new_file
from ..corpus.corpus import evenly_spaced
from ..corpus.masking import IGNORED, Masking
from ..models.encoder import hidden_states
from ..models.lm_head import Projection
from ..stats.predictions import kept_arrays

#: File of the predictions.
HELD_OUT_FILE = "held_out.npz"
#: The seed of the held-out masks: one for all models, editions and runs.
MASK_SEED = 1910_01108
BATCH = 16

Draw = Literal["uniform", "smoothed"]


@dataclass(frozen=True)
class HeldOut:
    """Held-out blocks with fixed masks.

    Attributes:
        input_ids, labels: (blocks, length) int64.
        attention_mask: (blocks, length) bool, False where padding is.
    """

    input_ids: Tensor
    labels: Tensor
    attention_mask: Tensor

    @classmethod
    def of(cls, blocks: np.ndarray, masking: Masking, limit: int, draw: Draw = "uniform") -> HeldOut:
        """Mask at most ``limit`` blocks, evenly spaced over the sources of text.

        Args:
            draw: "uniform" for all models of the book; "smoothed" as in training, rare tokens more often.
        """
        numbers = evenly_spaced(len(blocks), limit)
        chosen = blocks[numbers]
        hidden = masking.uniform() if draw == "uniform" else masking.hiding()
        arrays = (*hidden(chosen, numbers, MASK_SEED, 0), masking.real(chosen))
        return cls(*(torch.from_numpy(array) for array in arrays))

    def batches(self) -> Iterator[tuple[Tensor, Tensor, Tensor | None]]:
        """Yield ``input_ids``, ``labels`` and ``attention_mask`` (None without padding) of a few blocks at a time."""
        parts = (tensor.split(BATCH) for tensor in (self.input_ids, self.labels, self.attention_mask))
        for input_ids, labels, real in zip(*parts, strict=True):
            yield input_ids, labels, None if real.all() else real


@dataclass(frozen=True)
class Predictions:
    """Predictions of a model at each masked position, (positions,) each.

    Attributes:
        labels: the masked token.
        predicted: the likeliest token.
        loss: ``-log softmax(z)[label]``, in nat.
        block: the number of the block the position is in, for intervals over blocks.
    """

    labels: np.ndarray
    predicted: np.ndarray
    loss: np.ndarray
    block: np.ndarray

    def scores(self) -> dict[str, float]:
        """Return masked accuracy, the mean loss in nat and the perplexity."""
        loss = float(self.loss.mean())
        accuracy = float((self.labels == self.predicted).mean())
        return {"masked_accuracy": accuracy, "masked_lm_loss": loss, "perplexity": float(np.exp(loss))}

    @classmethod
    def open(cls, path: Path) -> Predictions:
        """Return what :meth:`save` wrote to ``path``."""
        return cls(*kept_arrays(path, [one.name for one in fields(cls)]))

    def save(self, path: Path) -> None:
        """Write the four arrays to ``path``, an ``.npz`` file."""
        with new_file(path) as temporary:
            np.savez_compressed(temporary, **vars(self))


@torch.inference_mode()
def projections(model: PreTrainedModel, held_out: HeldOut) -> list[Projection]:
    """Return, for each batch, the projection of ``model`` at the masked positions only."""
    training = model.training
    model.eval()
    made = []
    for input_ids, labels, real in held_out.batches():
        on_device = (tensor if tensor is None else tensor.to(model.device) for tensor in (input_ids, real))
        hidden = hidden_states(model, *on_device)
        masked = (labels.flatten() if real is None else labels[real]) != IGNORED
        made.append(Projection.of(model, hidden[masked.to(model.device)]))
    model.train(training)
    return made


def predict(model: PreTrainedModel, held_out: HeldOut) -> Predictions:
    """Return the predictions of ``model`` at every masked position."""
    return predictions(projections(model, held_out), held_out)


@torch.inference_mode()
def predictions(made: list[Projection], held_out: HeldOut) -> Predictions:
    """Return the predictions of the projections ``made`` by :func:`projections`."""
    labels = held_out.labels[held_out.labels != IGNORED]
    predicted, losses = [], []
    for batch, wanted in zip(made, labels.split([len(batch.states) for batch in made]), strict=True):
        logits = batch.logits()
        predicted.append(logits.argmax(-1).cpu())
        losses.append(F.cross_entropy(logits, wanted.to(logits.device), reduction="none").cpu())
    block = (held_out.labels != IGNORED).nonzero()[:, 0]
    return Predictions(labels.numpy(), torch.cat(predicted).numpy(), torch.cat(losses).numpy(), block.numpy())


@torch.inference_mode()
def compare(student: list[Projection], teacher: list[Projection]) -> dict[str, float]:
    """Return the mean divergence from the teacher in nat (T = 1), and the share of equal likeliest tokens."""
    divergence, agreed, number = 0.0, 0, 0
    for ours, theirs in zip(student, teacher, strict=True):
        log_q, log_p = ours.logits().log_softmax(-1), theirs.logits().log_softmax(-1)
        divergence += float(F.kl_div(log_q, log_p, log_target=True, reduction="sum"))
        agreed += int((log_q.argmax(-1) == log_p.argmax(-1)).sum())
        number += len(log_q)
    return {"kl_to_teacher": divergence / number, "top1_agreement": agreed / number}
