"""The lines of a file of text or of JSON, plain or gzip, of any length; a line that is bad is left out."""

from __future__ import annotations

import codecs
import contextlib
import gzip
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..config import BookError
from .reading import Reading

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


def paragraphs(path: Path, reading: Reading) -> Iterator[str]:
    """Yield the paragraphs of a file of plain text, and an empty string for each blank line.

    A line that cannot be read is left out, a very long one from the paragraph on that cannot be read.
    """
    rest, blank, bad = "", True, False
    for number, part, ended in _parts(path, PARAGRAPH, reading):
        if bad:
            bad = not ended
            continue
        # What follows the last cut may go on in the line's next part.
        pieces, rest = ([], None) if part is None else cut(rest + part)
        if rest is None:
            bad, rest, blank = not ended, "", True
            reading.leave_out(not_utf8(path, number) if part is None else no_space(f"{path}:{number}", OF_A_LINE))
            yield from filter(None, map(str.strip, pieces))
            continue
        if ended:
            pieces, rest = [*pieces, rest], ""
        found = list(filter(None, map(str.strip, pieces)))
        yield from found
        blank = blank and not found
        if ended and blank:
            yield ""
        elif ended:
            reading.good_line()
        blank = blank or ended


def json_rows(path: Path, reading: Reading) -> Iterator[tuple[int, dict[str, Any] | BookError]]:
    """Yield number and content of each line that is not blank: a JSON object, or why it is none."""
    number_of_last = 0
    for number, line, ended in _parts(path, JSON_LINE, reading):
        if number == number_of_last:
            continue  # the rest of a line that is too long
        if not ended:
            number_of_last = number
            yield number, _no_row(path, number, f"a line is longer than {JSON_LINE // 2**20} MiB")
        elif line is None:
            yield number, not_utf8(path, number)
        elif line.strip():
            yield number, _json_row(path, number, line)


def _json_row(path: Path, number: int, line: str) -> dict[str, Any] | BookError:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        return _no_row(path, number, f"a line is no JSON ({getattr(error, 'msg', error)})")
    return row if isinstance(row, dict) else _no_row(path, number, "a line is no JSON object")


def _parts(path: Path, most: int, reading: Reading) -> Iterator[tuple[int, str | None, bool]]:
    """Yield the lines of a UTF-8 file, plain or gzip, those over ``most`` bytes in parts.

    Yields:
        The line's number, a part of it (with its line break; None where it is no UTF-8), and whether the line
        ends with that part.

    Raises:
        BookError: when the file is empty, damaged, or no text.
    """
    number, ended = 1, True
    decoder = codecs.getincrementaldecoder("utf-8")()
    with _opened(path, reading) as file:
        while part := file.readline(most):
            ended = part.endswith(b"\n") or len(part) < most
            yield number, _decoded(decoder, part, ended), ended
            number += ended
        if not ended:
            yield number, _decoded(decoder, b"", True), True


def _decoded(decoder: codecs.IncrementalDecoder, part: bytes, ended: bool) -> str | None:
    try:
        return decoder.decode(part, final=ended)
    except UnicodeDecodeError:
        decoder.reset()
        return None


@contextlib.contextmanager
def _opened(path: Path, reading: Reading) -> Iterator[Any]:
    """Yield the file's bytes, unpacked, from behind the mark that some editors put at the beginning."""
    with reading.file(path) as raw:
        try:
            with gzip.GzipFile(fileobj=raw) if path.suffix == ".gz" else contextlib.nullcontext(raw) as file:
                _check_bytes(path, file.read(1 << 16))
                file.seek(0)
                if file.read(len(codecs.BOM_UTF8)) != codecs.BOM_UTF8:
                    file.seek(0)
                yield file
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise BookError(
                f"a compressed file is damaged ({error})",
                where=path,
                expected="a whole gzip file",
                do="copy or download the file again",
            ) from None


def _check_bytes(path: Path, beginning: bytes) -> None:
    if not beginning:
        raise empty(path)
    if b"\0" in beginning:
        raise _no_text(path, "it holds zero bytes")


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


def empty(path: Path) -> BookError:
    return BookError(
        "a file is empty",
        where=path,
        expected="at least one document",
        do="supply the file again, remove it, or correct the source's address",
    )


def no_space(where: str, do: str) -> BookError:
    return BookError(
        f"a line holds more than {PARAGRAPH:,} characters without a space",
        where=where,
        expected="words, not base64, a minified file or other data",
        do=do,
    )


def not_utf8(path: Path, number: int) -> BookError:
    return _no_text(path, f"line {number} is not UTF-8")


def _no_text(path: Path, why: str) -> BookError:
    return BookError(
        f"a file is no text: {why}",
        where=path,
        expected="text in UTF-8",
        do="convert it, for instance with: iconv -f LATIN1 -t UTF-8, or remove it from the sources",
    )


def _no_row(path: Path, number: int, what: str) -> BookError:
    return BookError(
        what,
        where=f"{path}:{number}",
        expected='a JSON object a line, each a document with its text in a field: {"text": "…"}',
        do="write each document as an object on a line of its own, or remove the line",
    )
