"""The blocks of a corpus in files of bounded size, as one array."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ..files import new_file

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
