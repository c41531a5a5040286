"""What the experiment with sentence pairs found, in words that its intervals choose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..claims.wording import POINTS, SHARE, counted, with_ends
from ..statistics import Interval

if TYPE_CHECKING:
    from ..training.finetuning.segments import Reading

#: How the models are called in these sentences.
NAMES = {"full": "The student", "teacher": "The teacher"}
#: What the position alone gives: each position that is read is as often in the first sentence as in the second.
HALF = 0.5


def told_apart(readings: Mapping[str, Mapping[str, Reading]]) -> dict[str, str]:
    """Say for each model what can be read before attention, and after which layers the separator has told.

    Args:
        readings: by model, ``full`` (the student) or ``teacher``, and by condition, as ``read_sentences`` gives them.
    """
    return {NAMES[model]: _of_model(conditions) for model, conditions in readings.items()}


def _of_model(conditions: Mapping[str, Reading]) -> str:
    separator = conditions["separator"]
    said = [_before_attention(separator), _after_layers(separator.lead(conditions["another word piece"])[1:])]
    if "token types" in conditions:
        first, *_, last = conditions["token types"].accuracy()
        said.append(
            f"With token types as well it is right for {_share(first)} after the embeddings, {_share(last)} at the end."
        )
    return " ".join(said)


def _before_attention(separator: Reading) -> str:
    first = separator.accuracy()[0]
    if first.low > HALF:
        side = "which is more than"
    elif first.high < HALF:
        side = "which is less than"
    else:
        side = "which the interval does not tell from"
    return (
        f"After the embeddings the probe is right for {_share(first)} of the word pieces ({first.level:.0%} interval "
        f"over {counted(separator.texts, 'text')}), {side} the half that the position alone gives."
    )


def _after_layers(leads: Sequence[Interval]) -> str:
    """Say after which layers the separator makes the probe right more often, or less; ``leads`` are one a layer."""
    more = [layer for layer, lead in enumerate(leads, start=1) if lead.low > 0]
    fewer = [layer for layer, lead in enumerate(leads, start=1) if lead.high < 0]
    rest = [layer for layer in range(1, len(leads) + 1) if layer not in more + fewer]
    if not more + fewer:
        return "After no layer is it settled that [SEP] makes a difference to another word piece in its place."
    than = "than with another word piece in its place "
    parts = []
    for how, layers in (("more", more), ("less", fewer)):
        if layers:
            parts.append(f"{how} often {than}{_after(layers, leads)}")
            than = ""
    left = f"; after {_listed(rest)} that is not settled" if rest else ""
    return f"With [SEP] it is right {' and '.join(parts)}{left}."


def _after(layers: Sequence[int], leads: Sequence[Interval]) -> str:
    """Return "after layers 1 and 2 (after layer 1 by 3.9 [2.1 to 5.8] points)": the first difference without a sign."""
    first = leads[layers[0] - 1]
    low, high = sorted((abs(first.low), abs(first.high)))
    by = f"by {with_ends(abs(first.value), low, high, 0.0, POINTS)}"
    return f"after {_listed(layers)} ({by if len(layers) == 1 else f'after layer {layers[0]} {by}'})"


def _listed(layers: Sequence[int]) -> str:
    """Return "layer 1", "layers 1 and 2", "layers 1, 2 and 4"."""
    if len(layers) == 1:
        return f"layer {layers[0]}"
    return f"layers {', '.join(map(str, layers[:-1]))} and {layers[-1]}"


def _share(one: Interval) -> str:
    return with_ends(one.value, one.low, one.high, HALF, SHARE)
