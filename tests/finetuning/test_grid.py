import os
import shutil
import signal
import subprocess
import sys
import time
from random import Random

import numpy as np
import psutil
import pytest
from damage import damage
from distilbook.core.config import BookError
from distilbook.core.files import read_json, write_json
from distilbook.core.finished import MARKER, Unfinished, opened, seal
from distilbook.core.workspace import Workspace
from distilbook.finetuning.glue_submission import submissions
from distilbook.finetuning.grid import Model, grid, run_grid, shared_out, work
from distilbook.finetuning.records import answers_of, finetuning_records, runs_of
from model_folders import reweighed


@pytest.fixture
def quick(config):
    """Two tasks, two seeds, one epoch on few examples."""
    tasks = tuple(task for task in config.tasks if task.name in ("reviews", "MNLI"))
    return config.model_copy(update={"tasks": tasks, "epochs": 1, "train_examples": 16})


@pytest.fixture
def models(teacher_folder, student_folder):
    return {
        "teacher": [Model("teacher", teacher_folder)],
        "full": [Model("full", student_folder, 7), Model("full", student_folder, 8)],
        "tfidf": [Model("tfidf")],
        "majority": [Model("majority")],
    }


def test_a_grid_is_every_task_with_every_model_and_seed_and_seeds_take_a_models_students_in_turn(
    quick, models, tmp_path
):
    cells = grid(quick, models, tmp_path)
    assert len({cell.folder for cell in cells}) == len(cells) == 2 * 4 * 2
    assert [cell.model.pretraining_seed for cell in cells if cell.model.name == "full"] == [7, 8, 7, 8]
    assert str(cells[0]) == "teacher on reviews, seed 0"


@pytest.mark.parametrize(
    ("seeds", "behind"),
    [
        ([7, 8], [7, 8]),
        ([8, 7], [8, 7]),  # a seed takes the pre-training of its own number, wherever it stands
        ([8], [8]),
        ([5, 7], [8, 7]),  # the others take what has served least
        ([0, 1, 2, 3], [7, 8, 7, 8]),
        ([8, 0, 1, 2], [8, 7, 7, 8]),
    ],
)
def test_a_seed_takes_the_pretraining_of_its_number_and_the_others_share_them_out(models, seeds, behind):
    found = shared_out(seeds, models["full"])
    assert list(found) == seeds and [model.pretraining_seed for model in found.values()] == behind


def test_two_workers_finish_a_grid_each_run_once_and_a_second_call_does_nothing(quick, models, tmp_path):
    cells = grid(quick, models, tmp_path)
    run_grid(cells, tmp_path, workers=2)
    assert all(cell.finished for cell in cells)
    times = {cell.folder: (cell.folder / "done.json").stat().st_mtime_ns for cell in cells}
    run_grid(cells, tmp_path, workers=2)
    assert times == {cell.folder: (cell.folder / "done.json").stat().st_mtime_ns for cell in cells}
    alone = grid(quick, {"full": models["full"]}, tmp_path / "alone")
    work(alone, None, None)
    for cell, other in zip([c for c in cells if c.model.name == "full"], alone, strict=True):
        split = "test" if cell.task.name == "reviews" else "dev_matched"
        mine, theirs = (np.load(one.open().predictions(split))["predictions"] for one in (cell, other))
        np.testing.assert_array_equal(mine, theirs)


def test_a_run_that_another_worker_holds_is_left_to_it(quick, models, tmp_path):
    from filelock import FileLock

    cells = grid(quick, {"majority": models["majority"]}, tmp_path)
    cells[0].folder.mkdir(parents=True)
    with FileLock(cells[0].folder / "lock"):
        work(cells, None, None)
    assert [cell.finished for cell in cells] == [False, True, True, True]


def test_what_fails_is_named_with_its_reason_and_the_others_are_kept(quick, models, tmp_path):
    broken = shutil.copytree(models["full"][0].folder, tmp_path / "broken")
    reweighed(broken, lambda tensors: {name: tensor * float("nan") for name, tensor in tensors.items()})
    cells = grid(quick, {"full": [Model("full", broken)], "majority": models["majority"]}, tmp_path)
    with pytest.raises(BookError) as error:
        run_grid(cells, tmp_path, workers=1)
    assert "4 of 8 fine-tuning runs did not finish: full on reviews, seed 0: " in str(error.value)
    assert "and 1 more" in str(error.value) and "finished runs are kept" in str(error.value)
    assert [cell.finished for cell in cells] == [False, False, True, True] * 2
    assert "Traceback" in read_json(cells[0].folder / "error.json")["traceback"]


def test_a_failed_run_is_tried_again_by_the_next_call(quick, models, tmp_path):
    cells = grid(quick, {"majority": models["majority"]}, tmp_path)
    write_json(cells[0].folder / "error.json", {"error": "the disk was full", "traceback": ""})
    run_grid(cells, tmp_path, workers=1)
    assert all(cell.finished and cell.error is None for cell in cells)


SCRIPT = """
import sys
from pathlib import Path
from distilbook.finetuning.config import FinetuneConfig
from distilbook.finetuning.grid import Model, grid, run_grid
config = FinetuneConfig.model_validate_json(sys.argv[1])
cells = grid(config, {"full": [Model("full", Path(sys.argv[2]))]}, Path(sys.argv[3]))
print(len(cells), flush=True)
run_grid(cells, Path(sys.argv[3]), workers=2)
"""


def test_a_grid_that_is_killed_leaves_no_worker_behind_and_goes_on_with_what_is_left(quick, student_folder, tmp_path):
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("two workers need two cores")
    config = quick.model_copy(update={"seeds": tuple(range(8)), "epochs": 4})
    command = [sys.executable, "-c", SCRIPT, config.model_dump_json(), student_folder, tmp_path]
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True, stderr=subprocess.DEVNULL)
    assert process.stdout.readline() == "16\n"
    wait_for(lambda: len(list(tmp_path.glob("*/done.json"))) >= 2)
    started = psutil.Process(process.pid).children(recursive=True)
    assert started
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_for(lambda: not any(alive(one) for one in started))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*/done.json")}
    assert 2 <= len(before) < 16
    cells = grid(config, {"full": [Model("full", student_folder)]}, tmp_path)
    run_grid(cells, tmp_path, workers=2)
    assert all(cell.finished for cell in cells)
    assert {path: path.stat().st_mtime_ns for path in before} == before


def alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def wait_for(condition) -> None:
    for _ in range(1200):
        if condition():
            return
        time.sleep(0.1)
    pytest.fail("it did not happen within two minutes")


@pytest.fixture
def finished(quick, models, runs):
    cells = grid(quick, models, Workspace("test").results / "finetuning")
    work(cells, None, None)
    return cells


def test_records_say_who_answered_what_and_can_be_computed_again(finished, quick):
    from distilbook.stats.metrics import METRICS

    records = finetuning_records("08_sentence_tasks", "test", finished)
    assert len(records) == 4 * 2 * 3  # models x seeds x (reviews' one split and MNLI's two)
    for record in records:
        kept = np.load(Workspace("test").root / record.predictions)
        assert METRICS[record.metric](kept["labels"], kept["predictions"]) == record.value and record.n == len(
            kept["labels"]
        )
        assert record.detail["constant"] == (len(set(kept["predictions"].tolist())) == 1)
    students = [r for r in records if r.model == "student" and r.split == "test"]
    assert [(r.recipe, r.seed, r.pretraining_seed) for r in students] == [("full", 0, 7), ("full", 1, 8)]
    weights = {name: {r.fingerprint for r in records if r.model == name} for name in ("teacher", "student", "tfidf")}
    assert weights["tfidf"] == {None} and len(weights["teacher"] | weights["student"]) == 2
    assert {r.split for r in records if r.detail["main_split"]} == {"test", "dev_matched"}
    assert {r.detail["kind"] for r in records} == {"bert 4 x 32", "distilbert 2 x 32", "tfidf", "majority"}


def test_a_mean_of_two_metrics_is_recorded_with_both(config, models, runs):
    tasks = tuple(task for task in config.tasks if task.name == "pairs")
    cells = grid(
        config.model_copy(update={"tasks": tasks}), {"tfidf": models["tfidf"]}, Workspace("test").results / "x"
    )
    work(cells, None, None)
    values = {r.metric: r.value for r in finetuning_records("08_sentence_tasks", "test", cells[:1])}
    assert values["pearson_and_spearman"] == pytest.approx((values["pearson"] + values["spearman"]) / 2)


def test_texts_cut_for_a_comparison_are_recorded_as_another_task_that_no_claim_looks_at(finished):
    records = finetuning_records("09_long_documents", "test", finished[:2], cut_to=16)
    assert {r.task for r in records} == {"reviews cut to 16 word pieces"}
    assert not any(r.detail["main_split"] for r in records)


def test_a_run_that_diverged_is_recorded_and_has_no_answers(finished):
    cell = next(cell for cell in finished if cell.model.name == "full" and cell.task.name == "reviews")
    seal(cell.folder / MARKER, opened(cell.folder / MARKER) | {"diverged": 5}, [])
    (record,) = finetuning_records("08_sentence_tasks", "test", [cell])
    assert (record.metric, record.value, record.detail["main"]) == ("diverged_at_step", 5, False)
    assert answers_of(finished)["reviews"]["full"].predicted.shape[0] == 1
    assert [run.diverged for run in runs_of(finished, "reviews")["full"]] == [5, None]


def test_answers_to_withheld_test_sets_are_written_as_the_server_takes_them(finished, tasks, tmp_path):
    folders = submissions(finished, tmp_path)
    assert len(folders) == 4 * 2
    for name, split in (("MNLI-m", "test_matched"), ("MNLI-mm", "test_mismatched"), ("AX", "diagnostic")):
        header, *rows = (tmp_path / "full" / "seed1" / f"{name}.tsv").read_text().splitlines()
        assert header == "index\tprediction"
        ids, answers = zip(*(row.split("\t") for row in rows), strict=True)
        assert list(ids) == tasks["MNLI"].withheld[split].ids and set(answers) <= set(tasks["MNLI"].classes)
        cell = next(c for c in finished if (c.model.name, c.seed, c.task.name) == ("full", 1, "MNLI"))
        numbers = np.load(cell.open().predictions(split))["predictions"]
        assert [tasks["MNLI"].classes[number] for number in numbers] == list(answers)


@pytest.mark.parametrize("seed", range(6))
def test_damaged_runs_of_a_grid_are_made_again_and_no_other(quick, models, tmp_path, seed):
    cells = grid(quick, {name: models[name] for name in ("majority", "tfidf")}, tmp_path)
    run_grid(cells, tmp_path, workers=1)
    whole = [outcome(cell) for cell in cells]
    how = damage(cells[0].folder, Random(seed))
    times = [(cell.folder / MARKER).stat().st_mtime_ns for cell in cells[1:]]
    try:
        assert outcome(cells[0]) == whole[0], how
    except Unfinished as error:
        assert "a result is not whole" in str(error)
    run_grid(cells, tmp_path, workers=1)
    assert [outcome(cell) for cell in cells] == whole, how
    assert [(cell.folder / MARKER).stat().st_mtime_ns for cell in cells[1:]] == times


def outcome(cell) -> list:
    """What a run has answered, and what it says of itself but the time."""
    run = cell.open()
    kept = [np.load(path) for path in sorted(run.folder.glob("*.npz"))]
    return [run.seed, run.train_examples, run.truncated, *({name: one[name].tolist() for name in one} for one in kept)]
