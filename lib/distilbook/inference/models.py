"""What is timed: models with random weights, the inputs they get, and who is compared with whom. Plain data.

The models that are timed, built with random weights, and a pass through one of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..models.parameters import DIMENSIONS
from .lengths import PairLength

#: ``model_type`` of what ``transformers`` does not have: see :mod:`distilbook.models.elmo`.
ELMO, ELMO_BASELINE = "elmo", "elmo under GLUE's baseline"

#: The dimensions under which a model has its published name.
PUBLISHED = {
    "bert-base": {"model_type": "bert", "num_hidden_layers": 12, "hidden_size": 768, "intermediate_size": 3072},
    "distilbert": {"model_type": "distilbert", "n_layers": 6, "dim": 768, "hidden_dim": 3072},
}


@dataclass(frozen=True)
class Timed:
    """A model that is timed.

    Attributes:
        name: under which it is recorded.
        config: a configuration of ``transformers`` as it stands in ``config.json``, with its ``model_type``; or
            ELMo's sizes.
        attention: the kernel, ``eager`` or ``sdpa``.
        precision: of weights and products, ``float32`` or ``bfloat16``.
        compiled: whether ``torch.compile`` has the model.
    """

    name: str
    config: Mapping[str, Any]
    attention: str = "eager"
    precision: str = "float32"
    compiled: bool = False

    @property
    def reads_words(self) -> bool:
        """Whether its inputs are words, each in characters, and not word pieces."""
        return self.config["model_type"] in (ELMO, ELMO_BASELINE)

    @property
    def key(self) -> str:
        """What it is built by: two with one key are one model."""
        return json.dumps([asdict(self) | {"name": ""}], sort_keys=True)


@dataclass(frozen=True)
class Input:
    """The shape of what a model gets.

    Attributes:
        batch: sentence pairs in it.
        tokens: word pieces of each.
        padding: positions more, which are masked.
        words: of the first and of the second sentence, for models that read words.
    """

    batch: int
    tokens: int
    padding: int = 0
    words: tuple[int, ...] = ()

    @classmethod
    def of(cls, length: PairLength, padded_to: int = 0) -> Input:
        """Return the input that a sentence pair makes on its own."""
        padding = max(0, padded_to - length.pieces)
        return cls(1, length.pieces, padding, (length.first_words, length.second_words))


@dataclass(frozen=True)
class Comparison:
    """Models that take turns on the same inputs.

    Attributes:
        name: the task under which the times are recorded.
        models: the first is what the others are compared with.
        repeats: passes of an input through each model.
        noise_inputs: on the first so many inputs the first model is also timed against itself.
    """

    name: str
    models: tuple[Timed, ...]
    inputs: tuple[Input, ...]
    repeats: int
    noise_inputs: int


@dataclass(frozen=True)
class Order:
    """What one process times.

    Attributes:
        threads: of products on a CPU.
        device: ``cpu`` or ``cuda``.
        warm_up: passes through each model before the first that counts.
        neighbours: processes that do nothing but keep a core busy meanwhile.
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
        return sum(len(comparison.inputs) for comparison in self.comparisons)

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Order:
        values = json.loads(text)
        comparisons = tuple(
            Comparison(
                **one
                | {
                    "models": tuple(Timed(**model) for model in one["models"]),
                    "inputs": tuple(Input(**given | {"words": tuple(given["words"])}) for given in one["inputs"]),
                }
            )
            for one in values.pop("comparisons")
        )
        return cls(comparisons=comparisons, **values)


def bert(layers: int, width: int, heads: int, feed_forward: int, **how: Any) -> Timed:
    """Return a BERT of these dimensions, else the published one's; ``how`` are the other attributes of the model."""
    return _sized("bert", how, layers=layers, width=width, heads=heads, feed_forward=feed_forward)


def distilbert(layers: int, width: int, heads: int, feed_forward: int, **how: Any) -> Timed:
    """Return a DistilBERT of these dimensions, else the published one's; ``how`` as for :func:`bert`."""
    return _sized("distilbert", how, layers=layers, width=width, heads=heads, feed_forward=feed_forward)


def _sized(kind: str, how: Mapping[str, Any], **dimensions: int) -> Timed:
    names = DIMENSIONS[kind]
    return timed({"model_type": kind} | {names[name]: value for name, value in dimensions.items()}, **how)


def timed(config: Mapping[str, Any], **how: Any) -> Timed:
    """Return the model of a configuration, under the published name where it has the published dimensions."""
    return Timed(name_of(config), dict(config), **how)


def timed_folder(folder: Path) -> Timed:
    """Return the model in ``folder``, which is looked at; only its configuration is used."""
    from ..models.folder import look_at

    return timed(look_at(Path(folder)).config)


def name_of(config: Mapping[str, Any]) -> str:
    """Return ``bert-base`` or ``distilbert`` for their dimensions, else the type with layers and width."""
    for name, dimensions in PUBLISHED.items():
        if dimensions.items() <= config.items() and config.get("vocab_size", 30_522) == 30_522:
            return name
    kind = config["model_type"]
    names = DIMENSIONS.get(kind, DIMENSIONS["bert"])  # most other architectures name theirs as BERT does
    layers, width = config.get(names["layers"]), config.get(names["width"])
    return f"{kind} {layers} x {width}" if layers is not None else kind


def model_of(timed: Timed) -> Any:
    """Return the model on torch's current device, with the random weights of the current state."""
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

    from ..models.elmo import WORD_LENGTH

    characters = timed.config.get("characters", 262)
    sentences = [torch.randint(characters, (given.batch, words + 2, WORD_LENGTH)).to(device) for words in given.words]
    return lambda: [model(sentence) for sentence in sentences]
