"""What stops a run before its first chapter, each with its exact message."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from distilbook.book.checks import check_address
from distilbook.cli import main
from distilbook.core.errors import BookError
from distilbook.core.workspace import Workspace, project_root
from distilbook.runner import preflight
from distilbook.runner.preflight import check_chapters, check_output, check_records
from model_folders import changed, reweighed


@pytest.fixture
def copy(project_copy, inputs) -> Path:
    """A copy of the book's scripts and parameters, with the inputs that the smoke edition names: of tasks the real ones."""
    mnli, cola = (("MNLI", ("train", "dev_matched")), ("CoLA", ("train", "dev")))
    glue = [f"glue/{name}/{split}.tsv" for name, splits in (mnli, cola) for split in splits]
    imdb = [f"aclImdb/{split}/{label}/0_1.txt" for split in ("train", "test") for label in ("pos", "neg")]
    for name in ("rivers.txt", "trains.jsonl", "reviews.tsv", "pairs.tsv", *glue, *imdb):
        path = project_copy / "runs" / "smoke" / "input" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        there = (inputs / name).is_file() and path.suffix == ".tsv"
        path.write_text((inputs / name).read_text() if there else "x")
    shutil.copytree(inputs / "teacher", project_copy / "runs" / "smoke" / "input" / "teacher")
    return project_copy


def refused(capsys, *arguments: str) -> str:
    """Return what the command says when it refuses to start, and see that no chapter was started."""
    assert main(list(arguments)) == 1
    said = capsys.readouterr()
    assert "starts" not in said.out
    return said.err


@pytest.mark.parametrize(
    "line, message",
    [
        ("step: 80", "unknown parameter 'step'.\n  where: {where}\n  do: did you mean 'steps'?"),
        ("seeds: 3", "parameter 'seeds' cannot be used.\n  where: {where}\n  expected: a list, got 3\n"
         "  do: correct the value and start again; nothing was run"),
        ("temperature: 0", "parameter 'temperature' cannot be used.\n  where: {where}\n"
         "  expected: greater than or equal to 0.01, got 0\n  do: correct the value and start again; nothing was run"),
        ("steps: many", "parameter 'steps' cannot be used.\n  where: {where}\n  expected: a whole number, got 'many'\n"
         "  do: correct the value and start again; nothing was run"),
    ],
)  # fmt: skip
def test_a_parameter_that_cannot_be_used_is_explained(copy, capsys, line, message):
    folder = copy / "parameters" / "smoke"
    path = folder / "06_pretraining.yaml"
    kept = [one for one in path.read_text().splitlines() if not line.startswith(one.partition(":")[0] + ":")]
    path.write_text("\n".join([*kept, line]) + "\n")
    where = f"{folder / '06_pretraining'}.yaml, {folder / 'shared.yaml'} or the parameters cell of {copy}/book/06_pretraining.py"
    assert refused(capsys, "run", "smoke") == f"distilbook: {message.format(where=where)}\n"


def test_a_parameter_file_that_is_none_is_explained(copy, capsys):
    path = copy / "parameters" / "smoke" / "06_pretraining.yaml"
    path.write_text("- a list\n")
    assert refused(capsys, "run", "smoke") == (
        f"distilbook: a parameter file holds a list.\n  where: {path}\n  expected: lines of 'name: value'\n"
    )
    path.write_bytes(b"\x80\x81")
    assert refused(capsys, "run", "smoke").startswith("distilbook: a parameter file is no YAML.\n  where: " + str(path))


def test_an_edition_and_a_chapter_that_do_not_exist(copy, capsys):
    assert refused(capsys, "run", "smke") == (
        f"distilbook: there is no edition 'smke'.\n  where: {copy / 'parameters'}\n  do: did you mean 'smoke'?\n"
    )
    assert refused(capsys, "run", "smoke", "--chapter", "06_pretrainig") == (
        "distilbook: there is no chapter '06_pretrainig'.\n  do: did you mean '06_pretraining'?\n"
    )


def test_an_input_that_is_not_there_is_missed_before_the_first_chapter(copy, capsys):
    (copy / "runs" / "smoke" / "input" / "reviews.tsv").unlink()
    assert refused(capsys, "run", "smoke") == (
        "distilbook: there is nothing at 'runs/smoke/input/reviews.tsv'.\n"
        "  where: parameter 'tasks' of chapter 08_sentence_tasks\n"
        f"  expected: a file or folder at {copy}/runs/smoke/input/reviews.tsv\n"
        "  do: put it there or correct the address; relative paths start at the project's root\n"
    )


def choose_task(copy: Path, name: str, address: str) -> None:
    """Make the smoke edition's only sentence task the one called ``name`` at ``address``."""
    path = copy / "parameters" / "smoke" / "08_sentence_tasks.yaml"
    path.write_text(f"tasks:\n  - {{name: {name}, address: {address!r}}}\n")


@pytest.mark.parametrize(
    "name, address", [("MNLI", "glue"), ("CoLA", "glue/CoLA"), ("IMDb", "."), ("mine", "pairs.tsv")]
)
def test_a_task_that_is_there_passes(copy, name, address):
    choose_task(copy, name, f"runs/smoke/input/{address}")
    check_chapters(["08_sentence_tasks"], Workspace("smoke"))


@pytest.mark.parametrize(
    "name, address, what",
    [
        ("MNLI-m", "runs/smoke/input/glue", "no task is called 'MNLI-m'"),
        ("SST2", "hub:nyu-mll/glue", "no task is called 'SST2'"),
        ("reviews", "wheel:review", "no wheel holds a task called 'review'"),
        ("RTE", "runs/smoke/input/glue", "there is no training set of RTE"),
        ("mine", "runs/smoke/input/none.tsv", "there is nothing at 'runs/smoke/input/none.tsv'"),
    ],
)
def test_a_task_that_is_not_there_is_missed_before_the_first_chapter(copy, name, address, what):
    choose_task(copy, name, address)
    with pytest.raises(BookError) as error:
        check_chapters(["08_sentence_tasks"], Workspace("smoke"))
    assert error.value.what == what


def test_a_task_without_its_development_set_is_missed_before_the_first_chapter(copy):
    (copy / "runs/smoke/input/glue/CoLA/dev.tsv").unlink()
    choose_task(copy, "CoLA", "runs/smoke/input/glue")
    with pytest.raises(BookError, match="the split 'dev' of CoLA is missing"):
        check_chapters(["08_sentence_tasks"], Workspace("smoke"))


def test_a_tracker_that_is_not_installed_is_missed_before_the_first_chapter(copy, capsys):
    with (copy / "parameters" / "smoke" / "06_pretraining.yaml").open("a") as file:
        file.write("trackers: [tensorboard, clearml]\n")
    said = refused(capsys, "run", "smoke")
    assert "the tracker clearml is not installed" in said and "expected: among tensorboard" in said


@pytest.mark.parametrize("address", ["wheel:reviews", "hub:google-bert/bert-base-uncased", "parameters"])
def test_addresses_that_may_be_good_pass(address):
    check_address(address, "here", may_be_id=False)


def test_a_bare_id_is_good_for_a_model_only():
    check_address("google-bert/bert-base-uncased", "here", may_be_id=True)
    with pytest.raises(BookError, match="there is nothing at 'google-bert/bert-base-uncased'"):
        check_address("google-bert/bert-base-uncased", "here", may_be_id=False)


def test_every_chapter_of_the_laptop_edition_passes(project):
    check_chapters(["02_corpus", "03_teacher", "08_sentence_tasks", "13_verdict"], Workspace("laptop"))


def test_records_of_an_older_format_are_refused_before_anything_is_run(copy, capsys):
    path = copy / "runs" / "smoke" / "records" / "06_pretraining.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"format": 0}) + "\n")
    assert refused(capsys, "run", "smoke") == (
        f"distilbook: a record has format 0.\n  where: {path}:1\n  expected: format 2\n"
        "  do: move the file away and run the chapter again with this version of the library\n"
    )
    with pytest.raises(BookError):
        check_records(Workspace("smoke"))


def test_an_output_folder_that_is_a_file_is_refused(copy, capsys, monkeypatch):
    (copy / "file").write_text("")
    monkeypatch.setenv("DISTILBOOK_RUNS", str(copy / "file"))
    assert refused(capsys, "run", "smoke") == (
        f"distilbook: the output folder cannot be written to (Not a directory).\n  where: {copy}/file/smoke\n"
        "  do: make it writable, make room on its disk, or set DISTILBOOK_RUNS to another folder\n"
    )


READ_ONLY = """
import os
from distilbook.core.errors import BookError
from distilbook.runner.preflight import check_output
from distilbook.core.workspace import Workspace

if os.getuid() == 0:
    os.setuid(65534)  # root may write anywhere
try:
    check_output(Workspace("smoke"))
except BookError as error:
    print(error)
"""


def test_a_read_only_output_folder_is_refused():
    with tempfile.TemporaryDirectory() as results:  # pytest's own folders are closed to other users
        Path(results).chmod(0o555)
        more = {"DISTILBOOK_RUNS": results}
        done = subprocess.run([sys.executable, "-c", READ_ONLY], env=os.environ | more, capture_output=True, text=True)
    assert done.stdout == (
        f"the output folder cannot be written to (Permission denied).\n  where: {results}/smoke\n"
        "  do: make it writable, make room on its disk, or set DISTILBOOK_RUNS to another folder\n"
    ), done.stderr


def test_a_disk_without_room_is_refused(runs, monkeypatch):
    monkeypatch.setattr(
        preflight.shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**12, 10**12, 12_000_000)
    )
    with pytest.raises(BookError) as error:
        check_output(Workspace("smoke"))
    assert str(error.value) == (
        f"the disk is nearly full: 12 MB are free.\n  where: {runs}/smoke\n  expected: at least 1,000 MB\n"
        "  do: make room (distilbook clean smoke may help), or set DISTILBOOK_RUNS to another disk"
    )


def test_the_probe_leaves_nothing_behind(runs):
    check_output(Workspace("smoke"))
    assert list((runs / "smoke").iterdir()) == []
    assert project_root().is_dir()


def test_a_teacher_with_fewer_positions_than_blocks_or_texts_are_long_stops_a_run(copy, capsys):
    teacher = copy / "runs" / "smoke" / "input" / "teacher"
    reweighed(teacher, lambda t: {name: one[:16] if "position_emb" in name else one for name, one in t.items()})
    changed(teacher, max_position_embeddings=16)
    said = refused(capsys, "run", "smoke")
    assert (
        "the model has 16 positions, and chapter 02_corpus gives it up to" in said
        and f"{teacher}, parameter 'tokenizer'" in said
    )


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"num_hidden_layers": 2}, "the weights have 4 layers, and config.json says 2"),
        ({"model_type": "gpt2"}, "the model is a gpt2"),
        ({"auto_map": {"AutoModel": "mine.Model"}}, "asks to run code"),
    ],
)
def test_a_model_that_is_not_whole_stops_a_run(copy, capsys, values, words):
    changed(copy / "runs" / "smoke" / "input" / "teacher", **values)
    assert words in refused(capsys, "run", "smoke")


@pytest.mark.parametrize(
    "chapter, file, text, what",
    [
        ("07_ablations/without_cosine", "06_pretraining", "cosine_weight: 0.0\n", "changes nothing in cosine_weight"),
        ("07_ablations/without_distillation", "06_pretraining", "masked_lm_weight: 0\n", "a positive distillation_weight"),
        ("07_ablations/choices", "07_ablations/choices", "seeds: [7]\n", "the full recipe was not run with seed 7"),
        ("07_ablations/choices", "07_ablations/choices", "choices: [{cosine_weight: 0}]\n", "equals the ablation 'without cosine loss'"),
        ("13_verdict", "13_verdict", "teacher: hub:a/b\nstudent: no/where/here\ntasks: [{name: RTE, address: 'hub:a/b'}]\n",
         "there is nothing at 'no/where/here'"),
        ("11_timing", "11_timing", "threads: [9000]\n", "9000 threads were asked for"),
        ("06_pretraining", "06_pretraining", "layers: [0, 9]\n", "the teacher has no layer 9"),
        ("02_corpus", "02_corpus", "block_length: 512\n", "the model has 64 positions"),
        ("08_sentence_tasks", "08_sentence_tasks", "max_length: 65\n", "the model has 64 positions"),
        ("02_corpus", "02_corpus", "tokenizer: 'hub:a b'\n", "'a b' is no id of the Hub"),
        ("03_teacher", "03_teacher", "teacher: wheel:minilm\n", "did you mean 'minilm-l6'?"),
    ],
)  # fmt: skip
def test_what_does_not_fit_other_chapters_or_the_machine_is_missed_before_the_first(copy, chapter, file, text, what):
    (copy / "parameters" / "smoke" / f"{file}.yaml").write_text(text)
    if file != "02_corpus":
        (copy / "parameters" / "smoke" / "02_corpus.yaml").unlink()
    with pytest.raises(BookError, match=what):
        check_chapters([chapter], Workspace("smoke"))


def test_an_edited_notebook_is_named_in_the_status(copy, capsys):
    path = copy / "book" / "01_claims.ipynb"
    notebook = json.loads(path.read_text())
    notebook["cells"][0]["source"] = "mine"
    path.write_text(json.dumps(notebook))
    assert main(["status", "smoke"]) == 0
    assert "book/01_claims.ipynb was edited, and is not what is executed" in capsys.readouterr().out
