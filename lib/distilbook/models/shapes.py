"""Parameter names and shapes of the known families, BERT and DistilBERT. Plain data, without torch."""

from __future__ import annotations

import re
from collections.abc import Mapping

Shapes = dict[str, tuple[int | None, ...]]

#: The families that can be loaded, by ``model_type``, and what they are called in a sentence.
FAMILIES = {"bert": "a BERT", "distilbert": "a DistilBERT"}

#: What a layer's parameters are called, by family.
LAYER = {"bert": "encoder.layer.{}.", "distilbert": "transformer.layer.{}."}

#: Linear maps inside one layer: from ``width`` to ``width``, to ``feed_forward``, and back.
SQUARE = {
    "bert": ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"),
    "distilbert": ("attention.q_lin", "attention.k_lin", "attention.v_lin", "attention.out_lin"),
}
WIDENING = {"bert": "intermediate.dense", "distilbert": "ffn.lin1"}
NARROWING = {"bert": "output.dense", "distilbert": "ffn.lin2"}
NORMS = {
    "bert": ("attention.output.LayerNorm", "output.LayerNorm"),
    "distilbert": ("sa_layer_norm", "output_layer_norm"),
}

#: Buffers that older versions of transformers saved: numbers that follow from the shapes.
BUFFERS = ("embeddings.position_ids", "embeddings.token_type_ids")


def encoder_shapes(family: str, size: Mapping[str, int]) -> Shapes:
    """Return the shape of every parameter of the embeddings and layers.

    Args:
        size: ``layers``, ``width``, ``feed_forward``, ``vocabulary``, ``positions``, and for BERT ``token_types``.
    """
    width, wide = size["width"], size["feed_forward"]
    shapes: Shapes = {
        "embeddings.word_embeddings.weight": (size["vocabulary"], width),
        "embeddings.position_embeddings.weight": (size["positions"], width),
        **_norm("embeddings.LayerNorm", width),
    }
    if "token_types" in size:
        shapes["embeddings.token_type_embeddings.weight"] = (size["token_types"], width)
    for layer in range(size["layers"]):
        prefix = LAYER[family].format(layer)
        for name in SQUARE[family]:
            shapes |= _linear(prefix + name, width, width)
        shapes |= _linear(prefix + WIDENING[family], width, wide) | _linear(prefix + NARROWING[family], wide, width)
        for name in NORMS[family]:
            shapes |= _norm(prefix + name, width)
    return shapes


def masked_lm_shapes(family: str, size: Mapping[str, int]) -> Shapes:
    """Return the shapes of the masked-LM head, without its matrix, which is the word embeddings'."""
    width, bias = size["width"], (size["vocabulary"],)
    if family == "bert":
        head = "cls.predictions."
        transform = _linear(head + "transform.dense", width, width) | _norm(head + "transform.LayerNorm", width)
        return transform | {head + "bias": bias}
    return _linear("vocab_transform", width, width) | _norm("vocab_layer_norm", width) | {"vocab_projector.bias": bias}


def classifier_shapes(family: str, size: Mapping[str, int]) -> Shapes:
    """Return the shapes of a head for classes or a number; None stands for its outputs."""
    between = "pooler.dense" if family == "bert" else "pre_classifier"
    return _linear(between, size["width"], size["width"]) | _linear("classifier", size["width"], None)


def other_head_shapes(family: str, size: Mapping[str, int]) -> Shapes:
    """Return the shapes of the known heads that this book drops, and of what is tied to another parameter."""
    width, vocabulary = size["width"], size["vocabulary"]
    shapes = _linear("qa_outputs", width, 2)
    if family == "bert":
        shapes |= _linear("cls.seq_relationship", width, 2)
        shapes |= {"cls.predictions.decoder.weight": (vocabulary, width), "cls.predictions.decoder.bias": (vocabulary,)}
    else:
        shapes |= {"vocab_projector.weight": (vocabulary, width)}
    return shapes


def layer_of(family: str, name: str) -> int | None:
    """Return the number of the layer that the parameter ``name`` is in; None outside the layers."""
    found = re.match(LAYER[family].replace(".", r"\.").format(r"(\d+)"), name)
    return int(found.group(1)) if found else None


def _linear(name: str, inputs: int, outputs: int | None) -> Shapes:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def _norm(name: str, width: int) -> Shapes:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}
