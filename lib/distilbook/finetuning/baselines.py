"""Baselines: a constant prediction, and a linear model of TF-IDF features."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from ..tasks import Examples, Task
from .config import FinetuneRun, Settings
from .run import keep

#: The number of TF-IDF features: the most frequent words and pairs of words.
FEATURES = 100_000


def baseline(kind: str, settings: Settings, task: Task, seed: int, folder: Path) -> FinetuneRun:
    """Return a baseline's run in ``folder``: its predictions on every split of ``task``.

    Args:
        kind: ``majority``, the most frequent class of the training examples (of a regression their mean), or
            ``tfidf``, a linear model of TF-IDF features, trained on the same examples as the models. Where these
            are of one class, or hold no word, it equals ``majority``.
    """
    started = time.perf_counter()
    train = task.train.sample(None if settings.train_examples == "all" else settings.train_examples, seed)
    splits = task.evaluation | task.withheld
    predict = _constant if kind == "majority" else _tfidf
    predicted = dict(zip(splits, predict(task, train, list(splits.values())), strict=True))
    facts = {"seed": seed, "seconds": time.perf_counter() - started, "cores": 1, "train_examples": len(train)}
    keep(folder, task, predicted, facts)
    return FinetuneRun.open(folder)


def _constant(task: Task, train: Examples, splits: list[Examples]) -> list[np.ndarray]:
    assert train.labels is not None  # a task's training labels are public
    value = train.labels.mean() if task.is_regression else np.bincount(train.labels).argmax()
    return [np.full(len(split), value) for split in splits]


def _tfidf(task: Task, train: Examples, splits: list[Examples]) -> list[np.ndarray]:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression, Ridge

    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, max_features=FEATURES)
    texts = train.first + (train.second or [])
    # One class, or texts without a word of two letters: there are no features.
    if len(np.unique(train.labels)) == 1 or not any(map(words.build_analyzer(), texts)):
        return _constant(task, train, splits)
    words.fit(texts)
    model = Ridge(alpha=1.0) if task.is_regression else LogisticRegression(C=4.0, max_iter=1000)
    model.fit(features(train, words), train.labels)
    return [model.predict(features(split, words)) for split in splits]


def features(examples: Examples, words: Any) -> Any:
    """Return the features of ``examples``, a sparse matrix with a row an example.

    A sentence's features are its TF-IDF vector. A pair's are both vectors' absolute difference and product, their
    cosine, and the second vector.

    Args:
        words: a fitted ``TfidfVectorizer``.
    """
    from scipy.sparse import csr_matrix, hstack

    first = words.transform(examples.first)
    if examples.second is None:
        return first
    second = words.transform(examples.second)
    product = first.multiply(second)
    return hstack([abs(first - second), product, second, csr_matrix(product.sum(axis=1))], format="csr")
