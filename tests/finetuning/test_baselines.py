from dataclasses import replace

import numpy as np
import pytest
from distilbook.finetuning.baselines import baseline, features
from scipy.stats import pearsonr
from sklearn.feature_extraction.text import TfidfVectorizer


def answers(run, split="test"):
    with np.load(run.predictions(split)) as kept:
        return kept["labels"], kept["predictions"]


def test_the_majority_is_the_commonest_class_of_the_drawn_examples(settings, tasks, tmp_path):
    how = settings.model_copy(update={"train_examples": 48})
    labels, predicted = answers(baseline("majority", how, tasks["reviews"], 0, tmp_path))
    assert set(predicted) == {np.bincount(tasks["reviews"].train.sample(48, 0).labels).argmax()}
    np.testing.assert_array_equal(labels, tasks["reviews"].evaluation["test"].labels)


def test_of_a_regression_the_constant_is_the_mean(settings, tasks, tmp_path):
    _, predicted = answers(baseline("majority", settings, tasks["pairs"], 0, tmp_path))
    assert predicted == pytest.approx([tasks["pairs"].train.labels.mean()] * len(predicted))


def test_tfidf_beats_the_constant_and_finds_pairs_alike_that_share_words(settings, tasks, tmp_path):
    labels, predicted = answers(baseline("tfidf", settings, tasks["reviews"], 0, tmp_path / "a"))
    assert (labels == predicted).mean() > 0.9
    labels, predicted = answers(baseline("tfidf", settings, tasks["pairs"], 0, tmp_path / "b"))
    assert pearsonr(labels, predicted).statistic > 0.5


@pytest.mark.parametrize("name", ["reviews", "pairs"])
@pytest.mark.parametrize("bare", ["one class", "no words"])
def test_where_tfidf_has_nothing_to_go_by_it_gives_the_constant_answer(settings, tasks, tmp_path, name, bare):
    train = tasks[name].train
    if bare == "one class":
        train = replace(train, labels=np.full_like(train.labels, 1))
    else:
        train = replace(train, first=list("xy") * (len(train) // 2), second=train.second and ["!"] * len(train))
        train = replace(train, first=(train.first * 2)[: len(train.labels)])
    task = replace(tasks[name], train=train)
    _, constant = answers(baseline("majority", settings, task, 0, tmp_path / "a"))
    _, predicted = answers(baseline("tfidf", settings, task, 0, tmp_path / "b"))
    np.testing.assert_array_equal(predicted, constant)


def test_the_cosine_of_a_pair_is_among_its_features(tasks):
    train = tasks["pairs"].train
    words = TfidfVectorizer().fit(train.first + train.second)
    found = features(train, words)[:, -1].toarray()[:, 0]
    one, two = (words.transform(texts).toarray() for texts in (train.first, train.second))
    cosine = (one * two).sum(1) / np.linalg.norm(one, axis=1) / np.linalg.norm(two, axis=1)
    np.testing.assert_allclose(found, cosine, atol=1e-12)
