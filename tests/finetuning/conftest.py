"""Shared fixtures of the fine-tuning tests."""

from pathlib import Path

import pytest
from distilbook.finetuning.config import FinetuneConfig
from distilbook.tasks import Task, TaskSource, load_task

SHARED = {
    "edition": "test",
    "students": ("full",),
    "train_examples": "all",
    "epochs": 12,
    "batch_size": 8,
    "learning_rate": 3e-3,
    "warmup_share": 0.1,
    "dropout": 0.0,
    "weight_decay": 0.01,
    "max_length": 48,
    "precision": "float32",
    "checkpoint_every": 1000,
    "trackers": (),
    "seeds": (0, 1),
}


@pytest.fixture(scope="session")
def sources(inputs) -> dict[str, TaskSource]:
    """The smoke edition's tasks by name: a sentence, a scored pair, a pair of three classes."""
    return {
        "reviews": TaskSource(name="reviews", address=str(inputs / "reviews.tsv")),
        "pairs": TaskSource(name="pairs", address=str(inputs / "pairs.tsv")),
        "MNLI": TaskSource(name="MNLI", address=str(inputs / "glue")),
        "CoLA": TaskSource(name="CoLA", address=str(inputs / "glue")),
    }


@pytest.fixture(scope="session")
def tasks(sources) -> dict[str, Task]:
    return {name: load_task(source) for name, source in sources.items()}


@pytest.fixture(scope="session")
def shared() -> dict:
    """What all tasks of a made chapter share."""
    return SHARED


@pytest.fixture(scope="session")
def config(sources) -> FinetuneConfig:
    return FinetuneConfig(**SHARED, tasks=[source.model_dump() for source in sources.values()])


@pytest.fixture(scope="session")
def settings(config):
    return config.settings(config.tasks[0])


@pytest.fixture(scope="session")
def student_folder(teacher_folder, pretrain_values, tmp_path_factory) -> Path:
    """A student copied from the tiny teacher, not trained any further."""
    from distilbook.distillation.student import build_student
    from distilbook.models.loading import load_teacher, load_tokenizer
    from distilbook.pretraining.pretrain import PretrainConfig

    folder = tmp_path_factory.mktemp("student")
    teacher = load_teacher(teacher_folder, new_head=False)
    build_student(teacher, PretrainConfig(**pretrain_values).recipe, dropout=0.0, seed=0).save_pretrained(folder)
    load_tokenizer(teacher_folder).save_pretrained(folder)
    return folder
