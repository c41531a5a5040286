"""Families of models: the differences between architectures as plain data, one module of ``models.families`` each."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ..core.config import BookError

Head = Literal["masked_lm", "classifier"]
Shapes = dict[str, tuple[int | None, ...]]

#: Names of a model's parts in tables, by role.
PARTS = {
    "word_embeddings": "word embeddings",
    "position_embeddings": "position embeddings",
    "token_type_embeddings": "token-type embeddings",
    "embedding_norm": "embedding LayerNorm",
    "query": "attention query",
    "key": "attention key",
    "value": "attention value",
    "attention_output": "attention output",
    "attention_norm": "attention LayerNorm",
    "widening": "feed-forward, widening",
    "narrowing": "feed-forward, narrowing",
    "output_norm": "feed-forward LayerNorm",
    "pooler": "pooler",
    "head_dense": "MLM head transform",
    "head_norm": "MLM head LayerNorm",
    "head_decoder": "MLM head decoder",
}
HEAD_BIAS = "MLM head bias"
#: Roles of LayerNorms.
NORMS = ("embedding_norm", "attention_norm", "output_norm", "head_norm")
#: transformers' names of the special tokens.
SPECIAL = ("unk_token", "pad_token", "cls_token", "sep_token", "mask_token")


@dataclass(frozen=True)
class Family:
    """An architecture: an encoder with learnt positions and LayerNorm after each part, and its heads.

    Attributes:
        model_type: its name in ``config.json``.
        title: the name with its article, for sentences.
        prefix: prefix of the encoder's parameters in a model with a head, without the dot.
        classes: transformers' classes: of the ``encoder`` alone and with each head.
        dimensions: the configuration's names of a model's dimensions, by this book's.
        activation: the configuration's name of the activation function.
        dropouts: the configuration's names of dropout in layers and of dropout of attention weights.
        layer: the name of a layer, with ``{}`` for its number.
        modules: module names by role (:data:`PARTS`): inside a layer, of the embeddings, of the pooler.
        head: module names of the masked-LM head, by role.
        head_bias: the parameter that is the head's bias.
        head_activation: of the masked-LM head; None for the configuration's.
        classifier: linear maps of a classification head, in the order of computation; the last gives the outputs.
        new_in_classifier: those of them that a pre-trained model lacks.
        other_heads: number of outputs of further heads that may be stored with the model and are not used.
        special: the usual special tokens, in the order of :data:`SPECIAL`.
        inputs: names of the model's inputs from the tokenizer.
        separators: separators between the two texts of a pair.
        pad_id: the padding token's id where the configuration does not say it.
        positions_after_padding: positions are counted from the padding token's id plus one, not from 0.
        layer_norm_eps: LayerNorm's epsilon if every model of the family has the same; else None.
        student: the family of its students; None where it is not taken as a teacher.
    """

    model_type: str
    title: str
    prefix: str
    classes: Mapping[str, str]
    dimensions: Mapping[str, str]
    activation: str
    dropouts: tuple[str, str]
    layer: str
    modules: Mapping[str, str]
    head: Mapping[str, str]
    head_bias: str
    classifier: tuple[str, ...]
    new_in_classifier: tuple[str, ...]
    other_heads: Mapping[str, int] = field(default_factory=dict)
    head_activation: str | None = None
    special: tuple[str, ...] = ("[UNK]", "[PAD]", "[CLS]", "[SEP]", "[MASK]")
    inputs: tuple[str, ...] = ("input_ids", "attention_mask")
    separators: int = 1
    pad_id: int = 0
    positions_after_padding: bool = False
    layer_norm_eps: float | None = None
    student: str | None = None

    @property
    def has_token_types(self) -> bool:
        """Whether the model has token-type embeddings."""
        return "token_type_ids" in self.inputs

    def first_position(self, pad_id: int | None) -> int:
        """Return the first position that is used."""
        return (pad_id or 0) + 1 if self.positions_after_padding else 0

    def encoder_modules(self, layers: int) -> dict[tuple[str, int | None], str]:
        """Return the encoder's modules, without prefix, by role and layer (None outside the layers)."""
        made: dict[tuple[str, int | None], str] = {}
        for role, name in self.modules.items():
            if role == "pooler":
                continue
            if "embedding" in role:
                made[role, None] = name
            else:
                made |= {(role, layer): f"{self.layer.format(layer)}.{name}" for layer in range(layers)}
        return made

    def encoder_shapes(self, size: Mapping[str, int], pad_id: int | None = None) -> Shapes:
        """Return the shape of every parameter of the embeddings and layers, by its name without prefix."""
        width, wide = size["width"], size["feed_forward"]
        rows = {
            "word_embeddings": size["vocabulary"],
            "position_embeddings": size["positions"] + self.first_position(pad_id),
            "token_type_embeddings": size.get("token_types"),
        }
        shapes: Shapes = {}
        for (role, _), name in self.encoder_modules(size["layers"]).items():
            if role in rows:
                shapes[f"{name}.weight"] = (rows[role], width)
            elif role in NORMS:
                shapes |= _norm(name, width)
            else:
                shapes |= _linear(name, wide if role == "narrowing" else width, wide if role == "widening" else width)
        return shapes

    def head_shapes(self, head: Head, size: Mapping[str, int]) -> Shapes:
        """Return the shapes of a head, without the tied matrix; None stands for the number of a classifier's outputs."""
        width = size["width"]
        if head == "classifier":
            *between, last = self.classifier
            inside = {name: shape for one in between for name, shape in _linear(one, width, width).items()}
            return inside | _linear(last, width, None)
        transform = _linear(self.head["head_dense"], width, width) | _norm(self.head["head_norm"], width)
        return transform | {self.head_bias: (size["vocabulary"],)}

    def other_shapes(self, size: Mapping[str, int]) -> Shapes:
        """Return the shapes of parameters that are not used here: other heads, copies of tied weights, pooler."""
        width, decoder = size["width"], self.head["head_decoder"]
        shapes: Shapes = {f"{decoder}.weight": (size["vocabulary"], width), f"{decoder}.bias": (size["vocabulary"],)}
        for name, outputs in self.other_heads.items():
            shapes |= _linear(name, width, outputs)
        return shapes | (_linear(self.modules["pooler"], width, width) if "pooler" in self.modules else {})

    def place_of(self, parameter: str) -> tuple[str, int | None]:
        """Return the part (:data:`PARTS`) and the layer of a parameter; a BookError for one of no known part."""
        name = parameter.removeprefix(f"{self.prefix}.")
        module, _, kind = name.rpartition(".")
        if name == self.head_bias or (module == self.head["head_decoder"] and kind == "bias"):
            return HEAD_BIAS, None
        layer = self.layer_of(name)
        if layer is not None:
            module = module.removeprefix(f"{self.layer.format(layer)}.")
        for role, known in (self.modules | self.head).items():  # type: ignore[operator]  # dicts
            if module == known:
                return PARTS[role], layer
        raise BookError(
            f"parameter {parameter!r} belongs to no known part",
            expected=f"a parameter of {self.title} with or without a masked-LM head",
            do="count another architecture's parameters with parameters_of",
        )

    def layer_of(self, name: str) -> int | None:
        """Return the layer of a parameter by its name without prefix; None outside the layers."""
        before = self.layer.format("")
        number = name.removeprefix(before).partition(".")[0] if name.startswith(before) else ""
        return int(number) if number.isdecimal() else None

    def student_settings(self, teacher: Mapping[str, Any], layers: int, dropout: float) -> dict[str, Any]:
        """Return the configuration of a student with ``layers`` layers and the teacher's width."""
        student = families()[self.student or self.model_type]
        made = {key: teacher[self.dimensions[name]] for name, key in student.dimensions.items()}
        made |= {student.dimensions["layers"]: layers, student.activation: teacher[self.activation]}
        made |= dict.fromkeys(student.dropouts, dropout)
        same: tuple[str, ...] = ("initializer_range", "pad_token_id")
        if student is self:
            same += ("layer_norm_eps", "bos_token_id", "eos_token_id")
        return made | {key: teacher[key] for key in same}

    def module_map(self, layers: tuple[int, ...]) -> dict[str, str]:
        """Return the teacher's module for each module of a student that copies ``layers``, with prefixes."""
        student = families()[self.student or self.model_type]
        sources = self.encoder_modules(max(layers, default=-1) + 1)
        inside = {
            f"{student.prefix}.{name}": f"{self.prefix}.{sources[role, None if place is None else layers[place]]}"
            for (role, place), name in student.encoder_modules(len(layers)).items()
        }
        return inside | {student.head[role]: name for role, name in self.head.items()}


@functools.cache
def families() -> dict[str, Family]:
    """Return every family in :mod:`distilbook.models.families` by its ``model_type``."""
    from . import families as package

    modules = [
        importlib.import_module(f"{package.__name__}.{one.name}") for one in pkgutil.iter_modules(package.__path__)
    ]
    found = [value for module in modules for value in vars(module).values() if isinstance(value, Family)]
    return {family.model_type: family for family in found}


def family_of(config: Any) -> Family:
    """Return the family of a transformers configuration or a ``config.json``; a BookError for an unknown family."""
    kind = config.get("model_type") if isinstance(config, Mapping) else config.model_type
    if kind in families():
        return families()[kind]
    article = "an" if str(kind).startswith(tuple("aeiou")) else "a"
    raise BookError(
        f"the model is {article} {kind}",
        expected=f"a model_type that this book knows: {', '.join(families())}",
        do=f"give {known_families()}",
    )


def known_families() -> str:
    """Return the families in words: "a BERT or a RoBERTa"."""
    *others, last = (family.title for family in families().values())
    return f"{', '.join(others)} or {last}"


def _linear(name: str, inputs: int, outputs: int | None) -> Shapes:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def _norm(name: str, width: int) -> Shapes:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}
