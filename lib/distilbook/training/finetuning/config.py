"""What is fine-tuned on, and how: settings that all tasks share, and what a task has of its own."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from ...config import ChapterConfig, Config, Seed
from ...data.tasks import TaskSource
from ...recipe import ARMS, AS_LONG, WITHOUT_TEACHER
from ..schedule import Precision


class Settings(Config):
    """How a model is fine-tuned on a task.

    The paper states neither learning rates nor epochs for this step. The original repository's scripts for GLUE
    take 3 epochs in batches of 32 at 2e-5, falling linearly from the start, and sequences of at most 128 word
    pieces; BERT's authors (Devlin et al. 2019, appendix A.3) choose 2 to 4 epochs and 2e-5 to 5e-5 by task.
    """

    train_examples: int | Literal["all"] = Field(description="training examples, drawn by each seed for itself; or all")
    epochs: int = Field(ge=0, description="0: the model's own classification head is evaluated as it is")
    batch_size: int = Field(ge=1)
    learning_rate: float = Field(gt=0, lt=1, description="at the end of the warm-up; it then falls to 0 linearly")
    warmup_share: float = Field(ge=0, lt=1)
    dropout: float = Field(ge=0, lt=1, description="in every model alike, whatever it was pre-trained with")
    max_length: int = Field(ge=8, le=512, description="word pieces; longer sentences or pairs are cut")
    precision: Precision = Field(description="of matrix products; auto is what this machine is quickest in")

    @field_validator("train_examples")
    @classmethod
    def _enough(cls, number: int | str) -> int | str:
        if number != "all" and number < 2:
            raise ValueError("at least 2, or all")
        return number


class TaskChoice(TaskSource):
    """A task, and the settings in which it differs from the others."""

    train_examples: int | Literal["all"] | None = None
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    max_length: int | None = None

    @property
    def source(self) -> TaskSource:
        """Where the task comes from, alone."""
        return TaskSource(**{name: getattr(self, name) for name in TaskSource.model_fields})

    @property
    def own(self) -> dict[str, Any]:
        """The settings that the task has of its own."""
        values = {name: getattr(self, name) for name in Settings.model_fields.keys() & type(self).model_fields.keys()}
        return {name: value for name, value in values.items() if value is not None}


class TasksConfig(ChapterConfig, Settings):
    """Tasks, and how models are fine-tuned on them, once a seed."""

    tasks: tuple[TaskChoice, ...]
    seeds: tuple[Seed, ...] = Field(min_length=1)

    @field_validator("tasks")
    @classmethod
    def _each_once(cls, tasks: tuple[TaskChoice, ...]) -> tuple[TaskChoice, ...]:
        names = [task.name for task in tasks]
        if len(set(names)) < len(names):
            raise ValueError(f"each task once, got {', '.join(names)}")
        return tasks

    def settings(self, task: TaskChoice) -> Settings:
        """Return how ``task`` is fine-tuned on: the shared settings with its own laid over them."""
        return Settings(**({name: getattr(self, name) for name in Settings.model_fields} | task.own))


class FinetuneConfig(TasksConfig):
    """The tasks of a chapter, and the students that are tried on them beside the teacher and the baselines."""

    tasks: tuple[TaskChoice, ...] = Field(min_length=1)
    students: tuple[str, ...] = Field(min_length=1, description="arms whose students are fine-tuned")

    @field_validator("students")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        known = [*ARMS, *(arm + AS_LONG for arm in WITHOUT_TEACHER)]
        if unknown := [name for name in names if name not in known]:
            raise ValueError(f"names among {', '.join(known)}; there is no {', '.join(unknown)}")
        return names


class LongDocumentsConfig(FinetuneConfig):
    """A fine-tuning chapter's configuration, with further lengths at which texts are cut."""

    shorter: tuple[Annotated[int, Field(ge=8, le=512)], ...] = Field(description="lengths at which texts are cut too")

    @model_validator(mode="after")
    def _shorter_than_the_whole(self) -> Self:
        if any(length >= self.max_length for length in self.shorter):
            raise ValueError("lengths in 'shorter' below max_length")
        return self

    def cut_to(self, length: int) -> FinetuneConfig:
        """Return the same configuration with texts cut to ``length``, for the full recipe's student alone."""
        tasks = [task.model_copy(update={"max_length": None}) for task in self.tasks]
        return self.model_copy(update={"tasks": tuple(tasks), "students": ("full",), "max_length": length})


class VerdictConfig(TasksConfig):
    """A pair of models to be judged instead of the edition's own; without names the edition's records are judged."""

    teacher: str = Field(description="a model's address, such as hub:<id> or a folder; empty: the edition's own pair")
    student: str = Field(description="likewise")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if bool(self.teacher) != bool(self.student):
            raise ValueError("both teacher and student, or neither")
        if self.teacher and not self.tasks:
            raise ValueError("at least one task on which the pair is compared")
        return self
