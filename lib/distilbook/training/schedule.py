"""How long a stage trains, in which steps, and how fast it learns."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from ..config import BookError, Config


class LoopConfig(Config):
    """How long a stage trains, and how fast it learns."""

    circumstances: ClassVar[frozenset[str]] = frozenset({"checkpoint_every"})

    steps: int = Field(ge=1, description="optimiser steps")
    blocks_per_step: int = Field(ge=1, description="blocks an optimiser step, over all processes")
    micro_batch: int = Field(ge=1, description="blocks a forward pass")
    learning_rate: float = Field(gt=0, lt=1, description="at the end of the warm-up; it then falls to 0 linearly")
    warmup_share: float = Field(ge=0, le=1, description="share of the steps in which the learning rate rises")
    checkpoint_every: int = Field(ge=1, description="optimiser steps between checkpoints")


def learning_rate_at(step: int, config: LoopConfig) -> float:
    """Return the learning rate of ``step``: a linear rise over the warm-up, then a linear fall to 0."""
    warmup = max(1, round(config.warmup_share * config.steps))
    rise = (step + 1) / warmup
    fall = (config.steps - step) / max(1, config.steps - warmup)
    return config.learning_rate * min(rise, fall, 1.0)


def check_division(config: LoopConfig, processes: int) -> None:
    """Refuse a step whose micro-batches cannot be shared out evenly."""
    if -(-config.blocks_per_step // config.micro_batch) % processes:
        raise BookError(
            "the micro-batches of a step do not divide among the processes",
            where="parameter 'micro_batch'",
            expected=f"blocks_per_step / micro_batch a multiple of {processes}",
            do="choose a smaller micro_batch",
        )
