"""The whole smoke edition: every chapter executed, every page opened in a browser, a second run that does nothing."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from distilbook.book.contents import CHAPTERS, STUDENTS
from distilbook.core.records import RecordBook

pytestmark = pytest.mark.smoke


@pytest.fixture(scope="module")
def edition(project, tmp_path_factory) -> Path:
    """A copy of the project, with the smoke edition run in it by the command."""
    root = copy_of(project, tmp_path_factory.mktemp("project"))
    done = command(root, "run", "smoke")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return root


def copy_of(project: Path, root: Path) -> Path:
    """Copy book, library and parameters to ``root`` and write the smoke edition's inputs there."""
    from smoke_inputs import write_inputs

    for name in ("book", "lib", "parameters"):
        shutil.copytree(project / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    write_inputs(root / "runs" / "smoke" / "input")
    return root


def environment(root: Path) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if name != "DISTILBOOK_RUNS"}
    return clean | {"DISTILBOOK_ROOT": str(root), "PYTHONPATH": str(root / "lib")}


def command(root: Path, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "distilbook.cli", *arguments],
        cwd=root.parent,
        text=True,
        capture_output=True,
        env=environment(root),
        timeout=1200,
    )


def executed_by(root: Path) -> set[str]:
    """Run the edition again and return the chapters that were executed."""
    done = command(root, "run", "smoke")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    lines = [line.split()[1].rstrip(":") for line in done.stdout.splitlines() if ": done in " in line]
    assert len(lines) + done.stdout.count("fresh, nothing to do") == len(CHAPTERS)
    return set(lines)


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


def test_the_verdict_is_told_from_the_records(edition):
    from distilbook.claims import CLAIMS, judge

    records = RecordBook(edition / "runs" / "smoke" / "records").current()
    page = "".join(str(cell.get("outputs", "")) for cell in notebook(edition, "13_verdict").cells)
    for claim in CLAIMS:
        sentence = judge(claim, records, folder=edition / "runs" / "smoke").sentence
        assert sentence in page.replace("\\'", "'"), claim.id


@pytest.fixture
def said(edition, monkeypatch):
    """Every displayed sentence with its chapter and the values it may state."""
    from prose_numbers import edition_values, names_in_records, sentences, without_names

    monkeypatch.setenv("DISTILBOOK_RUNS", str(edition / "runs"))
    folder = edition / "runs" / "smoke"
    return [
        (chapter, without_names(text, names_in_records(folder)), edition_values(folder, chapter, executed, text))
        for chapter, executed in ((name, notebook(edition, name)) for name in CHAPTERS)
        for text in sentences(executed)
    ]


def test_every_number_in_a_displayed_sentence_comes_from_the_records(said):
    from prose_numbers import unaccounted

    wrong = [(chapter, text, numbers) for chapter, text, values in said if (numbers := unaccounted(text, values))]
    assert len({chapter for chapter, *_ in said}) >= 10 and wrong == []


def test_a_digit_changed_in_a_displayed_sentence_is_noticed(said):
    """But for the few that happen to give another number the sentence may state."""
    from prose_numbers import changed_in_one_digit, unaccounted

    noticed = [bool(unaccounted(new, values)) for _, text, values in said for new in changed_in_one_digit(text)]
    assert sum(noticed) > 0.9 * len(noticed)


def test_every_record_has_its_origin_and_its_predictions(edition):
    from distilbook.core.files import sha256

    records = RecordBook(edition / "runs" / "smoke" / "records").current()
    assert {r.chapter for r in records} >= set(CHAPTERS) - {
        "01_claims",
        "02_corpus",
        "04_student",
        "05_triple_loss",
        "07_ablations/summary",
        "13_verdict",
    }
    for record in records:
        assert record.config and record.code and record.n >= 1 and record.versions["torch"]
        if record.predictions:
            assert sha256(edition / "runs" / "smoke" / record.predictions) == record.predictions_hash


def test_a_second_run_executes_nothing_and_keeps_every_byte(edition):
    made = [
        path
        for name in ("notebooks", "results", "records", "site")
        for path in (edition / "runs/smoke" / name).rglob("*")
    ]
    before = {path: path.stat().st_mtime_ns for path in made if path.is_file()}
    assert executed_by(edition) == set()
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_changed_sentence_executes_its_chapter_which_finds_its_training_finished(edition):
    trained = {path: path.stat().st_mtime_ns for path in (edition / "runs/smoke/results").rglob("done.json")}
    script = edition / "book" / "06_pretraining.py"
    script.write_text(script.read_text() + "#\n# One more sentence.\n")
    assert executed_by(edition) == {"06_pretraining"}
    assert {path: path.stat().st_mtime_ns for path in (edition / "runs/smoke/results").rglob("done.json")} == trained
    site = edition / "runs" / "smoke" / "site" / "06_pretraining.html"
    assert "One more sentence." in site.read_text()


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
        env=environment(edition),
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


def test_a_run_that_is_killed_again_and_again_ends_as_one_that_was_not(project, edition, tmp_path):
    """Killed at moments all over the book, without warning; what was finished stays finished."""
    root = copy_of(project, tmp_path)
    # The same inputs: training a vocabulary breaks ties as it likes.
    shutil.copytree(edition / "runs/smoke/input", root / "runs/smoke/input", dirs_exist_ok=True)
    finished: list[str] = []
    for chapter, seconds in (
        ("02_corpus", 1),
        ("04_student", 0),
        ("06_pretraining", 6),
        (STUDENTS[1], 4),
        ("11_timing", 1),
    ):
        said = killed(root, chapter, seconds)
        assert all(f"{name}: fresh" in said for name in finished)
        assert not any(f"{name} starts" in said for name in finished)
        finished += [line.split()[1].rstrip(":") for line in said.splitlines() if ": done in " in line]
    assert executed_by(root).isdisjoint(finished)
    assert finished, "some of the kills came after a chapter had ended"
    ours, theirs = (scores(folder) for folder in (root, edition))
    # Which trainings shared the cores differs from run to run, and with it the last digits.
    assert ours == pytest.approx(theirs, abs=1e-4) and len(ours) > 20


def killed(root: Path, chapter: str, seconds: float) -> str:
    """Run the edition, kill it so many seconds after it has started ``chapter``, and return what it said until then."""
    run = subprocess.Popen(
        [sys.executable, "-m", "distilbook.cli", "run", "smoke"],
        cwd=root.parent,
        text=True,
        stdout=subprocess.PIPE,
        env=environment(root),
    )
    said = ""
    for line in run.stdout:
        said += line
        if f"{chapter} starts" in line:
            time.sleep(seconds)
            break
    run.kill()
    return said + run.communicate()[0]


def scores(root: Path) -> dict[tuple, float]:
    """Return what was measured on held-out text and on the task; times, and what they decide, are another matter."""
    records = RecordBook(root / "runs" / "smoke" / "records").current()
    records = [r for r in records if not (r.recipe or "").endswith("_equal_seconds")]
    return {r.identity: r.value for r in records if r.unit in ("1", "nat") and r.chapter != "11_timing"}


# The tests below change the project, and so come last.


def published_students(edition: Path) -> set[Path]:
    """Return the folders of all runs that are published as students; two names may stand for one run."""
    root = edition / "runs" / "smoke"
    pointers = (root / "names" / "student").rglob("*.json")
    return {(root / json.loads(pointer.read_text())["folder"]).resolve() for pointer in pointers}


def test_a_changed_loss_retrains_what_depends_on_it_and_nothing_else(edition):
    results, students = edition / "runs" / "smoke" / "results", published_students(edition)
    before = {kind: set((results / kind).glob("[!.]*")) for kind in ("corpus", "teacher", "pretraining", "finetuning")}
    path = edition / "lib" / "distilbook" / "loss.py"
    changed = path.read_text().replace("(1 - F.cosine_similarity", "(1.5 - 1.5 * F.cosine_similarity")
    assert changed != path.read_text()
    path.write_text(changed)
    status = command(edition, "status", "smoke").stdout
    assert "the code it imports has changed: distilbook.distillation.losses" in status
    done = executed_by(edition)
    assert done >= {"05_triple_loss", "06_pretraining", *STUDENTS[1:], "08_sentence_tasks", "13_verdict"}
    assert done <= set(CHAPTERS) - {"01_claims", "02_corpus", "03_teacher", "04_student", "11_timing"}
    new = {kind: len(set((results / kind).glob("[!.]*")) - there) for kind, there in before.items()}
    assert published_students(edition).isdisjoint(students)
    assert new["corpus"] == new["teacher"] == 0 and new["pretraining"] == len(published_students(edition))
    assert 0 < new["finetuning"] < len(before["finetuning"]), "teacher and baselines are not fine-tuned again"


def test_what_the_changed_loss_left_behind_is_cleaned_up_and_nothing_else(edition):
    results = edition / "runs" / "smoke" / "results"
    said = command(edition, "clean", "smoke").stdout
    assert "made from what has changed since" in said and "Removed: " in said
    assert {path.resolve() for path in (results / "pretraining").iterdir()} == published_students(edition)
    assert executed_by(edition) == set()
