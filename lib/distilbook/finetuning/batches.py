"""Batches of labelled examples: shuffled, of similar lengths, a function of seed and epoch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from transformers import PreTrainedTokenizerFast

from ..training.batches import LabelledBatch, Source
from .heads import Encoded

#: Batches whose examples are sorted by length together: enough to save padding, few enough to stay shuffled.
BATCHES_SORTED = 16


class LabelledExamples(Source):
    """The training examples of all epochs, a batch a step; each rank has its part of every batch."""

    unit = "examples"

    def __init__(
        self,
        encoded: Encoded,
        labels: np.ndarray | None,
        tokenizer: PreTrainedTokenizerFast,
        batch_size: int,
        epochs: int,
        seed: int,
    ):
        assert labels is not None  # a task's training labels are public
        self.encoded, self.labels, self.tokenizer, self.seed = encoded, labels, tokenizer, seed
        self.batches = [
            batch for epoch in range(epochs) for batch in length_batches(encoded.lengths, batch_size, seed, epoch)
        ]
        self.units_per_step = min(batch_size, len(encoded))

    def step(self, step: int, process: int, processes: int) -> list[LabelledBatch]:
        """Return the part of batch ``step`` for the rank ``process``; a dummy example where it is empty."""
        whole = self.batches[step]
        own = whole[process::processes]
        numbers = own if len(own) else whole[:1]
        inputs = dict(self.encoded.batch(numbers, self.tokenizer))
        labels = torch.from_numpy(self.labels[numbers])
        return [LabelledBatch(torch.from_numpy(numbers), labels=labels, counted=len(own) > 0, **inputs)]


def length_batches(lengths: Sequence[int] | np.ndarray, batch_size: int, seed: int, epoch: int) -> Iterator[np.ndarray]:
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


def batches_for_prediction(lengths: Sequence[int] | np.ndarray, batch_size: int) -> list[np.ndarray]:
    """Return batches that hold every example once, the shortest first."""
    order = np.argsort(lengths, kind="stable")
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
