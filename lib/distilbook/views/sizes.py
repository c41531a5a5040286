"""Tables of the sizes of the timed models: parameters of whole models and of their parts (Table 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..claims.paper import TABLE_3
from ..inference.models import Timed, model_of, parameters_of_timed
from ..inference.protocol import TimingConfig, elmo_models
from ..models.elmo import elmo_parts
from .models import coarse, parameters_by_part, part_rows

#: Rows of Table 3 by the names of the timed models.
TABLE_3_NAMES = {
    "bert-base": "BERT-base",
    "distilbert": "DistilBERT",
    "elmo": "ELMo",
    "elmo under GLUE's baseline": "ELMo",
}
MASKED_LM = {"bert-base": "BertForMaskedLM", "distilbert": "DistilBertForMaskedLM"}


def size_rows(config: TimingConfig, own: Sequence[Timed]) -> list[dict]:
    """Return the parameters of every model in millions, with and without heads and poolers."""
    from ..models.parameters import empty_model, parameters_of

    teacher, student = config.pair
    whole, half = parameters_of_timed(teacher), parameters_of_timed(student)
    rows = [_size(teacher.name, "pooler", whole), _size(student.name, "", half)]
    if teacher.name in TABLE_3_NAMES:
        pooler = parameters_of(empty_model("BertModel").pooler)
        heads = {name: parameters_of(empty_model(kind)) for name, kind in MASKED_LM.items()}
        rows.insert(1, _size(teacher.name, "neither pooler nor head", whole - pooler, False))
        rows.insert(2, _size(teacher.name, "masked-LM head", heads[teacher.name], False))
        rows.append(_size(student.name, "masked-LM head", heads[student.name], False))
    rows += [_size(one.name, "", parameters_of_timed(one)) for one in elmo_models(config)]
    return rows + [
        _size(f"own: {one.name}", with_what, parameters_of_timed(one), False)
        for one, with_what in zip(own, ("pooler", ""), strict=False)
    ]


def _size(name: str, with_what: str, count: int, in_table_3: bool = True) -> dict:
    return {
        "model": name,
        "counted with": with_what,
        "parameters": count,
        "in millions": f"{count / 1e6:.1f}",
        "Table 3": table_3_row(name).get("parameters") if in_table_3 else None,
    }


def table_3_row(name: str) -> Mapping[str, float]:
    """Return Table 3's row of a timed model; empty for models that are not in it."""
    return TABLE_3.get(TABLE_3_NAMES.get(name, ""), {})


def coarse_rows(models: Sequence[Timed]) -> list[dict]:
    """Return the parameters of BERTs and DistilBERTs by coarse part, a column a model."""
    from transformers import AutoConfig

    parts = {}
    for timed in models:
        config = dict(timed.config)
        kind = config.pop("model_type")
        parts[timed.name] = coarse(parameters_by_part(AutoConfig.for_model(kind, **config)))
    return part_rows(parts)


def elmo_part_rows(config: TimingConfig) -> list[dict]:
    """Return ELMo's parameters by part, as published and under GLUE's baseline."""
    import torch

    with torch.device("meta"):
        alone, under = (elmo_parts(model_of(timed)) for timed in elmo_models(config))
    rows = [{"part": part, "ELMo": alone.get(part, 0), "under GLUE's baseline": count} for part, count in under.items()]
    return [*rows, {"part": "together", "ELMo": sum(alone.values()), "under GLUE's baseline": sum(under.values())}]
