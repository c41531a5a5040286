"""The teacher: loaded whole or not at all."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from transformers import AutoTokenizer, BertForMaskedLM, PreTrainedTokenizerFast
from transformers.utils import logging

from ..config import BookError, short_hash
from ..files import sha256

HEAD = "cls.predictions."


@contextlib.contextmanager
def quiet_loading() -> Iterator[None]:
    """Keep transformers from printing its report of missing weights: the caller gets it and acts on it."""
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


def load_tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    """Return the fast tokenizer of the model in ``folder``.

    Raises:
        BookError: when its vocabulary is empty or lacks a special token.
    """
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    needed = {"[CLS]": tokenizer.cls_token_id, "[SEP]": tokenizer.sep_token_id, "[MASK]": tokenizer.mask_token_id}
    missing = [name for name, number in needed.items() if number is None]
    if missing or len(tokenizer) <= len(tokenizer.all_special_ids):
        raise BookError(
            f"the tokenizer has {len(tokenizer)} word pieces and lacks {missing or 'every ordinary one'}",
            where=folder,
            expected="a WordPiece vocabulary with [CLS], [SEP] and [MASK]",
            do="put the model's own tokenizer.json into the folder",
        )
    return tokenizer


def load_teacher(folder: Path, new_head: bool) -> BertForMaskedLM:
    """Return the BERT in ``folder`` with its masked-LM head, in evaluation mode.

    Args:
        new_head: take a model without a masked-LM head, whose head starts at random and must be
            fitted (``training/teacher_head.py``); every other weight has to be there all the same.

    Raises:
        BookError: naming the weights that the folder does not give, or a vocabulary that does not
            match the tokenizer's.
    """
    with quiet_loading():
        model, report = BertForMaskedLM.from_pretrained(folder, output_loading_info=True, local_files_only=True)
    missing = sorted(name for name in report["missing_keys"] if not (new_head and name.startswith(HEAD)))
    if missing:
        shown = ", ".join(missing[:4]) + (f" and {len(missing) - 4} more" if len(missing) > 4 else "")
        headless = all(name.startswith(HEAD) for name in missing)
        raise BookError(
            f"{len(missing)} of the teacher's weights were not loaded: {shown}",
            where=folder,
            expected="every weight of a BERT with a masked-LM head",
            do="fit one: set steps above 0 in chapter 03" if headless else "supply the whole model, as safetensors",
        )
    words = len(load_tokenizer(folder))
    if words != model.config.vocab_size:
        raise BookError(
            f"the tokenizer has {words} word pieces, the model {model.config.vocab_size}",
            where=folder,
            expected="one vocabulary",
            do="put the model's own tokenizer.json into the folder",
        )
    return model.eval()


def has_head(folder: Path) -> bool:
    """Whether the model in ``folder`` comes with a masked-LM head."""
    from safetensors import safe_open

    with safe_open(folder / "model.safetensors", framework="pt") as file:
        return any(name.startswith(HEAD + "transform") for name in file.keys())


def weights_fingerprint(folder: Path) -> str:
    """Return a short hash of the model's weights and configuration."""
    return short_hash([sha256(folder / name) for name in ("model.safetensors", "config.json")])
