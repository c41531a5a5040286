"""Conversion of rows to examples: columns, labels, and unusable rows."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from ..core.config import BookError
from ..text.lines import MOST_BAD, MOST_BAD_SHARE
from .task import Examples

#: Zero-width characters.
INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")


def tidy(value: str) -> str:
    """Return a name with composed accents, single spaces inside and none around it."""
    return " ".join(unicodedata.normalize("NFC", INVISIBLE.sub("", value)).split())


def shown(value: Any) -> str:
    """Return a value for an error message, shortened where it is long."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]} …"


class Row(NamedTuple):
    """A row: its place as text, and its values by column or the reason it cannot be read."""

    where: str
    values: Mapping[str, Any] | BookError

    @property
    def good(self) -> Mapping[str, Any]:
        """The values; raises the error of an unreadable row."""
        if isinstance(self.values, BookError):
            raise self.values
        return self.values


class Columns(NamedTuple):
    """Names of a layout's columns; ``second``, ``id`` and ``group`` only where it has them."""

    first: str
    second: str | None
    label: str
    id: str = ""
    group: str = ""


class Layout(Protocol):
    """Storage layout of a task's splits."""

    @property
    def columns(self) -> Columns: ...

    def has(self, split: str) -> bool:
        """Return whether the split is there: ``train``, ``dev``, ``test``, MNLI's ``dev_matched`` and so on."""

    def rows(self, split: str) -> Iterator[Row]: ...

    def place(self, split: str) -> str:
        """Return the place of the split as text."""


@dataclass(frozen=True)
class Labels:
    """Valid labels: one of ``classes``, or without classes a value within ``value_range``."""

    classes: tuple[str, ...] = ()
    value_range: tuple[float, float] | None = None

    def read(self, value: Any, where: str) -> int | float:
        """Return the class number or score in ``value``; a BookError for an unknown label or an invalid score."""
        if not self.classes:
            return self._score(value, where)
        name = tidy(value) if isinstance(value, str) else None
        if name in self.classes:
            return self.classes.index(name)
        # A column of numbers in which one is missing comes as 1.0 instead of 1.
        if type(value) in (int, float) and value in range(len(self.classes)):
            return int(value)
        do = "correct or remove the row"
        if name == "-":
            do = "remove the rows with '-', as their authors do: the annotators did not agree on a label"
        raise BookError(f"unknown label {shown(value)}", where=where, expected=" or ".join(self.classes), do=do)

    def _score(self, value: Any, where: str) -> float:
        try:
            if isinstance(value, str) and not re.fullmatch(r"\s*[-+]?[0-9.]+([eE][-+]?[0-9]+)?\s*", value):
                raise ValueError(value)
            with np.errstate(over="ignore"):
                small = np.float32(value)
            # The Hub stores scores in 32 bits; the original decimal is the shortest that gives them.
            score = float(str(small)) if isinstance(value, float) else float(value)
            score = score if np.isfinite(small) else math.nan
        except (TypeError, ValueError, OverflowError):
            score = math.nan
        low, high = self.value_range or (-math.inf, math.inf)
        if not (math.isfinite(score) and low <= score <= high):
            expected = f"a number from {low:g} to {high:g}" if self.value_range else "a finite number"
            what = f"invalid score {shown(value)}"
            raise BookError(what, where=where, expected=expected, do="correct or remove the row")
        return score


def examples(
    rows: Iterable[Row], columns: Columns, labels: Labels | None, place: object, left_out: list[str] | None = None
) -> Examples:
    """Return the examples in ``rows``.

    Args:
        labels: the valid labels; None where they are withheld.
        place: the place of the rows, for errors.
        left_out: collects unusable rows as ``where: why``; without it, as in evaluation, such a row is an error.

    Raises:
        BookError: for no row, an unusable row, or too many of them to be left out.
    """
    found = _usable(rows, columns, labels, left_out)
    if not found:
        raise BookError("there is no example", where=place, expected="at least one row", do="supply the file again")
    first, second, label, ids, groups = zip(*found, strict=True)
    if not labels:
        _refuse_twice([str(id) for id in ids if id is not None], place)
    kind = np.int64 if labels and labels.classes else np.float64
    return Examples(
        first=list(first),
        second=list(second) if columns.second else None,
        labels=np.array(label, dtype=kind) if labels else None,
        groups=np.array(groups) if columns.group else np.arange(len(found)),
        # Labelled examples are numbered in reading order, which is the same in every layout.
        ids=[str(number if labels or id is None else id) for number, id in enumerate(ids)],
    )


def _refuse_twice(ids: list[str], place: object) -> None:
    """Refuse a test set with a duplicate id: a submission names its answers by them."""
    if twice := [id for id, times in Counter(ids).items() if times > 1]:
        what = f"the id {twice[0]!r} is given twice" + (f", and {len(twice) - 1} more" if len(twice) > 1 else "")
        do = "supply the file again, as its authors publish it"
        raise BookError(what, where=place, expected="unique ids of a test set's rows", do=do)


def _usable(rows: Iterable[Row], columns: Columns, labels: Labels | None, left_out: list[str] | None) -> list[tuple]:
    """Return the :func:`_example` of each usable row."""
    found, errors, named = [], [], []
    for row in rows:
        try:
            found.append(_example(row, columns, labels))
        except BookError as why:
            errors.append(why)
            named.append(f"{row.where}: {why.what}")
    many = len(errors) > MOST_BAD and len(errors) > MOST_BAD_SHARE * (len(errors) + len(found))
    if errors and (left_out is None or not found or many):
        raise refusal(errors, len(found))
    (left_out if left_out is not None else []).extend(named)
    return found


def refusal(errors: list[BookError], good: int) -> BookError:
    """Return one error for all unusable rows, with the number of each reason; ``good`` is the number of others."""
    first, reasons = errors[0], Counter(error.what for error in errors)
    if len(errors) == 1:
        return first
    listed = "; ".join(f"{what} ({number:,} of them)" for what, number in reasons.most_common(3))
    more = f"; and {len(reasons) - 3} more reasons" if len(reasons) > 3 else ""
    what = f"{len(errors):,} of {len(errors) + good:,} rows cannot be used: {listed}{more}"
    return BookError(what, where=f"{first.where} is the first", expected=first.expected, do=first.do)


def _example(row: Row, columns: Columns, labels: Labels | None) -> tuple:
    """Return a row's first and second text, label, id and group."""
    first = _text(row, columns.first)
    second = _text(row, columns.second) if columns.second else None
    label = labels.read(_value(row, columns.label), row.where) if labels else None
    return first, second, label, row.good.get(columns.id), row.good.get(columns.group)


def _value(row: Row, column: str) -> Any:
    if column not in row.good:
        expected = f"the task's columns; there are {', '.join(map(str, row.good)) or 'none'}"
        do = "check the task's name and address, and the row"
        raise BookError(f"a row has no column {column!r}", where=row.where, expected=expected, do=do)
    return row.good[column]


def _text(row: Row, column: str) -> str:
    text = _value(row, column)
    try:
        text.encode()
    except (AttributeError, UnicodeEncodeError):
        what, expected = f"the column {column!r} holds no text", "text, possibly empty, in whole characters"
        raise BookError(what, where=row.where, expected=expected, do="correct or remove the row") from None
    return text
