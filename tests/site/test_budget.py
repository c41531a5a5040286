"""The page on the budget: what it says of an edition that is whole, in parts, or empty."""

from __future__ import annotations

from dataclasses import replace

import nbformat
import pytest
from distilbook.book.contents import CHAPTERS, chapter_of
from distilbook.claims import CLAIMS, claim
from distilbook.core.markup import markdown
from distilbook.core.record_book import RecordBook
from distilbook.core.records import Record
from distilbook.core.workspace import Workspace
from distilbook.runner.freshness import Execution
from distilbook.site.budget import budget_page, markdown_table, spending_rows, spent
from distilbook.site.pages import Chapter

LONG = Execution("executed", {}, 100.0, 2, 100.0, "2026-11-22T12:30:00+02:00")


def chapter(name: str, state: str = "executed") -> Chapter:
    heading = nbformat.v4.new_markdown_cell(f"# Chapter {name[:2]}")
    return Chapter(name, nbformat.v4.new_notebook(cells=[heading]), state)


def trained(seconds: float, seed: int = 0, chapter: str = "06_pretraining", recipe: str = "full") -> list[Record]:
    """Return the two records that one run leaves."""
    return [
        Record(
            edition="small",
            chapter=chapter,
            model="student",
            recipe=recipe,
            task="held-out text",
            split="held-out",
            metric=metric,
            value=0.2 + 0.01 * seed,
            unit="1",
            n=100,
            seed=seed,
            seconds=seconds,
            predictions=f"{recipe}{seed}.npz",
            detail={"tokens": 1000},
            hardware={"processor": "A processor", "cores": 1 + seed, "accelerator": "none"},
            versions={},
        )
        for metric in ("masked_accuracy", "perplexity")
    ]


@pytest.fixture
def workspace(runs) -> Workspace:
    return Workspace("small")


def rows(workspace: Workspace, records: list[Record], **executions: Execution | None) -> dict[str, dict[str, str]]:
    """Return the table's rows by chapter, after the ``executions`` of c06_pretraining and so on."""
    chapters = []
    for name, execution in executions.items():
        chapters.append(chapter(name.removeprefix("c"), "executed" if execution else "missing"))
        if execution:
            execution.keep(name.removeprefix("c"), workspace)
    found = spending_rows([spent(one, workspace, records) for one in chapters])
    return {row["chapter"].strip("*"): row for row in found}


def test_a_row_says_what_a_chapter_took_and_how_much_of_it_was_training(workspace):
    records = trained(30.0) + trained(40.0, seed=1)
    light = replace(LONG, seconds=50.0, longest=50.0, cores=1)
    found = rows(workspace, records, c06_pretraining=LONG, c01_claims=light)
    assert found["[Chapter 06](06_pretraining.ipynb)"] == {
        "chapter": "[Chapter 06](06_pretraining.ipynb)",
        "took": "1 min 40 s",
        "last time": "",
        "cores": "2",
        "share of core time": "80%",
        "training and measuring": "1 min 10 s",
        "the rest": "30 s",
        "finished (UTC)": "10:30",
    }
    together = found["together"]
    assert together["took"] == "**2 min 30 s**" and together["the rest"] == "**1 min 20 s**"


def test_a_chapter_that_found_its_runs_finished_shows_both_times_and_is_counted_by_the_longer(workspace):
    found = rows(workspace, trained(70.0), c06_pretraining=replace(LONG, seconds=12.0))
    row = found["[Chapter 06](06_pretraining.ipynb)"]
    assert (row["took"], row["last time"], row["the rest"]) == ("1 min 40 s", "12 s", "30 s")


def test_training_that_is_older_than_any_execution_leaves_no_rest(workspace):
    row = rows(workspace, trained(300.0), c06_pretraining=LONG)["[Chapter 06](06_pretraining.ipynb)"]
    assert (row["training and measuring"], row["the rest"]) == ("5 min", "")


def test_what_failed_or_was_not_executed_says_so(workspace):
    failed = replace(LONG, status="failed", seconds=7.0, longest=0.0, error="no")
    found = rows(workspace, [], c06_pretraining=failed, c08_sentence_tasks=None)
    assert found["[Chapter 06](06_pretraining.ipynb)"]["finished (UTC)"] == "10:30, with an error"
    assert found["[Chapter 06](06_pretraining.ipynb)"]["took"] == "7.0 s"
    assert found["[Chapter 08](08_sentence_tasks.ipynb)"]["finished (UTC)"] == "not executed"


def test_days_are_told_where_there_are_several(workspace):
    later = replace(LONG, finished="2026-11-23T00:10:00+00:00")
    found = rows(workspace, [], c06_pretraining=LONG, c01_claims=later)
    assert [row.get("finished (UTC)") for row in found.values()] == ["2026-11-22 10:30", "2026-11-23 00:10", None]


def test_the_whole_page(workspace):
    LONG.keep("06_pretraining", workspace)
    RecordBook(workspace.records).add(trained(30.0) + trained(40.0, seed=1))
    text = budget_page(workspace, [chapter("06_pretraining"), chapter("07_ablations/without_teacher", "missing")])
    assert "The chapters took 1 min 40 s together, 70% of it training and measuring." in text
    assert "last executed 2026-11-22, on A processor (1 or 2 cores)." in text
    assert "*last time*" not in text and "last time |" not in text
    assert 'id="figure-budget"' in text
    (row,) = [line for line in text.splitlines() if line.startswith(f"| {markdown(claim('without_teacher').title)}")]
    assert markdown("with the same seed: a run of chapter 07_ablations/without_teacher") in row
    assert row.endswith("| 1 min 10 s |")
    assert all(markdown(one.title) in text for one in CLAIMS)


def test_a_page_without_records_and_executions(workspace):
    text = budget_page(workspace, [chapter("01_claims", "missing")])
    assert "No execution of a chapter is recorded" in text
    assert "in miniature turns" not in text and "figure-budget" not in text
    assert text.count("| unknown |") == len(CLAIMS)


def test_one_seed_of_two_arms(workspace):
    records = trained(10.0) + trained(10.0, chapter="07_ablations/without_teacher", recipe="without_teacher")
    RecordBook(workspace.records).add(records)
    LONG.keep("06_pretraining", workspace)
    text = budget_page(workspace, [chapter("06_pretraining")])
    assert "| 1 more seed | 20 s | 40 s |" in text
    assert "(in miniature)" in text and "No number of seeds turns a verdict in miniature" in text


def test_every_chapter_that_would_settle_a_claim_is_in_the_book():
    assert {chapter_of(one.id) for one in CLAIMS} <= CHAPTERS.keys()


def test_a_table_leaves_out_empty_columns_and_keeps_bars_in_their_cell():
    table = markdown_table([{"name": markdown("a|b"), "none": "", "n": "1"}, {"name": "c"}], words=("name",))
    assert table == ":::{container} budget\n| name | n |\n| --- | ---: |\n| a\\|b | 1 |\n| c |  |\n:::"
