import os
import time
from pathlib import Path

import pytest
from distilbook.core.environment import settle_paths
from distilbook.core.errors import BookError
from distilbook.core.workspace import Workspace, cache_root, project_root, runs_root


def test_what_is_published_is_found_by_its_name(runs):
    workspace = Workspace("test")
    folder = workspace.root / "pretraining" / "abc"
    folder.mkdir(parents=True)
    workspace.publish("student/full/seed0", folder, made_by="06_pretraining")
    assert workspace.find("student/full/seed0", "06_pretraining").resolve() == folder.resolve()
    assert workspace.published_by("06_pretraining") == {"student/full/seed0": "pretraining/abc"}
    assert workspace.published_by("03_teacher") == {}


def test_what_was_published_before_and_not_again_is_withdrawn(runs):
    workspace = Workspace("test")
    for seed in (0, 1):
        workspace.publish(f"student/full/seed{seed}", workspace.root / "a", made_by="06_pretraining")
    workspace.publish("teacher", workspace.root / "b", made_by="03_teacher")
    now = time.time()
    workspace.publish("student/full/seed0", workspace.root / "a", made_by="06_pretraining")
    workspace.withdraw("06_pretraining", before=now)
    assert workspace.published_by("06_pretraining").keys() == {"student/full/seed0"}
    assert workspace.published_by("03_teacher").keys() == {"teacher"}


def test_what_is_missing_is_asked_for_by_its_chapter(runs):
    with pytest.raises(BookError) as error:
        Workspace("test").find("teacher", made_by="03_teacher")
    assert "nothing is published as 'teacher'" in str(error.value)
    assert "distilbook run test --chapter 03_teacher --needed" in str(error.value)


def test_what_is_gone_is_named_with_the_command_that_makes_it_again(runs):
    workspace = Workspace("test")
    workspace.publish("student/full/seed0", workspace.root / "gone", made_by="06_pretraining")
    with pytest.raises(BookError) as error:
        workspace.find("student/full/seed0", "06_pretraining")
    assert f"what was published as 'student/full/seed0' is gone: {workspace.root}/gone" in str(error.value)
    assert str(error.value).endswith("--chapter 06_pretraining --needed")


@pytest.mark.parametrize("given", ["out", "./out", "~/out", "{}/out"])
def test_a_path_from_the_environment_is_made_absolute_before_the_folder_changes(tmp_path, monkeypatch, given):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DISTILBOOK_RUNS", given.format(tmp_path))
    monkeypatch.setenv("DISTILBOOK_LOG", "a.log")
    settle_paths()
    monkeypatch.chdir("/")
    assert runs_root() == tmp_path / "out" and os.environ["DISTILBOOK_LOG"] == str(tmp_path / "a.log")


def test_an_empty_path_from_the_environment_is_none(project, monkeypatch):
    for name in ("DISTILBOOK_RUNS", "DISTILBOOK_CACHE", "XDG_CACHE_HOME", "DISTILBOOK_ROOT"):
        monkeypatch.setenv(name, " ")
    settle_paths()
    assert runs_root() == project / "runs" and cache_root() == Path.home() / ".cache" / "distilbook"


def test_the_home_folder_of_nobody_is_explained(monkeypatch):
    monkeypatch.setenv("DISTILBOOK_RUNS", "~nobody-at-all/runs")
    with pytest.raises(BookError, match="there is no home folder for '~nobody-at-all/runs'"):
        runs_root()


def test_paths_start_at_the_projects_root_from_any_folder(project, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert project_root() == project
    monkeypatch.delenv("DISTILBOOK_RUNS", raising=False)
    assert runs_root() == project / "runs"


def test_a_root_without_a_book_is_explained(tmp_path, monkeypatch):
    monkeypatch.setenv("DISTILBOOK_ROOT", str(tmp_path))
    with pytest.raises(BookError, match="the book's folder was not found"):
        project_root()
