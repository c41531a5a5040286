"""When a site is rendered again: on any change of what its pages show or are made by, and on no other occasion."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from distilbook.core.errors import BookError
from distilbook.core.record_book import RecordBook
from distilbook.core.records import Record
from distilbook.core.workspace import Workspace
from distilbook.runner.freshness import Execution
from distilbook.site import build as origin
from distilbook.site import render
from distilbook.site.build import build_site

VALUES = {"chapter": "03_teacher", "model": "teacher", "task": "held-out text", "split": "held-out"}


def record(value: float, predictions: str | None = None) -> Record:
    more = {"metric": "masked_accuracy", "unit": "1", "n": 10, "hardware": {}, "versions": {}}
    return Record(edition="small", value=value, predictions=predictions, **VALUES, **more)


@pytest.fixture
def workspace(tmp_path, monkeypatch) -> Workspace:
    """An edition with a notebook, a record and an execution, in a project with a front page."""
    monkeypatch.setenv("DISTILBOOK_ROOT", str(tmp_path))
    monkeypatch.setenv("DISTILBOOK_RUNS", str(tmp_path / "runs"))
    for name in ("index.md", "references.bib", "conf.py", "03_teacher.py", "_static/book.css"):
        write(tmp_path / "book" / name, name)
    made = Workspace("small")
    write(made.notebooks / "03_teacher.ipynb", "{}")
    write(made.root / "scores.npz", "scores")
    RecordBook(made.records).add([record(0.5, "scores.npz")])
    execution(made, 100.0)
    return made


@pytest.fixture
def renderings(monkeypatch) -> list[str]:
    """Every site that is rendered, by a stand-in that writes a front page."""
    calls: list[str] = []

    def stand_in(workspace: Workspace) -> None:
        calls.append(workspace.edition)
        write(workspace.site / "index.html", f"rendered {len(calls)}")

    monkeypatch.setattr(render, "render", stand_in)
    return calls


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def execution(workspace: Workspace, seconds: float, origin: dict | None = None) -> None:
    Execution("executed", origin or {}, seconds, 2, seconds, "2026-11-22T10:00:00+00:00").keep("03_teacher", workspace)


CHANGES = {
    "a notebook is executed again": lambda w, book: write(w.notebooks / "03_teacher.ipynb", "{ }"),
    "a chapter is executed": lambda w, book: write(w.notebooks / "04_student.ipynb", "{}"),
    "a chapter fails": lambda w, book: write(w.root / "failed" / "04_student.ipynb", "{}"),
    "the front page changes": lambda w, book: write(book / "index.md", "another"),
    "a page is added": lambda w, book: write(book / "more.md", "more"),
    "the configuration changes": lambda w, book: write(book / "conf.py", "another"),
    "the style changes": lambda w, book: write(book / "_static" / "book.css", "another"),
    "the text of a chapter without results changes": lambda w, book: write(book / "03_teacher.py", "another"),
    "a record is added": lambda w, book: RecordBook(w.records).add([record(0.6)]),
    "predictions are removed": lambda w, book: (w.root / "scores.npz").unlink(),
    "an execution took longer": lambda w, book: execution(w, 200.0),
    "the site is removed": lambda w, book: shutil.rmtree(w.site),
    "a page of the site is removed": lambda w, book: (w.site / "index.html").unlink(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_site_is_rendered_again_when(change, workspace, renderings, tmp_path):
    assert build_site(workspace) == build_site(workspace) == workspace.site / "index.html"
    assert len(renderings) == 1
    CHANGES[change](workspace, tmp_path / "book")
    build_site(workspace)
    build_site(workspace)
    assert len(renderings) == 2
    assert (workspace.site / "index.html").read_text() == "rendered 2"


def test_another_version_of_a_package_or_of_the_code_renders_it_again(workspace, renderings, monkeypatch):
    build_site(workspace)
    monkeypatch.setattr(origin, "_version", lambda package: "99")
    build_site(workspace)
    monkeypatch.setattr(origin, "module_hashes", lambda *modules: {modules[0]: "another"})
    build_site(workspace)
    assert len(renderings) == 3


def test_what_no_page_shows_leaves_it(workspace, renderings):
    build_site(workspace)
    write(workspace.root / "logs" / "03_teacher.log", "a line")
    write(workspace.notebooks / ".ipynb_checkpoints" / "03_teacher.ipynb", "{}")
    execution(workspace, 100.0, origin={"code": {"distilbook.distillation.losses": "another"}})
    build_site(workspace)
    assert len(renderings) == 1


def test_a_build_that_fails_leaves_the_site_and_is_tried_again(workspace, renderings, monkeypatch):
    build_site(workspace)
    write(workspace.notebooks / "03_teacher.ipynb", "broken")
    working = render.render

    def failing(workspace: Workspace) -> None:
        renderings.append("failed")
        raise BookError("the site was not built")

    monkeypatch.setattr(render, "render", failing)
    for _ in range(2):
        with pytest.raises(BookError, match="the site was not built"):
            build_site(workspace)
    assert renderings == ["small", "failed", "failed"]
    assert (workspace.site / "index.html").read_text() == "rendered 1"
    monkeypatch.setattr(render, "render", working)
    build_site(workspace)
    assert (workspace.site / "index.html").read_text() == "rendered 4"


def test_a_site_replaced_by_a_build_that_was_killed_is_not_taken_for_the_one_before(workspace, renderings, monkeypatch):
    build_site(workspace)
    write(workspace.notebooks / "03_teacher.ipynb", "another")
    monkeypatch.setattr("distilbook.site.build.keep", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    monkeypatch.setattr(render, "render", lambda w: (render.forget(w), write(w.site / "index.html", "another")))
    with pytest.raises(KeyboardInterrupt):
        build_site(workspace)
    write(workspace.notebooks / "03_teacher.ipynb", "{}")
    assert not origin.is_fresh(workspace, origin.site_origin(workspace))
