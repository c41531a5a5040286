"""Lengths of the STS-B development set's sentence pairs, the inputs of the paper's timing (Table 3)."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterable, Mapping
from importlib import resources
from typing import NamedTuple

#: What counts as a word for ELMo: letters and digits that stand together, and every other mark on its own.
WORD = re.compile(r"\w+|[^\w\s]")


class PairLength(NamedTuple):
    """How long a pair is: word pieces, with [CLS] and both [SEP]; words of the first and of the second sentence."""

    pieces: int
    first_words: int
    second_words: int


def pair_lengths(pairs: Iterable[tuple[str, str]], tokenizer: Callable[[str, str], Mapping]) -> list[PairLength]:
    """Return the lengths of sentence ``pairs``, the shortest first."""
    return sorted(
        PairLength(len(tokenizer(first, second)["input_ids"]), *(len(WORD.findall(text)) for text in (first, second)))
        for first, second in pairs
    )


def stsb_lengths() -> list[PairLength]:
    """Return the lengths of the 1,500 pairs of STS-B dev, the shortest first, which the package holds."""
    text = resources.files(__package__).joinpath("stsb_dev_lengths.json").read_text(encoding="utf-8")
    return [PairLength(*numbers) for numbers in json.loads(text)["pairs"]]


def sample_lengths(every: list[PairLength], pairs: int) -> list[PairLength]:
    """Return ``pairs`` lengths at even quantiles of ``every``, always in the same shuffled order.

    Shuffled, so that a machine that slows down while it is measured does not do so by length.
    """
    ordered = sorted(every)
    chosen = [ordered[int((i + 0.5) * len(ordered) / pairs)] for i in range(pairs)]
    random.Random(0).shuffle(chosen)
    return chosen
