"""Configuration of a pre-training run, and the finished run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from ..core.config import ChapterConfig, Seeds
from ..core.finished import MARKER, opened
from ..distillation.recipe import Recipe, changes_of
from ..training.schedule import BlocksConfig


class PretrainConfig(ChapterConfig, Recipe, BlocksConfig):
    """A recipe and the training loop's parameters."""

    circumstances: ClassVar[frozenset[str]] = ChapterConfig.circumstances | BlocksConfig.circumstances

    seeds: Seeds = Field(description="one run each")
    dropout: float = Field(ge=0, lt=1)
    evaluations: int = Field(ge=1, le=10**6, description="held-out measurements over a run, besides the one before it")
    evaluated_blocks: int = Field(ge=1, le=10**9, description="held-out blocks of the measurements during training")

    @property
    def recipe(self) -> Recipe:
        """The recipe alone."""
        return Recipe(**{name: getattr(self, name) for name in Recipe.model_fields})

    def for_arm(self, arm: str) -> PretrainConfig:
        """Return this configuration with the change of the ablation ``arm``.

        Raises:
            BookError: for an ablation that changes nothing here, or leaves nothing to learn.
        """
        return self.parse(self.model_dump() | changes_of(arm, self.recipe), where=f"ablation {arm!r} of the recipe")


@dataclass(frozen=True)
class PretrainRun:
    """A finished run.

    Attributes:
        folder: holds ``model/`` (loaded by ``AutoModelForMaskedLM``), ``metrics.jsonl``, ``held_out.npz``.
        scores: held-out measurements at the last step.
        tokens, seconds: of the optimiser steps, without measurements.
        cores: the CPU cores it had; ablations are compared by seconds times cores.
        teacher_scores: the teacher's on the same positions.
        made_with: the machine, the versions and the code.
        measured_by: the code that measured the scores.
    """

    folder: Path
    arm: str
    seed: int
    config: PretrainConfig
    scores: dict[str, float]
    tokens: int
    seconds: float
    cores: int
    teacher_scores: dict[str, float]
    made_with: dict[str, Any]
    measured_by: str

    @classmethod
    def open(cls, folder: Path) -> PretrainRun:
        """Return the finished run in ``folder``.

        Raises:
            Unfinished: when it is not finished, or a file of it has changed since.
        """
        facts = opened(folder / MARKER)
        config = PretrainConfig.parse(facts.pop("config"), where=folder / MARKER)
        return cls(folder=folder, config=config, **facts)
