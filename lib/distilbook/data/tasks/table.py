"""Tab-separated tables as GLUE's files are: a line is a row, quotation marks are text, columns go by their names."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ...config import BookError
from .rows import Row


@dataclass(frozen=True)
class Table:
    r"""A table whose columns are known; its rows are read as a stream.

    A line ends at ``\n`` and nowhere else: some sentences hold a carriage return or another character that
    Python's ``splitlines`` would take for an end. Blank lines do not count.
    """

    path: Path
    header: tuple[str, ...]
    begins_with_header: bool

    @classmethod
    def of(cls, path: Path, needed: Iterable[str], header: tuple[str, ...] | None = None) -> Table:
        """Return the table in ``path``, with its own header unless another is given because it has none.

        Raises:
            BookError: when it lacks one of the columns ``needed``, or is no text.
        """
        table = cls(path, header or read_header(path), begins_with_header=header is None)
        missing = [name for name in needed if name not in table.header]
        if missing:
            raise lacking(path, missing, needed)
        return table

    def rows(self) -> Iterator[Row]:
        """Yield the rows; one that is no row of this table holds the reason."""
        lines = _lines(self.path)
        if self.begins_with_header:
            next(lines)
        for number, line in lines:
            where = f"{self.path}:{number}"
            yield Row(where, line if isinstance(line, BookError) else self._values(line.split("\t"), where))

    def _values(self, fields: list[str], where: str) -> dict[str, str] | BookError:
        if len(fields) == len(self.header):
            return dict(zip(self.header, fields, strict=True))
        return BookError(
            f"a row has {len(fields)} fields, the header {len(self.header)}",
            where=where,
            expected=f"{len(self.header)} fields with tabs between them: {', '.join(self.header)}",
            do="complete the row, and replace tabs within a sentence by spaces",
        )


def read_header(path: Path) -> tuple[str, ...]:
    """Return the names in the first line that is not blank.

    Raises:
        BookError: when that line is no text.
    """
    line = next(_lines(path), (1, ""))[1]
    if isinstance(line, BookError):
        raise line
    return tuple(line.split("\t"))


def lacking(path: Path, missing: Iterable[str], needed: Iterable[str]) -> BookError:
    """Return the error for a table that lacks columns."""
    return BookError(
        f"the task's file lacks the columns {', '.join(missing)}",
        where=path,
        expected=f"a first line that names, with tabs between them, {', '.join(needed)}",
        do="add the columns, and the header where it is missing",
    )


def _lines(path: Path) -> Iterator[tuple[int, str | BookError]]:
    """Yield number and text of each line that is not blank; in place of one that is not UTF-8, an error.

    Raises:
        BookError: when the file holds zero bytes.
    """
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if b"\0" in line:
                raise _no_text(path, "it holds zero bytes")
            line = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
            try:
                text = line.decode("utf-8").removesuffix("\n").removesuffix("\r")
            except UnicodeDecodeError:
                yield number, _no_text(path, f"line {number} is not UTF-8")
                continue
            if text.strip(" "):
                yield number, text


def _no_text(path: Path, why: str) -> BookError:
    return BookError(
        f"the task's file is no text: {why}",
        where=path,
        expected="tab-separated text in UTF-8",
        do="export the table as tab-separated text, or convert it, for instance with: iconv -f LATIN1 -t UTF-8",
    )
