"""Documents from local files: plain text, JSON lines, parquet, and folders of them.

Plain text is a paragraph a line with a blank line between documents; in JSON lines and parquet each
row is a document, whose lines are its paragraphs. Everything is read as a stream.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ..config import BookError
from .hub import loaded_rows

#: A document's number within its file (or row in its data set), and its paragraphs.
Numbered = tuple[str, list[str]]

TEXT = (".txt", ".txt.gz")
ROWS = (".jsonl", ".jsonl.gz", ".parquet")
#: Files beside the data that say something about it.
ABOUT = ("license", "licence", "readme", "notice")

#: A document longer than this is given in pieces, so that a file without blank lines fits into memory.
PARAGRAPHS_AT_ONCE = 50_000


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


def read(path: Path, column: str, subset: str | None, split: str) -> Iterator[Numbered]:
    """Yield the documents of a file, or of a folder of them.

    A folder of rows is loaded like a data set of the Hub: its file names and its README say which
    subsets and splits it has.
    """
    found = files(path)
    if path.is_dir() and not found[0].name.endswith(TEXT):
        yield from row_documents(loaded_rows(str(path), subset, split, streaming=True), column, path)
        return
    if subset is not None or split != "train":
        raise BookError(
            "a file of text has no subsets and splits",
            where=path,
            expected="neither subset nor split",
            do="leave them out of the source's parameters, or give a folder in the Hub's layout",
        )
    for file in found:
        prefix = "" if path.is_file() else f"{file.relative_to(path).as_posix()}:"
        for number, paragraphs in _file(file, column):
            yield prefix + number, paragraphs


def _file(path: Path, column: str) -> Iterator[Numbered]:
    if path.name.endswith(TEXT):
        return _text_documents(path)
    if path.name.endswith(".parquet"):
        rows = loaded_rows("parquet", None, "train", data_files=str(path), streaming=True)
        return row_documents(rows, column, path)
    return row_documents(_json_rows(path), column, path)


def _lines(path: Path) -> Iterator[str]:
    """Yield the lines of a UTF-8 file, plain or gzip.

    Raises:
        BookError: when it is empty, damaged, or no text.
    """
    number = 0
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            if b"\0" in file.read(1 << 16):
                raise _no_text(path, "it holds zero bytes")
            file.seek(0)
            for number, line in enumerate(file, start=1):
                yield line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise _no_text(path, f"line {number} is not UTF-8") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise BookError(
            f"a compressed file is damaged ({error})", where=path, do="copy or download the file again"
        ) from None
    if number == 0:
        raise BookError("a file is empty", where=path, do="supply the file again, or correct the source's address")


def _no_text(path: Path, why: str) -> BookError:
    return BookError(
        f"a file is no text: {why}",
        where=path,
        expected="text in UTF-8",
        do="convert it, for instance with: iconv -f LATIN1 -t UTF-8, or remove it from the sources",
    )


def _text_documents(path: Path) -> Iterator[Numbered]:
    document = 0
    paragraphs: list[str] = []
    for line in _lines(path):
        if line.strip():
            paragraphs.append(line.strip())
        if paragraphs and (not line.strip() or len(paragraphs) == PARAGRAPHS_AT_ONCE):
            yield str(document), paragraphs
            document, paragraphs = document + 1, []
    if paragraphs:
        yield str(document), paragraphs


def _json_rows(path: Path) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(_lines(path), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise BookError(
                f"a line is no JSON ({error.msg})",
                where=f"{path}:{number}",
                expected="one JSON object a line",
                do="correct or remove the line",
            ) from None
        if not isinstance(row, dict):
            raise BookError(
                "a line is no JSON object",
                where=f"{path}:{number}",
                expected='an object with the text in a field: {"text": "…"}',
                do="correct the line",
            )
        yield row


def row_documents(rows: Iterable[dict[str, Any]], column: str, where: object) -> Iterator[Numbered]:
    """Yield the texts in the ``column`` of ``rows``, each with the row's number.

    Raises:
        BookError: when a row lacks the column, or holds something else than text there.
    """
    for number, row in enumerate(rows):
        if column not in row:
            raise BookError(
                f"a row has no column {column!r}",
                where=f"{where}, row {number + 1}",
                expected=f"one of its columns: {', '.join(row)}",
                do="set the source's column to it",
            )
        text = row[column]
        if text is not None and not isinstance(text, str):
            raise BookError(
                f"the column {column!r} holds no text but {type(text).__name__}",
                where=f"{where}, row {number + 1}",
                do="set the source's column to one that holds text",
            )
        yield str(number), [line.strip() for line in (text or "").splitlines() if line.strip()]
