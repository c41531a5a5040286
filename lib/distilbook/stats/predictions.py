"""Predictions of one model on a split's examples, one row a seed, read from the files of its runs."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..core.config import BookError, nearest
from .intervals import Array
from .metrics import MEANS_OF_SCORES, METRICS, ConstantPredictionWarning, example_scores

#: Identity of a row of predictions: the seed, or that and the seed of the pre-training.
SeedId = int | tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Answers:
    """Predictions of one model on one split's examples, one row a seed.

    Attributes:
        metric: the task's official metric, a name in ``metrics.METRICS``.
        labels: (examples,).
        predicted: (seeds, examples).
        groups: (examples,), the unit each example belongs to; or (examples, 2) where an example joins two units,
            such as documents.
        seeds: (seeds,), the seed of each row of ``predicted``, in rising order. Rows on several tasks are matched by
            these, not by position. Default: 0, 1, 2 and so on.
        example_scores: (seeds, examples), each example's score. Default: derived from labels and predictions.
    """

    metric: str
    labels: NDArray
    predicted: NDArray
    groups: NDArray
    seeds: tuple[SeedId, ...] = ()
    example_scores: Array = None  # set in __post_init__ where none are given

    def __post_init__(self) -> None:
        if self.metric not in METRICS:
            raise BookError(f"there is no metric {self.metric!r}", do=nearest(self.metric, list(METRICS), "metrics"))
        examples = len(self.labels)
        fits = self.predicted.ndim == 2 and self.predicted.shape[0] > 0 and self.predicted.shape[1] == examples
        if fits and self.example_scores is None:
            derived = example_scores(self.metric, self.labels, self.predicted)
            object.__setattr__(self, "example_scores", derived)
        fits = fits and self.example_scores.shape == self.predicted.shape
        if not fits or self.groups.shape not in ((examples,), (examples, 2)):
            raise BookError(
                "labels, predictions and groups do not fit",
                where=f"shapes {self.labels.shape}, {self.predicted.shape} and {self.groups.shape}",
                expected="(examples,), (seeds, examples), and (examples,) or (examples, 2)",
                do="read them from one run's predictions file",
            )
        rows = len(self.predicted)
        object.__setattr__(self, "seeds", tuple(self.seeds) or tuple(range(rows)))
        if len(self.seeds) != rows or list(self.seeds) != sorted(set(self.seeds)):
            raise BookError(
                f"the seeds do not fit {rows} rows of predictions",
                where=f"seeds {list(self.seeds)}",
                expected="one seed a row, each once, in rising order",
                do="give the seed of each run",
            )

    @classmethod
    def read(cls, files: Mapping[SeedId, Path], metric: str) -> Answers:
        """Return the predictions in ``files``, by seed, each with ``labels``, ``predictions`` and ``groups``.

        Raises:
            BookError: when a file is missing or lacks one of these, or two files hold different examples.
        """
        seeds = tuple(sorted(files))
        paths = [Path(files[seed]) for seed in seeds]
        read = [kept_arrays(path, ("labels", "predictions", "groups")) for path in paths]
        if not read:
            raise BookError("there are no predictions to read", expected="a file a seed", do="run the chapter")
        labels, _, groups = read[0]
        kept = [_kept_scores(path) for path in paths]
        scores = None if any(one is None for one in kept) else np.stack(kept)
        for path, (own_labels, _, own_groups) in zip(paths, read, strict=True):
            if not (np.array_equal(own_labels, labels) and np.array_equal(own_groups, groups)):
                raise different_examples("two seeds", path)
        return cls(metric, labels, np.stack([predicted for _, predicted, _ in read]), groups, seeds, scores)

    @cached_property
    def scores(self) -> Array:
        """The metric of each seed, (seeds,)."""
        if self.metric in MEANS_OF_SCORES:
            return self.example_scores.mean(axis=1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConstantPredictionWarning)  # see ``constant``
            return np.array([METRICS[self.metric](self.labels, row) for row in self.predicted])

    @cached_property
    def constant(self) -> NDArray[np.bool_]:
        """Seeds with constant predictions, (seeds,): they have collapsed, whatever their score."""
        return (self.predicted == self.predicted[:, :1]).all(axis=1)

    @property
    def counted(self) -> NDArray[np.bool_]:
        """The seeds that a median is taken over, (seeds,): those that have not collapsed, or all where all have.

        A baseline with constant predictions is therefore counted.
        """
        return self.constant if self.constant.all() else ~self.constant

    @property
    def score(self) -> float:
        """The median over the counted seeds."""
        return float(np.median(self.scores[self.counted]))


def different_examples(who: str, where: object) -> BookError:
    """Return the error of a comparison on different examples."""
    return BookError(
        f"{who} were scored on different examples",
        where=where,
        expected="the same labels and groups, in the same order",
        do="run the chapter again for all models",
    )


def kept_arrays(path: Path, names: Sequence[str]) -> tuple[NDArray, ...]:
    """Return the arrays called ``names`` in the predictions file at ``path``.

    Raises:
        BookError: when the file or one of them is missing, or it is broken.
    """
    if not path.is_file():
        raise BookError("a predictions file is missing", where=path, do="run the chapter that keeps it again")
    try:
        with np.load(path) as file:
            missing = [name for name in names if name not in file]
            if not missing:
                return tuple(file[name] for name in names)
    except Exception as error:  # a damaged archive raises anything: a method, a version or a size that do not exist
        raise BookError(
            f"a predictions file is broken: {error}",
            where=path,
            expected="a whole .npz file",
            do=f"remove the run's folder, {path.parent}, and run the chapter that keeps it again",
        ) from error
    raise BookError(
        f"a predictions file lacks {', '.join(missing)}",
        where=path,
        expected=f"the arrays {', '.join(names)}",
        do="run the chapter that keeps it again",
    )


def _kept_scores(path: Path) -> Array | None:
    """Return the examples' scores in the predictions file at ``path``; None in older files, which lack them."""
    with np.load(path) as file:
        return file.get("scores")
