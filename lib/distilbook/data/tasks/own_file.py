"""A task of one's own: a tab-separated file whose rows say which split they belong to."""

from __future__ import annotations

from pathlib import Path

from ...config import BookError
from .rows import Columns, Labels, Row, examples
from .table import Table, lacking, read_header
from .task import Task

NEEDED = ("sentence", "label or score", "group", "split")
SPLITS = ("train", "test")


def own_task(path: Path, name: str) -> Task:
    """Return the task in ``path``.

    The file has a header naming, in any order and beside others, the columns ``sentence``, ``label`` or
    ``score``, ``group`` (what belongs together: never in two splits) and ``split`` (``train`` or ``test``); with
    ``sentence2`` it is a task of pairs. Labels may be any words, scores any numbers.

    Raises:
        BookError: for a missing column, a row that cannot be used, or a group in both splits.
    """
    columns = _columns(path)
    rows: dict[str, list[Row]] = {split: [] for split in SPLITS}
    for row in Table.of(path, ()).rows():
        rows[_split(row, columns)].append(row)
    for split in SPLITS:
        if not rows[split]:
            raise _no_row(path, split)
    labels = Labels() if columns.label == "score" else Labels(_classes(rows["train"], path))
    train, test = (examples(rows[split], columns, labels, path) for split in SPLITS)
    _check_groups(set(train.groups) & set(test.groups), path)
    return Task(
        name=name,
        metric="accuracy" if labels.classes else "pearson_and_spearman",
        classes=labels.classes,
        train=train,
        evaluation={"test": test},
        withheld={},
    )


def _columns(path: Path) -> Columns:
    """Return the file's columns, by what its header names.

    Raises:
        BookError: when it lacks one.
    """
    header = read_header(path)
    missing = [name for name in NEEDED if not set(name.split(" or ")) & set(header)]
    if missing:
        raise lacking(path, missing, NEEDED)
    second = "sentence2" if "sentence2" in header else None
    return Columns("sentence", second, "label" if "label" in header else "score", group="group")


def _split(row: Row, columns: Columns) -> str:
    """Return a row's split.

    Raises:
        BookError: when the row has none, or lacks anything else.
    """
    if isinstance(row.values, BookError):
        raise row.values
    if columns.label == "label" and not row.values["label"].strip():
        raise BookError("a row's label is empty", where=row.where, expected="a label", do="complete or remove the row")
    if row.values["split"] not in SPLITS:
        raise BookError(
            f"split {row.values['split']!r} is none",
            where=row.where,
            expected=" or ".join(SPLITS),
            do="correct or remove the row",
        )
    for name in filter(None, (columns.first, columns.second, columns.group)):
        if not row.values[name].strip():
            raise BookError(
                f"a row's {name} is empty", where=row.where, expected=f"a {name}", do="complete or remove the row"
            )
    return row.values["split"]


def _classes(train: list[Row], path: Path) -> tuple[str, ...]:
    """Return the labels that are trained on: whole numbers in their order, anything else by the alphabet.

    Raises:
        BookError: when there is only one.
    """
    found = {row.values["label"] for row in train}
    if found <= {"0", "1"}:
        return ("0", "1")
    if len(found) == 1:
        raise BookError(
            f"every row of split 'train' has the label {found.pop()!r}",
            where=path,
            expected="two labels or more",
            do="add rows with another label, or name the column 'score' where it holds values",
        )
    whole = all(label.isdecimal() for label in found)
    return tuple(sorted(found, key=(lambda label: (int(label), label)) if whole else None))


def _no_row(path: Path, split: str) -> BookError:
    return BookError(
        f"the task has no row of split {split!r}",
        where=path,
        expected="rows of split 'train' and of 'test'",
        do=f"add rows whose column 'split' is {split!r}, with groups of their own",
    )


def _check_groups(shared: set[str], path: Path) -> None:
    if shared:
        raise BookError(
            f"group {str(min(shared))!r} is in both splits",
            where=path,
            expected="each group in one split",
            do="split by group, or the test measures what was trained on",
        )
