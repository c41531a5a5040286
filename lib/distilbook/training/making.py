"""A result that is made once: opened where it is finished and whole, else made by one process or thread alone."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from accelerate import PartialState
from accelerate.utils import broadcast_object_list

from ..core.files import sole
from ..core.finished import MARKER, begin_again, is_whole


def make_once(folder: Path, what: str, make: Callable[[], None]) -> None:
    """Let ``make`` make the result in ``folder``, unless it is finished and whole there.

    The processes of one launch, which train together, go the same way.

    Args:
        what: what is made, to begin a message with: "this training".

    Raises:
        BookError: when another process or thread makes it at the moment.
    """
    leads, marker = PartialState().is_main_process, folder / MARKER
    if _on_all(leads and is_whole(marker)):
        return
    with sole(folder / "lock", what) if leads else nullcontext():
        if _on_all(leads and is_whole(marker)):  # another process has made it just now
            return
        if leads:
            begin_again(marker, what)
        make()


def _on_all(value: bool) -> bool:
    """Return what the main process of a launch gives."""
    values = [value]
    broadcast_object_list(values)
    return values[0]
