"""Records and predictions of fine-tuning runs, as a chapter would leave them, with any share of answers right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from distilbook.core.files import sha256
from distilbook.core.records import Record
from distilbook.stats.metrics import METRICS

CHAPTERS = {"sentences": "08_sentence_tasks", "documents": "09_long_documents"}


class Task:
    """A task of two classes, whose models answer as many examples rightly as they are told to.

    Args:
        folder: takes the predictions.
        groups: of the examples, (examples,); None has every example by itself.
    """

    def __init__(self, folder: Path, name="reviews", metric="accuracy", n=2_000, groups=None, texts="sentences"):
        self.folder, self.name, self.metric, self.texts = folder, name, metric, texts
        self.rng = np.random.default_rng(sum(map(ord, name)))
        self.labels = np.arange(n) % 2
        self.groups = np.arange(n) if groups is None else groups

    def run(self, model: str, right: float | None, seed: int = 0, kind: str | None = None, **values) -> Record:
        """Return the record of a run.

        Args:
            model: ``teacher``, ``tfidf``, ``majority``, or a student's recipe.
            right: the share of right answers; None says the same of every example.
            kind: as the record's detail has it; None leaves it out.
        """
        n = len(self.labels)
        if right is None:
            predicted = np.ones(n, dtype=int)
        else:
            wrong = self.rng.permutation(n)[: round(n * (1 - right))]
            predicted = self.labels.copy()
            predicted[wrong] = 1 - predicted[wrong]
        path = self.folder / "predictions" / self.name / f"{model}-{seed}" / "dev.npz"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, labels=self.labels, predictions=predicted, groups=self.groups)
        detail = {
            "main": True,
            "main_split": True,
            "constant": right is None,
            "train_examples": 500,
            "texts": self.texts,
        }
        detail |= {"kind": kind} if kind else {}
        detail |= values.pop("detail", {})
        student = model not in ("teacher", "tfidf", "majority")
        filled = {
            "edition": "test",
            "chapter": CHAPTERS[self.texts],
            "model": "student" if student else model,
            "recipe": model if student else None,
            "task": self.name,
            "split": "dev",
            "metric": self.metric,
            "value": METRICS[self.metric](self.labels, predicted),
            "unit": "1",
            "n": n,
            "seed": seed,
            "pretraining_seed": seed if student else None,
            "predictions": path.relative_to(self.folder).as_posix(),
            "predictions_hash": sha256(path),
            "seconds": 5.0,
            "started": "2026",
            "hardware": {},
            "versions": {},
            "detail": detail,
        }
        return Record(**filled | values)

    def runs(self, **shares: list[float | None]) -> list[Record]:
        """Return the records of some models, a share of right answers a seed."""
        return [self.run(model, right, seed) for model, seeds in shares.items() for seed, right in enumerate(seeds)]


def all_runs(task: Task, teacher=(0.80, 0.80), student=(0.79, 0.79), majority=0.55, tfidf=0.70) -> list[Record]:
    """Return the records of teacher, student and both baselines."""
    return task.runs(teacher=list(teacher), full=list(student), majority=[majority], tfidf=[tfidf])
