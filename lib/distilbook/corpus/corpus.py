"""Token blocks on disk: split by document, counted, memory-mapped.

A corpus is a folder of shards of some 64 MB, with held-out blocks of other documents, the count of each token, and a
marker with the hash of every file. This module imports nothing that reads text or tokenises.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..core.config import BookError, short_hash
from ..core.files import new_file
from ..core.finished import CORPUS_MARKER, opened


@dataclass(frozen=True)
class Corpus:
    """A corpus of token blocks.

    Attributes:
        train: the training blocks, (number, block_length), memory-mapped.
        held_out: blocks of held-out documents, also (number, block_length).
        counts: occurrences of each token in the training blocks, (vocabulary,); padding is not counted.
        statistics: a row per source: documents, words, tokens, blocks, lines left out.
        vocabulary: the hash of the tokenizer's vocabulary.
    """

    folder: Path
    train: BlockShards
    held_out: np.ndarray
    counts: np.ndarray
    statistics: list[dict]
    fingerprint: str
    vocabulary: str

    @classmethod
    def open(cls, folder: Path) -> Corpus:
        """Open the corpus in ``folder``; ``Unfinished`` is raised where it is not finished, or a file has changed."""
        facts = opened(folder / CORPUS_MARKER)
        dtype, length = facts["dtype"], facts["block_length"]
        return cls(
            folder,
            train=BlockShards(shard_paths(folder, "train"), dtype, length),
            held_out=np.memmap(folder / "held_out.bin", mode="r", dtype=dtype).reshape(-1, length),
            counts=np.load(folder / "counts.npy"),
            statistics=facts["statistics"],
            fingerprint=facts["fingerprint"],
            vocabulary=facts["vocabulary"],
        )

    def check_vocabulary(self, tokenizer: Any) -> None:
        """Refuse a tokenizer whose tokens or ids differ from the corpus's, or whose model has too few positions."""
        check_block_length(self.train.shape[1], tokenizer.model_max_length, self.folder)
        if vocabulary_hash(tokenizer) != self.vocabulary:
            what = (
                f"the model's vocabulary of {len(tokenizer)} tokens is not the corpus's, which has {len(self.counts)}"
            )
            do = "give chapter 02 the teacher's tokenizer and run it again"
            raise BookError(what, where=self.folder, expected="one vocabulary", do=do)


def check_block_length(block_length: int, positions: int, where: object) -> None:
    """Refuse blocks longer than a model's inputs may be."""
    if block_length > positions:
        what = f"blocks have {block_length} tokens, and the model has {positions} positions"
        do = "lower block_length in chapter 02, or give a model with more positions"
        raise BookError(what, where=where, expected=f"block_length of at most {positions}", do=do)


def shard_paths(folder: Path, split: str) -> list[Path]:
    """Return the files of a split's blocks, in the order of the text."""
    return sorted(folder.glob(f"{split}-*.bin"))


def vocabulary_hash(tokenizer: Any) -> str:
    """Return a hash of the tokenizer's tokens and their ids."""
    return short_hash(sorted(tokenizer.get_vocab().items()))


def evenly_spaced(number: int, most: int) -> np.ndarray:
    """Return at most ``most`` of the numbers below ``number``, evenly spaced, each once."""
    return np.unique(np.linspace(0, number - 1, min(number, most)).astype(int))


#: Tokens in memory at once where all blocks are read.
TOKENS_AT_ONCE = 4_000_000


class BlockShards:
    """Memory-mapped files of blocks, read like one array.

    Indexed as ``shards[rows]`` and ``shards[rows, columns]`` with a number, a slice or an array of numbers; each access
    reads only those blocks and returns a new array. ``shape`` is (blocks, length).
    """

    def __init__(self, paths: Sequence[Path], dtype: str, length: int):
        self.paths = paths
        self.parts: list[np.ndarray] = [np.memmap(path, mode="r", dtype=dtype).reshape(-1, length) for path in paths]
        self.dtype = np.dtype(dtype)
        self.ends = np.cumsum([len(part) for part in self.parts], dtype=np.int64)
        self.shape = (int(self.ends[-1]) if self.parts else 0, length)

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def size(self) -> int:
        """Number of tokens in all blocks."""
        return self.shape[0] * self.shape[1]

    def __getitem__(self, which: Any) -> np.ndarray:
        rows, columns = which if isinstance(which, tuple) else (which, slice(None))
        if isinstance(rows, slice):
            return self._rows(np.arange(*rows.indices(len(self))))[:, columns]
        numbers = np.asarray(rows)
        if ((numbers < -len(self)) | (numbers >= len(self))).any():
            raise IndexError(f"there are {len(self)} blocks; asked for was {which}")
        found = self._rows(np.atleast_1d(numbers) % max(1, len(self)))[:, columns]
        return found if numbers.ndim else found[0]

    def _rows(self, numbers: np.ndarray) -> np.ndarray:
        found: np.ndarray = np.empty((len(numbers), self.shape[1]), dtype=self.dtype)
        places = np.searchsorted(self.ends, numbers, side="right")
        for place in np.unique(places):
            wanted = places == place
            part = self.parts[place]
            found[wanted] = part[numbers[wanted] - (self.ends[place] - len(part))]
        return found

    def portions(self) -> Iterator[np.ndarray]:
        """Yield all blocks in order, some at a time, (number, length) each; read, since mapped pages would stay in memory."""
        numbers = max(1, TOKENS_AT_ONCE // self.shape[1]) * self.shape[1]
        for path in self.paths:
            with path.open("rb") as file:
                while len(portion := np.fromfile(file, dtype=self.dtype, count=numbers)):
                    yield portion.reshape(-1, self.shape[1])


def write_blocks(path: Path, blocks: Sequence[np.ndarray]) -> None:
    """Write ``blocks``, (number, length) each, one after the other; the file appears whole or not at all."""
    with new_file(path) as temporary, temporary.open("wb") as file:
        for part in blocks:
            file.write(part.data)
