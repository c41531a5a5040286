"""A chapter's parameters, from the notebook's own values through the edition's files to one configuration.

The parameters cell of a chapter holds the laptop edition's values. ``parameters/<edition>/shared.yaml``
is laid over it, then ``parameters/<edition>/<chapter>.yaml``.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jupytext
import yaml

from ..config import BookError, ChapterConfig, nearest
from ..workspace import project_root


@dataclass(frozen=True)
class ChapterInfo:
    """What the runner knows of a chapter.

    Attributes:
        config: the class of its configuration, ``module:Class``; imported when needed.
        reads: the chapters whose published results or records it reads.
    """

    config: str = "distilbook.config:ChapterConfig"
    reads: tuple[str, ...] = ()


STUDENTS = ("06_pretraining", "07_ablations/without_teacher", "07_ablations/random_initialisation")

#: The book in reading order.
CHAPTERS: dict[str, ChapterInfo] = {
    "01_claims": ChapterInfo(),
    "02_corpus": ChapterInfo("distilbook.data.corpus:CorpusConfig"),
    "03_teacher": ChapterInfo("distilbook.training.teacher_head:TeacherConfig", ("02_corpus",)),
    "04_student": ChapterInfo("distilbook.model.student:StudentConfig", ("03_teacher",)),
    "05_triple_loss": ChapterInfo("distilbook.loss:LossConfig", ("03_teacher",)),
    "06_pretraining": ChapterInfo("distilbook.training.pretrain:PretrainConfig", ("02_corpus", "03_teacher")),
    **{arm: ChapterInfo(reads=("02_corpus", "03_teacher", "06_pretraining")) for arm in STUDENTS[1:]},
    "08_sentence_tasks": ChapterInfo("distilbook.training.finetune:FinetuneConfig", ("03_teacher", *STUDENTS)),
    "11_timing": ChapterInfo("distilbook.device.timing:TimingConfig"),
    "13_verdict": ChapterInfo(reads=("03_teacher", *STUDENTS, "08_sentence_tasks", "11_timing")),
}


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


def config_class(chapter: str) -> type[ChapterConfig]:
    """Return the class of ``chapter``'s configuration."""
    module, _, name = CHAPTERS[chapter].config.partition(":")
    return getattr(importlib.import_module(module), name)


def script_of(chapter: str) -> Path:
    """Return the percent script of ``chapter``."""
    return project_root() / "book" / f"{chapter}.py"


def notebook_values(chapter: str) -> dict[str, Any]:
    """Return the names and values in the parameters cell of ``chapter``.

    Raises:
        BookError: when there is no such cell, or it holds anything but plain values.
    """
    script = script_of(chapter)
    cells = [cell for cell in jupytext.read(script).cells if "parameters" in cell.metadata.get("tags", [])]
    if len(cells) != 1:
        raise BookError(f"{len(cells)} cells are tagged 'parameters'", where=script, expected="exactly one")
    values = {}
    for statement in ast.parse(cells[0].source).body:
        target = statement.target if isinstance(statement, ast.AnnAssign) else statement.targets[0]
        try:
            values[target.id] = ast.literal_eval(statement.value)
        except ValueError:
            raise BookError(f"parameter {target.id!r} is no plain value", where=script, expected="a literal") from None
    return values


def edition_values(edition: str, chapter: str) -> dict[str, Any]:
    """Return what the edition's files lay over the notebook's values: shared ones first, then the chapter's."""
    folder = project_root() / "parameters" / edition
    values: dict[str, Any] = {"edition": edition}
    for path in (folder / "shared.yaml", folder / f"{chapter}.yaml"):
        if path.exists():
            values |= read_yaml(path)
    return values


def read_yaml(path: Path) -> Mapping[str, Any]:
    """Return the names and values in a parameter file; an empty one has none.

    Raises:
        BookError: for a file that is no YAML, or no mapping of names to values.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise BookError(
            "a parameter file is no YAML", where=path, expected=f"lines of 'name: value' ({reason})"
        ) from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise BookError(
            f"a parameter file holds a {type(values).__name__}", where=path, expected="lines of 'name: value'"
        )
    return values


def check_parameters(edition: str, chapter: str) -> ChapterConfig:
    """Return the configuration that ``chapter`` will have in ``edition``, or explain what is wrong with it."""
    folder = project_root() / "parameters" / edition
    where = f"{folder / chapter}.yaml, {folder / 'shared.yaml'} or the parameters cell of {script_of(chapter)}"
    return config_class(chapter).parse(notebook_values(chapter) | edition_values(edition, chapter), where=where)
