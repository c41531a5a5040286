"""The teacher: a BERT, loaded whole or not at all."""

from __future__ import annotations

from pathlib import Path

from transformers import BertForMaskedLM

from ..config import BookError
from .folder import check_teacher, look_at
from .loading import load_model, load_tokenizer, quiet_loading

__all__ = ["has_head", "load_teacher", "load_tokenizer", "quiet_loading", "weights_fingerprint"]


def load_teacher(folder: Path, new_head: bool) -> BertForMaskedLM:
    """Return the BERT in ``folder`` with its masked-LM head, in float32 and evaluation mode.

    Args:
        new_head: take a model without a masked-LM head, whose head starts at random and must be
            fitted (``training/teacher_head.py``); every other weight has to be there all the same.

    Raises:
        BookError: naming the weights that the folder does not give, or a vocabulary that does not
            match the tokenizer's; for a head whose matrix is not the word embeddings.
    """
    check_teacher(folder, new_head)
    model = load_model(folder, "masked_lm", new_head)
    if model.get_output_embeddings().weight is not model.get_input_embeddings().weight:
        raise BookError(
            "the masked-LM head has a matrix of its own",
            where=folder,
            expected="the word embeddings as the head's matrix, which a student shares too",
            do="give a BERT whose head is tied to its word embeddings, or fit a head: remove cls.predictions",
        )
    return model.eval()


def has_head(folder: Path) -> bool:
    """Whether the model in ``folder`` comes with a masked-LM head."""
    return look_at(folder).has_masked_lm_head


def weights_fingerprint(folder: Path) -> str:
    """Return a short hash of everything that decides the model's numbers: weights, configuration, tokenizer."""
    return look_at(folder).fingerprint
