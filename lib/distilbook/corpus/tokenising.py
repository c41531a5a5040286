"""Tokenisation of documents, with tokens arranged for packing: the work of a tokenising process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .packing import PACKINGS, BlockFormat, Packing

#: The splits of a corpus: training, and evaluation.
SPLITS = ("train", "held_out")

#: Characters per call of the tokenizer, whose full results take a hundred times the memory of the ids.
CHARACTERS_AT_ONCE = 250_000

#: A document to be tokenised: its split and its paragraphs.
SplitDocument = tuple[str, list[str]]


@dataclass(frozen=True)
class Settings:
    """Settings of a tokenising process; ``tokenizer`` is the content of a ``tokenizer.json``."""

    tokenizer: str
    format: BlockFormat
    packing: Packing

    @classmethod
    def of(cls, tokenizer: Any, block_length: int, packing: Packing) -> Settings:
        """Return the settings for a fast tokenizer of ``transformers``; errors as of :meth:`BlockFormat.of`."""
        return cls(tokenizer.backend_tokenizer.to_str(), BlockFormat.of(tokenizer, block_length, packing), packing)


@dataclass(frozen=True)
class Tokenised:
    """Tokenised documents.

    Attributes:
        streams: the arranged tokens of each split.
        words, tokens, unknown, dropped: numbers of words, tokens, unknown tokens, and sequences that were dropped.
    """

    streams: dict[str, np.ndarray]
    words: int
    tokens: int
    unknown: int
    dropped: int


class Tokeniser:
    """Tokenises documents and arranges their tokens for the packing."""

    def __init__(self, settings: Settings):
        from tokenizers import Tokenizer

        self.format = settings.format
        self.packing = PACKINGS[settings.packing](settings.format)
        self.tokenizer = Tokenizer.from_str(settings.tokenizer)
        # A model's tokenizer may cut and pad to the model's own inputs; here a paragraph is tokenised whole.
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()

    def __call__(self, documents: list[SplitDocument]) -> Tokenised:
        """Tokenise and arrange ``documents``."""
        none = self.format.array([])
        tokens = list(self.tokens(paragraph for _, paragraphs in documents for paragraph in paragraphs))
        every = np.concatenate([none, *tokens])
        parts, dropped, at = {split: [none] for split in SPLITS}, 0, 0
        for split, paragraphs in documents:
            arranged, left = self.packing.arrange(tokens[at : at + len(paragraphs)])
            parts[split] += arranged
            dropped += left
            at += len(paragraphs)
        return Tokenised(
            {split: np.concatenate(of_split) for split, of_split in parts.items()},
            words=sum(len(paragraph.split()) for _, paragraphs in documents for paragraph in paragraphs),
            tokens=len(every),
            unknown=int(np.count_nonzero(every == self.format.unk_id)),
            dropped=dropped,
        )

    def tokens(self, paragraphs: Iterable[str], at_once: int | None = None) -> Iterator[np.ndarray]:
        """Yield each paragraph's token ids without special tokens, ``at_once`` characters per call."""
        for batch in _portions(paragraphs, at_once or CHARACTERS_AT_ONCE):
            for encoding in self.tokenizer.encode_batch_fast(batch, add_special_tokens=False):
                yield self.format.array(encoding.ids)


def _portions(paragraphs: Iterable[str], most: int) -> Iterator[list[str]]:
    """Yield ``paragraphs`` in lists of at least ``most`` characters."""
    portion: list[str] = []
    characters = 0
    for paragraph in paragraphs:
        portion.append(paragraph)
        characters += len(paragraph)
        if characters >= most:
            yield portion
            portion, characters = [], 0
    if portion:
        yield portion
