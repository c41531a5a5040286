"""Micro-batches and their sources: masked blocks of text in the order of a seed, prefetched by a thread."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol, Self

import numpy as np
import torch
from torch import Tensor

from ..core.config import BookError
from ..corpus.masking import IGNORED, Masking, block_order
from .schedule import BlocksConfig


@dataclass(frozen=True)
class Batch(ABC):
    """A micro-batch of the training loop.

    Attributes:
        numbers: the examples' numbers in their source, (examples,) int64.
    """

    numbers: Tensor

    @property
    @abstractmethod
    def counts(self) -> dict[str, int]:
        """Counts by which sums are divided, such as ``examples``; ``tokens`` is always among them."""

    @property
    def tensors(self) -> dict[str, Tensor]:
        """The batch's tensors by name."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, Tensor)}

    def pinned(self) -> Self:
        """Return the batch in page-locked memory, for asynchronous copies to a GPU."""
        return self._each(Tensor.pin_memory)

    def to(self, device: torch.device) -> Self:
        """Return the batch on ``device``."""
        return self._each(lambda tensor: tensor.to(device, non_blocking=True))

    def _each(self, change: Callable[[Tensor], Tensor]) -> Self:
        return replace(self, **{name: change(tensor) for name, tensor in self.tensors.items()})


@dataclass(frozen=True)
class MicroBatch(Batch):
    """Blocks of text, masked.

    Attributes:
        input_ids, labels: (blocks, length) int64; as long as the longest of the blocks.
        attention_mask: (blocks, length) bool, False at padding; None without padding.
    """

    input_ids: Tensor
    labels: Tensor
    attention_mask: Tensor | None = None

    @property
    def counts(self) -> dict[str, int]:
        return {"tokens": self.tokens, "masked": int((self.labels != IGNORED).sum())}

    @property
    def tokens(self) -> int:
        """Number of tokens without padding."""
        return self.labels.numel() if self.attention_mask is None else int(self.attention_mask.sum())

    def real(self, values: Tensor) -> Tensor:
        """Return ``values`` (blocks, length) without padding, (tokens,)."""
        return values.flatten() if self.attention_mask is None else values[self.attention_mask]


@dataclass(frozen=True)
class LabelledBatch(Batch):
    """Labelled examples of a task.

    Attributes:
        input_ids, attention_mask: (examples, length) int64; as long as the longest of the examples.
        labels: (examples,) int64 classes, or float values of a regression.
        token_type_ids: as ``input_ids``, for models that have token types; else None.
        counted: False for the dummy batch of a rank without examples, which runs with weight 0 to join the all-reduce.
    """

    input_ids: Tensor
    attention_mask: Tensor
    labels: Tensor
    token_type_ids: Tensor | None = None
    counted: bool = True

    @property
    def counts(self) -> dict[str, int]:
        own = {"tokens": int(self.attention_mask.sum()), "examples": len(self.labels)}
        return own if self.counted else dict.fromkeys(own, 0)

    @property
    def inputs(self) -> dict[str, Tensor]:
        """The model's inputs by name."""
        names = ("input_ids", "attention_mask", "token_type_ids")
        return {name: tensor for name, tensor in self.tensors.items() if name in names}


class Source(ABC):
    """The micro-batches of a run, a function of its seed and the step.

    Attributes:
        unit, units_per_step: the unit of the progress line, and the number of units in a step.
    """

    seed: int
    unit: str
    units_per_step: int

    @abstractmethod
    def step(self, step: int, process: int, processes: int) -> Sequence[Batch]:
        """Return the micro-batches of ``step`` for the rank ``process``, at least one."""

    def check_division(self, processes: int) -> None:  # noqa: B027 most sources can be divided among any number
        """Refuse a number of processes among which a step cannot be divided evenly."""

    def steps_ahead(self, steps: range, process: int, processes: int) -> Iterator[Sequence[Batch]]:
        """Yield the micro-batches of each of ``steps``; a thread prefetches those of the next step."""
        pinned = torch.cuda.is_available()

        def make(step: int) -> list[Batch]:
            return [batch.pinned() if pinned else batch for batch in self.step(step, process, processes)]

        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="batches") as thread:
            following = [thread.submit(make, step) for step in steps[:1]]
            for step in steps:
                batches = following.pop().result()
                if step + 1 in steps:
                    following.append(thread.submit(make, step + 1))
                yield batches


def masked_arrays(
    blocks: np.ndarray, numbers: np.ndarray, masking: Masking, seed: int, epoch: int
) -> tuple[np.ndarray, ...]:
    """Return the arguments of :func:`micro_batch` for some ``blocks``, masked by (seed, epoch, number)."""
    return numbers, *masking(blocks, numbers, seed, epoch), masking.real(blocks)


def micro_batch(numbers: np.ndarray, input_ids: np.ndarray, labels: np.ndarray, real: np.ndarray) -> MicroBatch:
    """Return a batch as long as the longest of its blocks; ``real`` is False at padding."""
    longest = int(real.sum(axis=1).max())
    ids, wanted, mask = (
        torch.from_numpy(np.ascontiguousarray(array[:, :longest])) for array in (input_ids, labels, real)
    )
    return MicroBatch(torch.from_numpy(numbers), ids, wanted, None if mask.all() else mask)


class BlockArray(Protocol):
    """Blocks of token ids, (blocks, length): an array, or files read like one."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __len__(self) -> int: ...

    def __getitem__(self, which: Any) -> np.ndarray: ...


class Blocks(Source):
    """Blocks of text, shuffled and masked anew in each epoch."""

    unit = "tokens"

    def __init__(self, blocks: BlockArray, masking: Masking, config: BlocksConfig, seed: int):
        self.blocks, self.masking, self.config, self.seed = blocks, masking, config, seed
        self.units_per_step = config.blocks_per_step * blocks.shape[1]
        self._orders: dict[int, np.ndarray] = {}

    def step(self, step: int, process: int, processes: int) -> list[MicroBatch]:
        """Return the micro-batches of ``step`` for the rank ``process``: every ``processes``-th of them."""
        size = self.config.micro_batch
        starts = range(0, self.config.blocks_per_step, size)
        first = step * self.config.blocks_per_step
        return [
            self._masked(first + start, min(size, self.config.blocks_per_step - start))
            for start in starts[process::processes]
        ]

    def check_division(self, processes: int) -> None:
        if -(-self.config.blocks_per_step // self.config.micro_batch) % processes:
            raise BookError(
                "the micro-batches of a step do not divide among the processes",
                where="parameter 'micro_batch'",
                expected=f"blocks_per_step / micro_batch a multiple of {processes}",
                do="choose a smaller micro_batch",
            )

    def _masked(self, first: int, number: int) -> MicroBatch:
        """Return ``number`` blocks from position ``first`` of the run on, masked by their epochs."""
        epochs, places = np.divmod(np.arange(first, first + number), len(self.blocks))
        parts = []
        for epoch in np.unique(epochs).tolist():
            numbers = self._order(epoch)[places[epochs == epoch]]
            parts.append(masked_arrays(self.blocks[numbers], numbers, self.masking, self.seed, epoch))
        return micro_batch(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))

    def _order(self, epoch: int) -> np.ndarray:
        if epoch not in self._orders:
            before = {known: order for known, order in self._orders.items() if known == epoch - 1}
            self._orders = before | {epoch: block_order(self.seed, epoch, len(self.blocks))}
        return self._orders[epoch]
