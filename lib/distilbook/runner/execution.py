"""Execution of one chapter in a process of its own: start, stop, result."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import nbformat

from ..book.contents import script_of
from ..book.notebooks import to_notebook
from ..book.parameters import edition_values
from ..core.machine import Share
from ..core.workspace import Workspace
from .freshness import executed_notebook

#: Keep freed memory in the process: glibc's default of returning it took a fifth of the time of a training on a CPU.
KEEP_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**34), "MALLOC_TOP_PAD_": str(2**28)}


@dataclass
class Running:
    """A chapter in execution.

    The executed notebook replaces the one before it only when the chapter succeeds; a failed one
    is kept in ``failed/`` until the chapter succeeds.
    """

    chapter: str
    workspace: Workspace
    share: Share
    process: subprocess.Popen
    began: float = field(default_factory=time.time)

    @classmethod
    def start(cls, chapter: str, workspace: Workspace, share: Share) -> Running:
        """Start the execution of ``chapter`` on its ``share`` of the machine."""
        folder = workspace.root / "executing"
        source, output = folder / f"{chapter}.source.ipynb", folder / f"{chapter}.ipynb"
        source.parent.mkdir(parents=True, exist_ok=True)
        output.unlink(missing_ok=True)
        nbformat.write(to_notebook(script_of(chapter)), source)
        job = {
            "source": str(source),
            "output": str(output),
            "parameters": dict(edition_values(workspace.edition, chapter)),
            "folder": str(script_of(chapter).parent),
            "cores": share.cores,
        }
        with errors_of(chapter, workspace).open("w") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "distilbook.runner.notebook"],
                stdin=subprocess.PIPE,
                stdout=errors,
                stderr=errors,
                text=True,
                env=_environment(log_of(chapter, workspace), share),
                start_new_session=True,  # a Ctrl-C in the terminal is the runner's to deal with
            )
        with contextlib.suppress(BrokenPipeError):  # it ended at once; finish() returns its error
            _input_of(process).write(json.dumps(job) + "\n")
            _input_of(process).flush()
        return cls(chapter, workspace, share, process)

    @property
    def seconds(self) -> float:
        """Seconds since the chapter was started."""
        return time.time() - self.began

    @property
    def over(self) -> bool:
        """Whether its process has ended."""
        return self.process.poll() is not None

    def stop(self) -> None:
        """End the chapter's process and all it has started; a training run goes on from its checkpoint another time."""
        _input_of(self.process).close()
        try:
            self.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def finish(self) -> str:
        """Put the notebook of an ended chapter in its place; return the error, or "" when every cell was executed."""
        folder = self.workspace.root / "executing"
        output = folder / f"{self.chapter}.ipynb"
        _input_of(self.process).close()
        error = self._error(output)
        failed = self.workspace.root / "failed" / f"{self.chapter}.ipynb"
        target = failed if error else executed_notebook(self.chapter, self.workspace)
        target.parent.mkdir(parents=True, exist_ok=True)
        source = folder / f"{self.chapter}.source.ipynb"
        os.replace(output if output.exists() else source, target)
        for leftover in (source, errors_of(self.chapter, self.workspace)):
            leftover.unlink(missing_ok=True)
        if not error:
            failed.unlink(missing_ok=True)
        return error

    def _error(self, output: Path) -> str:
        notebook, status = read_if_whole(output), self.process.returncode
        if notebook and (error := failed_cell(self.chapter, notebook) or unexecuted_cell(notebook, status)):
            return error
        if status == 0 and notebook:
            return ""
        lines = errors_of(self.chapter, self.workspace).read_text(errors="replace").strip().splitlines()
        ended = f"signal {-status}" if status < 0 else f"status {status}"
        return f"the process that executed it ended with {ended}" + (f": {lines[-1]}" if lines else "")


@dataclass(frozen=True)
class Outcome:
    """Outcome of a chapter: ``fresh``, ``executed``, ``failed``, ``left out`` or ``interrupted``, and why."""

    chapter: str
    status: str
    seconds: float = 0.0
    error: str = ""


def _input_of(process: subprocess.Popen) -> IO[str]:
    assert process.stdin, "it is started with a pipe"
    return process.stdin


def log_of(chapter: str, workspace: Workspace) -> Path:
    """Return the log of the chapter's progress."""
    return workspace.root / "logs" / f"{chapter}.log"


def errors_of(chapter: str, workspace: Workspace) -> Path:
    """Return the file that holds what the executing process printed."""
    return workspace.root / "executing" / f"{chapter}.err"


def _environment(log: Path, share: Share) -> dict[str, str]:
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("")
    # The kernel is to be this environment's, whatever kernels the user has installed elsewhere.
    more = {"DISTILBOOK_LOG": str(log), "JUPYTER_PREFER_ENV_PATH": "1"}
    if share.gpus:
        more["CUDA_VISIBLE_DEVICES"] = ",".join(share.gpus)
    return KEEP_MEMORY | os.environ | more


def read_if_whole(path: Path) -> nbformat.NotebookNode | None:
    """Return the notebook in ``path``; None if it is missing or truncated, as on a full disk."""
    try:
        return nbformat.read(path, as_version=4)
    except (FileNotFoundError, nbformat.reader.NotJSONError):
        return None


def failed_cell(chapter: str, notebook: nbformat.NotebookNode) -> str:
    """Return the failed cell of the chapter's script and its error, or ""."""
    places = {cell.id: number for number, cell in enumerate(to_notebook(script_of(chapter)).cells, start=1)}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error" and "raises-exception" not in cell.metadata.get("tags", []):
                place = f"cell {places[cell.id]}" if cell.id in places else "a cell"
                first = cell.source.strip().partition("\n")[0]
                return f"{place} ({first}) failed with {output.ename}: {output.evalue}"
    return ""


def unexecuted_cell(notebook: nbformat.NotebookNode, status: int) -> str:
    """Return the error of a cell that was not executed though papermill succeeded, as after ``sys.exit(0)``."""
    for number, cell in enumerate(notebook.cells, start=1):
        if status == 0 and cell.cell_type == "code" and cell.source.strip() and cell.execution_count is None:
            return f"cell {number} was not executed: an earlier cell ended the kernel"
    return ""
