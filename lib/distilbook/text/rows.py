"""Rows of JSON lines and parquet files, and the texts in one of their columns."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ..core.config import BookError
from ..core.formats import BEGINNING, check_format, empty
from ..core.inputs import open_file
from .lines import OF_A_ROW, Reading, cut, no_space, whole_lines

JSON = 'a JSON object a line in UTF-8, each a document with its text in a field: {"text": "…"}'

#: Parquet rows in memory at once.
ROWS_AT_ONCE = 1_000


def json_rows(path: Path, reading: Reading) -> Iterator[tuple[int, dict[str, Any] | BookError]]:
    """Yield number and content of each line that is not blank: a JSON object, or the reason it cannot be read."""
    for number, line in whole_lines(path, reading, JSON):
        if isinstance(line, BookError):
            yield number, line
        elif line.strip():
            yield number, _json_row(path, number, line)


def _json_row(path: Path, number: int, line: str) -> dict[str, Any] | BookError:
    try:
        row = json.loads(line, object_pairs_hook=_each_once)
        why = "" if isinstance(row, dict) else "a line is no JSON object"
    except (ValueError, RecursionError) as error:
        why = f"a line is no JSON ({getattr(error, 'msg', error)})"
    if not why:
        return row
    do = "write each document as an object on a line of its own, or remove the line"
    return BookError(why, where=f"{path}:{number}", expected=JSON, do=do)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(found := dict(pairs)) < len(pairs):
        raise ValueError("a name is given twice in one object")
    return found


def parquet_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a parquet file; errors as of :func:`check_parquet`, or for a damaged part."""
    import pyarrow

    check_parquet(path)
    try:
        for batch in _parquet(path).iter_batches(ROWS_AT_ONCE):
            yield from batch.to_pylist()
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError):
        raise _damaged(path) from None


def check_parquet(path: Path) -> None:
    """Refuse a file that is no whole parquet with rows, or has two columns of one name.

    Raises:
        BookError: with the format that it has instead.
    """
    with open_file(path) as raw:
        beginning = raw.read(BEGINNING)
    if not beginning:
        raise empty(path)
    if not beginning.startswith(b"PAR1"):
        check_format(path, beginning, "a whole parquet file")
    table = _parquet(path)
    if not table.metadata.num_rows:
        raise empty(path)
    names = table.schema_arrow.names
    if twice := sorted({name for name in names if names.count(name) > 1}):
        what = f"a file has two columns {twice[0]!r}"
        raise BookError(what, where=path, expected="each name once", do="rename or remove one of them")


def _parquet(path: Path) -> Any:
    """Return the ``pyarrow.parquet.ParquetFile`` at ``path``."""
    import pyarrow
    import pyarrow.parquet

    try:
        return pyarrow.parquet.ParquetFile(path)
    except (pyarrow.ArrowException, OSError):
        raise _damaged(path) from None


def _damaged(path: Path) -> BookError:
    return BookError(
        "a file is no parquet, or only a part of one",
        where=path,
        expected="a whole parquet file",
        do="copy or download the file again, or give it the ending of its format",
    )


def row_documents(
    rows: Iterable[dict[str, Any] | BookError], column: str, where: object, reading: Reading
) -> Iterator[tuple[str, list[str]]]:
    """Yield each row's number and the paragraphs in its ``column``.

    A row that lacks the column, holds something else than text there, or is an error itself is left out.

    Raises:
        BookError: that of the first bad row, when too many are bad.
    """
    for row in rows:
        number = reading.lines
        try:
            text = _row_text(row, column, f"{where}, row {number + 1}")
        except BookError as why:
            reading.leave_out(why)
            continue
        reading.lines += 1
        yield str(number), text
    reading.judge()


def _row_text(row: dict[str, Any] | BookError, column: str, where: str) -> list[str]:
    """Return a row's paragraphs; a BookError where it holds no text."""
    if isinstance(row, BookError):
        raise row
    if column not in row:
        expected = f"one of its columns: {', '.join(row) or 'it has none'}"
        raise BookError(
            f"a row has no column {column!r}", where=where, expected=expected, do="set the source's column to it"
        )
    text = row[column]
    if text is not None and not isinstance(text, str):
        what = f"the column {column!r} holds no text but {type(text).__name__}"
        do = "set the source's column to one that holds text"
        raise BookError(what, where=where, expected="text, or nothing", do=do)
    try:
        (text or "").encode()
    except UnicodeEncodeError:
        what, do = "a row holds half a character (one code of a surrogate pair)", "correct or remove the row"
        raise BookError(what, where=where, expected="whole characters", do=do) from None
    return [paragraph for line in (text or "").split("\n") for paragraph in _row_paragraphs(line, where)]


def _row_paragraphs(line: str, where: str) -> Iterator[str]:
    pieces, rest = cut(line)
    if rest is None:
        raise no_space(where, OF_A_ROW)
    return filter(None, map(str.strip, [*pieces, rest]))
