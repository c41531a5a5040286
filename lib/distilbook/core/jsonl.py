"""JSON Lines files: lines are appended whole, by several processes if need be, and only a line feed ends one."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

from .errors import BookError
from .progress import tell


def append(path: Path, lines: Sequence[str], sync: bool = True) -> None:
    """Append ``lines``, JSON without line feeds: all of them, or none where the disk is full.

    Args:
        sync: wait until they are on the disk.

    Raises:
        BookError: when they cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab+", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            _append(file, _end_last_line(file, path) + "".join(f"{line}\n" for line in lines))
            if sync:
                os.fsync(file.fileno())
    except OSError as error:
        raise BookError(
            f"a line could not be written: {error.strerror}",
            where=path,
            expected="room on the disk, and leave to write",
            do="make room and start again; the lines before it are whole",
        ) from error


def _append(file: BinaryIO, text: str) -> None:
    size, left = file.seek(0, os.SEEK_END), text.encode()
    try:
        while left:
            left = left[os.write(file.fileno(), left) :]
    except BaseException:
        file.truncate(size)
        raise


def _end_last_line(file: BinaryIO, path: Path) -> str:
    """Return the line feed that a whole last line lacks; remove a last line that was cut off."""
    size = file.seek(0, os.SEEK_END)
    if size == 0 or os.pread(file.fileno(), 1, size - 1) == b"\n":
        return ""
    file.seek(0)
    before, end, last = file.read().rpartition(b"\n")
    if _is_whole(last):
        return "\n"
    _dropped(path, len(before.split(b"\n")) + 1 if end else 1)
    file.truncate(len(before) + len(end))
    return ""


def lines(path: Path) -> list[tuple[str, str]]:
    """Return each line that is not blank with its place, such as ``records/06.jsonl:3``.

    A last line that was cut off is left out, with a word.

    Raises:
        BookError: when the file is no UTF-8.
    """
    *whole, last = path.read_bytes().split(b"\n")
    if _is_whole(last):
        whole.append(last)
    elif last.strip():
        _dropped(path, len(whole) + 1)
    places = [(line, f"{path}:{number}") for number, line in enumerate(whole, start=1) if line.strip()]
    return [(_decoded(line, place), place) for line, place in places]


def parsed(line: str, where: str) -> Any:
    """Return the value of a line.

    Raises:
        BookError: when it is no JSON, or names a field twice; ``where`` is its place.
    """
    try:
        return json.loads(line, object_pairs_hook=_once_each)
    except (ValueError, RecursionError) as error:
        raise _damaged(str(error), where) from None


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError(f"a field is given twice, of {', '.join(name for name, _ in pairs)}")
    return values


def _decoded(line: bytes, where: str) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _damaged(str(error), where) from None


def _damaged(how: str, where: str) -> BookError:
    return BookError(
        f"a line is no JSON ({how})",
        where=where,
        expected="one value a line, in UTF-8",
        do="restore the file, or delete the line and run the chapter again",
    )


def _is_whole(last: bytes) -> bool:
    """Whether what no line feed ends is a whole line all the same: what is cut off of an object is no JSON."""
    try:
        json.loads(last)
    except ValueError:
        return False
    return True


@cache  # a file is read many times
def _dropped(path: Path, number: int) -> None:
    tell(f"{path}:{number}: the last line was cut off when it was written; it is left out")
