"""What the status report says, on an edition laid out by hand."""

import pytest
from distilbook.book.contents import CHAPTERS
from distilbook.cli import main
from distilbook.core.errors import BookError
from distilbook.core.files import sole
from distilbook.core.progress import duration
from distilbook.core.record_book import RecordBook
from distilbook.core.workspace import Workspace
from distilbook.runner.execution import log_of
from distilbook.runner.freshness import Execution, executed_notebook, origin
from distilbook.runner.status import status
from test_records import record


@pytest.fixture
def workspace(runs) -> Workspace:
    """The smoke edition, every chapter executed a moment ago as far as can be seen."""
    workspace = Workspace("smoke")
    for number, chapter in enumerate(CHAPTERS):
        notebook = executed_notebook(chapter, workspace)
        notebook.parent.mkdir(parents=True, exist_ok=True)
        notebook.write_text("{}")
        keep(chapter, workspace, seconds=10.0 * (number + 1))
    return workspace


def keep(chapter, workspace, seconds=10.0, **values) -> None:
    facts = {"status": "executed", "origin": origin(chapter, workspace), "seconds": seconds, "cores": 2}
    facts |= {"longest": 100.0, "finished": "2026-01-02T03:04:05+00:00"}
    Execution(**facts | values).keep(chapter, workspace)


def test_an_edition_nobody_has_run(runs):
    said = status("smoke")
    assert f"Edition smoke in {runs}/smoke: {len(CHAPTERS)} chapters, {len(CHAPTERS)} not run." in said
    assert said.endswith(f"Next: distilbook run smoke executes {len(CHAPTERS)} chapters.")


def test_all_is_fresh(workspace, capsys):
    assert main(["status", "smoke"]) == 0
    said = capsys.readouterr().out
    assert f"{len(CHAPTERS)} chapters, {len(CHAPTERS)} fresh.\nNothing is running." in said
    line = next(line for line in said.splitlines() if line.startswith("06_pretraining"))
    assert line.split() == ["06_pretraining", "fresh", "2026-01-02", "03:04", "1", "min", "2", "cores"]
    whole = sum(10 * (number + 1) for number in range(len(CHAPTERS)))
    assert f"Where the time went: {duration(whole)} in the last executions, one after the other." in said
    assert "Next: nothing to execute; render it: distilbook site smoke." in said and "stale" not in said


def test_what_is_not_fresh_says_why_and_what_it_will_take(workspace):
    old = origin("06_pretraining", workspace)
    old["parameters"]["steps"] = 5
    keep("06_pretraining", workspace, origin=old)
    keep("11_timing", workspace, status="failed", error="cell 4 (x) failed with ValueError: y")
    said = status("smoke")
    readers = [name for name, info in CHAPTERS.items() if "06_pretraining" in info.reads]
    fresh = len(CHAPTERS) - len(readers) - 2
    assert f"{len(CHAPTERS)} chapters, {fresh} fresh, 1 stale, {len(readers)} waiting, 1 failed." in said
    assert "    parameter steps: 5 became 6\n" in said
    assert "    cell 4 (x) failed with ValueError: y\n" in said
    assert "    it reads 06_pretraining, and is fresh if that makes the same again\n" in said
    assert said.endswith(
        f"Next: distilbook run smoke executes 2 chapters, then {len(readers)} that read them if these make something "
        f"else; they took {duration(100 * 2)} at their longest."
    )


def test_what_is_running_and_what_was_stopped(workspace):
    source = workspace.root / "executing" / "06_pretraining.source.ipynb"
    source.parent.mkdir()
    source.write_text("{}")
    assert "06_pretraining                      stopped" in status("smoke")
    log = log_of("06_pretraining", workspace)
    log.parent.mkdir()
    log.write_text("12:00:00 full recipe, seed 0: 1.0k of 8.0k tokens\n")
    with sole(workspace.lock, "a run"):
        said = status("smoke")
    assert "It is being run by process" in said and "running   " in said
    assert "    12:00:00 full recipe, seed 0: 1.0k of 8.0k tokens\n" in said
    assert said.endswith(f"Follow it: tail -f {workspace.root}/book.log")


def test_the_seconds_of_a_run_count_once_however_many_records_it_has(workspace):
    runs = [
        record(edition="smoke", chapter="06_pretraining", metric=metric, seed=seed, seconds=seconds, predictions=file)
        for seed, (file, seconds) in enumerate((("a.npz", 10.0), ("b.npz", 20.0)))
        for metric in ("masked_accuracy", "kl_to_teacher")
    ]
    RecordBook(workspace.records).add(runs)
    line = next(line for line in status("smoke").splitlines() if "its records stand for" in line)
    assert line.startswith("06_pretraining") and line.endswith("its records stand for 30 s of training and measuring")


def test_an_edition_that_does_not_exist():
    with pytest.raises(BookError, match="there is no edition 'smok'"):
        status("smok")
