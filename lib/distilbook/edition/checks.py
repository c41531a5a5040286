"""Checks of a chapter's parameters against the machine, the folders and the other chapters, before any work.

A run makes them of every chapter that it is going to execute, and a chapter that is opened on its own of itself.
"""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..chapters import ARM_CHAPTERS
from ..config import BookError, ChapterConfig, nearest
from ..provenance import accelerator
from ..workspace import cache_root, local_path
from .contents import CHAPTERS
from .parameters import check_parameters

if TYPE_CHECKING:  # most commands look at no task
    from ..data.tasks import TaskSource

#: Parameters that may also be a bare id of the Hub.
MODELS = ("teacher", "student", "tokenizer")
HUB_ID = r"\w[\w.-]*(/[\w.-]+)?"


def check_chapter(chapter: str, config: ChapterConfig) -> None:
    """Refuse what ``chapter`` would stop at: inputs and trackers that are not there, more threads than cores.

    Raises:
        BookError: naming the parameter.
    """
    check_trackers(getattr(config, "trackers", ()))
    check_precision(getattr(config, "precision", "auto"))
    for name in CHAPTERS[chapter].inputs:
        for address in addresses(config.model_dump()[name]):
            check_address(address, f"parameter {name!r} of chapter {chapter}", may_be_id=name in MODELS)
    check_tasks(getattr(config, "tasks", ()))
    if hasattr(config, "threads"):
        config.settings  # noqa: B018  reading it is the check


def check_trackers(names: Iterable[str]) -> None:
    """Refuse trackers that are not installed; what knows them takes seconds to import, and is asked in doubt alone."""
    if not all(importlib.util.find_spec(name) for name in names):
        from ..training.metrics import check_installed

        check_installed(names)


def check_precision(precision: str) -> None:
    """Refuse float16 where there is nothing but a CPU, which does not train in it."""
    if precision == "float16" and accelerator() == "none" and sys.platform != "darwin":
        raise BookError(
            "a CPU does not train in float16",
            where="parameter 'precision'",
            expected="auto, float32 or bfloat16",
            do="set it to auto, which takes what this machine is quickest in",
        )


def check_tasks(tasks: Iterable[TaskSource]) -> None:
    """Refuse local tasks whose training or development set is missing in the folder that is there."""
    from ..data.tasks import check_source

    for task in tasks:
        check_source(task)


def check_address(address: str, where: str, may_be_id: bool) -> None:
    """Refuse an address of the Hub that is no id, and one that can only be a local path and does not exist."""
    kind, _, name = address.partition(":")
    if kind == "wheel":
        if may_be_id and name != "minilm-l6":
            do = nearest(name, ["minilm-l6"], "names")
            raise BookError(f"no wheel holds a model called {name!r}", where=where, expected="wheel:minilm-l6", do=do)
    elif kind == "hub":
        if not re.fullmatch(HUB_ID, name):
            raise BookError(f"{name!r} is no id of the Hub", where=where, expected="hub:<owner>/<name>, or hub:<name>")
    elif not (may_be_id and re.fullmatch(HUB_ID, address)) and not local_path(address).exists():
        raise BookError(
            f"there is nothing at {address!r}",
            where=where,
            expected=f"a file or folder at {local_path(address)}",
            do="put it there or correct the address; relative paths start at the project's root",
        )


def addresses(value: Any) -> list[str]:
    """Return the addresses in a parameter's value: a text, a row with an ``address``, or a list of either."""
    if isinstance(value, str):
        return [value] if value else []
    if isinstance(value, dict):
        return addresses(value.get("address", []))
    return [found for part in value for found in addresses(part)] if isinstance(value, list | tuple) else []


def check_beside_others(chapter: str, edition: str) -> None:
    """Refuse what fits no other chapter of the edition: an arm or a choice without the full recipe it changes,
    layers or positions that the teacher does not have.

    Raises:
        BookError: naming the parameter and the chapter.
    """
    config = check_parameters(edition, chapter)
    if chapter in ARM_CHAPTERS:
        check_parameters(edition, "06_pretraining").for_arm(chapter.rpartition("/")[2])
    if chapter == "07_ablations/choices":
        check_choices(config, check_parameters(edition, "06_pretraining"))
    if any(hasattr(config, name) for name in ("block_length", "max_length", "seeds")) or chapter == "04_student":
        teacher = getattr(config, "teacher", "") or check_parameters(edition, "03_teacher").teacher
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
