"""The smoke edition: every chapter executed once, every page opened in a browser, changes of a copy noticed."""

import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from distilbook.book.contents import CHAPTERS, STUDENTS
from distilbook.core.record_book import RecordBook
from smoke_edition import command, environment, executed_by

pytestmark = pytest.mark.smoke

#: Chapters that record no measurement.
WITHOUT_RECORDS = {"01_claims", "02_corpus", "04_student", "05_triple_loss", "07_ablations/summary", "13_verdict"}


def notebook(edition: Path, chapter: str):
    return nbformat.read(edition / "runs" / "smoke" / "notebooks" / f"{chapter}.ipynb", as_version=4)


def test_the_edition_is_executed_to_its_end(edition):
    assert all((edition / "runs/smoke/notebooks" / f"{chapter}.ipynb").exists() for chapter in CHAPTERS)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_cell_was_executed_without_an_error(edition, chapter):
    cells = [cell for cell in notebook(edition, chapter).cells if cell.cell_type == "code" and cell.source.strip()]
    assert cells and all(cell.execution_count is not None for cell in cells)
    assert not [out for cell in cells for out in cell.outputs if out.output_type == "error"]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_no_figure_and_no_table_is_empty(edition, chapter):
    outputs = [
        out.data for cell in notebook(edition, chapter).cells for out in cell.get("outputs", []) if "data" in out
    ]
    figures = [data["application/vnd.plotly.v1+json"] for data in outputs if "application/vnd.plotly.v1+json" in data]
    tables = [data["text/html"] for data in outputs if "<table" in data.get("text/html", "")]
    assert figures or tables
    for figure in figures:
        assert any(trace.get("x") or trace.get("y") or trace.get("z") for trace in figure["data"])
    for table in tables:
        assert table.count("<td") > 0 and ">nan<" not in table


def test_the_verdict_is_computed_from_the_records(edition):
    from distilbook.claims import CLAIMS, judge

    records = RecordBook(edition / "runs" / "smoke" / "records").current()
    page = "".join(str(cell.get("outputs", "")) for cell in notebook(edition, "13_verdict").cells)
    for claim in CLAIMS:
        sentence = judge(claim, records, folder=edition / "runs" / "smoke").sentence
        assert sentence in page.replace("\\'", "'"), claim.id


def test_every_record_has_its_origin_and_its_predictions(edition):
    from distilbook.core.files import sha256

    records = RecordBook(edition / "runs" / "smoke" / "records").current()
    assert {r.chapter for r in records} >= set(CHAPTERS) - WITHOUT_RECORDS
    for record in records:
        assert record.config and record.code and record.n >= 1 and record.versions["torch"]
        if record.predictions:
            assert sha256(edition / "runs" / "smoke" / record.predictions) == record.predictions_hash


@pytest.mark.browser
def test_the_site_opens_from_the_disk_with_every_figure_drawn(edition):
    from site_check import check_site, chromium

    if chromium() is None:
        pytest.skip("no Chromium is installed")
    site = edition / "runs" / "smoke" / "site"
    assert check_site(site / "index.html") == []
    assert len(list(site.rglob("*.html"))) >= len(CHAPTERS)


def times_of_change(edition: Path, *folders: str) -> dict[Path, int]:
    files = [path for name in folders for path in (edition / "runs/smoke" / name).rglob("*") if path.is_file()]
    return {path: path.stat().st_mtime_ns for path in files}


def test_a_second_run_executes_nothing_and_changes_no_file(edition_copy):
    made = ("notebooks", "results", "records", "site")
    before = times_of_change(edition_copy, *made)
    assert executed_by(edition_copy) == set()
    assert times_of_change(edition_copy, *made) == before


def test_a_changed_sentence_executes_its_chapter_which_finds_its_training_finished(edition_copy):
    made = ("done.json", "trained.json", "model.safetensors")
    trained = {path: time for path, time in times_of_change(edition_copy, "results").items() if path.name in made}
    script = edition_copy / "book" / "06_pretraining.py"
    script.write_text(script.read_text() + "#\n# One more sentence.\n")
    assert executed_by(edition_copy) == {"06_pretraining"}
    now = times_of_change(edition_copy, "results")
    assert {path: now[path] for path in trained} == trained
    assert "One more sentence." in (edition_copy / "runs/smoke/site/06_pretraining.html").read_text()


def test_plain_papermill_runs_a_chapter_from_any_folder(edition_copy, tmp_path):
    values, chapter = edition_copy / "parameters" / "smoke", edition_copy / "book" / "06_pretraining.ipynb"
    command = [sys.executable, "-m", "papermill", chapter, tmp_path / "out.ipynb", "--no-progress-bar"]
    command += ["-f", values / "shared.yaml", "-f", values / "06_pretraining.yaml"]
    done = subprocess.run(
        list(map(str, command)),
        cwd=tmp_path,
        text=True,
        capture_output=True,
        env=environment(edition_copy),
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "unknown parameter" not in done.stderr


def published(edition: Path, recipe: str) -> set[Path]:
    """Return the folders of the runs that are published as students of a recipe; two names may stand for one run."""
    root = edition / "runs" / "smoke"
    pointers = (root / "names" / "student").glob(f"{recipe}/*.json")
    return {(root / json.loads(pointer.read_text())["folder"]).resolve() for pointer in pointers}


def results(edition: Path, kind: str) -> set[Path]:
    return {path.resolve() for path in (edition / "runs" / "smoke" / "results" / kind).glob("[!.]*")}


def stale(edition: Path) -> set[str]:
    """Return the chapters that a run would execute, by the report on the edition."""
    lines = command(edition, "status", "smoke").stdout.splitlines()
    return {line.split()[0] for line in lines if line.startswith(tuple(CHAPTERS)) and line.split()[1] == "stale"}


def test_a_changed_loss_retrains_the_students_and_nothing_else(edition_copy):
    kinds = ("corpus", "teacher", "pretraining", "finetuning")
    before, students = {kind: results(edition_copy, kind) for kind in kinds}, published(edition_copy, "full")
    path = edition_copy / "lib" / "distilbook" / "distillation" / "losses.py"
    changed = path.read_text().replace("(1 - F.cosine_similarity", "(1.5 - 1.5 * F.cosine_similarity")
    assert changed != path.read_text()
    path.write_text(changed)
    found = stale(edition_copy)
    assert found >= {"05_triple_loss", *STUDENTS}
    assert found.isdisjoint({"01_claims", "02_corpus", "11_timing"})
    said = command(edition_copy, "status", "smoke").stdout
    assert "the code it imports has changed: distilbook.distillation.losses" in said
    assert executed_by(edition_copy, "--chapter", "06_pretraining") == {"06_pretraining"}
    new = {kind: results(edition_copy, kind) - before[kind] for kind in kinds}
    assert published(edition_copy, "full").isdisjoint(students)
    assert new["pretraining"] == published(edition_copy, "full") and not (new["corpus"] or new["teacher"])
    assert "06_pretraining has made something else" in command(edition_copy, "status", "smoke").stdout
    tasks = command(edition_copy, "finetune", "smoke", "--dry-run").stdout.splitlines()
    left = [line for line in tasks if line.startswith("to do: ")]
    assert left and all(line.startswith("to do: full on ") for line in left), "no teacher, no baseline"
