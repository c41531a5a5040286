"""Length, learning-rate schedule and optimiser of a training stage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from ..core.config import Config, one_of

Precision = Literal["auto", "float32", "bfloat16", "float16"]
#: With AdamW every weight moves by about this much a step, so that more than a tenth trains nothing.
LearningRate = Annotated[float, Field(gt=0, le=0.1)]
CheckpointEvery = Annotated[int, Field(ge=1, le=10**9, description="optimiser steps between checkpoints")]


def known_trackers() -> list[str]:
    """Return the names of the trackers that accelerate knows, installed or not."""
    from accelerate.utils import LoggerType  # accelerate takes a second to import

    return sorted(name for name in LoggerType.list() if name != "all")


def _checked(names: tuple[str, ...]) -> tuple[str, ...]:
    return one_of(known_trackers(), "trackers")(names) if names else names


Trackers = Annotated[
    tuple[str, ...], AfterValidator(_checked), Field(description="trackers that get the metrics, by accelerate's names")
]


@dataclass(frozen=True)
class Optimisation:
    """AdamW's constants and gradient clipping; the defaults are those of the original pre-training code.

    Attributes:
        weight_decay: of weight matrices and embeddings; biases and LayerNorm weights have none.
        max_gradient_norm: gradients are scaled down to this norm.
    """

    betas: tuple[float, float] = (0.9, 0.98)
    epsilon: float = 1e-6
    weight_decay: float = 0.0
    max_gradient_norm: float = 5.0


class LoopConfig(Config):
    """Parameters of the training loop in every stage."""

    circumstances: ClassVar[frozenset[str]] = frozenset({"checkpoint_every", "trackers"})
    #: Whether a loss that rises far above its minimum ends the run; one that is not finite always does.
    stops_when_loss_rises: ClassVar[bool] = True

    steps: int = Field(ge=1, le=10**9, description="optimiser steps")
    learning_rate: LearningRate = Field(description="at the end of the warm-up; it then falls to 0 linearly")
    warmup_share: float = Field(ge=0, le=1, description="share of the steps in which the learning rate rises")
    checkpoint_every: CheckpointEvery
    precision: Precision = Field(description="of matrix products; auto is what this machine is quickest in")
    compile: bool = Field(description="let torch compile the encoders; for long runs on a GPU")
    trackers: Trackers

    @property
    def optimisation(self) -> Optimisation:
        """The optimiser's constants."""
        return Optimisation()


class BlocksConfig(LoopConfig):
    """Parameters of a training on blocks of text."""

    blocks_per_step: int = Field(ge=1, le=10**6, description="blocks an optimiser step, over all processes")
    micro_batch: int = Field(ge=1, le=10**6, description="blocks a forward pass")


def learning_rate_at(step: int, config: LoopConfig) -> float:
    """Return the learning rate of ``step``: a linear rise over the warm-up, then a linear fall to 0."""
    warmup = warmup_steps(config)
    rise = (step + 1) / warmup
    fall = (config.steps - step) / max(1, config.steps - warmup)
    return config.learning_rate * min(rise, fall, 1.0)


def warmup_steps(config: LoopConfig) -> int:
    """Return the number of steps in which the learning rate rises."""
    return max(1, round(config.warmup_share * config.steps))
