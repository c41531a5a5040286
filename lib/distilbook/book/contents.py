"""Table of contents: the chapters, what each reads, and how heavy it is."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..core.config import ChapterConfig
from ..core.errors import BookError, nearest
from ..core.workspace import project_root
from ..distillation.recipe import ARMS, AS_LONG

#: The chapters that take something away from the full recipe.
ARM_CHAPTERS = tuple(f"07_ablations/{arm}" for arm in ARMS if arm != "full")
STUDENTS = ("06_pretraining", *ARM_CHAPTERS)
TEACHER = ("02_corpus", "03_teacher")

#: The chapters whose published results or records each one reads.
READS: dict[str, tuple[str, ...]] = {
    "01_claims": (),
    "02_corpus": (),
    "03_teacher": ("02_corpus",),
    "04_student": ("03_teacher",),
    "05_triple_loss": ("03_teacher",),
    "06_pretraining": TEACHER,
    **dict.fromkeys(ARM_CHAPTERS, (*TEACHER, "06_pretraining")),
    "07_ablations/choices": (*TEACHER, "06_pretraining"),
    "07_ablations/summary": ("03_teacher", *STUDENTS, "07_ablations/choices"),
    "08_sentence_tasks": ("02_corpus", "03_teacher", *STUDENTS),
    "09_long_documents": ("03_teacher", *STUDENTS),
    "11_timing": ("02_corpus", "03_teacher", "04_student"),
    "13_verdict": ("03_teacher", *STUDENTS, "08_sentence_tasks", "09_long_documents", "11_timing"),
}

#: The chapter that measures each claim; a claim on an ablation is named like its recipe.
CHAPTER_OF_CLAIM = {
    "smaller": "11_timing",
    "retention": "08_sentence_tasks",
    "imdb": "09_long_documents",
    "faster": "11_timing",
}


def chapter_of(name: str) -> str:
    """Return the chapter that measures a claim, by its id, or trains the students of a recipe."""
    if name in CHAPTER_OF_CLAIM:
        return CHAPTER_OF_CLAIM[name]
    if name == "full":
        return "06_pretraining"
    arm = name.removesuffix(AS_LONG)
    return f"07_ablations/{arm}" if arm in ARMS else "07_ablations/choices"


@dataclass(frozen=True)
class ChapterInfo:
    """A chapter as the runner sees it.

    Attributes:
        config: the class of its configuration, ``module:Class``; imported when needed.
        reads: the chapters whose published results or records it reads.
        inputs: the parameters that hold addresses: what lies there is part of what the chapter depends on.
        ships: files and folders of the library, below ``distilbook/``, that it shows or computes with.
        load: ``light`` chapters need one core for seconds, ``heavy`` ones train and take what cores (or GPUs)
            there are, and one that measures times has to be ``alone``.
    """

    config: str = "distilbook.core.config:ChapterConfig"
    reads: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    ships: tuple[str, ...] = ()
    load: Literal["light", "heavy", "alone"] = "light"

    @property
    def config_class(self) -> type[ChapterConfig]:
        """The class of the chapter's configuration."""
        module, _, name = self.config.partition(":")
        return getattr(importlib.import_module(module), name)


PRETRAINING, TASKS = "distilbook.pretraining", "distilbook.finetuning.config"
#: Fields of :class:`ChapterInfo`, except ``reads``, that differ from the defaults.
OTHERWISE: dict[str, dict[str, Any]] = {
    "02_corpus": {"config": "distilbook.corpus.config:CorpusConfig", "inputs": ("texts", "tokenizer"), "load": "heavy"},
    "03_teacher": {"config": f"{PRETRAINING}.teacher_head:TeacherConfig", "inputs": ("teacher",), "load": "heavy"},
    "04_student": {"config": "distilbook.distillation.student:StudentConfig"},
    "05_triple_loss": {"config": "distilbook.distillation.losses:LossConfig"},
    "06_pretraining": {"config": f"{PRETRAINING}.pretrain:PretrainConfig", "load": "heavy"},
    **dict.fromkeys(ARM_CHAPTERS, {"load": "heavy"}),
    "07_ablations/choices": {"config": f"{PRETRAINING}.ablations:ChoicesConfig", "load": "heavy"},
    "08_sentence_tasks": {"config": f"{TASKS}:FinetuneConfig", "inputs": ("tasks",), "load": "heavy"},
    "09_long_documents": {"config": f"{TASKS}:LongDocumentsConfig", "inputs": ("tasks",), "load": "heavy"},
    "11_timing": {
        "config": "distilbook.inference.protocol:TimingConfig",
        "ships": ("inference/stsb_dev_lengths.json",),
        "load": "alone",
    },
    "13_verdict": {
        "config": f"{TASKS}:VerdictConfig",
        "inputs": ("teacher", "student", "tasks"),
        "ships": ("claims/reference",),
        "load": "heavy",
    },
}

#: The book in reading order, which is also an order in which each chapter finds what it reads.
CHAPTERS: dict[str, ChapterInfo] = {
    name: ChapterInfo(reads=reads, **OTHERWISE.get(name, {})) for name, reads in READS.items()
}


def chain(*chapters: str) -> list[str]:
    """Return ``chapters`` and every chapter they need, directly or through another, in reading order."""
    needed, found = set(chapters), list(chapters)
    while found:
        found = [name for one in found for name in CHAPTERS[one].reads if name not in needed]
        needed.update(found)
    return [name for name in CHAPTERS if name in needed]


def script_of(chapter: str) -> Path:
    """Return the percent script of ``chapter``."""
    return project_root() / "book" / f"{chapter}.py"


def editions() -> list[str]:
    """Return the editions there are parameters for, each a folder; hidden ones are left alone.

    Raises:
        BookError: for a folder whose name no edition may have, since its results lie in a folder of that name.
    """
    root = project_root() / "parameters"
    if not root.is_dir():
        raise BookError("the folder of the editions was not found", where=root, expected="a folder for each edition")
    names = sorted(path.name for path in root.iterdir() if path.is_dir() and path.name[0] not in "._")
    for name in names:
        ChapterConfig.parse({"edition": name}, where=f"the name of the folder {root / name}")
    return names


def check_names(edition: str, chapters: list[str]) -> None:
    """Refuse an edition or a chapter that does not exist, naming the nearest one."""
    if edition not in editions():
        do = nearest(edition, editions(), "editions")
        raise BookError(f"there is no edition {edition!r}", where=project_root() / "parameters", do=do)
    for chapter in chapters:
        if chapter not in CHAPTERS:
            raise BookError(f"there is no chapter {chapter!r}", do=nearest(chapter, list(CHAPTERS), "chapters"))
