"""What any language model has to beat: a constant answer, and words counted without knowing any language."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from ..tasks import Examples, Task
from .config import Settings
from .run import FinetuneRun, keep

BASELINES = ("majority", "tfidf")

#: TF-IDF keeps so many words and pairs of words, the most frequent ones.
FEATURES = 100_000


def baseline(kind: str, settings: Settings, task: Task, seed: int, folder: Path) -> FinetuneRun:
    """Answer every split of ``task`` by a baseline and keep that in ``folder``, as a model's run does.

    Args:
        kind: ``majority``, the most frequent class of the training examples (of a regression their mean), or
            ``tfidf``, a linear model of TF-IDF features, trained on the same examples as the models. Where these
            are of one class, or hold no word, it gives the same answer as ``majority``.
    """
    started = time.perf_counter()
    train = task.train.sample(None if settings.train_examples == "all" else settings.train_examples, seed)
    splits = task.evaluation | task.withheld
    answer = _constant if kind == "majority" else _tfidf
    answers = dict(zip(splits, answer(task, train, list(splits.values())), strict=True))
    facts = {"seed": seed, "seconds": time.perf_counter() - started, "cores": 1, "train_examples": len(train)}
    keep(folder, task, answers, facts)
    return FinetuneRun.open(folder)


def _constant(task: Task, train: Examples, splits: list[Examples]) -> list[np.ndarray]:
    value = train.labels.mean() if task.is_regression else np.bincount(train.labels).argmax()
    return [np.full(len(split), value) for split in splits]


def _tfidf(task: Task, train: Examples, splits: list[Examples]) -> list[np.ndarray]:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression, Ridge

    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, max_features=FEATURES)
    texts = train.first + (train.second or [])
    # One class, or texts without a word of two letters: there is nothing to tell examples apart by.
    if len(np.unique(train.labels)) == 1 or not any(map(words.build_analyzer(), texts)):
        return _constant(task, train, splits)
    words.fit(texts)
    model = Ridge(alpha=1.0) if task.is_regression else LogisticRegression(C=4.0, max_iter=1000)
    model.fit(features(train, words), train.labels)
    return [model.predict(features(split, words)) for split in splits]


def features(examples: Examples, words):
    """Return what a linear model sees of ``examples``, a sparse matrix with a row an example.

    Of a sentence that is its TF-IDF vector. Of a pair: both vectors' absolute difference and product, and their
    cosine, so that likeness can be read off, and the second vector for what it says by itself.
    """
    from scipy.sparse import csr_matrix, hstack

    first = words.transform(examples.first)
    if examples.second is None:
        return first
    second = words.transform(examples.second)
    product = first.multiply(second)
    return hstack([abs(first - second), product, second, csr_matrix(product.sum(axis=1))], format="csr")
