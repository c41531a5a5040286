"""What is looked at before the first chapter starts, so that nobody waits an hour for an error."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from ..config import BookError, ChapterConfig
from ..edition.contents import CHAPTERS
from ..edition.parameters import check_parameters
from ..model.address import model_at_hand
from ..model.folder import check_teacher, look_at
from ..records import RecordBook
from ..workspace import Workspace, local_path
from .freshness import addresses

if TYPE_CHECKING:  # most commands look at no task
    from ..data.tasks import TaskSource

#: An edition is not begun with less room than this; the laptop edition's results take about a third of it.
FREE_BYTES = 10**9
#: With less than this a failure is taken for that of a full disk, and no site is written.
FULL_BYTES = 5 * 10**7
#: Parameters that may also be a bare id of the Hub.
MODELS = ("teacher", "tokenizer")


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
    """Refuse what the ``chapters`` to be executed would stop at: parameters, local inputs and trackers that are not there."""
    configs = {chapter: check_parameters(workspace.edition, chapter) for chapter in chapters}
    for chapter, config in configs.items():
        check_trackers(getattr(config, "trackers", ()))
        for name in CHAPTERS[chapter].inputs:
            value = config.model_dump()[name]
            for address in addresses(value):
                check_address(address, f"parameter {name!r} of chapter {chapter}", may_be_id=name in MODELS)
        check_tasks(getattr(config, "tasks", ()))
    check_models(configs)


def check_models(configs: Mapping[str, ChapterConfig]) -> None:
    """Refuse models at hand that are not whole, or that take fewer word pieces than the chapters give them.

    Models that still have to be fetched are looked at by the chapter that fetches them.
    """
    longest = max((most_word_pieces(one) for one in configs.values() if not hasattr(one, "student")), default=0)
    for chapter, config in configs.items():
        for name in ("tokenizer", "teacher", "student"):
            folder = model_at_hand(address) if (address := getattr(config, name, "")) else None
            if folder is None:
                continue
            if chapter == "03_teacher":
                check_teacher(folder, new_head=config.steps > 0)
            most = most_word_pieces(config) if hasattr(config, "student") else longest
            if most > (positions := look_at(folder).size["positions"]):
                raise BookError(
                    f"the model has {positions} positions, and is given up to {most} word pieces",
                    where=f"{folder}, parameter {name!r} of chapter {chapter}",
                    expected=f"block_length and max_length of at most {positions}",
                    do="lower them, or give a model with more positions",
                )


def most_word_pieces(config: ChapterConfig) -> int:
    """Return how many word pieces a chapter gives a model at once, at most; 0 where its parameters do not say."""
    of_tasks = [config.settings(task).max_length for task in getattr(config, "tasks", ())]
    return max([getattr(config, "block_length", 0), *of_tasks])


def check_trackers(names: Iterable[str]) -> None:
    """Refuse trackers that are not installed; what knows them takes seconds to import, and is asked in doubt alone."""
    if not all(importlib.util.find_spec(name) for name in names):
        from ..training.metrics import check_installed

        check_installed(names)


def check_tasks(tasks: Iterable[TaskSource]) -> None:
    """Refuse local tasks that cannot be used, by reading them."""
    from ..data.tasks import check_source

    for task in tasks:
        check_source(task)


def check_address(address: str, where: str, may_be_id: bool) -> None:
    """Refuse an address that can only be a local path and does not exist."""
    elsewhere = address.startswith(("wheel:", "hub:")) or may_be_id and re.fullmatch(r"\w[\w.-]*(/[\w.-]+)?", address)
    if not elsewhere and not os.path.exists(local_path(address)):
        raise BookError(
            f"there is nothing at {address!r}",
            where=where,
            expected=f"a file or folder at {local_path(address)}",
            do="put it there or correct the address; relative paths start at the project's root",
        )
