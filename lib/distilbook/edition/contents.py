"""The table of contents: which chapters there are, what each reads, and how heavy it is."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..config import BookError, ChapterConfig, nearest
from ..recipe import ARMS
from ..workspace import project_root


@dataclass(frozen=True)
class ChapterInfo:
    """What the runner knows of a chapter.

    Attributes:
        config: the class of its configuration, ``module:Class``; imported when needed.
        reads: the chapters whose published results or records it reads.
        inputs: the parameters that hold addresses: what lies there is part of what the chapter depends on.
        ships: files and folders of the library, below ``distilbook/``, that it shows or computes with.
        load: ``light`` chapters need one core for seconds, ``heavy`` ones train and take what cores (or GPUs)
            there are, and one that measures times has to be ``alone``.
    """

    config: str = "distilbook.config:ChapterConfig"
    reads: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    ships: tuple[str, ...] = ()
    load: Literal["light", "heavy", "alone"] = "light"

    @property
    def config_class(self) -> type[ChapterConfig]:
        """The class of the chapter's configuration."""
        module, _, name = self.config.partition(":")
        return getattr(importlib.import_module(module), name)


#: The chapters that take something away from the full recipe.
ARM_CHAPTERS = tuple(f"07_ablations/{arm}" for arm in ARMS if arm != "full")
STUDENTS = ("06_pretraining", *ARM_CHAPTERS)
TEACHER = ("02_corpus", "03_teacher")
TASKS = "distilbook.training.finetuning.config"

#: The book in reading order, which is also an order in which each chapter finds what it reads.
CHAPTERS: dict[str, ChapterInfo] = {
    "01_claims": ChapterInfo(),
    "02_corpus": ChapterInfo("distilbook.data.corpus:CorpusConfig", inputs=("texts", "tokenizer"), load="heavy"),
    "03_teacher": ChapterInfo(
        "distilbook.training.teacher_head:TeacherConfig", ("02_corpus",), inputs=("teacher",), load="heavy"
    ),
    "04_student": ChapterInfo("distilbook.model.student:StudentConfig", ("03_teacher",)),
    "05_triple_loss": ChapterInfo("distilbook.loss:LossConfig", ("03_teacher",)),
    "06_pretraining": ChapterInfo("distilbook.training.pretrain:PretrainConfig", TEACHER, load="heavy"),
    **{arm: ChapterInfo(reads=(*TEACHER, "06_pretraining"), load="heavy") for arm in ARM_CHAPTERS},
    "07_ablations/choices": ChapterInfo(
        "distilbook.training.choices:ChoicesConfig", (*TEACHER, "06_pretraining"), load="heavy"
    ),
    "07_ablations/summary": ChapterInfo(reads=("03_teacher", *STUDENTS, "07_ablations/choices")),
    "08_sentence_tasks": ChapterInfo(
        f"{TASKS}:FinetuneConfig", ("02_corpus", "03_teacher", *STUDENTS), inputs=("tasks",), load="heavy"
    ),
    "09_long_documents": ChapterInfo(
        f"{TASKS}:LongDocumentsConfig", ("03_teacher", *STUDENTS), inputs=("tasks",), load="heavy"
    ),
    "11_timing": ChapterInfo(
        "distilbook.device.plan:TimingConfig",
        ("02_corpus", "03_teacher", "04_student"),
        ships=("device/stsb_dev_lengths.json",),
        load="alone",
    ),
    "13_verdict": ChapterInfo(
        f"{TASKS}:VerdictConfig",
        ("03_teacher", *STUDENTS, "08_sentence_tasks", "09_long_documents", "11_timing"),
        inputs=("tasks",),
        ships=("claims/reference",),
        load="heavy",
    ),
}


def script_of(chapter: str) -> Path:
    """Return the percent script of ``chapter``."""
    return project_root() / "book" / f"{chapter}.py"


def editions() -> list[str]:
    """Return the editions there are parameters for."""
    return sorted(path.name for path in (project_root() / "parameters").iterdir() if path.is_dir())


def check_names(edition: str, chapters: list[str]) -> None:
    """Refuse an edition or a chapter that does not exist, naming the nearest one."""
    if edition not in editions():
        raise BookError(
            f"there is no edition {edition!r}",
            where=project_root() / "parameters",
            do=nearest(edition, editions(), "editions"),
        )
    for chapter in chapters:
        if chapter not in CHAPTERS:
            raise BookError(f"there is no chapter {chapter!r}", do=nearest(chapter, list(CHAPTERS), "chapters"))
