"""Rows of the longer tables: every value in its place, answers only where an interval gives them."""

import re

import numpy as np
import pytest
from distilbook.claims.task_scores import ArmChange
from distilbook.models.parameters import model_config
from distilbook.stats import Answers, scores_on_one_task
from distilbook.stats.intervals import Interval
from distilbook.views import corpus, models, task_scores
from sklearn.metrics import accuracy_score, f1_score


def test_the_spread_over_blocks_is_shown_from_end_to_end():
    assert corpus.spread_rows({"ours": np.array([0.1, 0.2, 0.15])}) == [
        {"draw": "ours", "smallest share of a block": "10.0%", "median": "15.0%", "largest": "20.0%", "blocks": 3}
    ]


def test_parts_add_up_to_the_published_sizes():
    networks = {
        "BERT-base": models.parameters_by_part("BertModel"),
        "DistilBERT": models.parameters_by_part("DistilBertModel"),
    }
    made = models.part_rows(networks)
    assert made[-1] == {"part": "together", "BERT-base": 109_482_240, "DistilBERT": 66_362_880}
    assert {row["part"]: row["DistilBERT"] for row in made}["pooler"] == 0
    coarse = models.coarse(networks["BERT-base"])
    assert sum(coarse.values()) == 109_482_240
    assert coarse["embeddings"] == (30522 + 512 + 2 + 2) * 768 and coarse["pooler and heads"] == 768 * 769


def test_parts_of_another_size_are_those_of_its_configuration():
    config = model_config("DistilBertModel", layers=2, width=8, heads=2, feed_forward=16, vocabulary=10, positions=4)
    parts = models.parameters_by_part(config)
    assert parts["word embeddings"] == 80 and parts["attention query (all layers)"] == 2 * (8 * 8 + 8)


LABELS = np.arange(40) % 2


def answered(*wrong: int | None, metric="accuracy", n=40) -> Answers:
    """Return answers of which so many are wrong, a number a seed; None says the same of every example."""
    rows = [np.ones(n, int) if w is None else np.where(np.arange(n) < w, 1 - LABELS[:n], LABELS[:n]) for w in wrong]
    return Answers(metric, LABELS[:n], np.stack(rows), np.arange(n))


def test_a_model_is_scored_over_its_seeds_and_its_collapses_are_counted_and_left_out():
    metric = "f1_and_accuracy"
    answers = {"full": answered(10, 4, 8, None, metric=metric), "majority": answered(None, metric=metric)}
    full, majority = task_scores.task_rows("A", answers, {"full": 12.5, "majority": 0.1})
    peers = sorted((f1_score(LABELS, row) + accuracy_score(LABELS, row)) / 2 for row in answers["full"].predicted[:3])
    interval = scores_on_one_task("a task", {"full": answers["full"]})["full"]
    median, ends = re.fullmatch(r"(\S+) \[(\S+) to \S+\]", full.pop("median [95% interval]")).groups()
    assert float(median) == pytest.approx(peers[1], abs=0.005) and float(ends) == pytest.approx(interval.low, abs=0.03)
    assert full == {
        "model": "full recipe",
        "metric": "mean of F1 and accuracy",
        "range over seeds": f"{peers[0]:.3f}, {peers[2]:.3f}",
        "seeds": 4,
        "collapsed": 1,
        "examples": 40,
        "core seconds per seed": 12.5,
    }
    assert (majority["seeds"], majority["collapsed"], majority["range over seeds"]) == (1, 1, "0.583, 0.583")
    assert "core seconds per seed" not in task_scores.task_rows("A", answers)[0]


def test_only_a_lead_that_is_there_has_a_share():
    assert task_scores.lead_rows({}) == []
    made = task_scores.lead_rows({"tfidf": Interval(0.8, 0.6, 1.1, 40, 0.95)})
    assert made == [{"lead over": "TF-IDF", "share kept [95% interval]": "80.0% [60.0% to 110.0%]"}]


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(0.1, 0.3, "yes"), (-0.3, -0.1, "reversed"), (-0.1, 0.3, "not settled"), (0.0, 0.3, "not settled")],
)
def test_an_answer_takes_an_interval_on_one_side(low, high, said):
    assert task_scores.answer(Interval((low + high) / 2, low, high, 40, 0.95)) == said


def test_a_model_right_on_every_example_is_better_than_one_that_never_is():
    tasks = {"reviews": {"full": answered(0, 0), "teacher": answered(40, 40), "tfidf": answered(0, 0)}}
    questions = [("full", "teacher"), ("teacher", "full"), ("full", "tfidf")]
    made = task_scores.answer_rows(tasks, questions)
    assert [row["answer"] for row in made] == ["yes", "reversed", "not settled"]
    assert made[0] == {
        "is": "full recipe",
        "better than": "teacher",
        "on": "reviews",
        "difference [95% interval]": "100.0 [100.0 to 100.0] points",
        "answer": "yes",
    }


def test_a_question_is_answered_on_the_tasks_that_both_models_have_answered():
    tasks = {"A": {"full": answered(0), "teacher": answered(40)}, "B": {"full": answered(0), "tfidf": answered(4)}}
    tasks["C"] = {"full": answered(20), "teacher": answered(20)}
    made = task_scores.answer_rows(tasks, [("full", "teacher"), ("full", "tfidf"), ("teacher", "tfidf")])
    assert [row["on"] for row in made] == ["A, C", "B"]
    assert made[0]["difference [95% interval]"].startswith("50")


def test_an_ablations_change_stands_beside_table_4_with_the_smallest_detectable_one():
    told = ArmChange("without_mlm", Interval(-0.02, -0.03, -0.01, 900, 0.95), ("A", "B"), 5, -0.0031, (), 5)
    open_ended = ArmChange("without_teacher", Interval(0.01, -np.inf, np.inf, 900, 0.95), ("A",), 1, None, (), 1)
    made = task_scores.score_change_rows([told, open_ended])
    assert made[0] == {
        "ablation": "without masked-LM loss",
        "change [95% interval]": "-2.0 [-3.0 to -1.0] points",
        "verdict": "worse",
        "smallest detectable": "1.0 points",
        "Table 4": "-0.31 points",
        "on": "A, B",
        "examples": 900,
        "seeds": 5,
        "students": 5,
    }
    assert (made[1]["smallest detectable"], made[1]["verdict"], made[1]["Table 4"]) == ("unknown", "not settled", None)
