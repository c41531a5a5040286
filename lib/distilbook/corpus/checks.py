"""Checks of text sources before and after they are tokenised: unknown tokens, markup, files and lines left out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..core.config import BookError
from ..core.progress import tell
from ..text.lines import Reading
from ..text.sources import TextSource, documents, left_out
from .tokenising import Settings, Tokeniser

#: A source with a larger share of unknown tokens is refused. With the English vocabulary of ``wheel:minilm-l6``,
#: Wikipedia's articles have one in 8,000 and the worst of them one in 160, formulas one in six, Japanese one in three.
MOST_UNKNOWN = 0.2

#: Tokens of every source that are checked beforehand, in a fraction of a second.
TOKENS_CHECKED = 20_000

#: Markup, which is read as text; reported where more than this share of a source's first paragraphs have it.
MARKUP = re.compile(r"<[/!?]?[A-Za-z][^<>]*>|\[\[[^\[\]]+\]\]|\{\{|&(?:amp|lt|gt|quot|nbsp|#\d+);")
MOST_MARKUP = 0.1

#: A file of more lines without a blank one may have been meant as many documents.
LINES_OF_A_DOCUMENT = 100


def check_beginning(text: TextSource, settings: Settings) -> None:
    """Check a source's beginning before hours of work; report markup, or text without blank lines.

    Raises:
        BookError: when it cannot be read, or too many of its tokens are unknown.
    """
    tokeniser, reading = Tokeniser(settings), Reading()
    seen: list[str] = []

    def paragraphs() -> Iterator[str]:
        for document in documents(text, reading):
            seen.extend(document.paragraphs)
            yield from document.paragraphs

    number = unknown = 0
    for tokens in tokeniser.tokens(paragraphs(), at_once=TOKENS_CHECKED):
        number += len(tokens)
        unknown += int(np.count_nonzero(tokens == settings.format.unk_id))
        if number >= TOKENS_CHECKED:
            break
    refuse_unknown(text, unknown, number)
    for remark in _remarks(text, reading, seen):
        tell(f"{text.name}: {remark}")


def _remarks(text: TextSource, reading: Reading, seen: Sequence[str]) -> Iterator[str]:
    """Yield remarks on a source whose first paragraphs, ``seen``, were read by ``reading``."""
    if others := left_out(text):
        yield f"not read: {others}"
    if reading.tags:
        yield "lines that are one tag, such as <doc ...>, are taken for ends of documents and not for text"
    marked = [found[0] for found in map(MARKUP.search, seen) if found]
    if len(marked) > MOST_MARKUP * len(seen):
        share = f"{len(marked) / len(seen):.0%} of the first {len(seen):,} paragraphs"
        yield f"{share} hold markup, such as {marked[0]!r}, which is read as text; remove it, or name another column"
    if reading.entries == 1 and reading.unmarked > LINES_OF_A_DOCUMENT:
        yield (
            f"{reading.unmarked:,} lines and no blank one among them: they are one document. A blank line ends a"
            " document; where each line is one, put a blank line after each"
        )


def refuse_unknown(text: TextSource, unknown: int, tokens: int) -> None:
    """Raise a BookError when too many of a source's tokens are unknown."""
    if unknown > MOST_UNKNOWN * tokens:
        raise BookError(
            f"{unknown / tokens:.0%} of {tokens:,} tokens are unknown: the vocabulary is not one for this text",
            where=f"the source {text.name!r}, {text.address}",
            expected=f"at most {MOST_UNKNOWN:.0%} unknown tokens; text in the vocabulary's language has under 1%",
            do="set the tokenizer to that of a model for this language, or give other text",
        )


def report_left_out(text: TextSource, documents: int, place: dict[str, Any]) -> None:
    """Report the lines of a source that were left out, the first by name, and a limit that was not reached."""
    if place["left_out"]:
        more = "; …" if place["left_out"] > len(place["named"]) else ""
        tell(f"left out {place['left_out']:,} lines of {text.name}: {'; '.join(place['named'])}{more}")
    if text.limit and documents < text.limit:
        tell(f"{text.name} has {documents:,} documents, its limit is {text.limit:,}")
