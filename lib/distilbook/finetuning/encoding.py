"""encoding."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..tasks import Examples

#: Batches whose examples are sorted by length together: enough to save padding, few enough to stay shuffled.
BATCHES_SORTED = 16


@dataclass(frozen=True)
class Encoded:
    """Examples as word pieces.

    Attributes:
        inputs: for each name that the model takes (``input_ids``; for a BERT on pairs also ``token_type_ids``)
            a list of numbers an example.
        truncated: the share of the examples that were cut.
    """

    inputs: dict[str, list[list[int]]]
    truncated: float

    @property
    def lengths(self) -> np.ndarray:
        """Word pieces of each example, (examples,)."""
        return np.array([len(pieces) for pieces in self.inputs["input_ids"]])

    def __len__(self) -> int:
        return len(self.inputs["input_ids"])

    def batch(self, numbers: Sequence[int], tokenizer):
        """Return the examples with these ``numbers``, padded to the longest of them, as tensors."""
        chosen = {name: [values[i] for i in numbers] for name, values in self.inputs.items()}
        return tokenizer.pad(chosen, return_tensors="pt")


def encode(examples: Examples, tokenizer, model, max_length: int) -> Encoded:
    """Cut ``examples`` into word pieces, as ``[CLS] first [SEP]`` or ``[CLS] first [SEP] second [SEP]``.

    A pair that is too long loses word pieces from whichever of its sentences is the longer. Which of two
    sentences a position belongs to is said only to a model that takes ``token_type_ids``; DistilBERT has none.
    """
    pair = () if examples.second is None else (examples.second,)
    cut = tokenizer(examples.first, *pair, truncation=True, max_length=max_length, return_token_type_ids=True)
    taken = inspect.signature(model.forward).parameters
    names = ["input_ids"] + (["token_type_ids"] if pair and "token_type_ids" in taken else [])
    too_long = sum(bool(encoding.overflowing) for encoding in cut.encodings)
    return Encoded({name: cut[name] for name in names}, too_long / max(1, len(examples)))


def length_batches(lengths: Sequence[int], batch_size: int, seed: int, epoch: int) -> Iterator[np.ndarray]:
    """Yield an epoch's batches of example numbers: shuffled, then sorted by length within a few batches at a time."""
    generator = np.random.default_rng([seed, epoch])
    order, lengths = generator.permutation(len(lengths)), np.asarray(lengths)
    batches = []
    for start in range(0, len(order), batch_size * BATCHES_SORTED):
        group = order[start : start + batch_size * BATCHES_SORTED]
        group = group[np.argsort(lengths[group], kind="stable")]
        batches += [group[i : i + batch_size] for i in range(0, len(group), batch_size)]
    for number in generator.permutation(len(batches)):
        yield batches[number]


def batches_for_prediction(lengths: Sequence[int], batch_size: int) -> list[np.ndarray]:
    """Return batches in which every example stands once, the shortest first."""
    order = np.argsort(lengths, kind="stable")
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
