"""Formats of files by their first bytes: anything but UTF-8 text is named, with the way to convert it."""

from __future__ import annotations

import codecs
import re
import unicodedata
from pathlib import Path

from .errors import BookError

#: Bytes by which a file's format is judged.
BEGINNING = 1 << 16

UNPACK = "unpack it ({}), and pack it again with gzip if it is to stay small"
EXPORT = "export it as {wanted}"
#: Formats other than text, by how their files begin: a name, and what to do; ``{wanted}`` is what the reader takes.
FORMATS = (
    (
        rb"version https?://[\w./-]+/spec/v\d|(/|(\.\./)*\.git/)annex/objects/\S+\s*$",
        "only a pointer to the file itself, as large-file storage leaves it in a clone",
        "fetch it: git lfs pull (or git annex get) in that folder",
    ),
    (rb"\x1f\x8b", "packed with gzip", "unpack it: gunzip; text may stay packed, once, where its name ends with .gz"),
    (rb"BZh[1-9]1AY&SY", "packed with bzip2", UNPACK.format("bunzip2")),
    (rb"\xfd7zXZ\0", "packed with xz", UNPACK.format("unxz")),
    (rb"\x28\xb5\x2f\xfd", "packed with zstandard", UNPACK.format("unzstd")),
    (rb"\x04\x22\x4d\x18", "packed with lz4", UNPACK.format("unlz4")),
    (rb"PK\x03\x04|PK\x05\x06", "a zip archive, or a document in one (.xlsx, .docx)", f"unzip it, or {EXPORT}"),
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


def check_format(path: Path, beginning: bytes, wanted: str) -> None:
    """Refuse a file whose first bytes are those of a known format other than text, or a pointer to the file meant.

    Raises:
        BookError: naming the format, and the remedy.
    """
    for pattern, what, do in FORMATS:
        if re.match(pattern, beginning):
            raise BookError(f"a file is {what}", where=path, expected=wanted, do=do.format(wanted=wanted))


def check_text(path: Path, beginning: bytes, wanted: str) -> None:
    """Refuse what begins neither as UTF-8 nor as another encoding that some lines are in.

    Raises:
        BookError: for an empty or a binary file, UTF-16, UTF-32, or lines that end as on the first Macintosh.
    """

    def refused(what: str, do: str) -> BookError:
        return BookError(what, where=path, expected=wanted, do=do)

    if not beginning:
        raise empty(path)
    check_format(path, beginning, wanted)
    if encoding := wide_encoding(beginning):
        raise refused(f"a file is in {encoding}, not in UTF-8", f"convert it: iconv -f {encoding} -t UTF-8 OLD > NEW")
    if b"\0" in beginning:
        do = "supply the text it was made from; where it is text with a few zero bytes: tr -d '\\000' < OLD > NEW"
        raise refused("a file is no text: it holds zero bytes", do)
    if b"\r" in beginning.rstrip() and b"\n" not in beginning:
        raise refused("a file's lines end with a carriage return alone", "convert it: tr '\\r' '\\n' < OLD > NEW")


def wide_encoding(beginning: bytes) -> str | None:
    """Return the encoding of text in two or four bytes a character, by its mark or its looks; else None."""
    for mark, name in MARKS:
        if beginning.startswith(mark):
            return name
    zeros = beginning.count(0)
    if not zeros or (zeros < len(beginning) / 5 and _is_prose(_decoded(beginning.replace(b"\0", b""), "UTF-8") or "")):
        return None
    texts = {name: _decoded(beginning[:4000], name) for name in WIDE}
    # Read in the wrong order, bytes may be letters of other scripts, but hardly spaces and ends of lines.
    spaces = {name: sum(map(text.count, " \r\n\t")) for name, text in texts.items() if text and _is_prose(text)}
    return max(spaces, key=spaces.__getitem__, default=None)


def _decoded(data: bytes, encoding: str) -> str | None:
    """Return ``data``, which may end within a character, as text; None where it is none."""
    try:
        return codecs.getincrementaldecoder(encoding)().decode(data)
    except UnicodeDecodeError:
        return None


def _is_prose(text: str) -> bool:
    """Whether at most 1% of a text's characters are control, unassigned or private ones."""
    strange = sum(unicodedata.category(letter) in ("Cc", "Cn", "Co") and letter not in "\t\r\n" for letter in text)
    return bool(text) and strange <= 0.01 * len(text)


def empty(path: Path) -> BookError:
    """Return the error for a file without content."""
    do = "supply the file again, remove it, or correct the address"
    return BookError("a file is empty", where=path, expected="at least one line or row", do=do)
