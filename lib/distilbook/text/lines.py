"""Lines of text files, plain or gzip, of any length, with counts of the lines that were left out."""

from __future__ import annotations

import codecs
import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from ..core.config import BookError
from ..core.inputs import open_file, unpacked

#: A file is refused when more than this number and more than this share of its lines are bad, or when all before the
#: last of this number are.
MOST_BAD, MOST_BAD_SHARE = 10, 0.1

#: The share is checked from this number of lines on: a handful of bad lines may stand close together.
LINES_JUDGED = 1_000

#: Number of a source's bad lines that are named; the others are counted.
NAMED = 3

#: A longer line becomes several paragraphs, cut where the tokenizer separates words anyway, so that the tokens stay
#: the same. In one piece, ten megabytes took the fast tokenizer 10 s and 1.4 GB, cut up 2 s and 0.3 GB; fifty took
#: 68 s and 6.4 GB. A longer line without a place to cut is no text.
PARAGRAPH = 100_000

#: Places to cut a line: after white space, except the control characters among it, which BERT's normaliser deletes
#: instead of separating words by them; and after the marks that end a clause in scripts without spaces.
CUT = re.compile(r"(?s:.*)(?:[^\S\x0b\x0c\x1c-\x1f\x85]|[、。，．：；！？])")

#: A line of JSON or of a table is read whole. A long novel has five megabytes; a longer line is a file without line
#: breaks, most often one big JSON list.
WHOLE_LINE = 64 * 2**20

#: A line that is one tag, such as ``<doc id="12">``, ``</doc>`` or ``<|endoftext|>``: text extractors put them where
#: a document begins or ends.
TAG = re.compile(r'</?doc\b.*>|<[/!?]?[A-Za-z](?:[^<>"]|"[^"]*")*>|<\|\w+\|>')

TEXT = "text in UTF-8"


@dataclass
class Reading:
    """Progress of reading a source; created from the state of an earlier one, it resumes there.

    Attributes:
        entries, given: documents read, and those of them with text.
        lines, bad: lines with content (or rows) of the current file, and those of them that could not be read.
        left_out, named: number of bad lines in the whole source, and the first of them with the reason.
        tags: lines of plain text that were one tag.
        unmarked: lines of the last plain text without any blank line. Like ``tags`` not part of the state.
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
        """Return the arguments of a reading that resumes here."""
        counted = {name: getattr(self, name) for name in ("entries", "given", "lines", "bad", "left_out")}
        return counted | {"named": list(self.named)}

    def again(self) -> None:
        """Reset the counts of lines, to read the source from its beginning."""
        self.lines = self.bad = self.left_out = 0
        self.named = []

    def begin(self) -> None:
        """Reset the counts of a file's lines."""
        self.lines, self.bad, self._first = 0, 0, None

    @contextlib.contextmanager
    def file(self, path: Path) -> Iterator[BinaryIO]:
        """Open a file whose lines are counted; at its end, :meth:`judge` them."""
        self.begin()
        with open_file(path) as self._file:
            yield self._file
            self._before = self.bytes_read
        self._file = None
        self.judge()

    @property
    def bytes_read(self) -> int:
        """Bytes read from the files, compressed ones as they are on disk."""
        return self._before + (self._file.tell() if self._file else 0)

    def leave_out(self, why: BookError) -> None:
        """Count a line that could not be read, name it if it is among the first, and :meth:`judge`."""
        self.lines += 1
        self.bad += 1
        self.left_out += 1
        self._first = self._first or why
        if len(self.named) < NAMED:
            self.named.append(f"{why.what} ({why.where})")
        if self.bad == self.lines > MOST_BAD or self.lines >= LINES_JUDGED:
            self.judge()

    def judge(self) -> None:
        """Raise the error of the file's first bad line when every line or too large a share of them is bad."""
        many = self.bad > MOST_BAD and self.bad > MOST_BAD_SHARE * self.lines
        if self._first and (many or self.bad == self.lines):
            raise self._first


def paragraphs(path: Path, reading: Reading) -> Iterator[str]:
    """Yield the paragraphs of a plain text file, and an empty string for each line that is blank or one tag.

    An unreadable line is left out, a very long one from its first unreadable paragraph on.

    Raises:
        BookError: when the file is empty, damaged or no text, or too many of its lines are unreadable.
    """
    rest, blank, bad = "", True, False
    for number, part, ended in _parts(path, PARAGRAPH, reading, TEXT):
        if bad:
            bad = not ended
            continue
        # The text after the last cut may go on in the line's next part.
        pieces, tail = ([], None) if isinstance(part, BookError) else cut(rest + part)
        if tail is None:
            bad, rest, blank = not ended, "", True
            reading.leave_out(part if isinstance(part, BookError) else no_space(f"{path}:{number}", OF_A_LINE))
            yield from filter(None, map(str.strip, pieces))
            continue
        rest = "" if ended else tail
        found = list(filter(None, map(str.strip, [*pieces, tail] if ended else pieces)))
        if blank and ended and len(found) == 1 and TAG.fullmatch(found[0]):
            found, reading.tags = [], reading.tags + 1
        yield from found
        blank = blank and not found
        if ended and blank:
            yield ""
        elif ended:
            reading.lines += 1
        blank = blank or ended


def whole_lines(path: Path, reading: Reading, wanted: str) -> Iterator[tuple[int, str | BookError]]:
    r"""Yield number and text of each line that is not blank, without its end, or the reason it cannot be read.

    A line ends at ``\n`` or ``\r\n`` only, since sentences may hold other characters that ``splitlines`` splits at.

    Args:
        wanted: the expected format, for errors.

    Raises:
        BookError: when the file is empty, damaged, or no text.
    """
    number_of_last = 0
    for number, line, ended in _parts(path, WHOLE_LINE, reading, wanted):
        if number == number_of_last:
            continue  # the rest of a line that is too long
        if not ended:
            number_of_last = number
            yield number, _too_long(path, number, wanted)
        elif isinstance(line, BookError):
            yield number, line
        elif line.strip(" \r\n"):
            yield number, line.removesuffix("\n").removesuffix("\r")


def _parts(path: Path, most: int, reading: Reading, wanted: str) -> Iterator[tuple[int, str | BookError, bool]]:
    """Yield the lines of a UTF-8 file, plain or gzip, those over ``most`` bytes in parts.

    Yields:
        The line's number, a part of it (with its line break) or the reason it cannot be read, and whether the line
        ends with that part. A byte-order mark at a line's beginning, as joined files have, is removed.
    """
    number, ended = 1, True
    decoder = codecs.getincrementaldecoder("utf-8")()
    with reading.file(path) as raw, unpacked(path, raw, wanted) as file:
        while part := file.readline(most):
            begins, ended = ended, part.endswith(b"\n") or len(part) < most
            text = _decoded(decoder, part.removeprefix(codecs.BOM_UTF8) if begins else part, ended)
            yield number, _bad_line(path, number, part, wanted) if text is None else text, ended
            number += ended
        if not ended:
            text = _decoded(decoder, b"", True)
            yield number, _bad_line(path, number, b"", wanted) if text is None else text, True


def _decoded(decoder: codecs.IncrementalDecoder, part: bytes, ended: bool) -> str | None:
    """Return a part of a line as text; None where it is not UTF-8, or holds a zero byte."""
    try:
        text = decoder.decode(part, final=ended)
    except UnicodeDecodeError:
        decoder.reset()
        return None
    return None if "\0" in text else text


def _bad_line(path: Path, number: int, part: bytes, wanted: str) -> BookError:
    where = f"{path}:{number}"
    if b"\0" in part:
        return BookError(
            "a line holds zero bytes", where=where, expected=wanted, do="remove them: tr -d '\\000' < OLD > NEW"
        )
    return BookError(
        "a line is not UTF-8",
        where=where,
        expected=wanted,
        do="convert the file, for instance with iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW",
    )


def _too_long(path: Path, number: int, wanted: str) -> BookError:
    return BookError(
        f"a line is longer than {WHOLE_LINE // 2**20} MiB",
        where=f"{path}:{number}",
        expected=wanted,
        do="write each row or document on a line of its own, or remove the line",
    )


def cut(line: str) -> tuple[list[str], str | None]:
    """Cut ``line`` into pieces of at most ``PARAGRAPH`` characters; joined they are the line again.

    Returns:
        All pieces but the last, and the last; None for it where ``PARAGRAPH`` characters have no place to cut.
    """
    pieces: list[str] = []
    start = 0
    while len(line) - start > PARAGRAPH:
        found = CUT.match(line, start, start + PARAGRAPH)
        if found is None:
            return pieces, None
        pieces.append(line[start : found.end()])
        start = found.end()
    return pieces, line[start:]


#: Advice for a line without a space.
OF_A_LINE = "remove the line, or the file from the sources"
OF_A_ROW = "take the row out, in a copy of the data set where it comes from the Hub"


def no_space(where: str, do: str) -> BookError:
    return BookError(
        f"a line holds more than {PARAGRAPH:,} characters without a space",
        where=where,
        expected="words, not base64, a minified file or other data",
        do=do,
    )
