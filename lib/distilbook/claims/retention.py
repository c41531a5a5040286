"""How much of the teacher's score, and of its lead over simple models, the student keeps."""

from __future__ import annotations

import math
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

from ..config import BookError
from ..files import sha256
from ..records import Record
from ..statistics import Interval, difference_interval, ratio_interval, share_interval
from ..workspace import Workspace
from .finding import Finding, Missing, too_few
from .paper import PAPER_TASKS, Claim
from .wording import SHARE, counted, figure, with_ends

#: The sentence task that stands for GLUE, and the models from which the teacher's lead is measured.
SENTENCE_TASK = "reviews"
BASELINES = {"majority": "the majority class", "tfidf": "TF-IDF"}

#: What stands in the way of a verdict when the teacher itself may know nothing of the task.
NOTHING_RIGHT = "the teacher got nothing right"
NO_LEAD = "the teacher itself does not lead the majority class for certain, so that there is nothing to keep"


def retention(claim: Claim, records: list[Record], folder: Path | None) -> Finding | Missing:
    """Compare student and teacher on the same examples of the sentence task, prediction by prediction."""
    rows = _rows_by_model(claim, records)
    students, teachers = rows["student"], rows["teacher"]
    if not teachers or not students:
        return Missing(f"teacher and student on {SENTENCE_TASK}", claim.chapter)
    seeds, n = min(len(teachers), len(students)), min(r.n for r in teachers + students)
    right, groups = _right_by_model(rows, folder)
    shares: dict[str, Interval | None] = {}
    if {"student", "teacher"} <= right.keys():
        kept = ratio_interval(right["student"], right["teacher"], groups)
        shares = {name: share_of_lead(right, name, groups) for name in BASELINES if name in right}
        obstacle = too_few(seeds, claim.seeds, "seed") if right["teacher"].any() else NOTHING_RIGHT
        obstacle = obstacle or (NO_LEAD if shares.get("majority", kept) is None else None)
    else:
        obstacle = "the predictions that would bound it are not there"
        value = median(r.value for r in students) / median(r.value for r in teachers)
        kept = Interval(value, -math.inf, math.inf, n, 0.95)
    ours = with_ends(kept.value, kept.low, kept.high, claim.bound, SHARE)
    return Finding(
        kept.value,
        kept.low,
        kept.high,
        n,
        seeds,
        in_miniature=SENTENCE_TASK not in PAPER_TASKS,
        text=f"the student keeps {ours} of the teacher's accuracy on {SENTENCE_TASK}",
        basis=f"95% interval, {counted(n, 'example')}, {counted(len(students), 'seed')} of the student and "
        f"{len(teachers)} of the teacher",
        paper=figure(claim.paper_value, SHARE),
        unit=SHARE,
        obstacle=obstacle,
        beside=tuple(_share_in_words(name, share) for name, share in shares.items()),
        shares={name: share for name, share in shares.items() if share is not None},
    )


def share_of_lead(right: dict[str, NDArray], baseline: str, groups: NDArray) -> Interval | None:
    """Return the share of the teacher's lead over ``baseline`` that the student keeps.

    None where the interval of that lead reaches zero: a share of nothing has no meaning.

    Args:
        right: whether each example was right, ``(seeds, examples)``, by model.
        groups: the group of each example, ``(examples,)``.
    """
    if difference_interval(right["teacher"], right[baseline], groups).low <= 0:
        return None
    return share_interval(right["student"], right["teacher"], right[baseline], groups)


def _share_in_words(baseline: str, share: Interval | None) -> str:
    name = BASELINES[baseline]
    if share is None:
        return f"That the teacher itself leads {name} is not settled, so no share of that lead can be stated"
    ours = with_ends(share.value, share.low, share.high, 0.0, SHARE)
    return f"Of the teacher's lead over {name} the student keeps {ours}"


def _rows_by_model(claim: Claim, records: list[Record]) -> dict[str, list[Record]]:
    """Return the sentence task's accuracies by model, of the students only the full recipe's."""
    scored = [r for r in records if r.chapter == claim.chapter and r.task == SENTENCE_TASK and r.metric == "accuracy"]
    rows = {name: [r for r in scored if r.model == name] for name in ("teacher", "student", *BASELINES)}
    rows["student"] = [r for r in rows["student"] if r.recipe == "full"]
    return rows


def _right_by_model(rows: dict[str, list[Record]], folder: Path | None) -> tuple[dict[str, NDArray], NDArray | None]:
    """Return which examples each model got right, and the examples' groups.

    Left out is a model of whose runs one has no predictions file on this machine.

    Raises:
        BookError: when two files hold different examples, or one is not what its record was made from.
    """
    right: dict[str, NDArray] = {}
    first: dict[str, NDArray] | None = None
    for name, runs in rows.items():
        paths = [_path(record, folder) for record in runs]
        if not paths or not all(path and path.is_file() for path in paths):
            continue
        read = [_read(path, record) for path, record in zip(paths, runs, strict=True)]
        first = first or read[0]
        for path, arrays in zip(paths, read, strict=True):
            if not all(np.array_equal(arrays[key], first[key]) for key in ("labels", "groups")):
                raise BookError(
                    "two models were scored on different examples",
                    where=path,
                    expected="the labels and groups of the other predictions",
                    do="run chapter 08_sentence_tasks again for all models",
                )
        right[name] = np.stack([arrays["labels"] == arrays["predictions"] for arrays in read])
    return right, None if first is None else first["groups"]


def _path(record: Record, folder: Path | None) -> Path | None:
    return record.predictions and (folder or Workspace(record.edition).root) / record.predictions


def _read(path: Path, record: Record) -> dict[str, NDArray]:
    if record.predictions_hash and sha256(path) != record.predictions_hash:
        raise BookError(
            "a predictions file is not the one its record was made from",
            where=path,
            expected=f"SHA-256 {record.predictions_hash}",
            do=f"run chapter {record.chapter} again",
        )
    with np.load(path) as file:
        return {key: file[key] for key in ("labels", "predictions", "groups")}
