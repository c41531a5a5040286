"""Checks before the first chapter starts: output folder, records, parameters, inputs, models."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterable

from ..book.checks import check_chapter
from ..book.contents import ARM_CHAPTERS
from ..book.parameters import check_parameters
from ..core.config import ChapterConfig
from ..core.errors import BookError
from ..core.record_book import RecordBook
from ..core.workspace import Workspace
from ..models.address import model_at_hand
from ..models.folder import check_teacher, look_at

#: Bytes free at the start of an edition; the laptop edition's results take about a third of it.
FREE_BYTES = 10**9
#: Below this number of free bytes a failure is ascribed to the full disk, and no site is written.
FULL_BYTES = 5 * 10**7


def check_output(workspace: Workspace) -> None:
    """Refuse an output folder that cannot be written to, or a disk that is nearly full.

    Raises:
        BookError: with the free space.
    """
    root = workspace.root
    try:
        root.mkdir(parents=True, exist_ok=True)
        probe = root / f".probe-{os.getpid()}"
        probe.write_bytes(b"\0" * 65536)
        probe.unlink()
    except OSError as error:
        raise cannot_write(root, error) from None
    check_room(workspace, FREE_BYTES)


def check_room(workspace: Workspace, least: int = FULL_BYTES) -> None:
    """Refuse to go on with less than ``least`` bytes free where the edition's results are."""
    if (free := shutil.disk_usage(workspace.root).free) < least:
        raise BookError(
            f"the disk is nearly full: {free / 1e6:,.0f} MB are free",
            where=workspace.root,
            expected=f"at least {least / 1e6:,.0f} MB",
            do=f"make room (distilbook clean {workspace.edition} may help), or set DISTILBOOK_RUNS to another disk",
        )


def cannot_write(path: object, error: OSError) -> BookError:
    """Return the error for a ``path`` that cannot be written."""
    return BookError(
        f"the output folder cannot be written to ({error.strerror})",
        where=path,
        do="make it writable, make room on its disk, or set DISTILBOOK_RUNS to another folder",
    )


def check_records(workspace: Workspace) -> None:
    """Refuse records that this version of the library cannot read, by reading them all."""
    RecordBook(workspace.records).all()


def check_chapters(chapters: Iterable[str], workspace: Workspace) -> None:
    """Check the parameters of the ``chapters`` to be executed, alone and together with other chapters."""
    for chapter in chapters:
        config: ChapterConfig = check_parameters(workspace.edition, chapter)
        check_chapter(chapter, config)
        check_trackers(getattr(config, "trackers", ()))
        check_beside_others(chapter, config)
        check_models(chapter, config)


def check_models(chapter: str, config: ChapterConfig) -> None:
    """Refuse local models that are incomplete, or that take fewer tokens than ``chapter`` gives them.

    Models still to be downloaded are checked by the chapter that downloads them.
    """
    most = longest_input(config)
    named = {(name, chapter): getattr(config, name, "") for name in ("tokenizer", "teacher", "student")}
    if most and not named["student", chapter]:
        named["teacher", "03_teacher"] = teacher_of(config.edition)
    for (name, place), address in named.items():
        folder = model_at_hand(address) if address else None
        if folder is None:
            continue
        if chapter == "03_teacher":
            check_teacher(folder, new_head=getattr(config, "steps", 0) > 0)
        if most > (positions := look_at(folder).size["positions"]):
            raise BookError(
                f"the model has {positions} positions, and chapter {chapter} gives it up to {most} tokens",
                where=f"{folder}, parameter {name!r} of chapter {place}",
                expected=f"block_length and max_length of at most {positions}",
                do="lower them, or give a model with more positions",
            )


def longest_input(config: ChapterConfig) -> int:
    """Return the largest number of tokens that a chapter gives a model at once; 0 if its parameters have none."""
    settings = getattr(config, "settings", None)
    of_tasks = [settings(task).max_length for task in getattr(config, "tasks", ())] if settings else []
    return max([getattr(config, "block_length", 0), *of_tasks])


def check_trackers(names: Iterable[str]) -> None:
    """Refuse trackers that are not installed; accelerate, which takes seconds to import, decides in doubt."""
    if not all(importlib.util.find_spec(name) for name in names):
        from ..training.log import check_installed

        check_installed(names)


def check_beside_others(chapter: str, config: ChapterConfig) -> None:
    """Refuse an ablation or a choice that does not fit the full recipe, and layers that the teacher does not have.

    Raises:
        BookError: naming the parameter and the chapter.
    """
    if chapter in ARM_CHAPTERS:
        from ..pretraining.pretrain import PretrainConfig  # torch comes with it, which takes seconds

        check_parameters(config.edition, "06_pretraining", PretrainConfig).for_arm(chapter.rpartition("/")[2])
    if chapter == "07_ablations/choices":
        check_choices(config)
    check_layers(chapter, config)


def teacher_of(edition: str) -> str:
    """Return the address of the edition's teacher."""
    from ..pretraining.teacher_head import TeacherConfig

    return check_parameters(edition, "03_teacher", TeacherConfig).teacher


def check_choices(config: ChapterConfig) -> None:
    """Refuse seeds without a run of the full recipe, and choices equal to that recipe or one of its ablations."""
    from ..pretraining.ablations import Choice, ChoicesConfig, check_choice, check_seeds
    from ..pretraining.pretrain import PretrainConfig

    assert isinstance(config, ChoicesConfig)
    full = check_parameters(config.edition, "06_pretraining", PretrainConfig)
    check_seeds(config.seeds, full.seeds)
    for changes in config.choices:
        check_choice(Choice(changes), full.recipe)


def check_layers(chapter: str, config: ChapterConfig) -> None:
    """Refuse layers that the teacher at hand does not have."""
    own = getattr(config, "layers", ())
    choices = [choice.get("layers", ()) for choice in getattr(config, "choices", ())]
    asked = [*choices, own if isinstance(own, tuple) else ()]
    teacher = model_at_hand(teacher_of(config.edition)) if any(asked) else None
    if teacher is None:
        return
    depth = look_at(teacher).size["layers"]
    for layers in asked:
        if layers and layers[-1] >= depth:
            raise BookError(
                f"the teacher has no layer {layers[-1]}",
                where=f"parameter {'choices' if choices else 'layers'!r} of chapter {chapter}",
                expected=f"layers from 0 to {depth - 1}",
            )
