"""The runner, on a book of two chapters that were made for it."""

import json
import os

import pytest

from distilbook.cli import main
from distilbook.edition import parameters, run
from distilbook.edition.parameters import ChapterInfo
from distilbook.workspace import Workspace

HEADER = "# ---\n# jupyter:\n#   kernelspec:\n#     display_name: Python 3 (ipykernel)\n#     language: python\n#     name: python3\n# ---\n\n"
FIRST = (
    HEADER
    + """# %% tags=["parameters"]
edition: str = "laptop"

# %%
from distilbook.edition.chapter import open_chapter

chapter = open_chapter("01_first", globals())
chapter.publish("thing", chapter.workspace.root / "things" / "{thing}")
"""
)
SECOND = (
    HEADER
    + """# %% tags=["parameters"]
edition: str = "laptop"

# %%
from distilbook.edition.chapter import open_chapter

chapter = open_chapter("02_second", globals())
print(chapter.find("thing", made_by="01_first").name)
{more}
"""
)


@pytest.fixture
def book(tmp_path, monkeypatch):
    """A project of two chapters; the function it returns writes them, runs the edition and returns what became of each."""
    (tmp_path / "book").mkdir()
    (tmp_path / "parameters" / "small").mkdir(parents=True)
    monkeypatch.setenv("DISTILBOOK_ROOT", str(tmp_path))
    monkeypatch.delenv("DISTILBOOK_RUNS", raising=False)
    table = {"01_first": ChapterInfo(), "02_second": ChapterInfo(reads=("01_first",))}
    for module in (parameters, run):
        monkeypatch.setattr(module, "CHAPTERS", table)
    # The kernels know the chapters only by what they import, so they get the same table.
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(
        "import distilbook.edition.parameters as p\n"
        "p.CHAPTERS.update({'01_first': p.ChapterInfo(), '02_second': p.ChapterInfo()})\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(site))

    def write_and_run(thing="a", more="", only=None):
        (tmp_path / "book" / "01_first.py").write_text(FIRST.replace("{thing}", thing))
        (tmp_path / "book" / "02_second.py").write_text(SECOND.replace("{more}", more))
        return {outcome.chapter: outcome for outcome in run.run("small", only)}

    return write_and_run


def statuses(outcomes) -> list[str]:
    return [outcome.status for outcome in outcomes.values()]


def test_only_what_has_changed_is_executed_again(book, capsys):
    assert statuses(book()) == ["executed", "executed"]
    assert statuses(book()) == ["fresh", "fresh"]
    assert statuses(book(more="# a comment")) == ["fresh", "executed"]
    assert statuses(book(thing="b", more="# a comment")) == ["executed", "executed"]
    text = (Workspace("small").notebooks / "02_second.ipynb").read_text()
    assert '"b\\n"' in text
    assert "[1/2] 01_first: about" in capsys.readouterr().out


def test_a_chapter_whose_sources_made_the_same_again_stays_fresh(book):
    """Early cut-off: the first chapter's prose changes, what it published does not."""
    book()
    path = os.environ["DISTILBOOK_ROOT"] + "/book/01_first.py"
    outcomes = book(thing="a")
    assert statuses(outcomes) == ["fresh", "fresh"]
    with open(path, "a") as file:
        file.write("\n# %% [markdown]\n# A new sentence.\n")
    assert statuses({o.chapter: o for o in run.run("small")}) == ["executed", "fresh"]


def test_a_named_chapter_is_executed_fresh_or_not(book):
    book()
    assert statuses(book(only=["02_second"])) == ["executed"]


def test_a_failure_says_cell_and_error_keeps_the_notebook_and_stops_dependents(book, tmp_path):
    book()
    outcomes = book(thing="a", more="")
    (tmp_path / "book" / "01_first.py").write_text(FIRST + "\n# %%\nraise ValueError('the reason')\n")
    outcomes = {o.chapter: o for o in run.run("small")}
    assert statuses(outcomes) == ["failed", "left out"]
    assert "ValueError: the reason" in outcomes["01_first"].error and "cell" in outcomes["01_first"].error
    failed = json.loads((Workspace("small").root / "failed" / "01_first.ipynb").read_text())
    assert any("the reason" in "".join(map(str, cell.get("outputs", []))) for cell in failed["cells"])
    assert (Workspace("small").notebooks / "01_first.ipynb").exists(), "the last good notebook stays"


def test_a_cell_that_ends_the_kernel_is_a_failure(book):
    outcomes = book(
        more="import os\n\n# %%\nget_ipython().ask_exit = None\nraise SystemExit(0)\n\n# %%\nprint('never')"
    )
    assert outcomes["02_second"].status == "failed" and "not executed" in outcomes["02_second"].error


def test_wrong_parameters_stop_the_run_before_the_first_chapter(book, tmp_path, capsys):
    book()
    (tmp_path / "parameters" / "small" / "02_second.yaml").write_text("editon: x\n")
    assert main(["run", "small"]) == 1
    assert "did you mean 'edition'?" in capsys.readouterr().err
    (tmp_path / "parameters" / "small" / "02_second.yaml").unlink()
    assert main(["run", "smal"]) == 1
    assert "did you mean 'small'?" in capsys.readouterr().err
