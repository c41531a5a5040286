"""Tasks and their examples: for training, for evaluation, and official test sets with withheld labels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from ..core.config import short_hash


@dataclass(frozen=True)
class Examples:
    """Sentences or pairs of sentences, with their labels where these are public.

    Attributes:
        first: the sentences, or the first of each pair.
        second: the second of each pair; None for single sentences.
        labels: (examples,) int64 class numbers, float64 for a regression; None where they are withheld.
        groups: (examples,), the unit of resampling, such as a review's film; (examples, 2) for pairs of units.
        ids: the id of each example in a submission: its number in the official file.
    """

    first: list[str]
    second: list[str] | None
    labels: np.ndarray | None
    groups: np.ndarray
    ids: list[str]

    def __len__(self) -> int:
        return len(self.first)

    def sample(self, number: int | None, seed: int) -> Examples:
        """Return ``number`` examples drawn without replacement, in their order; all for None or a greater number."""
        if number is None:
            return self
        chosen = np.sort(np.random.default_rng(seed).permutation(len(self))[:number])
        return Examples(
            first=[self.first[i] for i in chosen],
            second=None if self.second is None else [self.second[i] for i in chosen],
            labels=None if self.labels is None else self.labels[chosen],
            groups=self.groups[chosen],
            ids=[self.ids[i] for i in chosen],
        )

    @cached_property
    def fingerprint(self) -> str:
        """A short hash of every text, label, group and id."""
        labels = None if self.labels is None else self.labels.tolist()
        return short_hash([self.first, self.second, labels, self.groups.tolist(), self.ids])


@dataclass(frozen=True)
class Task:
    """A task and its metric.

    Attributes:
        name: ``SST-2``, ``IMDb``, ``reviews``.
        metric: a name in ``metrics.METRICS``.
        classes: the labels' names as in the official files, in the order of their numbers; () for a regression.
        evaluation: labelled examples that are never trained on, by split; the first split is the main one.
        withheld: official test sets with withheld labels, by split.
        left_out: ``path:line: why`` of each unusable training line.
        value_range: lowest and highest value of a regression, where known.
    """

    name: str
    metric: str
    classes: tuple[str, ...]
    train: Examples
    evaluation: dict[str, Examples]
    withheld: dict[str, Examples]
    left_out: tuple[str, ...] = ()
    value_range: tuple[float, float] | None = None

    @property
    def kind(self) -> Literal["classification", "regression"]:
        """Kind of labels, which decides on head, loss and prediction."""
        return "classification" if self.classes else "regression"

    @property
    def is_regression(self) -> bool:
        return self.kind == "regression"

    @cached_property
    def repeated(self) -> dict[str, int]:
        """Number of examples in each evaluated split that occur word for word in the training set."""
        known = set(_words(self.train))
        return {split: sum(text in known for text in _words(there)) for split, there in self.evaluation.items()}

    @cached_property
    def fingerprint(self) -> str:
        """A short hash of every example in every split, the metric and the classes."""
        splits = [
            {split: examples.fingerprint for split, examples in part.items()}
            for part in ({"train": self.train}, self.evaluation, self.withheld)
        ]
        return short_hash([splits, self.metric, self.classes])


def _words(examples: Examples) -> list[tuple[str, ...]]:
    """Return each example's texts with single spaces between words."""
    texts = [examples.first, *([] if examples.second is None else [examples.second])]
    return [tuple(" ".join(text.split()) for text in example) for example in zip(*texts, strict=True)]
