"""Tab-separated tables in GLUE's format: a row per line, columns by name, quotation marks without meaning."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..core.config import BookError
from ..text.lines import Reading, whole_lines
from .examples import Row, tidy

WANTED = "tab-separated text in UTF-8"
#: Formats of a first line without tabs, by its first character and by its separator.
BEGINNINGS = {"{": "JSON", "[": "JSON", "<": "HTML or XML"}
SEPARATORS = {",": "comma-separated", ";": "semicolon-separated", "|": "separated by bars", " ": "separated by spaces"}


@dataclass(frozen=True)
class Table:
    """A table with known columns, read as a stream of rows without blank lines."""

    path: Path
    header: tuple[str, ...]
    begins_with_header: bool

    @classmethod
    def of(cls, path: Path, needed: Sequence[str], header: tuple[str, ...] | None = None) -> Table:
        """Return the table in ``path``; ``header`` is given for a file without one.

        Raises:
            BookError: when it lacks one of the columns ``needed``, or is no text.
        """
        table = cls(path, header or read_header(path), begins_with_header=header is None)
        missing = [name for name in needed if name not in table.header]
        if missing:
            raise lacking(path, missing, needed, table.header)
        return table

    def rows(self) -> Iterator[Row]:
        """Yield the rows; one that cannot be read holds the reason."""
        lines = _lines(self.path)
        if self.begins_with_header:
            next(lines)
        for number, line in lines:
            where = f"{self.path}:{number}"
            yield Row(where, line if isinstance(line, BookError) else self._values(line.split("\t"), where))

    def _values(self, fields: list[str], where: str) -> dict[str, str] | BookError:
        if len(fields) == len(self.header):
            return dict(zip(self.header, fields, strict=True))
        what = f"a row has {len(fields)} fields, the header {len(self.header)}"
        expected = f"{len(self.header)} fields with tabs between them: {', '.join(self.header)}"
        do = "complete the row, and replace tabs within a sentence by spaces"
        return BookError(what, where=where, expected=expected, do=do)


def _lines(path: Path) -> Iterator[tuple[int, str | BookError]]:
    return whole_lines(path, Reading(), WANTED)


def read_header(path: Path) -> tuple[str, ...]:
    """Return the names in the first line that is not blank; a BookError where it is no text or has a duplicate."""
    line = next(_lines(path), (1, ""))[1]
    if isinstance(line, BookError):
        raise line
    header = tuple(map(tidy, line.split("\t")))
    if twice := [name for name in header if name and header.count(name) > 1]:
        what = f"the header names the column {twice[0]!r} twice"
        raise BookError(what, where=path, expected="each name once", do="rename or remove one of them")
    return header


def lacking(path: Path, missing: Sequence[str], needed: Sequence[str], header: Sequence[str]) -> BookError:
    """Return the error for a table that lacks columns."""
    looks = _looks(header)
    shown = ", ".join(map(repr, header))
    shown = shown if len(shown) <= 200 else f"{shown[:200]} …"
    return BookError(
        f"the task's file lacks the columns {', '.join(missing)}; its first line reads {shown}"
        + (f", which looks {looks}" if looks else ""),
        where=path,
        expected=f"a first line that names, with tabs between them, {', '.join(needed)}",
        do="write the table with tabs between the columns, a row a line, and no quotation marks around the fields"
        if looks
        else "add the columns, and the header where it is missing",
    )


def _looks(header: Sequence[str]) -> str | None:
    """Return the apparent format of an unexpected first line; None for a plain header."""
    if len(header) > 1:
        return "quoted" if all(name[:1] == name[-1:] == '"' for name in header) else None
    (line,) = header
    found = [looks for sign, looks in BEGINNINGS.items() if line.startswith(sign)]
    found += [looks for sign, looks in SEPARATORS.items() if sign in line]
    return found[0] if found else None
