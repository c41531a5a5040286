"""Raw text to token blocks: packed, split by document, counted, memory-mapped.

Documents are tokenised and made into blocks of ``block_length`` word pieces. In ``full_sentences`` they are
joined with ``[SEP]`` and cut into blocks that begin with ``[CLS]`` and end with ``[SEP]`` (as RoBERTa packs
them), so that no position is padding; in ``one_sequence`` every paragraph is a block of its own (as the original
code has it). The blocks lie in shards, files of some 64 MB. Whole documents are held out, by a hash of their name.

The blocks of a corpus in files of bounded size, as one array.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..core.config import BookError, short_hash
from ..core.files import new_file
from ..core.finished import CORPUS_MARKER, opened


@dataclass(frozen=True)
class Corpus:
    """Token blocks on disk.

    Attributes:
        train: the training blocks, (number, block_length), memory-mapped.
        held_out: blocks of held-out documents, likewise.
        counts: how often each word piece occurs in the training blocks, (vocabulary,); padding is not counted.
        statistics: a row a source: documents, words, word pieces, blocks, what was left out.
        vocabulary: the hash of the vocabulary that cut the text.
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
        """Open the corpus that :func:`prepare` left in ``folder``.

        Raises:
            Unfinished: when it is not finished, or a file of it is not as it was then.
        """
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

    def check_vocabulary(self, tokenizer) -> None:
        """Refuse a tokenizer with another vocabulary than the corpus was cut by, before it becomes an index error.

        Raises:
            BookError: when the word pieces or their numbers differ, or blocks are longer than the model's inputs.
        """
        check_block_length(self.train.shape[1], tokenizer.model_max_length, self.folder)
        if vocabulary_hash(tokenizer) != self.vocabulary:
            raise BookError(
                f"the model's vocabulary of {len(tokenizer)} word pieces is not the one that cut the corpus, "
                f"which has {len(self.counts)}",
                where=self.folder,
                expected="one vocabulary",
                do="give chapter 02 the teacher's tokenizer and run it again",
            )


def check_block_length(block_length: int, positions: int, where: object) -> None:
    """Refuse blocks longer than a model's inputs may be, before that becomes an index error."""
    if block_length > positions:
        raise BookError(
            f"blocks have {block_length} word pieces, and the model has {positions} positions",
            where=where,
            expected=f"block_length of at most {positions}",
            do="lower block_length in chapter 02, or give a model with more positions",
        )


def shard_paths(folder: Path, split: str) -> list[Path]:
    """Return the files of a split's blocks in ``folder``, in the order of the text."""
    return sorted(folder.glob(f"{split}-*.bin"))


def vocabulary_hash(tokenizer) -> str:
    """Return a hash of the tokenizer's word pieces and their numbers."""
    return short_hash(sorted(tokenizer.get_vocab().items()))


#: So many numbers are read at a time where all are looked at: a bound on the memory.
NUMBERS_AT_ONCE = 4_000_000


class BlockShards:
    """Memory-mapped files of blocks, read like one array of them.

    It can be indexed as ``shards[rows]`` and ``shards[rows, columns]`` with a number, a slice or an array of
    numbers, and gives an array of its own each time: only what was asked for is read.

    Attributes:
        shape: (blocks, length).
    """

    def __init__(self, paths: Sequence[Path], dtype: str, length: int):
        self.paths = paths
        self.parts = [np.memmap(path, mode="r", dtype=dtype).reshape(-1, length) for path in paths]
        self.dtype = np.dtype(dtype)
        self.ends = np.cumsum([len(part) for part in self.parts], dtype=np.int64)
        self.shape = (int(self.ends[-1]) if self.parts else 0, length)

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def size(self) -> int:
        """All word pieces of all blocks."""
        return self.shape[0] * self.shape[1]

    def __getitem__(self, which) -> np.ndarray:
        rows, columns = which if isinstance(which, tuple) else (which, slice(None))
        if isinstance(rows, slice):
            return self._rows(np.arange(*rows.indices(len(self))))[:, columns]
        numbers = np.asarray(rows)
        if ((numbers < -len(self)) | (numbers >= len(self))).any():
            raise IndexError(f"there are {len(self)} blocks; asked for was {which}")
        found = self._rows(np.atleast_1d(numbers) % max(1, len(self)))[:, columns]
        return found if numbers.ndim else found[0]

    def _rows(self, numbers: np.ndarray) -> np.ndarray:
        """Return the blocks of these numbers, (numbers, length)."""
        found = np.empty((len(numbers), self.shape[1]), dtype=self.dtype)
        places = np.searchsorted(self.ends, numbers, side="right")
        for place in np.unique(places):
            wanted = places == place
            part = self.parts[place]
            found[wanted] = part[numbers[wanted] - (self.ends[place] - len(part))]
        return found

    def portions(self) -> Iterator[np.ndarray]:
        """Yield all blocks in order, some at a time, (number, length) each.

        They are read and not mapped: what has been mapped counts as this process's memory for as long as the
        system has room for it.
        """
        numbers = max(1, NUMBERS_AT_ONCE // self.shape[1]) * self.shape[1]
        for path in self.paths:
            with path.open("rb") as file:
                while len(portion := np.fromfile(file, dtype=self.dtype, count=numbers)):
                    yield portion.reshape(-1, self.shape[1])


def write_blocks(path: Path, blocks: Sequence[np.ndarray]) -> None:
    """Write ``blocks``, (number, length) each, one behind the other; the file appears whole or not at all."""
    with new_file(path) as temporary, temporary.open("wb") as file:
        for part in blocks:
            file.write(part.data)
