"""What the chapters on tasks show: every count, share and score is that of the files and the runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from distilbook.core.quantities import POINTS
from distilbook.finetuning.config import FinetuneConfig, Settings
from distilbook.finetuning.grid import Cell, Model
from distilbook.finetuning.run import keep
from distilbook.stats import Answers, difference
from distilbook.tasks import Examples, Task, TaskSource, load_task
from distilbook.views import task_scores
from distilbook.views import tasks as shown

SETTINGS = {
    "train_examples": 16,
    "epochs": 2,
    "batch_size": 8,
    "learning_rate": 1e-4,
    "warmup_share": 0.1,
    "max_length": 32,
    "dropout": 0.0,
    "precision": "float32",
    "weight_decay": 0.01,
    "checkpoint_every": 1000,
    "trackers": (),
}


@pytest.fixture(scope="session")
def address(inputs) -> dict[str, str]:
    return {
        "reviews": str(inputs / "reviews.tsv"),
        "pairs": str(inputs / "pairs.tsv"),
        "MNLI": str(inputs / "glue"),
        "IMDb": str(inputs / "aclImdb"),
    }


@pytest.fixture(scope="session")
def tasks(address) -> dict[str, Task]:
    return {name: load_task(TaskSource(name=name, address=where)) for name, where in address.items()}


@pytest.fixture
def made(address, tasks, tmp_path):
    """Make the finished run of a model on a task in which the first ``wrong`` answers of each split are wrong."""

    def make(task: str, model: str, seed: int, wrong: int, place: str = "whole", **facts) -> Cell:
        folder = tmp_path / place / task / model / str(seed)
        known = {"seed": seed, "seconds": 2.0, "cores": 3, "train_examples": 16, "truncated": {}}
        diverged = facts.get("diverged") is not None
        answers = {} if diverged else {s: wrong_first(e, wrong) for s, e in tasks[task].evaluation.items()}
        keep(folder, tasks[task], answers, known | facts)
        source = TaskSource(name=task, address=address[task])
        return Cell(source, Settings(**SETTINGS), Model(model), seed, folder)

    return make


def wrong_first(examples: Examples, wrong: int) -> np.ndarray:
    """Return the labels of ``examples``, of the first few of them the next class instead."""
    labels = examples.labels.copy()
    labels[:wrong] = (labels[:wrong] + 1) % (labels.max() + 1)
    return labels


def answers_of(cells: list[Cell], split: str) -> Answers:
    return Answers.read({cell.seed: cell.folder / f"{split}.npz" for cell in cells}, "accuracy")


def test_a_task_is_told_by_what_is_given_asked_and_scored(tasks):
    rows = {row["task"]: row for row in shown.task_table(list(tasks.values()))}
    assert rows["reviews"] == {
        "task": "reviews",
        "input": "one text",
        "label": "one of 0, 1",
        "metric": "accuracy",
        "training": 64,
        "scored": "32 (test)",
        "units": "4 groups",
        "withheld": None,
    }
    assert (rows["pairs"]["input"], rows["pairs"]["label"]) == ("two texts", "a number")
    assert rows["MNLI"]["scored"] == "24 (dev_matched), 24 (dev_mismatched)"
    assert rows["MNLI"]["withheld"] == 18 and rows["MNLI"]["units"] == "examples"
    assert rows["IMDb"]["label"] == "one of negative, positive" and rows["IMDb"]["units"] == "4 groups"


def test_pairs_that_share_a_text_are_counted_by_their_texts():
    pairs = Examples(["a"] * 3, ["b"] * 3, np.array([0, 1, 0]), np.array([[0, 1], [1, 2], [0, 2]]), ["0", "1", "2"])
    assert shown.units(Task("news", "accuracy", ("0", "1"), pairs, {"test": pairs}, {})) == "pairs of 3 texts"


def test_lines_that_were_left_out_are_counted_and_the_first_ones_named(tasks):
    def told(*lines: str) -> str:
        reviews = tasks["reviews"]
        with_gaps = Task("x", "accuracy", ("0", "1"), reviews.train, reviews.evaluation, {}, left_out=lines)
        return shown.left_out([reviews, with_gaps])

    assert told() == "No line of the tasks' files was excluded."
    assert told("a:1: no label") == "Excluded from the training files: 1 line. The first: ‘a:1: no label’."
    assert told("a:1: x", "a:2: x", "b:1: y", "b:9: z") == (
        "Excluded from the training files: 4 lines. The first: ‘a:1: x’, ‘a:2: x’, ‘b:1: y’."
    )


def test_what_is_both_trained_on_and_scored_is_counted(tasks):
    reviews = tasks["reviews"]
    train, test = reviews.train, reviews.evaluation["test"]
    test = replace(test, first=[f" {train.first[0]}  ", *train.first[:2], *test.first[3:]])
    assert shown.left_out([replace(reviews, evaluation={"test": test})]) == (
        "No line of the tasks' files was excluded. Scored examples that also occur in the training set, "
        f"word for word: 3 of {len(test)} (reviews, test)."
    )


def test_every_label_has_an_example_and_a_regression_its_two_ends(tasks):
    rows = shown.example_rows([tasks["MNLI"], tasks["pairs"]])
    assert [row["label"] for row in rows] == ["entailment", "neutral", "contradiction", "0", "4"]
    for row, (task, number) in zip(rows, [("MNLI", 0), ("MNLI", 1), ("MNLI", 2)], strict=False):
        train = tasks[task].train
        assert row["text"] == f"{train.first[number]} / {train.second[number]}"
    lowest = int(np.argmin(tasks["pairs"].train.labels))
    assert rows[3]["text"].startswith(tasks["pairs"].train.first[lowest])


def test_a_text_too_long_for_a_table_ends_behind_a_whole_word():
    text = "twelve words " * 40
    short = shown.shortened(text)
    assert len(short) <= shown.SHOWN + 2 and short.endswith(" …")
    assert text.startswith(short.removesuffix(" …") + " ")
    assert shown.shortened("a" * shown.SHOWN) == "a" * shown.SHOWN


def test_a_tasks_own_settings_are_shown_in_place_of_the_shared_ones(address):
    tasks = [{"name": name, "address": address[name]} for name in ("reviews", "MNLI")]
    tasks[1] |= {"epochs": 3, "learning_rate": 2e-5, "max_length": 64, "train_examples": "all"}
    config = FinetuneConfig(edition="test", students=("full",), seeds=(0, 1, 2), tasks=tasks, **SETTINGS)
    shared, own = shown.settings_rows(config)
    assert shared == {
        "task": "reviews",
        "training examples": 16,
        "epochs": 2,
        "batch size": 8,
        "learning rate": "0.0001",
        "warm-up": "10%",
        "maximum tokens": 32,
        "seeds": 3,
    }
    differs = {"task": "MNLI", "training examples": "all", "epochs": 3, "learning rate": "2e-05"}
    assert own == shared | differs | {"maximum tokens": 64}


def test_a_row_has_the_scores_of_its_seeds_their_cost_and_the_diverged_runs(made):
    student = [made("reviews", "full", seed, wrong, seconds=1.0 + seed) for seed, wrong in enumerate((4, 8))]
    diverged = made("reviews", "full", 2, 0, seconds=6.0, diverged=5)
    teacher = [made("reviews", "teacher", seed, 2) for seed in (0, 1)]
    answers = {"reviews": {"teacher": answers_of(teacher, "test"), "full": answers_of(student, "test")}}
    first, second = task_scores.scores_by_task([*teacher, *student, diverged], answers)
    assert (first["task"], first["model"], first["diverged"]) == ("reviews", "teacher", None)
    assert first["core seconds per seed"] == pytest.approx(2.0 * 3)
    assert (second["model"], second["range over seeds"]) == ("full recipe", "0.750, 0.875")
    assert second["median [95% interval]"].startswith("0.81") and second["examples"] == 32
    assert (second["seeds"], second["diverged"]) == (2, 1)
    assert second["core seconds per seed"] == pytest.approx(3 * (1 + 2 + 6) / 3)


def test_the_macro_score_is_the_mean_of_the_tasks_over_the_models_that_have_them_all(made):
    def models(task, split, **wrong):
        return {m: answers_of([made(task, m, s, w) for s, w in enumerate(some)], split) for m, some in wrong.items()}

    answers = {
        "reviews": models("reviews", "test", teacher=(2, 4, 6), full=(8, 8, 8), tfidf=(3,)),
        "MNLI": models("MNLI", "dev_matched", teacher=(6, 3), full=(12, 9)),
    }
    assert task_scores.common_models(answers) == ["teacher", "full"]
    rows = task_scores.macro_rows(answers)
    assert [row["model"] for row in rows] == ["teacher", "full recipe"]
    assert [(row["tasks"], row["examples"], row["seeds"]) for row in rows] == [(2, 32 + 24, 2)] * 2
    for row, parts in zip(rows, ((1 - 4 / 32, 1 - 4.5 / 24), (1 - 8 / 32, 1 - 10.5 / 24)), strict=True):
        value = float(row["macro-score [95% interval]"].partition("%")[0])
        assert value == pytest.approx(100 * sum(parts) / 2, abs=0.051)


def test_submissions_are_told_by_their_folders_and_files(tmp_path):
    assert shown.submitted([], tmp_path) == (
        "No task of this edition has a withheld test set, so there is nothing to submit."
    )
    folders = [tmp_path / "submissions" / model / "seed0" for model in ("teacher", "full")]
    for folder, names in zip(folders, (("RTE", "MNLI-m"), ("RTE",)), strict=True):
        folder.mkdir(parents=True)
        for name in names:
            (folder / f"{name}.tsv").write_text("index\tprediction\n")
    assert shown.submitted(folders, tmp_path) == (
        "Answers to withheld test sets, in the format of GLUE's server (‘MNLI-m.tsv’, ‘RTE.tsv’), are in 2 folders, "
        f"one for each model and seed, such as ‘{Path('submissions', 'teacher', 'seed0')}’."
    )
    assert "are in 1 folder, one" in shown.submitted(folders[:1], tmp_path)


def test_what_a_cut_costs_is_the_difference_to_the_whole_of_the_same_model(made):
    whole = [made("IMDb", model, seed, 2) for model in ("teacher", "full") for seed in (0, 1)]
    cut = {"train": 0.9, "test": 0.75}
    shorter = [made("IMDb", "full", seed, 6, place="cut", truncated=cut) for seed in (0, 1)]
    (row,) = shown.cut_rows(whole, {16: shorter}, 48)
    both = {"long": answers_of(whole[2:], "test"), "cut": answers_of(shorter, "test")}
    gap = difference({"IMDb": both}, "long", "cut")
    assert gap.value == pytest.approx(4 / 16)
    assert row == {
        "task": "IMDb",
        "model": "full recipe",
        "cut to": 16,
        "scored texts cut": "75%",
        "score": "0.625",
        "score at 48": "0.875",
        "loss [95% interval]": gap.text(POINTS),
        "significant": "yes" if gap.low > 0 else "not settled",
        "seeds": 2,
    }


def test_a_cut_is_shown_of_the_runs_that_have_answers(made):
    """Not of one that diverged; also where models are scored with heads of their own, and nothing was trained."""
    whole = [made("IMDb", "full", seed, 2) for seed in (0, 1)]
    gone = made("IMDb", "full", 0, 0, place="cut", diverged=3)
    (row,) = shown.cut_rows(whole, {16: [gone, made("IMDb", "full", 1, 6, place="cut", truncated={"test": 0.75})]}, 48)
    assert row["scored texts cut"] == "75%" and row["seeds"] == 1
    assert shown.cut_rows(whole, {16: [gone]}, 48) == []
    lost = [made("IMDb", "full", seed, 0, place="lost", diverged=3) for seed in (0, 1)]
    assert shown.cut_rows(lost, {16: whole}, 48) == []
