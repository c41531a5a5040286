"""Predictions behind held-out records that tests make up: files whose positions score what the records say."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
from distilbook.core.records import Record

BLOCKS, POSITIONS = 4, 1_000


@cache
def _folder() -> tempfile.TemporaryDirectory:
    """A folder that is gone with the process."""
    return tempfile.TemporaryDirectory()


def kept(records: Sequence[Record]) -> list[Record]:
    """Return ``records`` with predictions behind them that score alike in every block.

    So other text would show the same differences, and all their scatter is over seeds.
    """
    return [replace(r, predictions=str(even(r.metric, r.value)), predictions_hash=None) for r in records]


@cache
def even(metric: str, value: float) -> Path:
    """Return a file of predictions of which every block scores ``value``."""
    return written(metric, [value] * BLOCKS)


def written(metric: str, by_block: Sequence[float]) -> Path:
    """Return a new file of predictions whose blocks score ``by_block``, an accuracy to a thousandth."""
    folder = Path(_folder().name)
    path = folder / f"{len(list(folder.iterdir()))}.npz"
    place = np.tile(np.arange(POSITIONS), len(by_block))
    block = np.repeat(np.arange(len(by_block)), POSITIONS)
    right = place < np.round(np.array(by_block) * POSITIONS)[block]
    loss = np.array(by_block)[block] if metric == "masked_lm_loss" else np.zeros(len(block))
    np.savez(path, labels=np.zeros(len(block), int), predicted=np.where(right, 0, 1), loss=loss, block=block)
    return path
