"""The whole smoke edition: every chapter executed, every page opened in a browser, a second run that does nothing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from distilbook.edition.parameters import CHAPTERS
from distilbook.records import RecordBook

pytestmark = pytest.mark.smoke


@pytest.fixture(scope="module")
def edition(project, tmp_path_factory) -> Path:
    """A copy of the book, with the smoke edition run in it by the command."""
    from smoke_inputs import write_inputs

    root = tmp_path_factory.mktemp("project")
    for name in ("book", "parameters"):
        shutil.copytree(project / name, root / name)
    write_inputs(root / "runs" / "smoke" / "input")
    done = command(root, "run", "smoke")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return root


def command(root: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    clean = {name: value for name, value in os.environ.items() if name != "DISTILBOOK_RUNS"}
    return subprocess.run(
        [sys.executable, "-m", "distilbook.cli", *arguments],
        cwd=root.parent,
        text=True,
        capture_output=True,
        env=clean | {"DISTILBOOK_ROOT": str(root)} | environment,
        timeout=1200,
    )


def notebook(edition: Path, chapter: str):
    return nbformat.read(edition / "runs" / "smoke" / "notebooks" / f"{chapter}.ipynb", as_version=4)


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


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_reads_as_the_others_do(project, chapter):
    """Its first screen says what the reader will do, learn and need; its last cell sums up and sets exercises."""
    source = nbformat.read(project / "book" / f"{chapter}.ipynb", as_version=4)
    first, last = source.cells[0].source, source.cells[-1].source
    assert all(words in first for words in ("**You will**", "**You will have learnt**", "**You need**"))
    assert "## Summary" in last and "## Exercises" in last
    assert max(len(cell.source.splitlines()) for cell in source.cells if cell.cell_type == "code") <= 26


def test_the_verdict_is_told_from_the_records(edition):
    from distilbook.claims import CLAIMS, judge

    records = RecordBook(edition / "runs" / "smoke" / "records").current()
    page = "".join(str(cell.get("outputs", "")) for cell in notebook(edition, "13_verdict").cells)
    for claim in CLAIMS:
        sentence = judge(claim, records, folder=edition / "runs" / "smoke").sentence
        assert sentence in page.replace("\\'", "'"), claim.id


def test_every_record_has_its_origin_and_its_predictions(edition):
    from distilbook.files import sha256

    records = RecordBook(edition / "runs" / "smoke" / "records").current()
    assert {r.chapter for r in records} >= set(CHAPTERS) - {
        "01_claims",
        "02_corpus",
        "04_student",
        "05_triple_loss",
        "13_verdict",
    }
    for record in records:
        assert record.config and record.code and record.n >= 1 and record.versions["torch"]
        if record.predictions:
            assert sha256(edition / "runs" / "smoke" / record.predictions) == record.predictions_hash


def test_a_second_run_executes_nothing_and_keeps_every_byte(edition):
    notebooks = sorted((edition / "runs" / "smoke" / "notebooks").rglob("*.ipynb"))
    before = [path.stat().st_mtime_ns for path in notebooks]
    done = command(edition, "run", "smoke")
    assert done.returncode == 0 and done.stdout.count("fresh, nothing to do") == len(CHAPTERS)
    assert [path.stat().st_mtime_ns for path in notebooks] == before


def test_plain_papermill_runs_a_chapter_from_any_folder(edition, tmp_path):
    parameters = edition / "parameters" / "smoke"
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "papermill",
            str(edition / "book" / "06_pretraining.ipynb"),
            str(tmp_path / "out.ipynb"),
            "-f",
            str(parameters / "shared.yaml"),
            "-f",
            str(parameters / "06_pretraining.yaml"),
            "--no-progress-bar",
        ],
        cwd=tmp_path,
        text=True,
        capture_output=True,
        env=os.environ | {"DISTILBOOK_ROOT": str(edition)},
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "unknown parameter" not in done.stderr


@pytest.mark.browser
def test_the_site_opens_from_the_disk_with_every_figure_drawn(edition):
    from site_check import check_site, chromium

    if chromium() is None:
        pytest.skip("no Chromium is installed")
    site = edition / "runs" / "smoke" / "site"
    assert check_site(site / "index.html") == []
    assert len(list(site.rglob("*.html"))) >= len(CHAPTERS)
