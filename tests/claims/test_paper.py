"""The paper's figures agree with each other, and every claim says how it is judged."""

from __future__ import annotations

import statistics

import pytest
from distilbook.claims import CLAIMS, TABLE_1, TABLE_2, TABLE_3, TABLE_4, claim
from distilbook.claims.evidence import GATHER
from distilbook.claims.paper import BERT_MNLI_IN_THE_CODE, GLUE, PAPER_TASKS, TRAINING_SETS, table_1_mean
from distilbook.core.config import BookError
from distilbook.distillation.recipe import ARMS


@pytest.mark.parametrize("model", TABLE_1)
def test_a_score_is_the_mean_of_its_row_but_for_the_one_the_remark_explains(model):
    row = {task: score for task, score in TABLE_1[model].items() if task != "Score"}
    if model == "BERT-base":
        assert round(statistics.mean(row.values()), 1) != TABLE_1[model]["Score"]
        row["MNLI"] = BERT_MNLI_IN_THE_CODE
    assert round(statistics.mean(row.values()), 1) == TABLE_1[model]["Score"]


def test_the_headline_figures_follow_from_the_tables():
    bert, distilbert = TABLE_3["BERT-base"], TABLE_3["DistilBERT"]
    assert 1 - distilbert["parameters"] / bert["parameters"] == claim("smaller").paper_value
    assert round(TABLE_1["DistilBERT"]["Score"] / TABLE_1["BERT-base"]["Score"], 2) == claim("retention").paper_value
    assert round(bert["seconds"] / distilbert["seconds"], 1) == claim("faster").paper_value
    imdb = TABLE_2["DistilBERT"]["IMDb"] - TABLE_2["BERT-base"]["IMDb"]
    assert claim("imdb").paper_value == pytest.approx(imdb / 100) and f"{-imdb:.1f} points" in claim("imdb").title


@pytest.mark.parametrize("one", CLAIMS, ids=lambda one: one.id)
def test_the_papers_own_figure_is_on_the_holding_side_of_its_claims_bound(one):
    assert one.paper_value is None or one.paper_value > one.bound
    assert one.kind in GATHER
    assert all((one.title, one.statement, one.source, one.statistic, one.rule))


def test_every_line_of_the_ablation_table_is_a_claim_about_an_arm_that_exists():
    arms = {one.arm: one for one in CLAIMS if one.arm}
    assert arms.keys() == TABLE_4.keys() | {"without_teacher"}
    assert arms.keys() <= ARMS.keys()
    assert arms["without_mlm"].paper_value == pytest.approx(0.0031)


def test_the_papers_tasks_are_glue_imdb_and_squad():
    assert len(PAPER_TASKS) == 11 and len(GLUE) == 9
    assert "reviews" not in PAPER_TASKS
    assert TRAINING_SETS.keys() == {*GLUE, "IMDb"}


@pytest.mark.parametrize("model", ["BERT-base", "DistilBERT"])
def test_the_mean_over_all_tasks_is_the_printed_score_and_over_one_its_cell(model):
    assert round(table_1_mean(model, GLUE), 1) == TABLE_1[model]["Score"]
    assert table_1_mean(model, ["RTE"]) == TABLE_1[model]["RTE"]


def test_an_unknown_claim_is_refused_with_the_nearest():
    assert len({one.id for one in CLAIMS}) == len(CLAIMS)
    with pytest.raises(BookError, match="did you mean 'retention'"):
        claim("retentoin")
