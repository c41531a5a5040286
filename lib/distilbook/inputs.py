"""Files and folders from outside: which files of a folder count, what a file's bytes are, and how they are opened.

Everything that reads a reader's own files asks here, so that a hidden file, a link, a pipe, a packed file or one
in UTF-16 means the same to text, JSON lines, tables, tasks and content hashes.
"""

from __future__ import annotations

import codecs
import contextlib
import gzip
import os
import re
import stat
import unicodedata
import zlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from .config import BookError

#: Names, in lower case, of what systems and tools leave in folders; what begins with a dot is hidden anyway.
SYSTEM = frozenset(
    "__macosx __pycache__ thumbs.db desktop.ini lost+found $recycle.bin @eadir".split() + ["system volume information"]
)

HIDDEN = "a hidden or system file"

#: A file's format is judged by so many bytes.
BEGINNING = 1 << 16

UNPACK = "unpack it ({}), and pack it again with gzip if it is to stay small"
EXPORT = "export it as {wanted}"
#: Formats other than text, by how their files begin: a name, and what to do; ``{wanted}`` is what the reader takes.
FORMATS = (
    (rb"version https?://[\w./-]+/spec/v\d|(/|(\.\./)*\.git/)annex/objects/\S+\s*$", "a pointer", ""),
    (rb"\x1f\x8b", "packed with gzip", "unpack it: gunzip; text may stay packed, once, where its name ends with .gz"),
    (rb"BZh[1-9]1AY&SY", "packed with bzip2", UNPACK.format("bunzip2")),
    (rb"\xfd7zXZ\0", "packed with xz", UNPACK.format("unxz")),
    (rb"\x28\xb5\x2f\xfd", "packed with zstandard", UNPACK.format("unzstd")),
    (rb"\x04\x22\x4d\x18", "packed with lz4", UNPACK.format("unlz4")),
    (rb"PK\x03\x04|PK\x05\x06", "a zip archive, or a document that is one inside (.xlsx, .docx)", f"unzip it, or {EXPORT}"),
    (rb"7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK.format("7z x")),
    (rb"Rar!\x1a\x07", "a rar archive", UNPACK.format("unrar x")),
    (rb"(?s:.{257})ustar", "a tar archive", UNPACK.format("tar -xf")),
    (rb"PAR1", "parquet", f"a source of text may be parquet where the name ends with .parquet; else {EXPORT}"),
    (rb"ARROW1|\xff\xff\xff\xff.{3}\0", "Arrow", f"a source of text may be parquet, not Arrow; else {EXPORT}"),
    (rb"SQLite format 3\0", "an SQLite database", EXPORT),
    (rb"%PDF-", "PDF", EXPORT),
    (rb"\{\\rtf", "RTF", EXPORT),
    (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document (.doc, .xls)", EXPORT),
    (rb"\x80[\x02-\x05][\x95}\]c(]", "a pickle", EXPORT),
    (rb"\x93NUMPY", "a NumPy array", EXPORT),
    (rb"\x89HDF\r\n", "HDF5", EXPORT),
    (rb"\x89PNG|\xff\xd8\xff|GIF8[79]a", "a picture", EXPORT),
    (rb"\x7fELF|MZ\x90\0", "a program", EXPORT),
)
MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
WIDE = ("UTF-32LE", "UTF-32BE", "UTF-16LE", "UTF-16BE")


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
    folders, behind_links = deque([folder]), deque()
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
        if not _is_unicode(name):
            raise BookError(
                "a file's name is not UTF-8",
                where=f"{folder}, {os.fsencode(name)!r}",
                expected="names in UTF-8",
                do="rename it",
            )
    return [folder / name for name in names]


def _is_unicode(name: str) -> bool:
    return not any(0xD800 <= ord(letter) < 0xE000 for letter in name)


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
    for why in dict.fromkeys(left_out.values()):
        names = sorted(path.relative_to(folder).as_posix() for path, reason in left_out.items() if reason == why)
        parts.append(f"{_first(names, most)} ({why})")
    return "; ".join(parts)


def _first(names: list[str], most: int) -> str:
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(name if name.isprintable() else repr(name) for name in names[:most]) + more


def contents(folder: Path, most: int = 5) -> str:
    """Return in words what lies in a folder, to follow its path: ", which holds train.csv"; "" where there is nothing."""
    if not os.path.isdir(folder) or not (names := [path.name for path in _inside(folder) if not path.name.startswith(".")]):
        return ""
    return f", which holds {_first(names, most)}"


def open_file(path: Path) -> BinaryIO:
    """Open a file for reading its bytes.

    Raises:
        BookError: for what is no file, such as a pipe, which would never end; or when it cannot be read.
    """
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise BookError(
                "a folder stands where a file was expected" if path.is_dir() else "a pipe, socket or device is no file",
                where=path,
                expected="a file",
                do="correct the address, or write the data into a file",
            )
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
            raise _not_packed(path)
        with gzip.GzipFile(fileobj=raw) if packed else contextlib.nullcontext(raw) as file:
            beginning = file.read(BEGINNING)
            check_text(path, beginning, wanted)
            file.seek(len(codecs.BOM_UTF8) if beginning.startswith(codecs.BOM_UTF8) else 0)
            yield file
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise BookError(
            f"a compressed file is damaged ({error})",
            where=path,
            expected="a whole gzip file",
            do="copy or download the file again",
        ) from None
    except OSError as error:
        raise _unreadable(path, error) from None


def _not_packed(path: Path) -> BookError:
    return BookError(
        "a file's name ends with .gz, and it is not packed",
        where=path,
        expected="a gzip file",
        do="take .gz off its name, or supply the packed file",
    )


def check_format(path: Path, beginning: bytes, wanted: str) -> None:
    """Refuse a file whose first bytes are those of a known format other than text, or a pointer to the file meant.

    Raises:
        BookError: naming the format, and the remedy.
    """
    for pattern, what, do in FORMATS:
        if re.match(pattern, beginning) and what == "a pointer":
            raise BookError(
                "a file is only a pointer to the one that is meant, as large-file storage leaves it in a clone",
                where=path,
                expected="the file itself",
                do="fetch it: git lfs pull (or git annex get) in that folder",
            )
        if re.match(pattern, beginning):
            raise BookError(f"a file is {what}", where=path, expected=wanted, do=do.format(wanted=wanted))


def check_text(path: Path, beginning: bytes, wanted: str) -> None:
    """Refuse what begins neither as UTF-8 nor as another encoding that some lines are in.

    Raises:
        BookError: for an empty or a binary file, UTF-16, UTF-32, or lines that end as on the first Macintosh.
    """
    if not beginning:
        raise empty(path)
    check_format(path, beginning, wanted)
    if encoding := wide_encoding(beginning):
        raise BookError(
            f"a file is in {encoding}, not in UTF-8",
            where=path,
            expected=wanted,
            do=f"convert it: iconv -f {encoding} -t UTF-8 OLD > NEW",
        )
    if b"\0" in beginning:
        raise BookError(
            "a file is no text: it holds zero bytes",
            where=path,
            expected=wanted,
            do="supply the text it was made from; where it is text with a few zero bytes: tr -d '\\000' < OLD > NEW",
        )
    if b"\r" in beginning.rstrip() and b"\n" not in beginning:
        raise BookError(
            "a file's lines end with a carriage return alone",
            where=path,
            expected=f"{wanted}, its lines ended by a line feed",
            do="convert it: tr '\\r' '\\n' < OLD > NEW",
        )


def wide_encoding(beginning: bytes) -> str | None:
    """Return the encoding of text in two or four bytes a character, by its mark or its looks; else None."""
    for mark, name in MARKS:
        if beginning.startswith(mark):
            return name
    zeros = beginning.count(0)
    if not zeros or (zeros < len(beginning) / 5 and _is_prose(_decoded(beginning.replace(b"\0", b""), "UTF-8"))):
        return None
    texts = {name: _decoded(beginning[:4000], name) for name in WIDE}
    # Read in the wrong order, bytes may be letters of other scripts, but hardly spaces and ends of lines.
    spaces = {name: sum(map(text.count, " \r\n\t")) for name, text in texts.items() if _is_prose(text)}
    return max(spaces, key=spaces.get, default=None)


def _decoded(data: bytes, encoding: str) -> str | None:
    """Return ``data``, which may end within a character, as text; None where it is none."""
    try:
        return codecs.getincrementaldecoder(encoding)().decode(data)
    except UnicodeDecodeError:
        return None


def _is_prose(text: str | None) -> bool:
    """Return whether a text has hardly a character that is neither letter, number, mark nor space."""
    strange = sum(unicodedata.category(letter) in ("Cc", "Cn", "Co") and letter not in "\t\r\n" for letter in text or "")
    return bool(text) and strange <= 0.01 * len(text)


def empty(path: Path) -> BookError:
    """Return the error for a file without content."""
    return BookError(
        "a file is empty",
        where=path,
        expected="at least one line or row",
        do="supply the file again, remove it, or correct the address",
    )
