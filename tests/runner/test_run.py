"""The runner, on a book of two chapters that were made for it."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from distilbook.book import contents
from distilbook.book.contents import ChapterInfo
from distilbook.cli import main
from distilbook.core.errors import BookError
from distilbook.core.files import sole
from distilbook.core.workspace import Workspace
from distilbook.runner import preflight, run
from distilbook.runner.freshness import last_execution

HEADER = "# ---\n# jupyter:\n#   kernelspec:\n#     display_name: Python 3 (ipykernel)\n#     language: python\n#     name: python3\n# ---\n\n"
FIRST = (
    HEADER
    + """# %% tags=["parameters"]
edition: str = "laptop"

# %%
from distilbook.book.chapter import open_chapter

chapter = open_chapter("01_first", globals())
folder = chapter.workspace.root / "things" / "{thing}"
folder.mkdir(parents=True, exist_ok=True)
chapter.publish("thing", folder)
"""
)
SECOND = (
    HEADER
    + """# %% tags=["parameters"]
edition: str = "laptop"

# %%
from distilbook.book.chapter import open_chapter

chapter = open_chapter("02_second", globals())
print(chapter.find("thing", made_by="01_first").name)
{more}
"""
)


TABLE = {"01_first": ChapterInfo(), "02_second": ChapterInfo(reads=("01_first",))}
#: Every process that is given this on its path knows the same two chapters.
SITE = """
import distilbook.book.contents as c
c.CHAPTERS.clear()
c.CHAPTERS.update({"01_first": c.ChapterInfo(), "02_second": c.ChapterInfo(reads=("01_first",))})
"""


@contextlib.contextmanager
def entered(root: Path, project: Path) -> Iterator[None]:
    """Have this process and those it starts take ``root`` for the project, and know its two chapters alone."""
    before = dict(contents.CHAPTERS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DISTILBOOK_ROOT", str(root))
        patch.delenv("DISTILBOOK_RUNS", raising=False)
        patch.setenv("PYTHONPATH", os.pathsep.join([str(root / "site"), str(project / "lib")]))
        contents.CHAPTERS.clear()
        contents.CHAPTERS.update(TABLE)
        yield
        contents.CHAPTERS.clear()
        contents.CHAPTERS.update(before)


def write(root: Path, thing: str = "a", more: str = "") -> None:
    """Write the two chapters: what the first publishes, and what the second does with it."""
    (root / "book" / "01_first.py").write_text(FIRST.replace("{thing}", thing))
    (root / "book" / "02_second.py").write_text(SECOND.replace("{more}", more))


@pytest.fixture(scope="module")
def executed(project, tmp_path_factory) -> Path:
    """A project of two chapters that were executed once."""
    root = tmp_path_factory.mktemp("executed")
    for folder in ("book", "parameters/small", "site"):
        (root / folder).mkdir(parents=True)
    (root / "site" / "sitecustomize.py").write_text(SITE)
    write(root)
    with entered(root, project):
        assert [outcome.status for outcome in run.run("small")] == ["executed", "executed"]
    return root


@pytest.fixture
def book(executed, project, tmp_path):
    """A copy of the executed project; the function writes its chapters, runs it and returns the outcomes by chapter."""
    shutil.copytree(executed, tmp_path, dirs_exist_ok=True)

    def write_and_run(thing="a", more="", only=None, **options):
        write(tmp_path, thing, more)
        return {outcome.chapter: outcome for outcome in run.run("small", only, **options)}

    with entered(tmp_path, project):
        yield write_and_run


@pytest.fixture
def new_book(book, tmp_path):
    """The same project before its first execution."""
    shutil.rmtree(tmp_path / "runs")
    return book


def statuses(outcomes) -> list[str]:
    return [outcome.status for outcome in outcomes.values()]


def test_only_what_has_changed_is_executed_again(new_book, capsys):
    book = new_book
    assert statuses(book()) == ["executed", "executed"]
    assert statuses(book()) == ["fresh", "fresh"]
    assert statuses(book(more="# a comment")) == ["fresh", "executed"]
    assert statuses(book(thing="b", more="# a comment")) == ["executed", "executed"]
    text = (Workspace("small").notebooks / "02_second.ipynb").read_text()
    assert '"b\\n"' in text
    said = capsys.readouterr().out
    assert "01_first starts on 1 core: it has not been executed in this edition" in said
    assert "02_second starts on 1 core: book/02_second.py has changed" in said
    assert "02_second starts on 1 core: 01_first has made something else" in said


def test_a_chapter_whose_sources_made_the_same_again_stays_fresh(book):
    """Early cut-off: the first chapter's prose changes, what it published does not."""
    path = os.environ["DISTILBOOK_ROOT"] + "/book/01_first.py"
    outcomes = book(thing="a")
    assert statuses(outcomes) == ["fresh", "fresh"]
    with open(path, "a") as file:
        file.write("\n# %% [markdown]\n# A new sentence.\n")
    assert statuses({o.chapter: o for o in run.run("small")}) == ["executed", "fresh"]


def test_a_named_chapter_is_executed_fresh_or_not(book):
    assert statuses(book(only=["02_second"])) == ["executed"]


def test_a_failure_says_cell_and_error_keeps_the_notebook_and_stops_dependents(book, tmp_path):
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
    assert outcomes["02_second"].error == "cell 3 (get_ipython().ask_exit = None) failed with SystemExit: 0"


def test_wrong_parameters_stop_the_run_before_the_first_chapter(book, tmp_path, capsys):
    (tmp_path / "parameters" / "small" / "02_second.yaml").write_text("editon: x\n")
    assert main(["run", "small"]) == 1
    assert "did you mean 'edition'?" in capsys.readouterr().err
    (tmp_path / "parameters" / "small" / "02_second.yaml").unlink()
    assert main(["run", "smal"]) == 1
    assert "did you mean 'small'?" in capsys.readouterr().err


def test_a_second_run_on_one_folder_is_refused(book):
    with sole(Workspace("small").lock, "a run of edition 'small'"), pytest.raises(BookError) as error:
        run.run("small")
    lines = str(error.value).splitlines()
    assert lines[0] == "a run of edition 'small' is under way already."
    assert lines[1].startswith(f"  where: process {os.getpid()} on ") and ", since 20" in lines[1]
    assert lines[2] == "  do: wait until it ends, or stop it"


def test_what_a_chapter_no_longer_publishes_is_withdrawn(book, tmp_path):
    assert Workspace("small").published_by("01_first").keys() == {"thing"}
    (tmp_path / "book" / "01_first.py").write_text(FIRST.replace('"thing"', '"other"'))
    outcomes = {o.chapter: o for o in run.run("small")}
    assert Workspace("small").published_by("01_first").keys() == {"other"}
    assert outcomes["02_second"].status == "failed" and "nothing is published as 'thing'" in outcomes["02_second"].error


def test_the_place_of_a_failure_is_that_in_the_script(book):
    outcomes = book(more="\n# %%\n1 / 0")
    assert outcomes["02_second"].error == "cell 3 (1 / 0) failed with ZeroDivisionError: division by zero"


def test_a_chapter_whose_kernel_is_killed_has_failed(book):
    outcomes = book(more="import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert outcomes["02_second"].status == "failed" and "Kernel died" in outcomes["02_second"].error


def test_a_chapter_that_fails_on_a_full_disk_ends_the_run(book, monkeypatch, capsys):
    usage = iter([10**12] + [12_000_000] * 9)  # there is room at the start
    monkeypatch.setattr(preflight.shutil, "disk_usage", lambda path: SimpleNamespace(free=next(usage)))
    with pytest.raises(BookError, match="the disk is nearly full: 12 MB are free"):
        book(more="1 / 0")
    assert "02_second: failed: cell 2 (" in capsys.readouterr().out
    assert last_execution("01_first", Workspace("small")).status == "executed"


def test_a_failed_chapter_is_tried_again_and_its_notebook_of_failure_goes(book):
    book(more="1 / 0")
    failed = Workspace("small").root / "failed" / "02_second.ipynb"
    assert failed.exists()
    assert statuses(book()) == ["fresh", "executed"]
    assert not failed.exists() and last_execution("02_second", Workspace("small")).error == ""


def test_the_time_of_an_execution_and_its_longest_are_kept(book):
    before = last_execution("02_second", Workspace("small")).longest  # of the execution that the tests share
    book(more="import time; time.sleep(2)")
    first = last_execution("02_second", Workspace("small"))
    assert first.seconds > 2 and first.longest == max(before, first.seconds)
    book()
    second = last_execution("02_second", Workspace("small"))
    assert second.seconds > 0 and second.longest == max(first.longest, second.seconds)
    replace(second, longest=1e6).keep("02_second", Workspace("small"))
    book(more="# a comment")
    third = last_execution("02_second", Workspace("small"))
    assert third.seconds < 1e6 and third.longest == 1e6


SLEEPS = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])
print(child.pid, flush=True)
open({pids!r}, "w").write(str(child.pid))
time.sleep(120)
"""


def alive(pid: int) -> bool:
    try:
        return "zombie" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_stopped_leaves_no_process_and_loses_no_finished_chapter(book, tmp_path, number):
    pids = tmp_path / "pids"
    (tmp_path / "book" / "02_second.py").write_text(SECOND.replace("{more}", SLEEPS.format(pids=str(pids))))
    process = subprocess.Popen(
        [sys.executable, "-m", "distilbook.cli", "run", "small"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell that starts the tests in the background has them ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    for _ in range(1200):
        if (pids.exists() and pids.read_text()) or process.poll() is not None:
            break
        time.sleep(0.1)
    assert pids.exists(), process.communicate()
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    for _ in range(50):
        if not alive(int(pids.read_text())):
            break
        time.sleep(0.1)
    assert not alive(int(pids.read_text())), "what the chapter had started is gone"
    if number != signal.SIGKILL:
        assert process.returncode == 130 and "Go on with: distilbook run small" in out and "Traceback" not in out + err
    (tmp_path / "book" / "02_second.py").write_text(SECOND.replace("{more}", ""))
    assert statuses({o.chapter: o for o in run.run("small")}) == ["fresh", "fresh"], "the run before it still stands"


STEPS = """
from pathlib import Path
import time
steps = chapter.workspace.root / "steps"
for number in range(len(steps.read_text()) if steps.exists() else 0, 10):
    time.sleep(0.1)
    with steps.open("a") as file:
        _ = file.write("s")
print(steps.read_text())
"""


def killed(chapter: str, seconds: float) -> str:
    """Run the book, kill it so many seconds after it has started ``chapter``, and return what it said until then."""
    command = [sys.executable, "-m", "distilbook.cli", "run", "small"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    said = ""
    for line in process.stdout:
        said += line
        if f"{chapter} starts" in line:
            time.sleep(seconds)
            break
    process.kill()
    return said + process.communicate()[0]


def test_a_run_that_is_killed_again_and_again_ends_as_one_that_was_not(new_book, tmp_path):
    write(tmp_path, more=STEPS)
    assert "01_first: done" not in killed("01_first", 1)
    assert "01_first: done" in killed("02_second", 0)
    said = killed("02_second", 2)
    assert "01_first: fresh" in said and "01_first starts" not in said, "what was finished stays finished"
    assert statuses(new_book(more=STEPS)) == ["fresh", "executed"]
    assert (Workspace("small").root / "steps").read_text() == 10 * "s"
    assert 10 * "s" in (Workspace("small").notebooks / "02_second.ipynb").read_text()
    assert not list((Workspace("small").root / "executing").rglob("*.ipynb"))


def test_a_named_chapter_is_executed_with_what_it_needs(new_book):
    asked = {"only": ["02_second"], "needed": True}
    assert statuses(new_book(**asked)) == ["executed", "executed"]
    assert statuses(new_book(**asked)) == ["fresh", "executed"], "what it needs is executed where it is not fresh"
