"""The micro-batches of a run: which blocks, in which order, how masked; made while the step before is computed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

from ..corpus.masking import IGNORED, Masking, block_order
from .schedule import LoopConfig


@dataclass(frozen=True)
class MicroBatch:
    """Some blocks, masked.

    Attributes:
        numbers: the blocks' numbers in the corpus, (blocks,) int64.
        input_ids, labels: (blocks, length) int64; as long as the longest of the blocks.
        attention_mask: (blocks, length) bool, False where padding is; None where there is none.
    """

    numbers: Tensor
    input_ids: Tensor
    labels: Tensor
    attention_mask: Tensor | None

    @property
    def tokens(self) -> int:
        """Word pieces, padding left out."""
        return self.labels.numel() if self.attention_mask is None else int(self.attention_mask.sum())

    @property
    def masked(self) -> int:
        """Word pieces to be guessed."""
        return int((self.labels != IGNORED).sum())

    def real(self, values: Tensor) -> Tensor:
        """Return ``values`` (blocks, length) at the word pieces that are no padding, (tokens,)."""
        return values.flatten() if self.attention_mask is None else values[self.attention_mask]

    def pinned(self) -> MicroBatch:
        """Return the batch in page-locked memory, from where a GPU fetches it while it computes."""
        return MicroBatch(*(tensor if tensor is None else tensor.pin_memory() for tensor in self._tensors()))

    def to(self, device: torch.device) -> MicroBatch:
        """Return the batch on ``device``."""
        return MicroBatch(
            *(tensor if tensor is None else tensor.to(device, non_blocking=True) for tensor in self._tensors())
        )

    def _tensors(self) -> list[Tensor | None]:
        return [getattr(self, field.name) for field in fields(self)]


Arrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def masked_arrays(blocks: np.ndarray, numbers: np.ndarray, masking: Masking, seed: int, epoch: int) -> Arrays:
    """Return what :func:`micro_batch` takes of some ``blocks``, masked as (seed, epoch, number) says."""
    return numbers, *masking(blocks, numbers, seed, epoch), masking.real(blocks)


def micro_batch(numbers: np.ndarray, input_ids: np.ndarray, labels: np.ndarray, real: np.ndarray) -> MicroBatch:
    """Return a batch as long as the longest of its blocks; ``real`` says where they hold word pieces."""
    longest = int(real.sum(axis=1).max())
    tensors = [torch.from_numpy(np.ascontiguousarray(array[:, :longest])) for array in (input_ids, labels, real)]
    return MicroBatch(torch.from_numpy(numbers), *tensors[:2], None if tensors[2].all() else tensors[2])


class Blocks:
    """The blocks of a run, step by step: which, in which order, and how masked."""

    def __init__(self, blocks: Sequence, masking: Masking, config: LoopConfig, seed: int):
        self.blocks, self.masking, self.config, self.seed = blocks, masking, config, seed
        self._orders: dict[int, np.ndarray] = {}

    def step(self, step: int, process: int, processes: int) -> list[MicroBatch]:
        """Return the micro-batches of ``step`` that are ``process``'s: every ``processes``-th of them."""
        size = self.config.micro_batch
        starts = range(0, self.config.blocks_per_step, size)
        first = step * self.config.blocks_per_step
        return [
            self._masked(first + start, min(size, self.config.blocks_per_step - start))
            for start in starts[process::processes]
        ]

    def steps_ahead(self, steps: range, process: int, processes: int) -> Iterator[list[MicroBatch]]:
        """Yield the micro-batches of each of ``steps``; those of the next are made by a thread meanwhile."""
        pinned = torch.cuda.is_available()

        def make(step: int) -> list[MicroBatch]:
            return [batch.pinned() if pinned else batch for batch in self.step(step, process, processes)]

        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="batches") as thread:
            following = [thread.submit(make, step) for step in steps[:1]]
            for step in steps:
                batches = following.pop().result()
                if step + 1 in steps:
                    following.append(thread.submit(make, step + 1))
                yield batches

    def _masked(self, first: int, number: int) -> MicroBatch:
        """Return ``number`` blocks from place ``first`` of the run on, masked as their epochs say."""
        epochs, places = np.divmod(np.arange(first, first + number), len(self.blocks))
        parts = []
        for epoch in np.unique(epochs).tolist():
            numbers = self._order(epoch)[places[epochs == epoch]]
            parts.append(masked_arrays(self.blocks[numbers], numbers, self.masking, self.seed, epoch))
        return micro_batch(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))

    def _order(self, epoch: int) -> np.ndarray:
        if epoch not in self._orders:
            self._orders = {epoch: block_order(self.seed, epoch, len(self.blocks))} | {
                known: order for known, order in self._orders.items() if known == epoch - 1
            }
        return self._orders[epoch]
