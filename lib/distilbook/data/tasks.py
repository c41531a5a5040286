"""Sentence tasks: labelled sentences, split into training and test."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from ..config import BookError, nearest, short_hash
from ..workspace import local_path

COLUMNS = ("sentence", "label", "group", "split")
SPLITS = ("train", "test")

#: A sentence, its label, its group and its split.
Row = tuple[str, int, str, str]


@dataclass(frozen=True)
class Examples:
    """Labelled sentences.

    Attributes:
        sentences: the texts.
        labels: (examples,) int64, 0 or 1.
        groups: (examples,), what belongs together, such as the reviews of one film: never in two splits.
    """

    sentences: list[str]
    labels: np.ndarray
    groups: np.ndarray

    def __len__(self) -> int:
        return len(self.sentences)

    def sample(self, number: int, seed: int) -> Examples:
        """Return ``number`` examples drawn without replacement, or all where there are no more."""
        chosen = np.sort(np.random.default_rng(seed).permutation(len(self))[:number])
        return Examples([self.sentences[i] for i in chosen], self.labels[chosen], self.groups[chosen])


@dataclass(frozen=True)
class SentenceTask:
    """A task: what is trained on and what is measured on, no group in both."""

    name: str
    train: Examples
    test: Examples

    @cached_property
    def fingerprint(self) -> str:
        """A short hash of every sentence, label and group."""
        splits = (self.train, self.test)
        return short_hash([[split.sentences, split.labels.tolist(), split.groups.tolist()] for split in splits])


def sentence_task(address: str) -> SentenceTask:
    """Return the task at ``address``: ``wheel:reviews``, or a tab-separated file of the project.

    Such a file has a header naming the columns ``sentence``, ``label`` (0 or 1), ``group`` and
    ``split`` (``train`` or ``test``).

    Raises:
        BookError: for a missing file or column, a row that cannot be used, or a group in both splits.
    """
    if address == "wheel:reviews":
        from .reviews import reviews

        rows = [(review.text, review.label, review.film, review.split) for review in reviews()]
        name = "reviews"
    else:
        path = _path(address)
        rows, name = _read_rows(path), path.stem
    task = SentenceTask(name, *(_examples([row for row in rows if row[3] == split]) for split in SPLITS))
    _check_splits(task, address)
    return task


def _path(address: str) -> Path:
    if address.startswith(("wheel:", "hub:")):
        raise BookError(
            f"no task has the address {address!r}",
            where="the parameter 'task'",
            expected="wheel:reviews, or the path of a tab-separated file",
            do=nearest(address, ["wheel:reviews"], "addresses"),
        )
    path = local_path(address)
    if not path.is_file():
        raise BookError(
            "the task's file does not exist",
            where=path,
            expected="a tab-separated file",
            do="correct the parameter 'task'; relative paths start at the project's root",
        )
    return path


def _check_splits(task: SentenceTask, address: str) -> None:
    for split in SPLITS:
        if not len(getattr(task, split)):
            raise BookError(
                f"the task has no row of split {split!r}",
                where=address,
                expected="rows of split 'train' and of 'test'",
                do=f"add rows whose column 'split' is {split!r}, with groups of their own",
            )
    shared = sorted(set(task.train.groups) & set(task.test.groups))
    if shared:
        raise BookError(
            f"group {str(shared[0])!r} is in both splits",
            where=address,
            expected="each group in one split",
            do="split by group, or the test measures what was trained on",
        )


def _examples(rows: list[Row]) -> Examples:
    sentences, labels, groups, _ = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Examples(list(sentences), np.array(labels, dtype=np.int64), np.array(groups))


def _read_rows(path: Path) -> list[Row]:
    """Return the rows of a tab-separated file; lines that are blank do not count, quotation marks mean nothing."""
    lines = _lines(path)
    header = next(lines, (1, ""))[1].split("\t")
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        raise BookError(
            f"the task's file lacks the columns {', '.join(missing)}",
            where=path,
            expected=f"a first line that names, with tabs between them, {', '.join(COLUMNS)}",
            do="add the columns, and the header where it is missing",
        )
    return [_row(line.split("\t"), header, f"{path}:{number}") for number, line in lines]


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield number and text of each line that is not blank."""
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = content[: error.start].count(b"\n") + 1
        raise _no_text(path, f"line {number} is not UTF-8") from None
    if "\0" in text:
        raise _no_text(path, "it holds zero bytes")
    for number, line in enumerate(io.StringIO(text, newline=None), start=1):
        if line.strip("\n "):
            yield number, line.rstrip("\n")


def _no_text(path: Path, why: str) -> BookError:
    return BookError(
        f"the task's file is no text: {why}",
        where=path,
        expected="tab-separated text in UTF-8",
        do="export the table as tab-separated text, or convert it, for instance with: iconv -f LATIN1 -t UTF-8",
    )


def _row(fields: list[str], header: list[str], where: str) -> Row:
    """Return a line's row.

    Raises:
        BookError: for too few or too many fields, or one that cannot be used.
    """
    if len(fields) != len(header):
        raise BookError(
            f"a row has {len(fields)} fields, the header {len(header)}",
            where=where,
            expected=f"{len(header)} fields with tabs between them: {', '.join(header)}",
            do="complete the row, and replace tabs within a sentence by spaces",
        )
    row = dict(zip(header, fields, strict=True))
    for name, possible in (("label", ("0", "1")), ("split", SPLITS)):
        if row[name] not in possible:
            raise BookError(
                f"{name} {row[name]!r} is none",
                where=where,
                expected=" or ".join(possible),
                do="correct or remove the row",
            )
    for name in ("sentence", "group"):
        if not row[name].strip():
            raise BookError(
                f"a row's {name} is empty", where=where, expected=f"a {name}", do="complete or remove the row"
            )
    return row["sentence"], int(row["label"]), row["group"], row["split"]
