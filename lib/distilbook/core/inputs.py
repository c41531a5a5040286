"""Files and folders from outside: the files of a folder that count, and the opening of text files.

One rule for text, JSON lines, tables, tasks and content hashes on hidden files, links, pipes, packed files and UTF-16.
"""

from __future__ import annotations

import codecs
import contextlib
import gzip
import os
import stat
import zlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from .errors import BookError
from .formats import BEGINNING, check_text

#: Names, in lower case, of what systems and tools leave in folders; what begins with a dot is hidden anyway.
SYSTEM = frozenset(
    ["__macosx", "__pycache__", "thumbs.db", "desktop.ini", "lost+found", "$recycle.bin", "@eadir"]
    + ["system volume information"]
)

HIDDEN = "a hidden or system file"


@dataclass(frozen=True)
class Found:
    """The files of a folder, in the order of their names, and what was left out of it, with the reason."""

    files: list[Path] = field(default_factory=list)
    left_out: dict[Path, str] = field(default_factory=dict)


def look(folder: Path, deep: bool = True) -> Found:
    """Return the files in a folder, and with ``deep`` in all folders below it.

    Links are followed; a folder is entered once, by its own name where that lies below ``folder``. Hidden and system
    files are left out, as are links to nothing, pipes, sockets and devices.

    Raises:
        BookError: for a folder that cannot be read, or a name that is no UTF-8.
    """
    found, entered = Found(), set()
    folders, behind_links = deque([folder]), deque[Path]()
    while folders or behind_links:
        here = (folders or behind_links).popleft()
        if (real := os.path.realpath(here)) in entered:
            found.left_out[here] = "a link to a folder that is read already"
            continue
        entered.add(real)
        for path in _inside(here):
            if why := _unfit(path):
                found.left_out[path] = why
            elif path.is_file():
                found.files.append(path)
            elif deep:
                (behind_links if path.is_symlink() else folders).append(path)
    found.files.sort()
    return found


def _inside(folder: Path) -> list[Path]:
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise _unreadable(folder, error) from None
    for name in names:
        if any(0xD800 <= ord(letter) < 0xE000 for letter in name):
            where = f"{folder}, {os.fsencode(name)!r}"
            raise BookError("a file's name is not UTF-8", where=where, expected="names in UTF-8", do="rename it")
    return [folder / name for name in names]


def _unfit(path: Path) -> str | None:
    """Return why an entry of a folder is neither a file of data nor a folder with such files; None where it is."""
    if path.name.startswith(".") or path.name.lower() in SYSTEM:
        return HIDDEN
    if os.path.isfile(path) or os.path.isdir(path):
        return None
    return "a pipe, socket or device" if os.path.exists(path) else "a link to nothing"


def once(files: list[Path]) -> tuple[list[Path], dict[Path, str]]:
    """Return ``files`` without links to others of them, and those links."""
    real = {path: os.path.realpath(path) for path in files}
    # Files after links, so that of both the file is kept; of several links the first.
    own = {real[path]: path for path in sorted(reversed(files), key=lambda path: not path.is_symlink())}
    kept = [path for path in files if own[real[path]] == path]
    return kept, dict.fromkeys(set(files) - set(kept), "a link to a file that is read already")


def listed(left_out: dict[Path, str], folder: Path, most: int = 3) -> str:
    """Return in words what was left out of ``folder``: for each reason how many files, and the first of them."""
    parts = []
    for why in dict.fromkeys(left_out[path] for path in sorted(left_out)):
        names = sorted(path.relative_to(folder).as_posix() for path, reason in left_out.items() if reason == why)
        parts.append(f"{_first(names, most)} ({why})")
    return "; ".join(parts)


def _first(names: list[str], most: int) -> str:
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(name if name.isprintable() else repr(name) for name in names[:most]) + more


def contents(folder: Path, most: int = 5) -> str:
    """Return in words what lies in a folder, to follow its path: ", which holds train.csv"; "" where there is nothing."""
    inside = _inside(folder) if os.path.isdir(folder) else []
    names = [path.name for path in inside if not path.name.startswith(".")]
    return f", which holds {_first(names, most)}" if names else ""


def open_file(path: Path) -> BinaryIO:
    """Open a file for reading its bytes.

    Raises:
        BookError: for what is no file, such as a pipe, which would never end; or when it cannot be read.
    """
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            what = (
                "a folder stands where a file was expected" if path.is_dir() else "a pipe, socket or device is no file"
            )
            do = "correct the address, or write the data into a file"
            raise BookError(what, where=path, expected="a file", do=do)
        return path.open("rb")
    except OSError as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: OSError) -> BookError:
    return BookError(
        f"a file or folder cannot be read ({error.strerror or error})",
        where=path,
        expected="a whole file that this user may read",
        do="make it readable, supply it again, or take it away",
    )


@contextlib.contextmanager
def unpacked(path: Path, raw: BinaryIO, wanted: str) -> Iterator[BinaryIO]:
    """Yield the bytes of a file of text from behind its byte-order mark, those of a ``.gz`` file unpacked.

    Args:
        raw: the open file.
        wanted: what the reader takes, for errors: "text in UTF-8".

    Raises:
        BookError: when it is empty, cut off, or holds something else, naming that and the remedy.
    """
    packed = path.name.lower().endswith(".gz")
    try:
        beginning = raw.read(BEGINNING)
        raw.seek(0)
        if packed and not beginning.startswith(b"\x1f\x8b"):
            check_text(path, beginning, wanted)
            what, do = (
                "a file's name ends with .gz, and it is not packed",
                "take .gz off its name, or supply the packed file",
            )
            raise BookError(what, where=path, expected="a gzip file", do=do)
        opened: Any = gzip.GzipFile(fileobj=raw) if packed else contextlib.nullcontext(raw)
        with opened as file:
            beginning = file.read(BEGINNING)
            check_text(path, beginning, wanted)
            file.seek(len(codecs.BOM_UTF8) if beginning.startswith(codecs.BOM_UTF8) else 0)
            yield file
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        what, do = f"a compressed file is damaged ({error})", "copy or download the file again"
        raise BookError(what, where=path, expected="a whole gzip file", do=do) from None
    except OSError as error:
        raise _unreadable(path, error) from None
