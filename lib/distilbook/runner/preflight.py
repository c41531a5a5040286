"""What is looked at before the first chapter starts, so that nobody waits an hour for an error."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..chapters import ARM_CHAPTERS
from ..config import BookError, ChapterConfig
from ..edition.checks import check_chapter
from ..edition.parameters import check_parameters
from ..records import RecordBook
from ..workspace import Workspace, cache_root, local_path

#: An edition is not begun with less room than this; the laptop edition's results take about a third of it.
FREE_BYTES = 10**9
#: With less than this a failure is taken for that of a full disk, and no site is written.
FULL_BYTES = 5 * 10**7


def check_output(workspace: Workspace) -> None:
    """Refuse an output folder that cannot be written to, or a disk that is nearly full.

    Raises:
        BookError: saying which, with the free space.
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
    """Return the error that says that ``path`` cannot be written."""
    return BookError(
        f"the output folder cannot be written to ({error.strerror})",
        where=path,
        do="make it writable, make room on its disk, or set DISTILBOOK_RUNS to another folder",
    )


def check_records(workspace: Workspace) -> None:
    """Refuse records that this version of the library cannot read, by reading them all."""
    RecordBook(workspace.records).all()


def check_chapters(chapters: Iterable[str], workspace: Workspace) -> None:
    """Refuse what the ``chapters`` to be executed would stop at, each alone and beside the others they belong to."""
    for chapter in chapters:
        config = check_parameters(workspace.edition, chapter)
        check_chapter(chapter, config)
        check_trackers(getattr(config, "trackers", ()))
        check_beside_others(chapter, config)


def check_trackers(names: Iterable[str]) -> None:
    """Refuse trackers that are not installed; what knows them takes seconds to import, and is asked in doubt alone."""
    if not all(importlib.util.find_spec(name) for name in names):
        from ..training.metrics import check_installed

        check_installed(names)


def check_beside_others(chapter: str, config: ChapterConfig) -> None:
    """Refuse what does not fit other chapters: an arm or a choice the full recipe, layers or lengths the teacher.

    Raises:
        BookError: naming the parameter and the chapter.
    """
    if chapter in ARM_CHAPTERS:
        check_parameters(config.edition, "06_pretraining").for_arm(chapter.rpartition("/")[2])
    if chapter == "07_ablations/choices":
        check_choices(config, check_parameters(config.edition, "06_pretraining"))
    if any(hasattr(config, name) for name in ("block_length", "layers", "choices", "tasks")):
        teacher = getattr(config, "teacher", "") or check_parameters(config.edition, "03_teacher").teacher
        check_dimensions(chapter, config, local_dimensions(teacher))


def check_choices(config: ChapterConfig, full: ChapterConfig) -> None:
    """Refuse seeds that the full recipe is not run with, and choices that it makes already, or one of its arms."""
    from ..training.choices import Choice, check_choice, check_seeds

    check_seeds(config.seeds, full.seeds)
    for changes in config.choices:
        check_choice(Choice(changes), full.recipe)


def local_dimensions(address: str) -> dict[str, Any]:
    """Return the configuration of the model at ``address`` as far as it is on this machine's disk; else nothing."""
    kind, _, name = address.partition(":")
    known = sorted((cache_root() / "models").glob(f"{name}-*")) if kind == "wheel" else [local_path(address)]
    path = next((folder / "config.json" for folder in known), Path())
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # it is not here yet, or is refused with its reason when it is opened
        return {}
    return found if isinstance(found, dict) else {}


def check_dimensions(chapter: str, config: ChapterConfig, teacher: dict[str, Any]) -> None:
    """Refuse layers that the ``teacher`` does not have, and texts longer than its positions."""
    depth, positions = teacher.get("num_hidden_layers"), teacher.get("max_position_embeddings")
    choices = [choice.get("layers", ()) for choice in getattr(config, "choices", ())]
    own = getattr(config, "layers", ())
    for layers in [*choices, own if isinstance(own, tuple) else ()]:
        if isinstance(depth, int) and layers and layers[-1] >= depth:
            raise BookError(
                f"the teacher has no layer {layers[-1]}",
                where=f"parameter {'choices' if choices else 'layers'!r} of chapter {chapter}",
                expected=f"layers from 0 to {depth - 1}",
            )
    rows = [(f"tasks[{n}].max_length", row.max_length) for n, row in enumerate(getattr(config, "tasks", ()))]
    lengths = [(name, getattr(config, name, None)) for name in ("block_length", "max_length")]
    for name, length in [*lengths, *rows]:
        if isinstance(positions, int) and length and length > positions:
            raise BookError(
                f"the teacher has {positions} positions, and texts of {length} word pieces are asked for",
                where=f"parameter {name!r} of chapter {chapter}",
                expected=f"at most {positions}",
            )
