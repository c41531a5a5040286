"""Rows of parquet files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.config import BookError
from ..core.formats import BEGINNING, check_format, empty
from ..core.inputs import open_file

if TYPE_CHECKING:
    import pyarrow.parquet

#: Rows that are in memory at once.
AT_ONCE = 1_000


def check(path: Path) -> None:
    """Refuse a file that is no whole parquet with rows, or has two columns of one name.

    Raises:
        BookError: saying what it is.
    """
    with open_file(path) as raw:
        beginning = raw.read(BEGINNING)
    if not beginning:
        raise empty(path)
    if not beginning.startswith(b"PAR1"):
        check_format(path, beginning, "a whole parquet file")
    table = _opened(path)
    if not table.metadata.num_rows:
        raise empty(path)
    names = table.schema_arrow.names
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise BookError(
            f"a file has two columns {twice[0]!r}",
            where=path,
            expected="each name once",
            do="rename or remove one of them",
        )


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a parquet file.

    Raises:
        BookError: as :func:`check`, or when a part of the file is damaged.
    """
    import pyarrow

    check(path)
    try:
        for batch in _opened(path).iter_batches(AT_ONCE):
            yield from batch.to_pylist()
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError):
        raise _damaged(path) from None


def _opened(path: Path) -> pyarrow.parquet.ParquetFile:
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
        do="copy or download the file again, or give it the ending of what is in it",
    )
