"""The one place that loads models: in float32, from safetensors, offline, and without code of theirs.

No argument whose default decides a number, runs code or asks a question is left to ``transformers``.

The teacher: a BERT, loaded whole or not at all.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerFast
from transformers.utils import logging

from ..core.config import BookError
from .family import Head
from .folder import OWN_CONFIG, ModelFolder, check_teacher, look_at
from .stored import listed

#: What a model gives back, whatever its configuration says of it.
OUTPUTS = {"return_dict": True, "output_hidden_states": False, "output_attentions": False}


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
    """Return the tokenizer of the model in ``folder``; its ``model_max_length`` is the model's positions.

    Raises:
        BookError: for a folder that is no whole model; see :class:`~distilbook.models.folder.ModelFolder`.
    """
    found = look_at(folder)
    return found.tokenizer.load(found.size["positions"])


def tokenizer_as_others_load_it(folder: Path) -> PreTrainedTokenizerFast:
    """Return the tokenizer that ``transformers`` makes of ``folder``, for whoever gets it without this book."""
    return transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)


def load_config(found: ModelFolder, **changes: Any) -> PretrainedConfig:
    """Return the configuration of the model ``found``, with ``changes``.

    Raises:
        BookError: when ``transformers`` refuses it, or reads another dimension in it than this book does.
    """
    cls = transformers.CONFIG_MAPPING[found.family.model_type]
    try:
        config = cls.from_dict(dict(found.config) | OUTPUTS, **changes)
    except Exception as error:  # every kind of value has its own way of being refused
        raise _not_loaded(found, error) from None
    for key in found.family.dimensions.values():
        if getattr(config, key) != found.config[key]:
            raise BookError(
                f"config.json says two things of {key}: {found.config[key]} and {getattr(config, key)}",
                where=found.path,
                expected="one value",
                do=OWN_CONFIG,
            )
    return config


def load_model(folder: Path, head: Head, new_head: bool = False, **changes: Any) -> PreTrainedModel:
    """Return the model in ``folder`` with its ``head``, in float32.

    Args:
        new_head: take a folder that lacks weights of the head, or has one of another size: they are random then.
        changes: of the configuration, such as ``num_labels``.

    Raises:
        BookError: for a folder that is no whole model, a weight that is no finite number, or anything else that
            keeps ``transformers`` from loading it.
    """
    found = look_at(folder)
    if (missing := found.lacks(head)) and not new_head:
        raise BookError(
            f"{len(missing)} weights of the model's head were not loaded: {listed(missing)}",
            where=folder,
            expected="a model with its head",
            do="supply the whole model, as safetensors",
        )
    cls = getattr(transformers, found.family.classes[head])
    config = load_config(found, **changes)
    try:
        with quiet_loading():
            model = cls.from_pretrained(
                folder,
                config=config,
                dtype=torch.float32,
                attn_implementation="sdpa",
                use_safetensors=True,
                trust_remote_code=False,
                local_files_only=True,
                ignore_mismatched_sizes=new_head,
            )
    except Exception as error:  # the library has no error of its own for a model that it cannot load
        raise _not_loaded(found, error) from None
    if broken := [name for name, weight in model.named_parameters() if not weight.isfinite().all()]:
        raise BookError(
            f"{len(broken)} of the model's weights hold numbers that are not finite: {listed(broken)}",
            where=folder,
            expected="finite numbers in float32",
            do="give an earlier state of the model; its training went wrong, or its file is damaged",
        )
    return model


def check_float32(model: torch.nn.Module) -> None:
    """Assert that every parameter that will be trained is float32, whatever products are computed in."""
    other = {str(weight.dtype) for weight in model.parameters() if weight.requires_grad} - {"torch.float32"}
    assert not other, f"weights are trained in float32, not in {', '.join(other)}"


def _not_loaded(found: ModelFolder, error: Exception) -> BookError:
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    return BookError(
        f"the model cannot be loaded ({reason})",
        where=found.path,
        expected="a model's folder as transformers writes it",
        do="put the model's own files into the folder, or write it anew with save_pretrained",
    )


__all__ = ["has_head", "load_teacher", "load_tokenizer", "quiet_loading", "weights_fingerprint"]


def load_teacher(folder: Path, new_head: bool) -> PreTrainedModel:
    """Return the teacher in ``folder`` with its masked-LM head, in float32 and evaluation mode.

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
            do=f"give {look_at(folder).family.title} whose head is tied to its word embeddings, or remove the head's "
            "weights and fit a new one",
        )
    return model.eval()


def has_head(folder: Path) -> bool:
    """Whether the model in ``folder`` comes with a masked-LM head."""
    return look_at(folder).has_masked_lm_head


def weights_fingerprint(folder: Path) -> str:
    """Return a short hash of everything that decides the model's numbers: weights, configuration, tokenizer."""
    return look_at(folder).fingerprint
