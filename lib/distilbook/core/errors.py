"""Errors that a reader can act on: what is wrong, where, what was expected, what to do."""

from __future__ import annotations

import difflib


class BookError(Exception):
    """A mistake that the reader can put right: what is wrong, where, what was expected, what to do.

    Args:
        what: what is wrong, in one sentence without a full stop.
        where: the file, chapter or parameter concerned.
        expected: what would have been right.
        do: what to do next.
    """

    def __init__(self, what: str, *, where: object = None, expected: str | None = None, do: str | None = None):
        self.what, self.where, self.expected, self.do = what, where, expected, do
        lines = [f"{what}."]
        lines += [
            f"  {label}: {text}" for label, text in (("where", where), ("expected", expected), ("do", do)) if text
        ]
        super().__init__("\n".join(lines))


def nearest(name: str, known: list[str], what: str) -> str:
    """Return the advice for an unknown ``name``: the nearest known one, or the whole list."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"use one of these {what}: {', '.join(sorted(known))}"


class Refusal(ValueError):
    """A value that a validator refuses: what was expected, and what to do.

    Args:
        expected: what would have been right.
        place: where inside the parameter the value is, such as ``[2].address``.
        unknown: whether it is the name that is refused.
    """

    def __init__(self, expected: str, *, place: str = "", do: str | None = None, unknown: bool = False):
        super().__init__(expected)
        self.place, self.do, self.unknown = place, do, unknown
