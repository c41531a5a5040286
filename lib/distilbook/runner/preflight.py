"""What is looked at before the first chapter starts, so that nobody waits an hour for an error."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable

from ..config import BookError
from ..edition.checks import check_beside_others, check_chapter
from ..edition.parameters import check_parameters
from ..records import RecordBook
from ..workspace import Workspace

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
        check_chapter(chapter, check_parameters(workspace.edition, chapter))
        check_beside_others(chapter, workspace.edition)
