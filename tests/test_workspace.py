import time

import pytest

from distilbook.config import BookError
from distilbook.workspace import Workspace, project_root, runs_root


def test_what_is_published_is_found_by_its_name(runs):
    workspace = Workspace("test")
    folder = workspace.root / "pretraining" / "abc"
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
    assert "distilbook run test --chapter 03_teacher" in str(error.value)


def test_paths_start_at_the_projects_root_from_any_folder(project, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert project_root() == project
    monkeypatch.delenv("DISTILBOOK_RUNS", raising=False)
    assert runs_root() == project / "runs"


def test_a_root_without_a_book_is_explained(tmp_path, monkeypatch):
    monkeypatch.setenv("DISTILBOOK_ROOT", str(tmp_path))
    with pytest.raises(BookError, match="the book's folder was not found"):
        project_root()
