"""From the rows of any layout to examples: which columns are read, how a label is, and what a bad row means."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from ...config import BookError
from ..reading import MOST_BAD, MOST_BAD_SHARE
from .task import Examples


class Row(NamedTuple):
    """A row: its place in words, and its values by column, or why it has none."""

    where: str
    values: Mapping[str, Any] | BookError


class Columns(NamedTuple):
    """The columns of a layout: of the first text, the second (if any), the label, the id and the group (if any)."""

    first: str
    second: str | None
    label: str
    id: str = ""
    group: str = ""


class Layout(Protocol):
    """Where the splits of a task lie, and how they are read."""

    columns: Columns

    def has(self, split: str) -> bool:
        """Return whether the split is there; ``train``, ``dev``, ``test``, MNLI's ``dev_matched`` and so on."""

    def rows(self, split: str) -> Iterator[Row]:
        """Yield the split's rows."""

    def place(self, split: str) -> str:
        """Return in words where the split lies."""


@dataclass(frozen=True)
class Labels:
    """How a label is read: as one of ``classes``, or as a value within ``value_range`` where there are none."""

    classes: tuple[str, ...] = ()
    value_range: tuple[float, float] | None = None

    def read(self, value: Any, where: str) -> int | float:
        """Return the class number or the value that ``value`` stands for.

        Raises:
            BookError: when it stands for none.
        """
        if not self.classes:
            return self._score(value, where)
        if isinstance(value, str) and value in self.classes:
            return self.classes.index(value)
        if type(value) is int and 0 <= value < len(self.classes):
            return value
        raise BookError(
            f"label {value!r} is none of the task's",
            where=where,
            expected=" or ".join(self.classes),
            do="correct or remove the row",
        )

    def _score(self, value: Any, where: str) -> float:
        try:
            # The Hub holds scores as 32-bit numbers: the decimal they were made from is the shortest that gives them.
            score = float(str(np.float32(value))) if isinstance(value, float) else float(value)
        except (TypeError, ValueError):
            score = math.nan
        low, high = self.value_range or (-math.inf, math.inf)
        if not (math.isfinite(score) and low <= score <= high):
            raise BookError(
                f"score {value!r} is none",
                where=where,
                expected=f"a number from {low:g} to {high:g}" if self.value_range else "a finite number",
                do="correct or remove the row",
            )
        return score


def examples(
    rows: Iterable[Row],
    columns: Columns,
    labels: Labels | None,
    place: object,
    left_out: list[str] | None = None,
) -> Examples:
    """Return the examples in ``rows``.

    Args:
        labels: how the labels are read; None where they are withheld.
        place: what to name as their place when there are none.
        left_out: takes the rows that cannot be used, each as ``where: why``. Without it such a row is an
            error: of what is scored, every example counts.

    Raises:
        BookError: for no row, a row that cannot be used, or too many of them to be left out.
    """
    found = _usable(rows, columns, labels, left_out)
    if not found:
        raise BookError("there is no example", where=place, expected="at least one row", do="supply the file again")
    first, second, label, ids, groups = zip(*found, strict=True)
    kind = np.int64 if labels and labels.classes else np.float64
    return Examples(
        first=list(first),
        second=list(second) if columns.second else None,
        labels=np.array(label, dtype=kind) if labels else None,
        groups=np.array(groups) if columns.group else np.arange(len(found)),
        # Labelled examples are counted as they are read: the same in every layout, whatever was left out.
        ids=[str(number if labels or id is None else id) for number, id in enumerate(ids)],
    )


def _usable(rows: Iterable[Row], columns: Columns, labels: Labels | None, left_out: list[str] | None) -> list[tuple]:
    """Return what :func:`_example` makes of each row that can be used."""
    found, bad, first_error = [], 0, None
    for row in rows:
        try:
            found.append(_example(row, columns, labels))
        except BookError as why:
            if left_out is None:
                raise
            bad, first_error = bad + 1, first_error or why
            left_out.append(f"{row.where}: {why.what}")
    if first_error and (not found or bad > MOST_BAD and bad > MOST_BAD_SHARE * (bad + len(found))):
        raise first_error
    return found


def _example(row: Row, columns: Columns, labels: Labels | None) -> tuple:
    """Return a row's first and second text, label, id and group."""
    if isinstance(row.values, BookError):
        raise row.values
    first = _text(row, columns.first)
    second = _text(row, columns.second) if columns.second else None
    label = labels.read(_value(row, columns.label), row.where) if labels else None
    return first, second, label, row.values.get(columns.id), row.values.get(columns.group)


def _value(row: Row, column: str) -> Any:
    if column not in row.values:
        raise BookError(
            f"a row has no column {column!r}",
            where=row.where,
            expected=f"the task's columns; there are {', '.join(map(str, row.values)) or 'none'}",
            do="check the task's name and address, and the row",
        )
    return row.values[column]


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
