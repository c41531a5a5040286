"""The lines of a file of text or of JSON, plain or gzip, of any length; a line that is bad is left out."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..core.config import BookError
from ..core.inputs import unpacked
from .reading import Reading

#: A longer line becomes several paragraphs, cut where the tokenizer separates words anyway, so that the
#: word pieces stay what they were. In one piece, ten megabytes took the fast tokenizer 10 s and 1.4 GB, cut up
#: 2 s and 0.3 GB; fifty took 68 s and 6.4 GB. What is this long and has no such place is no text.
PARAGRAPH = 100_000

#: Where a line may be cut: after white space, but for the control characters among it, which BERT's
#: normaliser deletes instead of separating words by them; and after the marks that end a clause where the
#: script has no spaces.
CUT = re.compile(r"(?s:.*)(?:[^\S\x0b\x0c\x1c-\x1f\x85]|[、。，．：；！？])")

#: A line of JSON or of a table is read whole. A long novel has five megabytes; more than this is a file without
#: line breaks, most often one big JSON list.
WHOLE_LINE = 64 * 2**20

#: A line that is one tag and nothing else, such as ``<doc id="12">``, ``</doc>`` or ``<|endoftext|>``: extractors of
#: text put them where a document begins or ends.
TAG = re.compile(r'</?doc\b.*>|<[/!?]?[A-Za-z](?:[^<>"]|"[^"]*")*>|<\|\w+\|>')

TEXT = "text in UTF-8"
JSON = 'a JSON object a line in UTF-8, each a document with its text in a field: {"text": "…"}'


def paragraphs(path: Path, reading: Reading) -> Iterator[str]:
    """Yield the paragraphs of a file of plain text, and an empty string for each blank line or one that is a tag.

    A line that cannot be read is left out, a very long one from the paragraph on that cannot be read.

    Raises:
        BookError: when the file is empty, damaged or no text, or too many of its lines cannot be read.
    """
    rest, blank, bad = "", True, False
    for number, part, ended in _parts(path, PARAGRAPH, reading, TEXT):
        if bad:
            bad = not ended
            continue
        failed = part if isinstance(part, BookError) else None
        # What follows the last cut may go on in the line's next part.
        pieces, rest = ([], None) if failed else cut(rest + part)
        if rest is None:
            bad, rest, blank = not ended, "", True
            reading.leave_out(failed or no_space(f"{path}:{number}", OF_A_LINE))
            yield from filter(None, map(str.strip, pieces))
            continue
        if ended:
            pieces, rest = [*pieces, rest], ""
        found = list(filter(None, map(str.strip, pieces)))
        if blank and ended and len(found) == 1 and TAG.fullmatch(found[0]):
            found, reading.tags = [], reading.tags + 1
        yield from found
        blank = blank and not found
        if ended and blank:
            yield ""
        elif ended:
            reading.good_line()
        blank = blank or ended


def json_rows(path: Path, reading: Reading) -> Iterator[tuple[int, dict[str, Any] | BookError]]:
    """Yield number and content of each line that is not blank: a JSON object, or why it is none."""
    for number, line in whole_lines(path, reading, JSON):
        if isinstance(line, BookError):
            yield number, line
        elif line.strip():
            yield number, _json_row(path, number, line)


def whole_lines(path: Path, reading: Reading, wanted: str) -> Iterator[tuple[int, str | BookError]]:
    r"""Yield number and text of each line that is not blank, without its end, or why it cannot be read.

    A line ends at ``\n`` or ``\r\n`` and nowhere else: some sentences hold a carriage return or another character that
    Python's ``splitlines`` would take for an end.

    Args:
        wanted: what the reader takes, for errors.

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


def _json_row(path: Path, number: int, line: str) -> dict[str, Any] | BookError:
    try:
        row = json.loads(line, object_pairs_hook=_each_once)
    except (ValueError, RecursionError) as error:
        return _no_row(path, number, f"a line is no JSON ({getattr(error, 'msg', error)})")
    return row if isinstance(row, dict) else _no_row(path, number, "a line is no JSON object")


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(found := dict(pairs)) < len(pairs):
        raise ValueError("a name is given twice in one object")
    return found


def _parts(path: Path, most: int, reading: Reading, wanted: str) -> Iterator[tuple[int, str | BookError, bool]]:
    """Yield the lines of a UTF-8 file, plain or gzip, those over ``most`` bytes in parts.

    Yields:
        The line's number, a part of it (with its line break; where it cannot be read, why), and whether the line
        ends with that part. A byte-order mark at its beginning, as joined files have, is taken away.

    Raises:
        BookError: when the file is empty, damaged, or no text.
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
        do="convert the file from the encoding it is in: that of Windows in Western Europe, for instance, with"
        " iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW",
    )


def cut(line: str) -> tuple[list[str], str | None]:
    """Cut ``line`` into pieces of at most ``PARAGRAPH`` characters; joined they are the line again.

    Returns:
        All pieces but the last, and the last; None for the last where so many characters follow each other
        without a place to cut.
    """
    pieces, start = [], 0
    while len(line) - start > PARAGRAPH:
        found = CUT.match(line, start, start + PARAGRAPH)
        if found is None:
            return pieces, None
        pieces.append(line[start : found.end()])
        start = found.end()
    return pieces, line[start:]


#: What to do about a line without a space.
OF_A_LINE = "remove the line, or the file from the sources"
OF_A_ROW = "take the row out, in a copy of the data set where it comes from the Hub"


def no_space(where: str, do: str) -> BookError:
    return BookError(
        f"a line holds more than {PARAGRAPH:,} characters without a space",
        where=where,
        expected="words, not base64, a minified file or other data",
        do=do,
    )


def _too_long(path: Path, number: int, wanted: str) -> BookError:
    return BookError(
        f"a line is longer than {WHOLE_LINE // 2**20} MiB",
        where=f"{path}:{number}",
        expected=wanted,
        do="write each row or document on a line of its own, or remove the line",
    )


def _no_row(path: Path, number: int, what: str) -> BookError:
    return BookError(
        what,
        where=f"{path}:{number}",
        expected=JSON,
        do="write each document as an object on a line of its own, or remove the line",
    )
