"""Packing: token sequences to blocks of one length, across documents or one sequence per block.

Both packings have two steps: :meth:`arrange` orders one document's tokens, in any process; :meth:`cut` makes blocks of
the arranged tokens, in the order of the text. ``[CLS]``, ``[SEP]`` and ``[PAD]`` stand for the tokenizer's equivalents.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from ..core.config import BookError

#: As in the original code: the least number of tokens of a single sequence, special tokens included, and the share of
#: unknown ones from which it is dropped.
SHORTEST, UNKNOWN_SHARE = 12, 0.5

Packing = Literal["full_sentences", "one_sequence"]


def vocabulary_size(tokenizer: Any) -> int:
    """Return the greatest token id plus one; ids below it may be unused."""
    return max(tokenizer.get_vocab().values()) + 1


@dataclass(frozen=True)
class BlockFormat:
    """Length and dtype of blocks, and the ids of the special tokens in them; ``pad_id`` is None without padding."""

    length: int
    dtype: str
    cls_id: int
    sep_id: int
    pad_id: int | None
    unk_id: int | None

    @classmethod
    def of(cls, tokenizer: Any, length: int, packing: Packing) -> BlockFormat:
        """Return the format of a tokenizer's blocks: 16 bits per token where its vocabulary fits.

        Raises:
            BookError: when the tokenizer lacks a special token that the packing puts into blocks.
        """
        needed = {"cls_token": tokenizer.cls_token_id, "sep_token": tokenizer.sep_token_id}
        if packing == "one_sequence":
            needed["pad_token"] = tokenizer.pad_token_id
        if missing := [name for name, number in needed.items() if number is None]:
            raise BookError(
                f"the tokenizer has no {', '.join(missing)}",
                where=f"blocks packed as {packing}",
                expected=f"a tokenizer that defines {', '.join(needed)}",
                do="name the missing tokens in the model's tokenizer_config.json, or choose another tokenizer or packing",
            )
        dtype = "uint16" if vocabulary_size(tokenizer) <= 2**16 else "uint32"
        return cls(
            length,
            dtype,
            cls_id=tokenizer.cls_token_id,
            sep_id=tokenizer.sep_token_id,
            pad_id=tokenizer.pad_token_id,
            unk_id=tokenizer.unk_token_id,
        )

    def array(self, ids: list[int]) -> np.ndarray:
        return np.array(ids, dtype=self.dtype)


@dataclass
class FullSentences:
    """Documents joined with ``[SEP]`` and cut into blocks without padding, as in RoBERTa.

    ``waiting`` are tokens that do not fill a block yet; after the last document they are dropped.
    """

    format: BlockFormat
    waiting: list[int] = field(default_factory=list)

    def arrange(self, paragraphs: list[np.ndarray]) -> tuple[list[np.ndarray], int]:
        """Return a document's tokens followed by ``[SEP]``, in parts, and the number of dropped sequences: 0."""
        return [*paragraphs, self.format.array([self.format.sep_id])], 0

    def cut(self, stream: np.ndarray) -> np.ndarray:
        """Return the blocks filled by the waiting tokens and ``stream``, (number, length)."""
        stream = np.concatenate([self.format.array(self.waiting), stream])
        size = self.format.length - 2
        number = len(stream) // size
        self.waiting = stream[number * size :].tolist()
        blocks: np.ndarray = np.empty((number, self.format.length), dtype=self.format.dtype)
        blocks[:, 0], blocks[:, -1] = self.format.cls_id, self.format.sep_id
        blocks[:, 1:-1] = stream[: number * size].reshape(number, size)
        return blocks


@dataclass
class OneSequence:
    """A block per paragraph, as the original code does with a line: ``[CLS] … [SEP]``, then padding.

    A long paragraph becomes several; sequences of fewer than 12 tokens, or half of them unknown, are dropped.
    """

    format: BlockFormat
    waiting: list[int] = field(default_factory=list)

    def arrange(self, paragraphs: list[np.ndarray]) -> tuple[list[np.ndarray], int]:
        """Return a document's blocks, (length,) each, and the number of dropped sequences."""
        size = self.format.length - 2
        sequences = [tokens[start : start + size] for tokens in paragraphs for start in range(0, len(tokens), size)]
        kept = [sequence for sequence in sequences if self._is_kept(sequence)]
        return [self._block(sequence) for sequence in kept], len(sequences) - len(kept)

    def _is_kept(self, sequence: np.ndarray) -> bool:
        length = len(sequence) + 2
        unknown = int(np.count_nonzero(sequence == self.format.unk_id))
        return length >= SHORTEST and unknown < UNKNOWN_SHARE * length

    def _block(self, sequence: np.ndarray) -> np.ndarray:
        ends = self.format.array([self.format.cls_id]), self.format.array([self.format.sep_id])
        block: np.ndarray = np.full(self.format.length, self.format.pad_id, dtype=self.format.dtype)
        block[: len(sequence) + 2] = np.concatenate([ends[0], sequence, ends[1]])
        return block

    def cut(self, stream: np.ndarray) -> np.ndarray:
        """Return the blocks in ``stream``, (number, length)."""
        return stream.reshape(-1, self.format.length)


PACKINGS: dict[Packing, type[FullSentences | OneSequence]] = {
    "full_sentences": FullSentences,
    "one_sequence": OneSequence,
}
