"""Documents to word pieces, ready to be cut into blocks: what every tokenising process does.

It loads with numpy and the tokenizer alone, so that a process is ready in a quarter of a second.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from .packing import PACKINGS, BlockFormat, Packing

#: The splits of a corpus: what models are trained on, and what they are measured on.
SPLITS = ("train", "held_out")

#: So much text is handed to the tokenizer at a time. Its results in full take a hundred times the room of the
#: numbers that are kept, and smaller portions are a little faster.
CHARACTERS_AT_ONCE = 250_000

#: A document that is tokenised: the split it belongs to, and its paragraphs.
SplitDocument = tuple[str, list[str]]


@dataclass(frozen=True)
class Settings:
    """What a process needs to know in order to tokenise.

    Attributes:
        tokenizer: a tokenizer's ``tokenizer.json``.
    """

    tokenizer: str
    format: BlockFormat
    packing: Packing

    @classmethod
    def of(cls, tokenizer, block_length: int, packing: Packing) -> Settings:
        """Return the settings for a fast tokenizer of ``transformers``."""
        return cls(tokenizer.backend_tokenizer.to_str(), BlockFormat.of(tokenizer, block_length), packing)


@dataclass(frozen=True)
class Tokenised:
    """Some documents, tokenised.

    Attributes:
        streams: for each split the word pieces, arranged to be cut into blocks.
        words, word_pieces, unknown: how many there were; dropped: how many sequences the packing dropped.
    """

    streams: dict[str, np.ndarray]
    words: int
    word_pieces: int
    unknown: int
    dropped: int


class Tokeniser:
    """A tokenizer and a packing, at work."""

    def __init__(self, settings: Settings):
        from tokenizers import Tokenizer

        self.format = settings.format
        self.packing = PACKINGS[settings.packing](settings.format)
        self.tokenizer = Tokenizer.from_str(settings.tokenizer)
        # Models come with the length of their own inputs; here a paragraph is tokenised whole.
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()

    def __call__(self, documents: list[SplitDocument]) -> Tokenised:
        """Tokenise and arrange ``documents``."""
        none = self.format.array([])
        pieces = list(self.word_pieces(paragraph for _, paragraphs in documents for paragraph in paragraphs))
        every = np.concatenate([none, *pieces])
        parts, dropped, at = {split: [none] for split in SPLITS}, 0, 0
        for split, paragraphs in documents:
            arranged, left = self.packing.arrange(pieces[at : at + len(paragraphs)])
            parts[split] += arranged
            dropped += left
            at += len(paragraphs)
        return Tokenised(
            {split: np.concatenate(of_split) for split, of_split in parts.items()},
            words=sum(len(paragraph.split()) for _, paragraphs in documents for paragraph in paragraphs),
            word_pieces=len(every),
            unknown=int(np.count_nonzero(every == self.format.unk_id)),
            dropped=dropped,
        )

    def word_pieces(self, paragraphs: Iterable[str], at_once: int | None = None) -> Iterator[np.ndarray]:
        """Yield each paragraph's word pieces, without special tokens; ``at_once`` characters are worked on together."""
        for batch in _portions(paragraphs, at_once or CHARACTERS_AT_ONCE):
            for encoding in self.tokenizer.encode_batch_fast(batch, add_special_tokens=False):
                yield self.format.array(encoding.ids)


def _portions(paragraphs: Iterable[str], most: int) -> Iterator[list[str]]:
    """Yield ``paragraphs`` in lists, each ended by the one that brings it to ``most`` characters."""
    portion, characters = [], 0
    for paragraph in paragraphs:
        portion.append(paragraph)
        characters += len(paragraph)
        if characters >= most:
            yield portion
            portion, characters = [], 0
    if portion:
        yield portion
