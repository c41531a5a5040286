"""Reference runs: read as they were kept, every shipped number recomputed from the predictions behind it."""

from __future__ import annotations

import numpy as np
import pytest
from distilbook.claims import claim, judge
from distilbook.claims.reference import Provenance, keep_reference, reference_runs
from distilbook.core.config import BookError
from distilbook.core.files import sha256
from distilbook.stats.metrics import METRICS
from distilbook.views import trial as references
from scored_runs import Task, all_runs

MADE = Provenance(
    title="A small run",
    edition="miniature",
    when="2026-11-22",
    machine="a machine",
    text="8 MB of Wikipedia",
    subset="3 of 9 tasks, 2,000 training examples",
    commands=["distilbook run miniature"],
    tokens=5_000_000,
    seconds=3_600.0,
)


def test_no_reference_is_a_valid_state(tmp_path):
    assert reference_runs(tmp_path / "none") == [] == reference_runs(tmp_path)


def test_a_kept_run_is_read_with_its_provenance_and_judges_as_where_it_was_made(tmp_path):
    task = Task(tmp_path / "edition", "SST-2")
    records = all_runs(task, student=(0.7, 0.7))
    kept = keep_reference("small", records, task.folder, MADE, tmp_path / "reference")
    (read,) = reference_runs(tmp_path / "reference")
    assert (read.name, read.provenance) == ("small", MADE) and read.records == kept.records
    there, here = judge(claim("retention"), records, task.folder), judge(claim("retention"), read.records, read.folder)
    assert here.sentence == there.sentence and here.verdict == "contradicted"
    assert all((read.folder / r.predictions).is_file() for r in read.records)


def test_a_run_kept_again_replaces_the_one_before(tmp_path):
    task = Task(tmp_path / "edition", "SST-2")
    for student in (0.7, 0.75):
        keep_reference("small", all_runs(task, student=(student, student)), task.folder, MADE, tmp_path / "reference")
    (read,) = reference_runs(tmp_path / "reference")
    assert {r.value for r in read.records if r.recipe == "full"} == {0.75}


def test_predictions_that_are_missing_or_changed_are_not_kept(tmp_path):
    task = Task(tmp_path / "edition", "SST-2")
    records = all_runs(task)
    (task.folder / records[0].predictions).write_bytes(b"something else")
    with pytest.raises(BookError, match="not the one its record was made from"):
        keep_reference("small", records, task.folder, MADE, tmp_path / "reference")
    (task.folder / records[0].predictions).unlink()
    with pytest.raises(BookError, match="is missing"):
        keep_reference("small", records, task.folder, MADE, tmp_path / "reference")
    assert reference_runs(tmp_path / "reference") == []


def test_a_run_without_provenance_or_with_an_unknown_field_of_it_is_refused(tmp_path):
    (tmp_path / "small").mkdir()
    with pytest.raises(BookError, match="lacks its provenance"):
        reference_runs(tmp_path)
    (tmp_path / "small" / "provenance.json").write_text('{"titel": "A small run"}')
    with pytest.raises(BookError, match="did you mean 'title'"):
        reference_runs(tmp_path)


#: The scores on held-out text, from a run's kept arrays; the divergence from the teacher takes both models.
HELD_OUT = {
    "masked_accuracy": lambda kept: np.mean(kept["labels"] == kept["predicted"]),
    "masked_lm_loss": lambda kept: np.mean(kept["loss"], dtype=float),
    "perplexity": lambda kept: np.exp(np.mean(kept["loss"], dtype=float)),
}


def recomputed(run) -> int:
    """Hold every record that has predictions against them, and return how many had."""
    held = 0
    for record in run.records:
        if record.predictions is None:
            continue
        path = run.folder / record.predictions
        assert sha256(path) == record.predictions_hash, record.predictions
        with np.load(path) as kept:
            if record.metric in METRICS:
                value = METRICS[record.metric](kept["labels"], kept["predictions"])
                assert value == pytest.approx(record.value, abs=1e-12)
            elif record.metric in HELD_OUT:
                assert HELD_OUT[record.metric](kept) == pytest.approx(record.value, rel=1e-6)
            else:
                continue
            assert record.n == len(kept["labels"])
        held += 1
    return held


def test_every_number_that_ships_is_that_of_its_predictions():
    runs = reference_runs()
    if not runs:
        pytest.skip("no reference run ships with the library")
    assert all(recomputed(run) for run in runs)


def test_a_number_that_is_not_that_of_its_predictions_is_found(tmp_path):
    task = Task(tmp_path / "edition", "SST-2")
    right, wrong = task.run("teacher", 0.8), task.run("full", 0.7, value=0.71)
    assert recomputed(keep_reference("right", [right], task.folder, MADE, tmp_path / "reference")) == 1
    with pytest.raises(AssertionError):
        recomputed(keep_reference("wrong", [wrong], task.folder, MADE, tmp_path / "reference"))


@pytest.mark.parametrize("run", reference_runs(), ids=lambda run: run.name)
def test_the_readme_shows_what_the_shipped_runs_say(run, project):
    """Every score with its interval, every verdict and every change of an arm, as the library has them now."""
    title = f"**{run.provenance.title[0].upper()}{run.provenance.title[1:]}**"
    shown = (project / "README.md").read_text().partition(title)[2].partition("\n**")[0].partition("\n## ")[0]
    lines = [line for line in shown.splitlines() if line.startswith(("- ", "| "))]
    scores: dict[str, list[str]] = {}
    for row in references.reference_scores([run]):
        scores.setdefault(row["model"], []).append(row["median [95% interval]"])
    for model, cells in scores.items():
        (line,) = [line for line in lines if line.startswith(f"| {model} |")]
        assert line.endswith(f"| {' | '.join(cells)} |")
    verdicts = [f"- {verdict.sentence}" for verdict in references.reference_verdicts(run)]
    arms = [
        f"- {row['ablation'][0].upper()}{row['ablation'][1:]}: {row['change [95% interval]']} of macro-score against the full "
        f"recipe: {row['verdict']}."
        for row in references.reference_arms([run])
    ]
    assert [line for line in lines if line.startswith("- ")] == verdicts + arms
