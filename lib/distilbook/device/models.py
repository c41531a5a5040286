"""The models that are timed, built with random weights, and a pass through one of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .comparisons import ELMO, ELMO_BASELINE, Input, Timed


def model_of(timed: Timed) -> Any:
    """Return the model on torch's current device, with the random weights of the current state."""
    config = dict(timed.config)
    kind = config.pop("model_type")
    if timed.reads_words:
        from ..model.elmo import Elmo, ElmoBaseline, ElmoSizes

        return {ELMO: Elmo, ELMO_BASELINE: ElmoBaseline}[kind](ElmoSizes(**config))
    import torch
    from transformers import AutoConfig, AutoModel

    made = AutoConfig.for_model(kind, **config)
    return AutoModel.from_config(
        made, attn_implementation=timed.attention, dtype=torch.float32, trust_remote_code=False
    )


def parameters_of_timed(timed: Timed) -> int:
    """Return the number of a model's parameters, from its shapes alone."""
    import torch

    from ..model.sizes import parameters_of

    with torch.device("meta"):
        return parameters_of(model_of(timed))


def built(timed: Timed, device: str) -> Any:
    """Return the model on ``device`` in evaluation mode, with the random weights of seed 0."""
    import torch

    torch.manual_seed(0)
    model = model_of(timed).eval().to(device, getattr(torch, timed.precision))
    return torch.compile(model) if timed.compiled else model


def call_of(model: Any, timed: Timed, given: Input, device: str) -> Callable[[], Any]:
    """Return a pass of random ids of the ``given`` shape through ``model``; it ends when ``device`` is done."""
    call = _words_call(model, timed, given, device) if timed.reads_words else _pieces_call(model, timed, given, device)
    if device == "cpu":
        return call
    import torch

    def finished() -> None:
        call()
        torch.cuda.synchronize()

    return finished


def _pieces_call(model: Any, timed: Timed, given: Input, device: str) -> Callable[[], Any]:
    """Return the pass of a sentence pair in word pieces: ids and mask, both (batch, tokens + padding)."""
    import torch

    ids = torch.randint(timed.config.get("vocab_size", 30_522), (given.batch, given.tokens + given.padding))
    mask = torch.ones_like(ids)
    mask[:, given.tokens :] = 0
    inputs = {"input_ids": ids.to(device), "attention_mask": mask.to(device)}
    return lambda: model(**inputs)


def _words_call(model: Any, timed: Timed, given: Input, device: str) -> Callable[[], Any]:
    """Return the pass of both sentences, one after the other, each (batch, words + 2 boundary marks, characters)."""
    import torch

    from ..model.elmo import WORD_LENGTH

    characters = timed.config.get("characters", 262)
    sentences = [
        torch.randint(characters, (given.batch, words + 2, WORD_LENGTH)).to(device) for words in given.words
    ]
    return lambda: [model(sentence) for sentence in sentences]
