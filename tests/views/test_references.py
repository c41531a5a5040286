"""Reference runs as tables: their origin, their scores beside the paper's figures, their verdicts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from distilbook.book.contents import chapter_of
from distilbook.claims.reference import Provenance, ReferenceRun
from distilbook.core.files import sha256
from distilbook.core.records import Record
from distilbook.stats import Answers
from distilbook.views import trial as references
from held_out_files import kept

PROVENANCE = Provenance(
    title="A small run",
    edition="miniature",
    when="2026-11-22",
    machine="a machine",
    text="8 MB of Wikipedia",
    subset="1 of 9 tasks",
    commands=["distilbook run miniature"],
    tokens=5_000_000,
    seconds=3_600.0,
)


@pytest.fixture
def run(tmp_path) -> ReferenceRun:
    """Two seeds of teacher and student on 400 examples of RTE, one in ten and one in five of them wrong."""
    labels, records = np.arange(400) % 2, []
    for model, wrong in (("teacher", 40), ("student", 80), ("majority", 200)):
        for seed in range(2):
            path = tmp_path / f"{model}-{seed}.npz"
            predicted = np.zeros(400, int) if model == "majority" else labels.copy()
            if model != "majority":
                predicted[seed : wrong + seed] = 1 - predicted[seed : wrong + seed]
            np.savez(path, labels=labels, predictions=predicted, groups=np.arange(400))
            records.append(
                Record(
                    edition="miniature",
                    chapter="08_sentence_tasks",
                    model=model,
                    recipe="full" if model == "student" else None,
                    task="RTE",
                    split="dev",
                    metric="accuracy",
                    value=1 - wrong / 400,
                    unit="1",
                    n=400,
                    seed=seed,
                    predictions=path.name,
                    predictions_hash=sha256(path),
                    detail={"main": True, "main_split": True, "constant": model == "majority", "train_examples": 9},
                )
            )
    return ReferenceRun("small", PROVENANCE, records, tmp_path)


def test_a_reference_says_where_it_comes_from(run):
    rows = references.reference_rows([run])
    assert {row["reference run"] for row in rows} == {"A small run"}
    assert {row["fact"]: row["value"] for row in rows} == {
        "edition": "miniature",
        "date": "2026-11-22",
        "machine": "a machine",
        "text": "8 MB of Wikipedia",
        "pre-training of the full recipe's student": "5,000,000 tokens, 1 h",
        "subset": "1 of 9 tasks",
    }
    assert references.reference_rows([]) == []


def test_scores_stand_beside_the_papers_figure_for_the_task(run):
    rows = {row["model"]: row for row in references.reference_scores([run])}
    assert {name: row["the paper"] for name, row in rows.items()} == {
        "teacher": "BERT-base 0.693",
        "full recipe": "DistilBERT 0.599",
        "majority": None,
    }
    answers = Answers.read({seed: run.folder / f"teacher-{seed}.npz" for seed in range(2)}, "accuracy")
    assert {row["reference run"] for row in rows.values()} == {"A small run"}
    assert rows["teacher"]["task"] == "RTE" and rows["teacher"]["median [95% interval]"].startswith("0.90")
    assert answers.score == pytest.approx(0.9) and rows["majority"]["collapsed"] == 2


def test_another_recipe_stands_beside_the_full_one_on_held_out_text_and_on_tasks(run):
    of_arm = [replace(r, recipe="without_teacher") for r in run.records if r.model == "student"]
    on_text = {"full": (0.20, 0.22), "without_teacher": (0.10, 0.11)}
    text = [
        replace(
            run.records[0],
            chapter=chapter_of(recipe),
            model="student",
            recipe=recipe,
            task="held-out text",
            metric="masked_accuracy",
            value=value,
            seed=seed,
            seconds=60.0,
            detail={"tokens": 1_000, "cores": 1},
        )
        for recipe, values in on_text.items()
        for seed, value in enumerate(values)
    ]
    text = kept(text)
    whole = replace(run, records=[*run.records, *of_arm, *text])

    (recipe,) = references.reference_recipes([whole])
    assert recipe["reference run"] == "A small run" and recipe["recipe"] == "copied layers, MLM only"
    assert recipe["change [95% interval] (points)"] == "-10.5 [-11.0 to -10.0]" and recipe["verdict"] == "worse"

    assert references.reference_masks([whole]) == []  # under uniform masks alone

    (arm,) = references.reference_arms([whole])  # the same predictions as the full recipe's
    assert arm["reference run"] == "A small run" and arm["ablation"] == "copied layers, MLM only"
    assert arm["change [95% interval]"].startswith("0.0 [") and arm["on"] == "RTE" and arm["examples"] == 400

    assert references.reference_recipes([run]) == [] and references.reference_arms([run]) == []


def test_the_claims_that_its_records_try_are_judged(run):
    (verdict,) = references.reference_verdicts(run)
    assert verdict.claim.id == "retention" and verdict.verdict == "contradicted" and verdict.in_miniature
    assert "Table 1 has 59.9 / 69.3" in verdict.sentence


@pytest.mark.parametrize(
    ("task", "model", "figure"),
    [("IMDb", "full", "DistilBERT 0.928"), ("SST-2", "without_mlm", None), ("reviews", "teacher", None)],
)
def test_only_what_the_paper_prints_is_said_to_be_its_figure(task, model, figure):
    assert references.published(task, model) == figure
