"""Documents from local files: plain text, JSON lines, parquet, and folders of them.

Plain text is a paragraph a line with a blank line between documents; in JSON lines and parquet each
row is a document, whose lines are its paragraphs. Everything is read as a stream, and a long line in
pieces: what is in memory at once is bounded, whatever the file. A line or row that cannot be read is left
out and counted; a file in which too many are bad is refused (:mod:`distilbook.data.reading`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ..config import BookError
from .hub import files_of_split, loaded_rows
from .lines import OF_A_ROW, cut, empty, json_rows, no_space, paragraphs
from .reading import Reading

#: A document's number within its file (or row in its data set), and its paragraphs.
Numbered = tuple[str, list[str]]

TEXT = (".txt", ".txt.gz")
ROWS = (".jsonl", ".jsonl.gz", ".parquet")
#: Files beside the data that say something about it.
ABOUT = ("license", "licence", "readme", "notice")

#: Plain text without blank lines is given as several documents, each cut where it reaches one of these.
PARAGRAPHS_AT_ONCE = 50_000
CHARACTERS_AT_ONCE = 4_000_000


def files(path: Path) -> list[Path]:
    """Return the data files that ``path`` stands for, in order of their names: itself, or those below it.

    Raises:
        BookError: when there is no such path, nothing readable in it, or plain text beside rows.
    """
    endings = ", ".join((*TEXT, *ROWS))
    if not path.exists():
        raise BookError(
            "a source's file or folder does not exist",
            where=path,
            do="correct the source's address; relative paths start at the project's root",
        )
    if path.is_file():
        if not path.name.endswith((*TEXT, *ROWS)):
            raise BookError(
                "a file has an ending that is not known",
                where=path,
                expected=f"one of {endings}",
                do="convert the file, or give it the ending of what is in it",
            )
        return [path]
    found = sorted(p for p in path.rglob("*") if p.name.endswith((*TEXT, *ROWS)) and p.is_file())
    found = [p for p in found if not p.name.lower().startswith(ABOUT)]
    if not found:
        raise BookError(
            "a folder holds no data",
            where=path,
            expected=f"files that end with {endings}",
            do="put the data there, or correct the source's address",
        )
    if len({p.name.endswith(TEXT) for p in found}) > 1:
        raise BookError(
            "a folder holds plain text and rows side by side",
            where=path,
            expected=f"either {' and '.join(TEXT)}, or {', '.join(ROWS)}",
            do="make two sources of them, each with a folder of its own",
        )
    return found


def files_read(path: Path, subset: str | None, split: str) -> list[Path]:
    """Return the files of ``path`` that belong to a subset and split.

    A folder of rows is understood like a data set of the Hub: its file names and its README say which
    subsets and splits it has.

    Raises:
        BookError: when there are none, or for a subset or split of plain text.
    """
    found = files(path)
    if _is_data_set(path, found):
        return files_of_split(path, subset, split)
    if subset is not None or split != "train":
        raise BookError(
            "a file of text has no subsets and splits",
            where=path,
            expected="neither subset nor split",
            do="leave them out of the source's parameters, or give a folder in the Hub's layout",
        )
    return found


def _is_data_set(path: Path, found: list[Path]) -> bool:
    return path.is_dir() and not found[0].name.endswith(TEXT)


def size_on_disk(path: Path, subset: str | None, split: str) -> int | None:
    """Return the bytes that :meth:`Reading.bytes_read` will come to; None for parquet, which is read in columns."""
    found = files_read(path, subset, split)
    return None if found[0].name.endswith(".parquet") else sum(file.stat().st_size for file in found)


def read(path: Path, column: str, subset: str | None, split: str, reading: Reading) -> Iterator[Numbered]:
    """Yield the documents of a file, or of a folder of them; see :func:`files_read`."""
    found = files(path)
    for file in found:
        _check_beginning(file)
    wanted = files_read(path, subset, split)
    if _is_data_set(path, found):
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
        prefix = "" if path.is_file() else f"{file.relative_to(path).as_posix()}:"
        for number, text in _file(file, column, reading):
            yield prefix + number, text


def _file(path: Path, column: str, reading: Reading) -> Iterator[Numbered]:
    if path.name.endswith(TEXT):
        return _text_documents(path, reading)
    if path.name.endswith(".parquet"):
        reading.begin()
        rows = loaded_rows("parquet", None, "train", data_files=str(path), streaming=True)
        return row_documents(rows, column, path, reading)
    contents = (row for _, row in json_rows(path, reading))
    return row_documents(contents, column, path, reading)


def _check_beginning(path: Path) -> None:
    """Find what is wrong with a file's beginning before the files ahead of it are worked on for hours."""
    if path.name.endswith(".parquet"):
        _check_parquet(path)
        return
    reading = Reading()
    if path.name.endswith(TEXT):
        next(paragraphs(path, reading), None)
        return
    for _, row in json_rows(path, reading):
        if not isinstance(row, BookError):
            break
        reading.leave_out(row)


def _check_parquet(path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    if not path.stat().st_size:
        raise empty(path)
    try:
        rows = pyarrow.parquet.read_metadata(path).num_rows
    except (pyarrow.ArrowException, OSError):
        raise BookError(
            "a file is no parquet, or only a part of one",
            where=path,
            expected="a whole parquet file",
            do="copy or download the file again, or give it the ending of what is in it",
        ) from None
    if not rows:
        raise empty(path)


def _text_documents(path: Path, reading: Reading) -> Iterator[Numbered]:
    document, size = 0, 0
    text: list[str] = []
    for paragraph in paragraphs(path, reading):
        if paragraph:
            text.append(paragraph)
            size += len(paragraph)
        full = len(text) == PARAGRAPHS_AT_ONCE or size >= CHARACTERS_AT_ONCE
        if text and (not paragraph or full):
            yield str(document), text
            document, size, text = document + 1, 0, []
    if text:
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
    return [paragraph for line in (text or "").splitlines() for paragraph in _row_paragraphs(line, where)]


def _row_paragraphs(line: str, where: str) -> Iterator[str]:
    pieces, rest = cut(line)
    if rest is None:
        raise no_space(where, OF_A_ROW)
    return filter(None, map(str.strip, [*pieces, rest]))
