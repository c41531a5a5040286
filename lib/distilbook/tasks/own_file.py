"""Tasks in one's own file: a tab-separated table with a column that names each row's split."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from pathlib import Path

from ..core.config import BookError
from .examples import Columns, Labels, Row, examples, refusal, shown, tidy
from .table import Table, lacking, read_header
from .task import Task

NEEDED = ("sentence", "label or score", "group", "split")
SPLITS = ("train", "test")


def own_task(path: Path, name: str) -> Task:
    """Return the task in ``path``.

    The header names, in any order and among others, the columns ``sentence``, ``label`` or ``score``, ``group`` and
    ``split`` (``train`` or ``test``); with ``sentence2`` it is a task of pairs. Labels may be any words, scores any
    numbers.

    Raises:
        BookError: for a missing column, an unusable row, or a group in both splits.
    """
    columns = _columns(path)
    rows = _rows(path, columns)
    for split in SPLITS:
        if not rows[split]:
            do = f"add rows whose column 'split' is {split!r}, with groups of their own"
            expected = "rows of split 'train' and of 'test'"
            raise BookError(f"the task has no row of split {split!r}", where=path, expected=expected, do=do)
    labels = Labels() if columns.label == "score" else Labels(_classes(rows, path))
    train, test = (examples(rows[split], columns, labels, path) for split in SPLITS)
    if shared := set(train.groups) & set(test.groups):
        what, do = (
            f"group {str(min(shared))!r} is in both splits",
            "split by group, or the test set holds training data",
        )
        raise BookError(what, where=path, expected="each group in one split", do=do)
    return Task(
        name=name,
        metric="accuracy" if labels.classes else "pearson_and_spearman",
        classes=labels.classes,
        train=train,
        evaluation={"test": test},
        withheld={},
    )


def _columns(path: Path) -> Columns:
    """Return the columns by the file's header, which must name all of them, and not both labels and scores."""
    header = read_header(path)
    missing = [name for name in NEEDED if not set(name.split(" or ")) & set(header)]
    if missing:
        raise lacking(path, missing, NEEDED, header)
    if {"label", "score"} <= set(header):
        what, do = (
            "the task's file has a column 'label' and a column 'score'",
            "remove or rename the one that is not the target",
        )
        raise BookError(what, where=path, expected="one of them: classes, or values", do=do)
    second = "sentence2" if "sentence2" in header else None
    return Columns("sentence", second, "label" if "label" in header else "score", group="group")


def _rows(path: Path, columns: Columns) -> dict[str, list[Row]]:
    """Return the file's rows by split; one error counts all unusable rows by reason."""
    rows: dict[str, list[Row]] = {split: [] for split in SPLITS}
    errors = []
    for row in Table.of(path, ()).rows():
        try:
            checked = _checked(row, columns)
            rows[checked.good["split"]].append(checked)
        except BookError as why:
            errors.append(why)
    if errors:
        raise refusal(errors, sum(map(len, rows.values())))
    return rows


def _checked(row: Row, columns: Columns) -> Row:
    """Return a row with its label, group and split tidied; a BookError for an unknown split or an empty field."""
    names = ("split", "group", *(["label"] if columns.label == "label" else []))
    values = {**row.good, **{name: tidy(row.good[name]) for name in names}}
    if columns.label == "label" and not values["label"]:
        raise BookError("a row's label is empty", where=row.where, expected="a label", do="complete or remove the row")
    if values["split"] not in SPLITS:
        what = f"unknown split {shown(values['split'])}"
        raise BookError(what, where=row.where, expected=" or ".join(SPLITS), do="correct or remove the row")
    for name in filter(None, (columns.first, columns.second, columns.group)):
        if not values[name].strip():
            what, do = f"a row's {name} is empty", "complete or remove the row"
            raise BookError(what, where=row.where, expected=f"a {name}", do=do)
    return Row(row.where, values)


def _classes(rows: dict[str, list[Row]], path: Path) -> tuple[str, ...]:
    """Return the labels of the training rows, in numerical or alphabetical order.

    Raises:
        BookError: for a single label, two that differ only in spelling, or others in the test set.
    """
    counts = {split: Counter(row.good["label"] for row in some) for split, some in rows.items()}
    _refuse_alike(sum(counts.values(), Counter()), path)
    found = set(counts["train"])
    if found <= {"0", "1"}:
        found = {"0", "1"}
    if len(found) == 1:
        what = f"every row of split 'train' has the label {found.pop()!r}"
        do = "add rows with another label, or name the column 'score' where it holds values"
        raise BookError(what, where=path, expected="two labels or more", do=do)
    whole = all(re.fullmatch("[0-9]{1,18}", label) for label in found)
    classes = tuple(sorted(found, key=(lambda label: (int(label), label)) if whole else None))
    for label in sorted(counts["test"].keys() - found):
        raise BookError(
            f"label {shown(label)} is in split 'test' (rows: {counts['test'][label]:,}) and not in 'train'",
            where=path,
            expected=f"the classes of the training rows: {' or '.join(classes)}",
            do="add training rows with that label: no model predicts a label that it was not trained on",
        )
    return classes


def _refuse_alike(labels: Counter[str], path: Path) -> None:
    """Refuse labels that differ only in case, width of letters or notation of a number."""
    first: dict[str, str] = {}
    for label in sorted(labels):
        known = first.setdefault(_likeness(label), label)
        if known != label:
            rows = f"{shown(known)} (rows: {labels[known]:,}) and {shown(label)} (rows: {labels[label]:,})"
            raise BookError(
                f"the labels {rows} differ only in spelling",
                where=path,
                expected="one way to write a label",
                do="write them alike where they are one class, or give them names that differ in letters",
            )


def _likeness(label: str) -> str:
    """Return a form that is equal for labels which differ only in spelling."""
    plain = unicodedata.normalize("NFKC", label).casefold()
    return repr(float(plain)) if re.fullmatch(r"[-+]?[0-9]+(\.[0-9]*)?", plain) else plain
