"""Lengths of the sentence pairs of STS-B's development set, the inputs of the paper's timing (Table 3)."""

from __future__ import annotations

import json
import random
from importlib import resources
from typing import NamedTuple


class PairLength(NamedTuple):
    """Tokens of a pair, with [CLS] and both [SEP], and the words of its first and second sentence (for ELMo)."""

    tokens: int
    first_words: int
    second_words: int


def stsb_lengths() -> list[PairLength]:
    """Return the packaged lengths of the 1,500 pairs of STS-B dev, shortest first."""
    text = resources.files(__package__).joinpath("stsb_dev_lengths.json").read_text(encoding="utf-8")
    return [PairLength(*numbers) for numbers in json.loads(text)["pairs"]]


def sample_lengths(every: list[PairLength], pairs: int) -> list[PairLength]:
    """Return ``pairs`` lengths at even quantiles of ``every``, always in the same shuffled order.

    The order is random so that a machine that slows down during a run does not slow down with length.
    """
    ordered = sorted(every)
    chosen = [ordered[int((i + 0.5) * len(ordered) / pairs)] for i in range(pairs)]
    random.Random(0).shuffle(chosen)
    return chosen
