"""What a running book says, line by line where lines cannot be renewed, in place in a terminal."""

import io
import subprocess
import sys

import pytest
from distilbook.core.workspace import Workspace
from distilbook.runner import display as module
from distilbook.runner.display import BookDisplay
from distilbook.runner.execution import Running, log_of
from distilbook.runner.resources import Share
from distilbook.runner.run import Outcome
from rich.console import Console


@pytest.fixture
def running(runs):
    """A chapter that seems to run: its process sleeps."""
    workspace = Workspace("test")
    workspace.root.mkdir(parents=True)
    process = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE, text=True)
    one = Running("06_pretraining", workspace, Share((0, 1)), process)
    log = log_of(one.chapter, workspace)
    log.parent.mkdir()
    log.write_text("")
    yield one
    one.stop()
    assert one.over


def log(one: Running, line: str) -> None:
    with log_of(one.chapter, one.workspace).open("a") as file:
        file.write(line + "\n")


def test_in_a_log_each_chapter_says_its_newest_line_now_and_then(running, monkeypatch):
    monkeypatch.setattr(module, "SPARSE", 0.0)
    screen = io.StringIO()
    with BookDisplay(running.workspace, 11, Console(file=screen, width=400)) as display:
        display.starts(running, ("parameter steps: 80 became 100",))
        log(running, "12:00:00 full recipe, seed 0: 1.0k of 8.0k tokens")
        log(running, "12:00:05 full recipe, seed 0: 2.0k of 8.0k tokens")
        display.show({"06_pretraining": running}, "up to 3 min 0 s left")
        display.show({"06_pretraining": running}, "up to 2 min 59 s left")
        display.settled(Outcome("06_pretraining", "executed", 125.0))
    lines = [line.partition(" ")[2] for line in screen.getvalue().splitlines()]
    assert lines == [
        "06_pretraining starts on 2 cores: parameter steps: 80 became 100",
        "06_pretraining | full recipe, seed 0: 2.0k of 8.0k tokens | 0 of 11 chapters, up to 3 min 0 s left",
        "06_pretraining: done in 2 min 5 s (1 of 11)",
    ]
    assert (running.workspace.root / "book.log").read_text() == screen.getvalue()


def test_lines_are_sparse(running):
    screen = io.StringIO()
    with BookDisplay(running.workspace, 11, Console(file=screen, width=400)) as display:
        display.starts(running, ("x",))
        log(running, "12:00:00 something")
        display.show({"06_pretraining": running}, "")
    assert "something" not in screen.getvalue(), "a line is due only after half a minute"


def test_in_a_terminal_the_running_chapters_stand_below(running):
    screen = io.StringIO()
    console = Console(file=screen, width=120, force_terminal=True)
    with BookDisplay(running.workspace, 11, console) as display:
        display.starts(running, ("x",))
        log(running, "12:00:00 task [/x] [red]y, seed 0: 2.0k of 8.0k tokens")
        display.show({"06_pretraining": running}, "up to 3 min 0 s left")
        display.live.refresh()
    shown = screen.getvalue()
    assert (
        "task [/x] [red]y, seed 0: 2.0k of 8.0k tokens" in shown and "0 of 11 chapters, up to 3 min 0 s left" in shown
    )
    assert "2.0k of 8.0k" not in (running.workspace.root / "book.log").read_text()


def test_a_failure_is_said_with_its_error(runs):
    Workspace("test").root.mkdir(parents=True)
    screen = io.StringIO()
    with BookDisplay(Workspace("test"), 2, Console(file=screen, width=400, soft_wrap=True)) as display:
        display.settled(Outcome("01_claims", "failed", 3.0, "cell 3 (x[0]) failed with KeyError: [0]"))
    assert "01_claims: failed: cell 3 (x[0]) failed with KeyError: [0] (1 of 2)" in screen.getvalue()
