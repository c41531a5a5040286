"""Names and addresses of tasks are checked before anything is read."""

import pytest
from distilbook.core.config import Config
from distilbook.tasks import TaskSource, check_source, load_task
from glue_files import write_official

KNOWN = "CoLA, MNLI, MRPC, QNLI, QQP, RTE, SST-2, STS-B, WNLI, IMDb"


def source(name, address):
    return TaskSource.parse({"name": name, "address": str(address)}, where="here")


@pytest.mark.parametrize("name", KNOWN.split(", "))
def test_every_known_task_may_be_at_an_id_of_the_hub_or_in_a_folder(name, tmp_path):
    assert source(name, "hub:some/data").name == source(name, tmp_path).name == name


@pytest.mark.parametrize(
    ("name", "meant"), [("SST2", "SST-2"), ("stsb", "STS-B"), ("cola", "CoLA"), ("imdb", "IMDb"), ("MNLI-m", "MNLI")]
)
def test_an_unknown_task_is_refused_with_the_nearest(name, meant, tmp_path, message):
    for address in ("hub:nyu-mll/glue", tmp_path):
        assert message(source, name, address) == (
            f"no task is called {name!r}.\n  where: the task's name and address ({address})\n"
            f"  expected: one of {KNOWN}\n  do: did you mean {meant!r}?"
        )


def test_a_name_like_no_other_is_refused_with_all(message):
    assert message(source, "squad", "hub:rajpurkar/squad").endswith(
        "do: use one of these names: CoLA, IMDb, MNLI, MRPC, QNLI, QQP, RTE, SST-2, STS-B, WNLI"
    )


def test_a_wheels_task_has_the_wheels_name(message):
    assert message(source, "reviews", "wheel:review") == (
        "no wheel holds a task called 'review'.\n  where: the task's name and address (wheel:review)\n"
        "  expected: one of reviews, news-similarity, news-topics\n  do: did you mean 'reviews'?"
    )
    assert message(source, "SST-2", "wheel:reviews") == (
        "wheel:reviews is not called 'SST-2'.\n  where: the task's name and address (wheel:reviews)\n"
        "  expected: one of reviews\n  do: use one of these names: reviews"
    )


def test_a_file_of_ones_own_may_have_any_name(tmp_path):
    (tmp_path / "t.tsv").write_text("x")
    assert source("anything", tmp_path / "t.tsv").name == "anything"


class Choices(Config):
    tasks: tuple[TaskSource, ...]


def test_a_list_of_tasks_explains_the_one_that_is_wrong(message):
    tasks = [{"name": "RTE", "address": "hub:nyu-mll/glue"}, {"name": "SST2", "address": "hub:nyu-mll/glue"}]
    assert message(Choices.parse, {"tasks": tasks}, where="here").startswith("no task is called 'SST2'")


def test_a_local_source_is_checked_by_reading_it(tmp_path, message):
    place = write_official(tmp_path, "RTE")
    check_source(source("RTE", tmp_path))
    check_source(source("RTE", "hub:nyu-mll/glue"))
    check_source(source("reviews", "wheel:reviews"))
    (place / "dev.tsv").write_bytes(b"\0")
    assert message(check_source, source("RTE", tmp_path)).startswith("a file is no text: it holds zero bytes")
    (place / "dev.tsv").unlink()
    assert message(check_source, source("RTE", tmp_path)).startswith("the split 'dev' of RTE is missing")
    assert message(check_source, source("WNLI", tmp_path)).startswith("there is no training set of WNLI")
    assert message(check_source, source("IMDb", tmp_path)).startswith("there are no training and test set of IMDb")
    assert message(check_source, source("x", tmp_path / "none")).startswith("the task's file does not exist")


def test_a_path_starts_at_the_projects_root(tmp_path, monkeypatch):
    (tmp_path / "book").mkdir()
    write_official(tmp_path / "data", "RTE")
    monkeypatch.setenv("DISTILBOOK_ROOT", str(tmp_path))
    assert load_task(source("RTE", "data")).name == "RTE"
