"""What is removed, and above all what is not."""

import os
import time

import pytest
from distilbook.cli import main
from distilbook.core.errors import BookError
from distilbook.core.files import sole
from distilbook.core.record_book import RecordBook
from distilbook.core.workspace import Workspace
from distilbook.runner.status import clean, unneeded
from test_records import record


def put(path, size=1000):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    return path


@pytest.fixture
def workspace(runs) -> Workspace:
    """An edition with a published student, a fine-tuned one that records stand on, and older ones of each."""
    workspace = Workspace("smoke")
    results = workspace.results
    for name in ("current", "older"):
        put(results / "pretraining" / name / "model" / "model.safetensors")
        put(results / "pretraining" / name / "done.json")
        put(results / "finetuning" / name / "predictions.npz")
    put(results / "pretraining" / "stopped" / "checkpoint" / "40" / "model.safetensors")
    put(results / "pretraining" / "dead" / "metrics.jsonl")
    put(results / "corpus" / ".abc.tmp" / "train.bin")
    put(workspace.predictions / "teacher.npz")
    put(workspace.predictions / "forgotten.npz")
    put(workspace.notebooks / "06_pretraining.ipynb")
    put(workspace.notebooks / "06_an_old_name.ipynb")
    put(workspace.site / "_static" / ".hidden.css")
    workspace.publish("student/full/seed0", results / "pretraining" / "current", made_by="06_pretraining")
    kept = ("results/finetuning/current/predictions.npz", "predictions/teacher.npz")
    RecordBook(workspace.records).add(
        record(edition="smoke", chapter="08_sentence_tasks", seed=n, predictions=name) for n, name in enumerate(kept)
    )
    return workspace


def names(workspace, **how) -> set[str]:
    return {one.path.relative_to(workspace.root).as_posix() for one in unneeded(workspace, **how)}


GONE = {
    "results/pretraining/older",
    "results/pretraining/dead",
    "results/finetuning/older",
    "results/corpus/.abc.tmp",
    "predictions/forgotten.npz",
    "notebooks/06_an_old_name.ipynb",
}


def test_what_nothing_stands_on_goes_and_the_rest_stays(workspace, capsys):
    assert names(workspace) == GONE
    before = {path for path in workspace.root.rglob("*") if path.is_file()}
    assert main(["clean", "smoke"]) == 0
    said = capsys.readouterr().out
    assert (
        "0.0 MB  results/pretraining/older  (made from what has changed since)" in said and "Removed: 0.0 MB." in said
    )
    left = {path for path in workspace.root.rglob("*") if path.is_file()} - {workspace.lock}
    lost = {path.relative_to(workspace.root).as_posix() for path in before - left}
    assert all(any(name == gone or name.startswith(gone + "/") for gone in GONE) for name in lost)
    assert workspace.root / "results/pretraining/current/model/model.safetensors" in left
    assert workspace.root / "results/finetuning/current/predictions.npz" in left
    assert names(workspace) == set()


def test_a_training_that_was_stopped_goes_only_when_asked_for(workspace):
    assert names(workspace, unfinished=True) == GONE | {"results/pretraining/stopped"}


def test_a_dry_run_only_says(workspace, capsys):
    clean("smoke", dry_run=True)
    assert "Would be removed" in capsys.readouterr().out
    assert names(workspace) == GONE


def test_nothing_is_removed_while_the_edition_runs(workspace):
    with sole(workspace.lock, "a run"), pytest.raises(BookError, match="is under way already"):
        clean("smoke")
    assert names(workspace) == GONE


def test_records_that_are_no_longer_current_keep_no_predictions(workspace):
    time.sleep(0.002)
    newer = record(edition="smoke", chapter="08_sentence_tasks", config="other", predictions="predictions/teacher.npz")
    RecordBook(workspace.records).add([newer])
    assert names(workspace) == GONE | {"results/finetuning/current"}


def test_an_edition_without_results(runs, capsys):
    clean("laptop")
    assert capsys.readouterr().out == "Edition laptop has no results; nothing to remove.\n"
    assert not os.listdir(runs) if runs.exists() else True
