"""Sentence tasks: labelled sentences, split into training and test."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from ..config import BookError, short_hash
from ..workspace import project_root

COLUMNS = ("sentence", "label", "group", "split")


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
        BookError: for a missing file or column, a label that is none, or a group in both splits.
    """
    if address == "wheel:reviews":
        from .reviews import reviews

        rows = [(review.text, review.label, review.film, review.split) for review in reviews()]
        name = "reviews"
    else:
        path = project_root() / address
        rows, name = _read_rows(path), path.stem
    task = SentenceTask(name, *(_examples([row for row in rows if row[3] == split]) for split in ("train", "test")))
    if not len(task.train) or not len(task.test):
        raise BookError("a split of the task is empty", where=address, expected="rows of split 'train' and of 'test'")
    shared = sorted(set(task.train.groups) & set(task.test.groups))
    if shared:
        raise BookError(
            f"group {str(shared[0])!r} is in both splits",
            where=address,
            expected="each group in one split",
            do="split by group, or the test measures what was trained on",
        )
    return task


def _examples(rows: list[tuple[str, int, str, str]]) -> Examples:
    sentences, labels, groups, _ = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Examples(list(sentences), np.array(labels, dtype=np.int64), np.array(groups))


def _read_rows(path: Path) -> list[tuple[str, int, str, str]]:
    if not path.is_file():
        raise BookError(
            "the task's file does not exist",
            where=path,
            expected="a tab-separated file",
            do="correct the parameter 'task'",
        )
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            raise BookError(f"the task's file lacks the columns {missing}", where=path, expected=", ".join(COLUMNS))
        rows = list(reader)
    for number, row in enumerate(rows, start=2):
        if row["label"] not in ("0", "1"):
            raise BookError(f"label {row['label']!r} is none", where=f"{path}:{number}", expected="0 or 1")
    return [(row["sentence"], int(row["label"]), row["group"], row["split"]) for row in rows]
