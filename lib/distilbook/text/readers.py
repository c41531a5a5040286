"""Documents in local files and folders: plain text, JSON lines and parquet.

Plain text is a paragraph per line with a blank line between documents; in JSON lines and parquet each row is a
document whose lines are its paragraphs. Everything is read as a stream, a long line in pieces: the memory is bounded
for any file. An unreadable line or row is left out and counted; a file with too many of them is refused
(:class:`~distilbook.text.lines.Reading`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from ..core.config import BookError
from ..core.inputs import listed, look, once, open_file
from .hub import splits_of_folder
from .lines import Reading, paragraphs
from .rows import check_parquet, json_rows, parquet_rows, row_documents

#: A document's number within its file (or row in its data set), and its paragraphs.
Numbered = tuple[str, list[str]]

TEXT = (".txt", ".txt.gz")
ROWS = (".jsonl", ".jsonl.gz", ".parquet")
ENDINGS = ", ".join((*TEXT, *ROWS))
#: Names of files beside the data that describe it.
ABOUT = re.compile(r"(licen[cs]e|readme|notice|copying)([-.].*)?", re.IGNORECASE)

#: Plain text without blank lines becomes several documents, each cut where it reaches one of these.
PARAGRAPHS_AT_ONCE = 50_000
CHARACTERS_AT_ONCE = 4_000_000


def read(path: Path, column: str, subset: str | None, split: str, reading: Reading) -> Iterator[Numbered]:
    """Yield the documents of a file, or of a folder of them; see :func:`files_read`.

    In a folder of rows these are numbered across files; in other folders the number follows the file's name.
    """
    found = files_read(path, subset, split)
    for file in found:
        _check_beginning(file)
    numbered_together, before = _is_data_set(path, found), 0
    for file in found:
        prefix = f"{file.relative_to(path).as_posix()}:" if path.is_dir() else ""
        for number, text in _file(file, column, reading):
            yield str(before + int(number)) if numbered_together else prefix + number, text
        before += reading.lines


def _file(path: Path, column: str, reading: Reading) -> Iterator[Numbered]:
    if is_text(path):
        return _text_documents(path, reading)
    if _is_parquet(path):
        reading.begin()
        return row_documents(parquet_rows(path), column, path, reading)
    return row_documents((row for _, row in json_rows(path, reading)), column, path, reading)


def _text_documents(path: Path, reading: Reading) -> Iterator[Numbered]:
    document, size, marked = 0, 0, False
    text: list[str] = []
    for paragraph in paragraphs(path, reading):
        if paragraph:
            text.append(paragraph)
            size += len(paragraph)
        marked = marked or bool(text) and not paragraph
        full = len(text) == PARAGRAPHS_AT_ONCE or size >= CHARACTERS_AT_ONCE
        if text and (not paragraph or full):
            reading.unmarked = 0 if marked else len(text)
            yield str(document), text
            document, size, text = document + 1, 0, []
    if text:
        reading.unmarked = 0 if marked else len(text)
        yield str(document), text


def _check_beginning(path: Path) -> None:
    """Check a file's beginning, before hours of work on earlier files."""
    if _is_parquet(path):
        check_parquet(path)
        return
    reading = Reading()
    if is_text(path):
        _refuse_rows(path, next(filter(None, paragraphs(path, reading)), ""))
        return
    for _, row in json_rows(path, reading):
        if not isinstance(row, BookError):
            break
        reading.leave_out(row)


def _refuse_rows(path: Path, first: str) -> None:
    """Refuse JSON lines in a file named as plain text."""
    if re.match(r'\{\s*"[^"]*"\s*:', first) and first.endswith("}"):
        expected = "a paragraph a line, and a blank line between documents"
        do = "give it the ending .jsonl"
        raise BookError("a file of plain text holds JSON lines", where=path, expected=expected, do=do)


def files_read(path: Path, subset: str | None, split: str) -> list[Path]:
    """Return the files of ``path`` that belong to a subset and split.

    The file names and the README of a folder of rows define its subsets and splits, as on the Hub.

    Raises:
        BookError: when there are none, or for a subset or split of plain text.
    """
    found = files(path)
    if _is_data_set(path, found):
        return splits_of_folder(path, subset, split)[split]
    if subset is not None or split != "train":
        do = "leave them out of the source's parameters, or give a folder in the Hub's layout"
        raise BookError(
            "a file of text has no subsets and splits", where=path, expected="neither subset nor split", do=do
        )
    return found


def left_out(path: Path, subset: str | None, split: str) -> str:
    """Return which files at ``path`` are not read, and why, as text; "" if all are."""
    found, others = _sorted_out(path)
    if _is_data_set(path, found):
        splits = splits_of_folder(path, subset, split)
        others |= dict.fromkeys(set(found) - {file for some in splits.values() for file in some}, "in no split")
        others |= {file: f"split {name!r}" for name, some in splits.items() if name != split for file in some}
    return listed(others, path)


def size_on_disk(path: Path, subset: str | None, split: str) -> int | None:
    """Return the final value of :attr:`Reading.bytes_read`; None for parquet, which is read in columns."""
    found = files_read(path, subset, split)
    return None if _is_parquet(found[0]) else sum(file.stat().st_size for file in found)


def files(path: Path) -> list[Path]:
    """Return the data files of ``path`` in order of their names: itself, or those below it.

    Raises:
        BookError: when there is no such path, nothing readable in it, or plain text beside rows.
    """
    return _sorted_out(path)[0]


def _sorted_out(path: Path) -> tuple[list[Path], dict[Path, str]]:
    """Return the data files of ``path``, and the other files there, each with the reason to leave it out."""
    if not os.path.exists(path):
        do = "correct the source's address; relative paths start at the project's root"
        raise BookError("a source's file or folder does not exist", where=path, do=do)
    if path.is_dir():
        return _of_folder(path)
    if not _is_data(path):
        do = "convert the file, or give it the ending of its format"
        raise BookError("a file has an unknown ending", where=path, expected=f"one of {ENDINGS}", do=do)
    open_file(path).close()
    return [path], {}


def _of_folder(path: Path) -> tuple[list[Path], dict[Path, str]]:
    there = look(path)
    data = [file for file in there.files if _is_data(file) and not ABOUT.fullmatch(file.name)]
    found, links = once(data)
    others = {file: _why_no_data(file) for file in set(there.files) - set(data)}
    left_out = there.left_out | links | {file: why for file, why in others.items() if why}
    if not found:
        what = "a folder holds no data" + (f"; there are only {listed(left_out, path)}" if left_out else "")
        do = "put the data there, or correct the source's address"
        raise BookError(what, where=path, expected=f"files that end with {ENDINGS}", do=do)
    if len({is_text(file) for file in found}) > 1:
        expected = f"either {' and '.join(TEXT)}, or {', '.join(ROWS)}"
        do = "make two sources of them, each with a folder of its own"
        raise BookError("a folder holds plain text and rows side by side", where=path, expected=expected, do=do)
    return found, left_out


def _why_no_data(path: Path) -> str:
    """Return why a file is no data; "" for a README and the like, which needs no report."""
    if _is_data(path):
        return "not data but about it"
    return "" if ABOUT.fullmatch(path.name) else f"no ending of {ENDINGS}"


def is_text(path: Path) -> bool:
    """Whether a file's name is that of plain text."""
    return path.name.lower().endswith(TEXT)


def _is_data(path: Path) -> bool:
    return path.name.lower().endswith((*TEXT, *ROWS))


def _is_parquet(path: Path) -> bool:
    return path.name.lower().endswith(".parquet")


def _is_data_set(path: Path, found: list[Path]) -> bool:
    return path.is_dir() and not is_text(found[0])
