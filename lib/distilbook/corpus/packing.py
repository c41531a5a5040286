"""How word pieces become blocks of one length: packed across documents, or a sequence a block.

Both kinds work in two steps. :meth:`arrange` puts a document's word pieces in the order in which they will
lie, and needs nothing but the document, so that any process can do it. :meth:`cut` makes blocks of what was
arranged, in the order of the text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

#: Of the sequences that are blocks of their own, the original code keeps those of at least so many tokens, with
#: [CLS] and [SEP], in which less than this share is [UNK].
SHORTEST, UNKNOWN_SHARE = 12, 0.5

Packing = Literal["full_sentences", "one_sequence"]


def numbers_of(tokenizer) -> int:
    """Return one more than the greatest number of a word piece; not every number below has to be one's."""
    return max(tokenizer.get_vocab().values()) + 1


@dataclass(frozen=True)
class BlockFormat:
    """What a block looks like: its length, its numbers' type, and the numbers of the special word pieces."""

    length: int
    dtype: str
    cls_id: int
    sep_id: int
    pad_id: int
    unk_id: int

    @classmethod
    def of(cls, tokenizer, length: int) -> BlockFormat:
        """Return the format of blocks cut by a tokenizer of ``transformers``: in 16 bits where its vocabulary fits."""
        ids = (tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.pad_token_id, tokenizer.unk_token_id)
        return cls(length, "uint16" if numbers_of(tokenizer) <= 2**16 else "uint32", *ids)

    def array(self, numbers: list[int]) -> np.ndarray:
        return np.array(numbers, dtype=self.dtype)


@dataclass
class FullSentences:
    """Joins documents with ``[SEP]`` and cuts them into blocks, as RoBERTa packs them: no position is padding.

    Attributes:
        waiting: word pieces that do not fill a block yet; after the last document they are dropped.
    """

    format: BlockFormat
    waiting: list[int] = field(default_factory=list)

    def arrange(self, paragraphs: list[np.ndarray]) -> tuple[list[np.ndarray], int]:
        """Return a document's word pieces with ``[SEP]`` behind them, in parts, and that none was dropped."""
        return [*paragraphs, self.format.array([self.format.sep_id])], 0

    def cut(self, stream: np.ndarray) -> np.ndarray:
        """Return the blocks that ``stream`` fills after what has waited, (number, length)."""
        stream = np.concatenate([self.format.array(self.waiting), stream])
        size = self.format.length - 2
        number = len(stream) // size
        self.waiting = stream[number * size :].tolist()
        blocks = np.empty((number, self.format.length), dtype=self.format.dtype)
        blocks[:, 0], blocks[:, -1] = self.format.cls_id, self.format.sep_id
        blocks[:, 1:-1] = stream[: number * size].reshape(number, size)
        return blocks


@dataclass
class OneSequence:
    """Makes a block of every paragraph, as the original code does with a line: ``[CLS] … [SEP]``, then padding.

    A paragraph that is too long becomes several; sequences of fewer than 12 tokens, or half of them unknown,
    are dropped.
    """

    format: BlockFormat
    waiting: list[int] = field(default_factory=list)

    def arrange(self, paragraphs: list[np.ndarray]) -> tuple[list[np.ndarray], int]:
        """Return a document's blocks, (length,) each, and how many sequences were dropped."""
        size = self.format.length - 2
        sequences = [tokens[start : start + size] for tokens in paragraphs for start in range(0, len(tokens), size)]
        kept = [sequence for sequence in sequences if self._is_kept(sequence)]
        return [self._block(sequence) for sequence in kept], len(sequences) - len(kept)

    def _is_kept(self, sequence: np.ndarray) -> bool:
        length = len(sequence) + 2
        return length >= SHORTEST and np.count_nonzero(sequence == self.format.unk_id) < UNKNOWN_SHARE * length

    def _block(self, sequence: np.ndarray) -> np.ndarray:
        block = np.full(self.format.length, self.format.pad_id, dtype=self.format.dtype)
        block[0], block[1 : len(sequence) + 1], block[len(sequence) + 1] = (
            self.format.cls_id,
            sequence,
            self.format.sep_id,
        )
        return block

    def cut(self, stream: np.ndarray) -> np.ndarray:
        """Return the blocks that ``stream`` is made of, (number, length)."""
        return stream.reshape(-1, self.format.length)


PACKINGS: dict[Packing, type[FullSentences | OneSequence]] = {
    "full_sentences": FullSentences,
    "one_sequence": OneSequence,
}
