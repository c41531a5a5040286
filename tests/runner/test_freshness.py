"""What makes a chapter stale, and the words that say so. Whole runs are in test_run.py and test_smoke.py."""

import json
import os
import shutil

import pytest
from distilbook.book.contents import CHAPTERS
from distilbook.core.files import write_json
from distilbook.core.finished import MARKER, seal
from distilbook.core.workspace import Workspace
from distilbook.runner import freshness
from distilbook.runner.freshness import Execution, addresses, condition, differences, executed_notebook, origin, survey


@pytest.fixture
def executed(project_copy) -> Workspace:
    """A copy of the book in which every chapter of the smoke edition has just been executed, as far as can be seen."""
    workspace = Workspace("smoke")
    for chapter in CHAPTERS:
        notebook = executed_notebook(chapter, workspace)
        notebook.parent.mkdir(parents=True, exist_ok=True)
        notebook.write_text("{}")
        keep(chapter, workspace)
    return workspace


def keep(chapter: str, workspace: Workspace, **values) -> None:
    facts = {"status": "executed", "seconds": 1.0, "cores": 2, "longest": 1.0, "finished": "2026-01-01T00:00:00+00:00"}
    Execution(**facts | {"origin": origin(chapter, workspace)} | values).keep(chapter, workspace)


def states(workspace: Workspace) -> dict[str, str]:
    return {name: here.state for name, here in survey(workspace).items() if here.state != "fresh"}


def test_nothing_changed_is_all_fresh(executed):
    assert states(executed) == {}


def test_a_run_that_is_gone_or_cut_makes_the_chapter_stale_that_made_it(executed):
    folder = executed.results / "pretraining" / "key"
    folder.mkdir(parents=True)
    (folder / "weights").write_text("abc")
    seal(folder / MARKER, {}, ["weights"])
    executed.publish("student/full/seed0", folder, made_by="06_pretraining")
    keep("06_pretraining", executed)
    assert condition("06_pretraining", executed).state == "fresh"
    (folder / "weights").write_text("ab")
    said = "student/full/seed0, which it made: weights has 2 bytes instead of 3"
    assert condition("06_pretraining", executed).reasons == (said,)
    shutil.rmtree(folder)
    assert condition("06_pretraining", executed).reasons == ("student/full/seed0, which it made, is gone",)


def test_a_sentence_makes_its_chapter_stale_and_its_readers_wait(executed, tmp_path):
    script = tmp_path / "book" / "08_sentence_tasks.py"
    script.write_text(script.read_text() + "\n# %% [markdown]\n# One more sentence.\n")
    assert states(executed) == {"08_sentence_tasks": "stale", "13_verdict": "waiting"}
    assert condition("08_sentence_tasks", executed).reasons == ("book/08_sentence_tasks.py has changed",)
    assert survey(executed)["13_verdict"].reasons == (
        "it reads 08_sentence_tasks, and is fresh if that makes the same again",
    )


def test_a_parameter_is_named_with_what_it_was_and_is(executed, tmp_path):
    path = tmp_path / "parameters" / "smoke" / "11_timing.yaml"
    path.write_text(path.read_text().replace("pairs: 4", "pairs: 5"))
    assert condition("11_timing", executed).reasons == ("parameter pairs: 4 became 5",)
    path.write_text(path.read_text().replace("pairs: 5\n", ""))
    assert condition("11_timing", executed).reasons == ("parameter pairs: 4 became the notebook's own value",)


def test_what_the_library_ships_for_a_chapter_is_a_part_of_it(executed, tmp_path, monkeypatch):
    package = tmp_path / "package"
    for path in ("claims/reference", "inference"):
        (package / path).mkdir(parents=True)
    (package / "claims/reference/one.jsonl").write_text("{}")
    (package / "inference/stsb_dev_lengths.json").write_text("{}")
    monkeypatch.setattr(freshness, "PACKAGE", package)
    for chapter in CHAPTERS:
        keep(chapter, executed)
    (package / "claims/reference/two.jsonl").write_text("{}")
    assert states(executed) == {"13_verdict": "stale"}
    assert condition("13_verdict", executed).reasons == ("what lies at distilbook/claims/reference has changed",)


def test_a_shared_parameter_makes_the_chapters_stale_that_have_it(executed, tmp_path):
    path = tmp_path / "parameters" / "smoke" / "shared.yaml"
    path.write_text(path.read_text() + "seed: 3\n")
    assert {name for name, state in states(executed).items() if state == "stale"} == {"03_teacher", "05_triple_loss"}


def test_a_changed_text_file_makes_the_corpus_stale_by_content_and_not_by_date(executed, tmp_path):
    folder = tmp_path / "runs" / "smoke" / "input"
    folder.mkdir()
    (folder / "rivers.txt").write_text("one")
    assert condition("02_corpus", executed).reasons == ("what lies at runs/smoke/input/rivers.txt has changed",)
    keep("02_corpus", executed)
    os.utime(folder / "rivers.txt", ns=(1, 1))
    assert condition("02_corpus", executed).state == "fresh"
    (folder / "rivers.txt").write_text("two")
    assert condition("02_corpus", executed).state == "stale"


def test_a_changed_file_of_a_task_makes_its_chapter_stale(executed, tmp_path):
    folder = tmp_path / "runs" / "smoke" / "input" / "some"
    folder.mkdir(parents=True)
    (folder / "dev.tsv").write_text("one")
    address = folder.relative_to(tmp_path).as_posix()
    tasks = [{"name": name, "address": address} for name in ("RTE", "WNLI")] + [{"name": "RTE", "address": "hub:a"}]
    (tmp_path / "parameters" / "smoke" / "08_sentence_tasks.yaml").write_text(json.dumps({"tasks": tasks}))
    before = freshness.inputs("08_sentence_tasks", executed)
    assert list(before) == [address]
    (folder / "dev.tsv").write_text("two")
    assert freshness.inputs("08_sentence_tasks", executed) != before


def test_a_local_path_in_a_parameters_cell_and_a_pair_of_models_are_watched(executed, tmp_path):
    (tmp_path / "mine.txt").write_text("one")
    (tmp_path / "student").mkdir()
    (tmp_path / "student" / "config.json").write_text("{}")
    script = tmp_path / "book" / "13_verdict.py"
    changed = {'teacher: str = ""': 'teacher: str = "hub:a/b"', 'student: str = ""': 'student: str = "student"'}
    text = script.read_text()
    for before, after in changed.items():
        assert before in text
        text = text.replace(before, after)
    script.write_text(text)
    corpus = tmp_path / "book" / "02_corpus.py"
    corpus.write_text(corpus.read_text().replace("wheel:reviews", "mine.txt"))
    (tmp_path / "parameters" / "smoke" / "02_corpus.yaml").unlink()
    assert list(freshness.inputs("02_corpus", executed)) == ["mine.txt"]
    assert "student" in freshness.inputs("13_verdict", executed)


def test_a_published_folder_that_is_gone_makes_its_chapter_stale(executed, tmp_path):
    folder = executed.root / "results" / "corpus"
    folder.mkdir(parents=True)
    elsewhere = tmp_path / "runs" / "elsewhere"
    elsewhere.mkdir()
    executed.publish("corpus", folder, made_by="02_corpus")
    executed.publish("teacher", elsewhere, made_by="03_teacher")
    for chapter in CHAPTERS:
        keep(chapter, executed)
    assert states(executed) == {}
    folder.rmdir()
    elsewhere.rmdir()
    assert condition("02_corpus", executed).reasons == ("corpus, which it made, is gone",)
    assert states(executed)["03_teacher"] == "stale"


def test_a_teacher_used_as_it_came_is_looked_into(executed, tmp_path):
    folder = tmp_path / "runs" / "elsewhere"
    folder.mkdir()
    (folder / "model.safetensors").write_text("weights")
    executed.publish("teacher", folder, made_by="03_teacher")
    before = freshness.product("03_teacher", executed)
    (folder / "model.safetensors").write_text("other weights")
    assert freshness.product("03_teacher", executed) != before


def test_changed_code_is_named(executed):
    last = origin("06_pretraining", executed)
    last["code"]["distilbook.distillation.losses"] = "other"
    keep("06_pretraining", executed, origin=last)
    assert condition("06_pretraining", executed).reasons == (
        "the code it imports has changed: distilbook.distillation.losses",
    )


def test_the_code_of_a_chapter_is_what_its_script_imports(executed):
    verdict, training = (origin(name, executed)["code"] for name in ("13_verdict", "06_pretraining"))
    assert "distilbook.distillation.losses" in training and "distilbook.distillation.losses" not in verdict
    assert "distilbook.claims.verdict" in verdict and "distilbook.runner.run" not in verdict


def test_a_missing_notebook_and_a_failure_are_not_fresh(executed):
    executed_notebook("01_claims", executed).unlink()
    keep("05_triple_loss", executed, status="failed", error="cell 3 (x) failed with ValueError: y")
    assert states(executed) == {"01_claims": "not run", "05_triple_loss": "failed"}
    assert condition("05_triple_loss", executed).reasons == ("cell 3 (x) failed with ValueError: y",)


def test_what_another_version_has_noted_is_executed_again(executed):
    write_json(executed.root / "state" / "05_triple_loss.json", {"status": "executed", "key": "abc", "seconds": 1.0})
    assert states(executed) == {"05_triple_loss": "not run"}


def test_an_origin_survives_being_written(executed, tmp_path):
    now = origin("02_corpus", executed)
    write_json(tmp_path / "o.json", now)
    assert list(differences(json.loads((tmp_path / "o.json").read_text()), now)) == []


def test_addresses_are_found_in_texts_rows_and_lists():
    rows = [{"name": "a", "address": "x.txt", "limit": 3}, {"name": "b", "address": "hub:c"}]
    assert addresses([rows, "wheel:minilm-l6"]) == ["x.txt", "hub:c", "wheel:minilm-l6"]
    assert addresses(None) == addresses(3) == []
