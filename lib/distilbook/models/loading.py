"""Loading of models and tokenizers: in float32, from safetensors, offline, and without running their code."""

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

#: Outputs of a model, whatever its configuration says.
OUTPUTS = {"return_dict": True, "output_hidden_states": False, "output_attentions": False}


@contextlib.contextmanager
def quiet_loading() -> Iterator[None]:
    """Silence transformers' report of missing weights, which the caller handles."""
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
    """Return the tokenizer in ``folder``, its ``model_max_length`` the model's positions; errors as of ModelFolder."""
    found = look_at(folder)
    return found.tokenizer.load(found.size["positions"])


def tokenizer_as_others_load_it(folder: Path) -> PreTrainedTokenizerFast:
    """Return the tokenizer that ``transformers`` itself loads from ``folder``."""
    return transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)


def load_config(found: ModelFolder, **changes: Any) -> PretrainedConfig:
    """Return the configuration of the model ``found``, with ``changes``.

    Raises:
        BookError: when ``transformers`` refuses it, or reads a dimension differently.
    """
    cls = transformers.CONFIG_MAPPING[found.family.model_type]
    try:
        config = cls.from_dict(dict(found.config) | OUTPUTS, **changes)
    except Exception as error:  # of any class, depending on the value
        raise _not_loaded(found, error) from None
    for key in found.family.dimensions.values():
        if getattr(config, key) != found.config[key]:
            what = f"config.json gives two values of {key}: {found.config[key]} and {getattr(config, key)}"
            raise BookError(what, where=found.path, expected="one value", do=OWN_CONFIG)
    return config


def load_model(folder: Path, head: Head, new_head: bool = False, **changes: Any) -> PreTrainedModel:
    """Return the model in ``folder`` with its ``head``, in float32.

    Args:
        new_head: initialise missing weights of the head, or a head of another size, at random.
        changes: of the configuration, such as ``num_labels``.

    Raises:
        BookError: as of ModelFolder, for a weight that is not finite, or when ``transformers`` cannot load it.
    """
    found = look_at(folder)
    if (missing := found.lacks(head)) and not new_head:
        what = f"{len(missing)} weights of the model's head were not loaded: {listed(missing)}"
        do = "supply the whole model, as safetensors"
        raise BookError(what, where=folder, expected="a model with its head", do=do)
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
    except Exception as error:  # of any class
        raise _not_loaded(found, error) from None
    if broken := [name for name, weight in model.named_parameters() if not weight.isfinite().all()]:
        what = f"{len(broken)} of the model's weights hold numbers that are not finite: {listed(broken)}"
        do = "give an earlier state of the model; its training went wrong, or its file is damaged"
        raise BookError(what, where=folder, expected="finite numbers in float32", do=do)
    return model


def check_float32(model: torch.nn.Module) -> None:
    """Assert that every trainable parameter is float32, also under mixed precision."""
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


def load_teacher(folder: Path, new_head: bool) -> PreTrainedModel:
    """Return the teacher in ``folder`` with its masked-LM head, in float32 and evaluation mode.

    Args:
        new_head: accept a model without a masked-LM head, which starts at random and must be fitted.

    Raises:
        BookError: as of :func:`check_teacher`, or for a head that is not tied to the word embeddings.
    """
    check_teacher(folder, new_head)
    model = load_model(folder, "masked_lm", new_head)
    if model.get_output_embeddings().weight is not model.get_input_embeddings().weight:
        expected = "the word embeddings as the head's matrix, as in a student"
        do = "give a model whose head is tied to its word embeddings, or remove the head and fit a new one"
        raise BookError("the masked-LM head has a matrix of its own", where=folder, expected=expected, do=do)
    return model.eval()


def has_head(folder: Path) -> bool:
    """Whether the model in ``folder`` has a complete masked-LM head."""
    return not look_at(folder).lacks("masked_lm")


def weights_fingerprint(folder: Path) -> str:
    """Return a short hash of the model's weights, configuration and tokenizer."""
    return look_at(folder).fingerprint
