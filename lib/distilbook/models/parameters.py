"""Parameter counts by part and layer, of models on torch's meta device, which has shapes but no numbers."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import transformers
from torch import nn
from transformers import AutoConfig, PretrainedConfig, PreTrainedModel

from ..core.config import BookError, nearest
from .family import families, family_of

#: Families by class of model that can be counted by part.
MODEL_KINDS = {family.classes[kind]: family for family in families().values() for kind in ("encoder", "masked_lm")}


@dataclass(frozen=True)
class Row:
    """A part's parameters; ``layer`` from 0, None outside the layers; a part with shared weights has a ``count`` of 0."""

    part: str
    layer: int | None
    count: int


def model_config(kind: str, **dimensions: int) -> PretrainedConfig:
    """Return the configuration of a ``kind`` of model; a dimension left out is the published model's.

    Args:
        kind: a class of a registered family, such as ``BertModel`` or ``DistilBertForMaskedLM``.
        dimensions: by the names of the family's ``dimensions``.

    Raises:
        BookError: for an unknown kind or dimension.
    """
    if kind not in MODEL_KINDS:
        raise BookError(f"there is no model kind {kind!r}", do=nearest(kind, list(MODEL_KINDS), "kinds"))
    names = MODEL_KINDS[kind].dimensions
    for name in dimensions:
        if name not in names:
            raise BookError(f"{kind} has no dimension {name!r}", do=nearest(name, list(names), "dimensions"))
    return AutoConfig.for_model(
        MODEL_KINDS[kind].model_type, **{names[name]: value for name, value in dimensions.items()}
    )


def empty_model(kind: str, **dimensions: int) -> PreTrainedModel:
    """Return a model on the meta device; arguments and errors as in :func:`model_config`."""
    config = model_config(kind, **dimensions)
    with torch.device("meta"):
        return getattr(transformers, kind)(config)


def parameters_of(model: nn.Module) -> int:
    """Return the number of parameters of ``model``, shared ones counted once."""
    return sum(parameter.numel() for parameter in model.parameters())


def table_of(model: PreTrainedModel) -> list[Row]:
    """Return the parts of a ``model`` in the model's order; a BookError for a parameter of no known part."""
    counts: dict[tuple[str, int | None], int] = {}
    seen: set[int] = set()
    family = family_of(model.config)
    for name, parameter in model.named_parameters(remove_duplicate=False):
        place = family.place_of(name)
        counts[place] = counts.get(place, 0) + (0 if id(parameter) in seen else parameter.numel())
        seen.add(id(parameter))
    return [Row(part, layer, count) for (part, layer), count in counts.items()]


def parameter_table(kind: str, **dimensions: int) -> list[Row]:
    """Return the parts of a ``kind`` of model; arguments and errors as in :func:`model_config`."""
    return table_of(empty_model(kind, **dimensions))


def count_by_formula(
    *,
    layers: int,
    width: int,
    feed_forward: int,
    vocabulary: int,
    positions: int,
    token_types: int,
    pooler: bool,
    masked_lm_head: bool = False,
) -> int:
    """Return the parameters of a BERT-like model in closed form (Vaswani et al. 2017, section 3; Devlin et al. 2019).

    The head's decoder shares the word embeddings and adds only a bias.
    """
    norm, square = 2 * width, width * width + width
    embeddings = (vocabulary + positions + token_types) * width + norm
    attention = 4 * square + norm
    feeding = (width * feed_forward + feed_forward) + (feed_forward * width + width) + norm
    head = square + norm + vocabulary
    return embeddings + layers * (attention + feeding) + pooler * square + masked_lm_head * head


def width_for(parameters: int, layers: int, heads: int, times_wider: int) -> int:
    """Return the width, a multiple of ``heads``, at which a DistilBERT comes nearest to this number of ``parameters``.

    ``times_wider`` is the feed-forward width over the width.
    """

    def count(width: int) -> int:
        return count_by_formula(
            layers=layers, width=width, feed_forward=times_wider * width,
            vocabulary=30_522, positions=512, token_types=0, pooler=False,
        )  # fmt: skip

    widths = range(heads, max(2, parameters // 30_522) + 2 * heads, heads)
    return min(widths, key=lambda width: abs(count(width) - parameters))
