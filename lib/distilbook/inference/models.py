"""Models, inputs and orders of a timing run as plain data, and the runtime that makes a model's passes.

Weights are random: a matrix product takes as long whatever its numbers are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from ..models.family import families
from .lengths import PairLength

#: ``model_type`` of models that ``transformers`` does not have, see :mod:`distilbook.models.elmo`.
ELMO, ELMO_BASELINE = "elmo", "elmo under GLUE's baseline"

#: Dimensions of the published models by name.
PUBLISHED = {
    "bert-base": {"model_type": "bert", "num_hidden_layers": 12, "hidden_size": 768, "intermediate_size": 3072},
    "distilbert": {"model_type": "distilbert", "n_layers": 6, "dim": 768, "hidden_dim": 3072},
}
VOCABULARY = 30_522


@dataclass(frozen=True)
class Timed:
    """A model to time.

    Attributes:
        name: the model's name in records.
        config: the contents of a ``config.json``, with ``model_type``; for ELMo its sizes.
        attention: the kernel, ``eager`` or ``sdpa``.
        precision: of weights and products, ``float32`` or ``bfloat16``.
        compiled: whether the model goes through ``torch.compile``.
    """

    name: str
    config: Mapping[str, Any]
    attention: str = "eager"
    precision: str = "float32"
    compiled: bool = False

    @property
    def reads_words(self) -> bool:
        """Whether the inputs are words in characters, not tokens."""
        return self.config["model_type"] in (ELMO, ELMO_BASELINE)

    @property
    def key(self) -> str:
        """All fields except the name: models with equal keys are built once."""
        return json.dumps([asdict(self) | {"name": ""}], sort_keys=True)


@dataclass(frozen=True)
class Input:
    """The shape of an input.

    Attributes:
        batch: sentence pairs.
        tokens: tokens of each pair.
        padding: masked positions after them.
        words: of the first and of the second sentence, for models that read words; empty for plain shapes.
    """

    batch: int
    tokens: int
    padding: int = 0
    words: tuple[int, ...] = ()

    @classmethod
    def of(cls, length: PairLength, padded_to: int = 0) -> Input:
        """Return the input of a single sentence pair."""
        padding = max(0, padded_to - length.tokens)
        return cls(1, length.tokens, padding, (length.first_words, length.second_words))


@dataclass(frozen=True)
class Comparison:
    """Models that take turns on the same inputs.

    Attributes:
        name: the task in records.
        models: the first is the reference of the ratios.
        repeats: passes of an input through each model.
        noise_inputs: number of inputs, from the first, on which the first model is also timed against itself.
    """

    name: str
    models: tuple[Timed, ...]
    inputs: tuple[Input, ...]
    repeats: int
    noise_inputs: int

    @property
    def of_sentence_pairs(self) -> bool:
        """Whether the inputs are single sentence pairs of STS-B, not batches of one shape."""
        return all(given.words for given in self.inputs)


@dataclass(frozen=True)
class Order:
    """The work of one timing process.

    Attributes:
        threads: of products on a CPU.
        device: ``cpu`` or ``cuda``.
        warm_up: passes through each model before the first that counts.
        neighbours: further processes that keep a core busy meanwhile.
        onednn: whether PyTorch may use oneDNN's kernels on a CPU, which it did not in 2019.
    """

    threads: int
    comparisons: tuple[Comparison, ...]
    device: str = "cpu"
    warm_up: int = 3
    neighbours: int = 0
    onednn: bool = True

    @property
    def inputs(self) -> int:
        """The number of inputs of all comparisons."""
        return sum(len(comparison.inputs) for comparison in self.comparisons)

    def to_json(self) -> str:
        return TypeAdapter(Order).dump_json(self).decode()

    @classmethod
    def from_json(cls, text: str) -> Order:
        return TypeAdapter(cls).validate_json(text)


def sized(kind: str, layers: int, width: int, heads: int, feed_forward: int, **how: Any) -> Timed:
    """Return a model of these dimensions, otherwise the published one's.

    Args:
        kind: ``model_type`` of the configuration.
        how: the attributes of :class:`Timed` that are not the default.
    """
    names = families()[kind].dimensions
    values = {"layers": layers, "width": width, "heads": heads, "feed_forward": feed_forward}
    return timed({"model_type": kind} | {names[name]: value for name, value in values.items()}, **how)


bert = partial(sized, "bert")
distilbert = partial(sized, "distilbert")


def timed(config: Mapping[str, Any], **how: Any) -> Timed:
    """Return the model of a configuration, with the published name if it has the published dimensions."""
    return Timed(name_of(config), dict(config), **how)


def timed_folder(folder: Path) -> Timed:
    """Return the model whose configuration is in ``folder``; its weights are not read."""
    from ..models.folder import look_at

    return timed(look_at(Path(folder)).config)


def name_of(config: Mapping[str, Any]) -> str:
    """Return ``bert-base`` or ``distilbert`` for their dimensions, else the type with layers and width."""
    for name, dimensions in PUBLISHED.items():
        if dimensions.items() <= config.items() and config.get("vocab_size", VOCABULARY) == VOCABULARY:
            return name
    kind = config["model_type"]
    names = families().get(kind, families()["bert"]).dimensions  # most other architectures use BERT's names
    layers, width = config.get(names["layers"]), config.get(names["width"])
    return f"{kind} {layers} x {width}" if layers is not None else kind


def model_of(timed: Timed) -> Any:
    """Return the model on torch's current device, its weights drawn from the current random state."""
    config = dict(timed.config)
    kind = config.pop("model_type")
    if timed.reads_words:
        from ..models.elmo import Elmo, ElmoBaseline, ElmoSizes

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

    from ..models.parameters import parameters_of

    with torch.device("meta"):
        return parameters_of(model_of(timed))


#: A pass of one input through a model; it returns when the device has finished.
Pass = Callable[[], object]
#: A model that is ready to run: from the shape of an input to its pass.
Runtime = Callable[[Input], Pass]


def torch_runtime(timed: Timed, device: str) -> Runtime:
    """Return the PyTorch model on ``device``, in evaluation mode, as a runtime."""
    model = built(timed, device)
    return lambda given: torch_pass(model, timed, given, device)


def built(timed: Timed, device: str) -> Any:
    """Return the model on ``device`` in evaluation mode, with the random weights of seed 0."""
    import torch

    torch.manual_seed(0)
    model = model_of(timed).eval().to(device, getattr(torch, timed.precision))
    return torch.compile(model) if timed.compiled else model


def torch_pass(model: Any, timed: Timed, given: Input, device: str) -> Pass:
    """Return the pass of random ids of the ``given`` shape through ``model``."""
    import torch

    if timed.reads_words:
        sentences = _sentences(timed, given, device)
        call: Pass = lambda: [model(sentence) for sentence in sentences]
    else:
        ids = torch.randint(timed.config.get("vocab_size", VOCABULARY), (given.batch, given.tokens + given.padding))
        mask = torch.ones_like(ids)
        mask[:, given.tokens :] = 0
        inputs = {"input_ids": ids.to(device), "attention_mask": mask.to(device)}  # both (batch, tokens + padding)
        call = lambda: model(**inputs)
    return call if device == "cpu" else lambda: (call(), torch.cuda.synchronize())


def _sentences(timed: Timed, given: Input, device: str) -> list[Any]:
    """Return both sentences of a pair for ELMo, each (batch, words + 2 boundary marks, characters)."""
    import torch

    from ..models.elmo import WORD_LENGTH

    characters = timed.config.get("characters", 262)
    return [torch.randint(characters, (given.batch, words + 2, WORD_LENGTH)).to(device) for words in given.words]
