"""What is noted while a source is read: how far it is, and which lines could not be read."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from ..core.config import BookError
from ..core.inputs import open_file

#: A file is refused for its bad lines where they are more than so many and more than this share of its lines; and
#: where none of the lines before the last of so many could be read.
MOST_BAD, MOST_BAD_SHARE = 10, 0.1

#: The share is looked at from so many lines on: a handful of bad lines may stand close together.
LINES_JUDGED = 1_000

#: So many of a source's bad lines are named; the others are counted.
NAMED = 3


@dataclass
class Reading:
    """How far a source has been read; given back in the state of an earlier one, it goes on from there.

    Attributes:
        entries: documents that were read, with text or without; given: those with text.
        lines: lines with something in them (or rows) of the file at hand; bad: those that could not be read.
        left_out: bad lines of the whole source; named: the first of them, each in words.
        tags: lines of plain text that were one tag; unmarked: lines of the last plain text without any blank line.
            Both are no part of the state.
    """

    entries: int = 0
    given: int = 0
    lines: int = 0
    bad: int = 0
    left_out: int = 0
    named: list[str] = field(default_factory=list)
    tags: int = field(default=0, init=False)
    unmarked: int = field(default=0, init=False)
    _first: BookError | None = field(default=None, init=False)
    _file: BinaryIO | None = field(default=None, init=False)
    _before: int = field(default=0, init=False)

    def state(self) -> dict[str, Any]:
        """Return what is needed to go on from here."""
        counted = {name: getattr(self, name) for name in ("entries", "given", "lines", "bad", "left_out")}
        return counted | {"named": list(self.named)}

    def again(self) -> None:
        """Count lines from nothing: the source is read from its beginning once more."""
        self.lines = self.bad = self.left_out = 0
        self.named = []

    def begin(self) -> None:
        """Count the lines of another file from here on."""
        self.lines, self.bad, self._first = 0, 0, None

    @contextlib.contextmanager
    def file(self, path: Path) -> Iterator[BinaryIO]:
        """Yield the bytes of a file whose lines are counted from here on.

        Raises:
            BookError: that of its first bad line, when it has been read and too many were bad.
        """
        self.begin()
        with open_file(path) as self._file:
            yield self._file
            self._before = self.bytes_read
        self._file = None
        self.judge()

    @property
    def bytes_read(self) -> int:
        """Bytes that have been taken from the files, as they lie on disk."""
        return self._before + (self._file.tell() if self._file else 0)

    def good_line(self) -> None:
        """Count a line that could be read."""
        self.lines += 1

    def leave_out(self, why: BookError) -> None:
        """Count a line that could not be read, and name it where it is among the first.

        Raises:
            BookError: that of the file's first bad line, when too many are bad.
        """
        self.lines += 1
        self.bad += 1
        self.left_out += 1
        self._first = self._first or why
        if len(self.named) < NAMED:
            self.named.append(f"{why.what} ({why.where})")
        if self.bad == self.lines > MOST_BAD or self.lines >= LINES_JUDGED:
            self.judge()

    def judge(self) -> None:
        """Raise the error of the file's first bad line when every line or too large a share is bad."""
        many = self.bad > MOST_BAD and self.bad > MOST_BAD_SHARE * self.lines
        if self.bad and (many or self.bad == self.lines):
            raise self._first
