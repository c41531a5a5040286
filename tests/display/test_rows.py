"""Rows of the longer tables: every value in its place, answers only where an interval gives them."""

from types import SimpleNamespace

import numpy as np
import pytest

from distilbook.device.timing import Start, TimingResult
from distilbook.display import rows
from distilbook.model.sizes import model_config
from distilbook.statistics import Interval


def test_the_spread_over_blocks_is_shown_from_end_to_end():
    assert rows.spread_rows({"ours": np.array([0.1, 0.2, 0.15])}) == [
        {"draw": "ours", "smallest share of a block": "10.0%", "median": "15.0%", "largest": "20.0%", "blocks": 3}
    ]


def test_parts_add_up_to_the_published_sizes():
    models = {
        "BERT-base": rows.parameters_by_part("BertModel"),
        "DistilBERT": rows.parameters_by_part("DistilBertModel"),
    }
    made = rows.part_rows(models)
    assert made[-1] == {"part": "together", "BERT-base": 109_482_240, "DistilBERT": 66_362_880}
    assert {row["part"]: row["DistilBERT"] for row in made}["pooler"] == 0
    coarse = rows.coarse(models["BERT-base"])
    assert sum(coarse.values()) == 109_482_240
    assert coarse["embeddings"] == (30522 + 512 + 2 + 2) * 768 and coarse["pooler and heads"] == 768 * 769


def test_parts_of_another_size_are_those_of_its_configuration():
    config = model_config("DistilBertModel", layers=2, width=8, heads=2, feed_forward=16, vocabulary=10, positions=4)
    parts = rows.parameters_by_part("DistilBertModel", config)
    assert parts["word embeddings"] == 80 and parts["attention query (all layers)"] == 2 * (8 * 8 + 8)


def test_a_model_is_scored_over_its_seeds_and_its_collapses_are_counted():
    runs = [SimpleNamespace(accuracy=a, constant=a == 0.5, n=40, seconds=2 * a) for a in (0.5, 0.75)]
    assert rows.score_rows({"teacher": runs}) == [
        {
            "model": "teacher",
            "median": "0.625",
            "lowest seed": "0.500",
            "highest seed": "0.750",
            "seeds": 2,
            "of them constant": 1,
            "sentences": 40,
            "seconds a seed": 1.25,
        }
    ]


def test_only_a_lead_that_is_there_has_a_share():
    assert rows.lead_rows({}) == []
    made = rows.lead_rows({"tfidf": Interval(0.8, 0.6, 1.1, 40, 0.95)})
    assert made == [{"lead over": "TF-IDF", "share kept [95% interval]": "80.0% [60.0% to 110.0%]"}]


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(0.1, 0.3, "yes"), (-0.3, -0.1, "the other way"), (-0.1, 0.3, "not settled"), (0.0, 0.3, "not settled")],
)
def test_an_answer_takes_an_interval_on_one_side(low, high, said):
    assert rows.answer(Interval((low + high) / 2, low, high, 40, 0.95)) == said


def test_a_model_right_on_every_sentence_is_better_than_one_that_never_is():
    right = {"full": np.ones((2, 12), bool), "teacher": np.zeros((2, 12), bool)}
    made = rows.answer_rows(right, [("full", "teacher"), ("teacher", "full")], np.arange(12) // 3)
    assert [row["answer"] for row in made] == ["yes", "the other way"]
    assert made[0]["difference in accuracy [95% interval]"] == "100.0 [100.0 to 100.0] points"


def test_every_start_has_its_ratio_and_its_noise():
    start = Start(1, (10, 20), (4.0, 6.0), (2.0, 2.0), ((4.0, 4.0), (6.0, 6.0)))
    made = rows.ratio_rows([start, start])
    assert [row["label"] for row in made[:2]] == [
        "teacher / student, 1 thread, start 1",
        "teacher / teacher, 1 thread, start 1",
    ]
    assert len(made) == 4 and made[0]["value"] == 2.5 and made[1] == made[3] | {"label": made[1]["label"]}
    assert rows.time_rows(TimingResult((start, start), 1.0)) == [
        {"threads": 1, "teacher (ms)": 5.0, "student (ms)": 2.0, "ratio": 2.5, "noise": 1.0, "pairs": 2, "starts": 2}
    ]
