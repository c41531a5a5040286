"""Configuration of fine-tuning: settings of all tasks and of single ones; the finished run."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from ..core.config import ChapterConfig, Config, Refusal, Seeds, each_once, one_of
from ..core.finished import MARKER, opened
from ..distillation.recipe import ARMS, AS_LONG, WITHOUT_TEACHER
from ..tasks import TaskSource, check_source
from ..training.schedule import CheckpointEvery, LearningRate, LoopConfig, Optimisation, Precision, Trackers

TrainExamples = Annotated[int, Field(ge=2, le=10**9)] | Literal["all"]
Epochs = Annotated[int, Field(ge=0, le=1000)]
BatchSize = Annotated[int, Field(ge=1, le=10**5)]
Length = Annotated[int, Field(ge=8, le=512)]
#: Models without weights that every grid has.
BASELINES = ("majority", "tfidf")


#: The students that can be fine-tuned: of every ablation, also of those trained for as long as the full recipe.
STUDENTS = (*ARMS, *(arm + AS_LONG for arm in WITHOUT_TEACHER))


class FinetuneLoop(LoopConfig):
    """Parameters of the training loop in fine-tuning; the optimiser's constants are those of the original scripts.

    A rising loss does not stop a run: the loss of a small batch is noisy, and near zero at the end.
    """

    stops_when_loss_rises: ClassVar[bool] = False

    weight_decay: float

    @property
    def optimisation(self) -> Optimisation:
        return Optimisation((0.9, 0.999), 1e-8, self.weight_decay, max_gradient_norm=1.0)


class Settings(Config):
    """Settings of fine-tuning on a task.

    The paper states neither learning rates nor epochs for this step. The original repository's scripts for GLUE
    take 3 epochs in batches of 32 at 2e-5, falling linearly from the start, without weight decay, and sequences of at
    most 128 tokens; BERT's authors (Devlin et al. 2019, appendix A.3) choose 2 to 4 epochs and 2e-5 to 5e-5 by task.
    """

    circumstances: ClassVar[frozenset[str]] = LoopConfig.circumstances

    train_examples: TrainExamples = Field(description="training examples, drawn by each seed for itself; or all")
    epochs: Epochs = Field(description="0: the model's own classification head is evaluated as it is")
    batch_size: BatchSize
    learning_rate: LearningRate = Field(description="at the end of the warm-up; it then falls to 0 linearly")
    warmup_share: float = Field(ge=0, lt=1, description="share of the steps in which the learning rate rises")
    weight_decay: float = Field(ge=0, le=1, description="AdamW's, of all weights but biases and LayerNorm's")
    dropout: float = Field(ge=0, lt=1, description="in every model, whatever it was pre-trained with")
    max_length: Length = Field(description="tokens; longer sentences or pairs are cut")
    precision: Precision = Field(description="of matrix products; auto is what this machine is quickest in")
    checkpoint_every: CheckpointEvery
    trackers: Trackers

    def loop(self, steps: int) -> FinetuneLoop:
        """Return the training loop's parameters for a run of ``steps`` optimiser steps."""
        shared = {name: getattr(self, name) for name in FinetuneLoop.model_fields.keys() & Settings.model_fields.keys()}
        return FinetuneLoop(steps=steps, compile=False, **shared)


@dataclass(frozen=True)
class FinetuneRun:
    """A finished run; ``<split>.npz`` in ``folder`` holds labels, predictions, scores and groups of each split.

    Attributes:
        seconds: of the optimiser steps and the predictions, on ``cores`` cores.
        truncated: by split, the share of the examples that were cut to the maximal length.
        made_with: the machine and the versions.
        diverged: the step at which the run diverged, so that there are no predictions; else None.
    """

    folder: Path
    seed: int
    seconds: float
    cores: int
    train_examples: int
    made_with: dict[str, dict[str, Any]]
    truncated: dict[str, float] = field(default_factory=dict)
    diverged: int | None = None

    @classmethod
    def open(cls, folder: Path) -> FinetuneRun:
        """Return the finished run in ``folder``.

        Raises:
            Unfinished: when it is not finished, or a file of it has changed since.
        """
        return cls(folder=folder, **opened(folder / MARKER))

    def predictions(self, split: str) -> Path:
        """Return the file of the run's predictions on a split."""
        return self.folder / f"{split}.npz"


class TaskChoice(TaskSource):
    """A task, and the settings in which it differs from the others."""

    train_examples: TrainExamples | None = None
    epochs: Epochs | None = None
    batch_size: BatchSize | None = None
    learning_rate: LearningRate | None = None
    max_length: Length | None = None

    @field_validator("name")
    @classmethod
    def _is_no_path(cls, name: str) -> str:
        if re.search(r"[/\\]|^[.\s-]|\s$", name) or len(name) > 100:
            raise Refusal("a name that a file may have: no slashes, no dot at its beginning, at most 100 characters")
        return name

    @property
    def source(self) -> TaskSource:
        """The address of the task alone."""
        return TaskSource(**{name: getattr(self, name) for name in TaskSource.model_fields})

    @property
    def own(self) -> dict[str, Any]:
        """The settings that the task overrides."""
        values = {name: getattr(self, name) for name in Settings.model_fields.keys() & type(self).model_fields.keys()}
        return {name: value for name, value in values.items() if value is not None}


class TasksConfig(ChapterConfig, Settings):
    """Tasks and the settings of fine-tuning on them, a run per seed."""

    circumstances: ClassVar[frozenset[str]] = ChapterConfig.circumstances | Settings.circumstances

    tasks: tuple[TaskChoice, ...]
    seeds: Seeds

    @field_validator("tasks")
    @classmethod
    def _each_once(cls, tasks: tuple[TaskChoice, ...]) -> tuple[TaskChoice, ...]:
        names = [task.name.casefold() for task in tasks]
        for number, name in enumerate(names):
            if name in names[:number]:
                raise Refusal("each task once", place=f"[{number}].name", do=f"take the second {name!r} out")
        return tasks

    def check_here(self) -> None:
        """Refuse local tasks whose training or development set is missing in the folder that is there."""
        for task in self.tasks:
            check_source(task)

    def settings(self, task: TaskChoice) -> Settings:
        """Return the settings of ``task``: the shared ones, overridden by its own."""
        return Settings(**({name: getattr(self, name) for name in Settings.model_fields} | task.own))


class FinetuneConfig(TasksConfig):
    """The tasks of a chapter, and the students that are compared with the teacher and the baselines on them."""

    tasks: tuple[TaskChoice, ...] = Field(min_length=1)
    students: Annotated[tuple[str, ...], AfterValidator(one_of(STUDENTS, "students"))] = Field(
        min_length=1, description="ablations whose students are fine-tuned"
    )


class LongDocumentsConfig(FinetuneConfig):
    """A fine-tuning chapter's configuration, with further lengths at which texts are cut."""

    shorter: Annotated[tuple[Length, ...], AfterValidator(each_once)] = Field(
        description="lengths at which texts are cut too"
    )

    @model_validator(mode="after")
    def _shorter_than_the_whole(self) -> Self:
        whole = min([self.max_length, *(task.max_length for task in self.tasks if task.max_length)])
        if any(length >= whole for length in self.shorter):
            raise Refusal(f"lengths below max_length, which is {whole}", place=".shorter")
        return self

    def cut_to(self, length: int) -> FinetuneConfig:
        """Return the same configuration with texts cut to ``length``, for the full recipe's student alone."""
        tasks = [task.model_copy(update={"max_length": None}) for task in self.tasks]
        return self.model_copy(update={"tasks": tuple(tasks), "students": ("full",), "max_length": length})


class VerdictConfig(TasksConfig):
    """A pair of models to be judged instead of the edition's own; without names the edition's records are judged."""

    teacher: str = Field(description="a model's address, such as hub:<id> or a folder; empty: the edition's own pair")
    student: str = Field(description="the student's address; empty: the edition's own pair")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if bool(self.teacher) != bool(self.student):
            missing = "student" if self.teacher else "teacher"
            raise Refusal("both teacher and student, or neither", place=f".{missing}")
        if self.teacher and not self.tasks:
            raise Refusal("at least one task on which the pair is compared", place=".tasks")
        return self
