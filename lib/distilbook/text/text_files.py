"""Documents from local files: plain text, JSON lines, parquet, and folders of them.

Plain text is a paragraph a line with a blank line between documents; in JSON lines and parquet each
row is a document, whose lines are its paragraphs. Everything is read as a stream, and a long line in
pieces: what is in memory at once is bounded, whatever the file. A line or row that cannot be read is left
out and counted; a file in which too many are bad is refused (:mod:`distilbook.text.reading`). Which files of a
folder count, and what is no text, :mod:`distilbook.core.inputs` says.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ..core.config import BookError
from ..core.inputs import listed, look, once, open_file
from . import parquet
from .hub import splits_of_folder
from .lines import OF_A_ROW, cut, json_rows, no_space, paragraphs
from .reading import Reading

#: A document's number within its file (or row in its data set), and its paragraphs.
Numbered = tuple[str, list[str]]

TEXT = (".txt", ".txt.gz")
ROWS = (".jsonl", ".jsonl.gz", ".parquet")
ENDINGS = ", ".join((*TEXT, *ROWS))
#: Names of files beside the data that say something about it.
ABOUT = re.compile(r"(licen[cs]e|readme|notice|copying)([-.].*)?", re.IGNORECASE)

#: Plain text without blank lines is given as several documents, each cut where it reaches one of these.
PARAGRAPHS_AT_ONCE = 50_000
CHARACTERS_AT_ONCE = 4_000_000


def is_text(path: Path) -> bool:
    """Return whether a file's name says that it is plain text."""
    return path.name.lower().endswith(TEXT)


def files(path: Path) -> list[Path]:
    """Return the data files that ``path`` stands for, in order of their names: itself, or those below it.

    Raises:
        BookError: when there is no such path, nothing readable in it, or plain text beside rows.
    """
    return _sorted_out(path)[0]


def _sorted_out(path: Path) -> tuple[list[Path], dict[Path, str]]:
    """Return the data files that ``path`` stands for, and what else lies there, with the reason to leave it out."""
    if not os.path.exists(path):
        raise BookError(
            "a source's file or folder does not exist",
            where=path,
            do="correct the source's address; relative paths start at the project's root",
        )
    if path.is_dir():
        return _of_folder(path)
    if not _is_data(path):
        raise BookError(
            "a file has an ending that is not known",
            where=path,
            expected=f"one of {ENDINGS}",
            do="convert the file, or give it the ending of what is in it",
        )
    open_file(path).close()
    return [path], {}


def _of_folder(path: Path) -> tuple[list[Path], dict[Path, str]]:
    there = look(path)
    data = [file for file in there.files if _is_data(file) and not ABOUT.fullmatch(file.name)]
    found, links = once(data)
    others = {file: _why_no_data(file) for file in set(there.files) - set(data)}
    left_out = there.left_out | links | {file: why for file, why in others.items() if why}
    if not found:
        raise BookError(
            "a folder holds no data" + (f"; there are only {listed(left_out, path)}" if left_out else ""),
            where=path,
            expected=f"files that end with {ENDINGS}",
            do="put the data there, or correct the source's address",
        )
    if len({is_text(file) for file in found}) > 1:
        raise BookError(
            "a folder holds plain text and rows side by side",
            where=path,
            expected=f"either {' and '.join(TEXT)}, or {', '.join(ROWS)}",
            do="make two sources of them, each with a folder of its own",
        )
    return found, left_out


def _is_data(path: Path) -> bool:
    return path.name.lower().endswith((*TEXT, *ROWS))


def _why_no_data(path: Path) -> str:
    """Return why a file is no data; "" for a README and the like, which nobody expects to be read as such."""
    if _is_data(path):
        return "not data but about it"
    return "" if ABOUT.fullmatch(path.name) else f"no ending of {ENDINGS}"


def files_read(path: Path, subset: str | None, split: str) -> list[Path]:
    """Return the files of ``path`` that belong to a subset and split.

    A folder of rows is understood like a data set of the Hub: its file names and its README say which
    subsets and splits it has.

    Raises:
        BookError: when there are none, or for a subset or split of plain text.
    """
    found = files(path)
    if _is_data_set(path, found):
        return splits_of_folder(path, subset, split)[split]
    if subset is not None or split != "train":
        raise BookError(
            "a file of text has no subsets and splits",
            where=path,
            expected="neither subset nor split",
            do="leave them out of the source's parameters, or give a folder in the Hub's layout",
        )
    return found


def left_out(path: Path, subset: str | None, split: str) -> str:
    """Return in words which files at ``path`` are not read, and why; "" where all are."""
    found, others = _sorted_out(path)
    if _is_data_set(path, found):
        splits = splits_of_folder(path, subset, split)
        others |= dict.fromkeys(set(found) - {file for some in splits.values() for file in some}, "in no split")
        others |= {file: f"split {name!r}" for name, some in splits.items() if name != split for file in some}
    return listed(others, path)


def _is_data_set(path: Path, found: list[Path]) -> bool:
    return path.is_dir() and not is_text(found[0])


def size_on_disk(path: Path, subset: str | None, split: str) -> int | None:
    """Return the bytes that :meth:`Reading.bytes_read` will come to; None for parquet, which is read in columns."""
    found = files_read(path, subset, split)
    return None if _is_parquet(found[0]) else sum(file.stat().st_size for file in found)


def _is_parquet(path: Path) -> bool:
    return path.name.lower().endswith(".parquet")


def read(path: Path, column: str, subset: str | None, split: str, reading: Reading) -> Iterator[Numbered]:
    """Yield the documents of a file, or of a folder of them; see :func:`files_read`."""
    wanted = files_read(path, subset, split)
    for file in wanted:
        _check_beginning(file)
    if _is_data_set(path, wanted):
        yield from _numbered_together(wanted, column, reading)
    else:
        yield from _named(wanted, path, column, reading)


def _numbered_together(found: list[Path], column: str, reading: Reading) -> Iterator[Numbered]:
    """Yield the rows of all files, numbered as those of one data set."""
    before = 0
    for file in found:
        for number, text in _file(file, column, reading):
            yield str(before + int(number)), text
        before += reading.lines


def _named(found: list[Path], path: Path, column: str, reading: Reading) -> Iterator[Numbered]:
    """Yield the documents of all files, each with the name of its file below the folder ``path``."""
    for file in found:
        prefix = f"{file.relative_to(path).as_posix()}:" if path.is_dir() else ""
        for number, text in _file(file, column, reading):
            yield prefix + number, text


def _file(path: Path, column: str, reading: Reading) -> Iterator[Numbered]:
    if is_text(path):
        return _text_documents(path, reading)
    if _is_parquet(path):
        reading.begin()
        return row_documents(parquet.rows(path), column, path, reading)
    contents = (row for _, row in json_rows(path, reading))
    return row_documents(contents, column, path, reading)


def _check_beginning(path: Path) -> None:
    """Find what is wrong with a file's beginning before the files ahead of it are worked on for hours."""
    if _is_parquet(path):
        parquet.check(path)
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
    """Refuse JSON lines under the name of plain text: braces and field names would be learnt as words."""
    if re.match(r'\{\s*"[^"]*"\s*:', first) and first.endswith("}"):
        raise BookError(
            "a file of plain text holds JSON lines",
            where=path,
            expected="a paragraph a line, and a blank line between documents",
            do="give it the ending .jsonl",
        )


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


def row_documents(
    rows: Iterable[dict[str, Any] | BookError], column: str, where: object, reading: Reading
) -> Iterator[Numbered]:
    """Yield the texts in the ``column`` of ``rows``, each with the row's number.

    A row that lacks the column, holds something else than text there, or is an error itself is left out.

    Raises:
        BookError: that of the first bad row, when too many are.
    """
    for row in rows:
        number = reading.lines
        try:
            text = _row_text(row, column, f"{where}, row {number + 1}")
        except BookError as why:
            reading.leave_out(why)
            continue
        reading.good_line()
        yield str(number), text
    reading.judge()


def _row_text(row: dict[str, Any] | BookError, column: str, where: str) -> list[str]:
    """Return a row's paragraphs.

    Raises:
        BookError: when it holds none.
    """
    if isinstance(row, BookError):
        raise row
    if column not in row:
        raise BookError(
            f"a row has no column {column!r}",
            where=where,
            expected=f"one of its columns: {', '.join(row) or 'it has none'}",
            do="set the source's column to it",
        )
    text = row[column]
    if text is not None and not isinstance(text, str):
        raise BookError(
            f"the column {column!r} holds no text but {type(text).__name__}",
            where=where,
            expected="text, or nothing",
            do="set the source's column to one that holds text",
        )
    try:
        (text or "").encode()
    except UnicodeEncodeError:
        raise BookError(
            "a row holds half a character (one code of a surrogate pair)",
            where=where,
            expected="whole characters",
            do="repair what wrote the row, or take it out",
        ) from None
    return [paragraph for line in (text or "").split("\n") for paragraph in _row_paragraphs(line, where)]


def _row_paragraphs(line: str, where: str) -> Iterator[str]:
    pieces, rest = cut(line)
    if rest is None:
        raise no_space(where, OF_A_ROW)
    return filter(None, map(str.strip, [*pieces, rest]))
