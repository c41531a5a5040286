"""Documents from local files: plain text, JSON lines, parquet, and folders of them.

Plain text is a paragraph a line with a blank line between documents; in JSON lines and parquet each
row is a document, whose lines are its paragraphs. Everything is read as a stream, and a long line in
pieces: what is in memory at once is bounded, whatever the file.
"""

from __future__ import annotations

import codecs
import gzip
import json
import re
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

#: Plain text without blank lines is given as several documents, each cut where it reaches one of these.
PARAGRAPHS_AT_ONCE = 50_000
CHARACTERS_AT_ONCE = 4_000_000

#: A longer line becomes several paragraphs, cut where the tokenizer separates words anyway, so that the
#: word pieces stay what they were. In one piece, ten megabytes took the fast tokenizer 10 s and 1.4 GB, cut up
#: 2 s and 0.3 GB; fifty took 68 s and 6.4 GB. What is this long and has no such place is no text.
PARAGRAPH = 100_000

#: Where a line may be cut: after white space, but for the control characters among it, which BERT's
#: normaliser deletes instead of separating words by them; and after the marks that end a clause where the
#: script has no spaces.
CUT = re.compile(r"(?s:.*)(?:[^\S\x0b\x0c\x1c-\x1f\x85]|[、。，．：；！？])")

#: A line of JSON has to be parsed whole. A long novel has five megabytes; more than this is a file without line
#: breaks, most often one big JSON list.
JSON_LINE = 64 * 2**20


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
    for file in found:
        _check_beginning(file)
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


def _check_beginning(path: Path) -> None:
    """Find what is wrong with a file's beginning before the files ahead of it are worked on for hours."""
    if path.name.endswith(".parquet"):
        _check_parquet(path)
    else:
        next(_paragraphs(path) if path.name.endswith(TEXT) else _json_rows(path), None)


def _check_parquet(path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    if not path.stat().st_size:
        raise _empty(path)
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
        raise _empty(path)


def _parts(path: Path, most: int) -> Iterator[tuple[int, str, bool]]:
    """Yield the lines of a UTF-8 file, plain or gzip, those over ``most`` bytes in parts.

    Yields:
        The line's number, a part of it (with its line break), and whether the line ends with that part.

    Raises:
        BookError: when the file is empty, damaged, or no text.
    """
    number, ended = 1, True
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            _check_bytes(path, file.read(1 << 16))
            file.seek(0)
            if file.read(len(codecs.BOM_UTF8)) != codecs.BOM_UTF8:
                file.seek(0)
            while part := file.readline(most):
                ended = part.endswith(b"\n") or len(part) < most
                yield number, decoder.decode(part, final=ended), ended
                number += ended
            if not ended:
                yield number, decoder.decode(b"", final=True), True
    except UnicodeDecodeError:
        raise _no_text(path, f"line {number} is not UTF-8") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise BookError(
            f"a compressed file is damaged ({error})",
            where=path,
            expected="a whole gzip file",
            do="copy or download the file again",
        ) from None


def _check_bytes(path: Path, beginning: bytes) -> None:
    if not beginning:
        raise _empty(path)
    if b"\0" in beginning:
        raise _no_text(path, "it holds zero bytes")


def _empty(path: Path) -> BookError:
    return BookError(
        "a file is empty",
        where=path,
        expected="at least one document",
        do="supply the file again, remove it, or correct the source's address",
    )


def _no_text(path: Path, why: str) -> BookError:
    return BookError(
        f"a file is no text: {why}",
        where=path,
        expected="text in UTF-8",
        do="convert it, for instance with: iconv -f LATIN1 -t UTF-8, or remove it from the sources",
    )


def cut(line: str, where: object, do: str) -> Iterator[str]:
    """Yield ``line`` in pieces of at most ``PARAGRAPH`` characters; joined they are the line again.

    Raises:
        BookError: where so many characters follow each other without a place to cut.
    """
    start = 0
    while len(line) - start > PARAGRAPH:
        found = CUT.match(line, start, start + PARAGRAPH)
        if found is None:
            raise BookError(
                f"a line holds more than {PARAGRAPH:,} characters without a space",
                where=where,
                expected="words, not base64, a minified file or other data",
                do=do,
            )
        yield line[start : found.end()]
        start = found.end()
    yield line[start:]


def _paragraphs(path: Path) -> Iterator[str]:
    """Yield the paragraphs of a file of plain text, and an empty string for each blank line."""
    rest, blank = "", True
    for number, part, ended in _parts(path, PARAGRAPH):
        # What follows the last cut may go on in the line's next part.
        *pieces, rest = cut(rest + part, f"{path}:{number}", "remove the line, or the file from the sources")
        if ended:
            pieces, rest = [*pieces, rest], ""
        paragraphs = list(filter(None, map(str.strip, pieces)))
        yield from paragraphs
        blank = blank and not paragraphs
        if ended and blank:
            yield ""
        blank = blank or ended


def _text_documents(path: Path) -> Iterator[Numbered]:
    document, size = 0, 0
    paragraphs: list[str] = []
    for paragraph in _paragraphs(path):
        if paragraph:
            paragraphs.append(paragraph)
            size += len(paragraph)
        full = len(paragraphs) == PARAGRAPHS_AT_ONCE or size >= CHARACTERS_AT_ONCE
        if paragraphs and (not paragraph or full):
            yield str(document), paragraphs
            document, size, paragraphs = document + 1, 0, []
    if paragraphs:
        yield str(document), paragraphs


def _json_rows(path: Path) -> Iterator[dict[str, Any]]:
    for number, line, ended in _parts(path, JSON_LINE):
        if not ended:
            raise _no_row(path, number, f"a line is longer than {JSON_LINE // 2**20} MiB")
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise _no_row(path, number, f"a line is no JSON ({error.msg})") from None
        if not isinstance(row, dict):
            raise _no_row(path, number, "a line is no JSON object")
        yield row


def _no_row(path: Path, number: int, what: str) -> BookError:
    return BookError(
        what,
        where=f"{path}:{number}",
        expected='a JSON object a line, each a document with its text in a field: {"text": "…"}',
        do="write each document as an object on a line of its own, or remove the line",
    )


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
                expected=f"one of its columns: {', '.join(row) or 'it has none'}",
                do="set the source's column to it",
            )
        text = row[column]
        if text is not None and not isinstance(text, str):
            raise BookError(
                f"the column {column!r} holds no text but {type(text).__name__}",
                where=f"{where}, row {number + 1}",
                expected="text, or nothing",
                do="set the source's column to one that holds text",
            )
        yield str(number), list(_row_paragraphs(text or "", f"{where}, row {number + 1}"))


def _row_paragraphs(text: str, where: str) -> Iterator[str]:
    do = "take the row out, in a copy of the data set where it comes from the Hub"
    for line in text.splitlines():
        yield from filter(None, map(str.strip, cut(line, where, do)))
