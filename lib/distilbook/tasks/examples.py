"""Rows of any layout to examples: columns, labels, and rows that cannot be used."""

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

#: Characters without width, which some programs leave around a field.
INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")


def tidy(value: str) -> str:
    """Return a name without spaces around it, with single spaces in it, its accents composed."""
    return " ".join(unicodedata.normalize("NFC", INVISIBLE.sub("", value)).split())


def shown(value: Any) -> str:
    """Return a value for an error message, shortened where it is long."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]} …"


class Row(NamedTuple):
    """A row: its place in words, and its values by column or the reason it cannot be read."""

    where: str
    values: Mapping[str, Any] | BookError

    @property
    def good(self) -> Mapping[str, Any]:
        """The values; of a row that cannot be read, its error is raised."""
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
    def columns(self) -> Columns:
        """Names of the columns."""

    def has(self, split: str) -> bool:
        """Return whether the split is there; ``train``, ``dev``, ``test``, MNLI's ``dev_matched`` and so on."""

    def rows(self, split: str) -> Iterator[Row]:
        """Yield the split's rows."""

    def place(self, split: str) -> str:
        """Return the place of the split in words."""


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
        raise BookError(
            f"unknown label {shown(value)}",
            where=where,
            expected=" or ".join(self.classes),
            do="remove the rows with '-', as their authors do: the annotators did not agree on a label"
            if name == "-"
            else "correct or remove the row",
        )

    def _score(self, value: Any, where: str) -> float:
        try:
            if isinstance(value, str) and not re.fullmatch(r"\s*[-+]?[0-9.]+([eE][-+]?[0-9]+)?\s*", value):
                raise ValueError(value)
            with np.errstate(over="ignore"):
                small = np.float32(value)
            # The Hub holds scores as 32-bit numbers: the decimal they were made from is the shortest that gives them.
            score = float(str(small)) if isinstance(value, float) else float(value)
            score = score if np.isfinite(small) else math.nan
        except (TypeError, ValueError, OverflowError):
            score = math.nan
        low, high = self.value_range or (-math.inf, math.inf)
        if not (math.isfinite(score) and low <= score <= high):
            raise BookError(
                f"invalid score {shown(value)}",
                where=where,
                expected=f"a number from {low:g} to {high:g}" if self.value_range else "a finite number",
                do="correct or remove the row",
            )
        return score


def examples(
    rows: Iterable[Row], columns: Columns, labels: Labels | None, place: object, left_out: list[str] | None = None
) -> Examples:
    """Return the examples in ``rows``.

    Args:
        labels: the valid labels; None where they are withheld.
        place: the place of the rows, for errors.
        left_out: collects the rows that cannot be used, each as ``where: why``. Without it such a row is an
            error: in an evaluated split every example counts.

    Raises:
        BookError: for no row, a row that cannot be used, or too many of them to be left out.
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
        # Labelled examples are counted as they are read: the same in every layout, whatever was left out.
        ids=[str(number if labels or id is None else id) for number, id in enumerate(ids)],
    )


def _refuse_twice(ids: list[str], place: object) -> None:
    """Refuse a test set with an id given twice: a submission names its answers by them."""
    if twice := [id for id, times in Counter(ids).items() if times > 1]:
        raise BookError(
            f"the id {twice[0]!r} is given twice" + (f", and {len(twice) - 1} more" if len(twice) > 1 else ""),
            where=place,
            expected="an id of its own for each row of a test set",
            do="supply the file again, as its authors publish it",
        )


def _usable(rows: Iterable[Row], columns: Columns, labels: Labels | None, left_out: list[str] | None) -> list[tuple]:
    """Return the :func:`_example` of each row that can be used."""
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
    """Return one error for all rows that cannot be used, with the number of each reason; ``good`` rows can be."""
    first, reasons = errors[0], Counter(error.what for error in errors)
    if len(errors) == 1:
        return first
    listed = "; ".join(f"{what} ({number:,} of them)" for what, number in reasons.most_common(3))
    more = f"; and {len(reasons) - 3} more reasons" if len(reasons) > 3 else ""
    return BookError(
        f"{len(errors):,} of {len(errors) + good:,} rows cannot be used: {listed}{more}",
        where=f"{first.where} is the first",
        expected=first.expected,
        do=first.do,
    )


def _example(row: Row, columns: Columns, labels: Labels | None) -> tuple:
    """Return a row's first and second text, label, id and group."""
    first = _text(row, columns.first)
    second = _text(row, columns.second) if columns.second else None
    label = labels.read(_value(row, columns.label), row.where) if labels else None
    return first, second, label, row.good.get(columns.id), row.good.get(columns.group)


def _value(row: Row, column: str) -> Any:
    if column not in row.good:
        raise BookError(
            f"a row has no column {column!r}",
            where=row.where,
            expected=f"the task's columns; there are {', '.join(map(str, row.good)) or 'none'}",
            do="check the task's name and address, and the row",
        )
    return row.good[column]


def _text(row: Row, column: str) -> str:
    text = _value(row, column)
    try:
        text.encode()
    except (AttributeError, UnicodeEncodeError):
        raise BookError(
            f"the column {column!r} holds no text",
            where=row.where,
            expected="text, be it empty, in whole characters",
            do="correct or remove the row",
        ) from None
    return text
