"""The smoke edition, executed once a session whatever the number of test workers, and copies of it to change."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from filelock import FileLock
from smoke_inputs import write_inputs

#: What a copy of the project takes along: no results, no caches.
PARTS = ("book", "lib", "parameters")


def edition_of(family: str, shared: Path, project: Path) -> Path:
    """Return a copy of the project with the smoke edition of a family's models executed in it.

    The first worker that asks executes it, the others wait.

    Args:
        shared: a folder that all workers see.
    """
    root, failure = shared / f"edition-{family}", shared / f"edition-{family}.failed"
    with FileLock(shared / f"edition-{family}.lock"):
        if not root.exists() and not failure.exists():
            new = copy_of_project(project, shared / f"executing-{family}")
            write_inputs(new / "runs" / "smoke" / "input", family)
            done = command(new, "run", "smoke")
            if done.returncode:
                failure.write_text(done.stdout[-3000:] + done.stderr[-3000:])
            new.rename(root)
    assert not failure.exists(), failure.read_text()
    return root


def copy_of_project(project: Path, root: Path) -> Path:
    """Copy book, library and parameters to ``root``."""
    for name in PARTS:
        shutil.copytree(project / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    return root


def environment(root: Path) -> dict[str, str]:
    """Return the environment in which the command works on the project in ``root``."""
    clean = {name: value for name, value in os.environ.items() if name != "DISTILBOOK_RUNS"}
    return clean | {"DISTILBOOK_ROOT": str(root), "PYTHONPATH": str(root / "lib")}


def command(root: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run ``distilbook`` on the project in ``root``."""
    return subprocess.run(
        [sys.executable, "-m", "distilbook.cli", *arguments],
        cwd=root.parent,
        text=True,
        capture_output=True,
        env=environment(root),
        timeout=1200,
    )


def executed_by(root: Path, *arguments: str) -> set[str]:
    """Run the edition again and return the chapters that were executed."""
    done = command(root, "run", "smoke", *arguments)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return {line.split()[1].rstrip(":") for line in done.stdout.splitlines() if ": done in " in line}
