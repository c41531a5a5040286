"""A live figure of a training, for the reader in JupyterLab: drawn beside the training, from its metrics file alone.

The training knows nothing of it. The cell that trains is busy, so the figure is drawn by a thread and
reaches the page as an update of an output, which a busy kernel may still send.
"""

from __future__ import annotations

import json
import os
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..markup import html
from ..progress import PROGRESS, in_kernel
from .figures.live import under_way
from .palette import Figure

#: Seconds between two drawings.
EVERY = 5.0


@contextmanager
def watch(folder: Path) -> Iterator[None]:
    """Show the curves of the run in ``folder`` while the block trains it.

    Only in a notebook's kernel, and not when a whole edition is executed (``$DISTILBOOK_LOG`` is set then): nobody
    looks. The output is marked as progress, so that no page shows it.
    """
    if not in_kernel() or os.environ.get("DISTILBOOK_LOG"):
        yield
        return
    from IPython.display import display

    handle = display(blank(under_way([], [])), raw=True, display_id=True, metadata=PROGRESS)
    over = threading.Event()
    thread = threading.Thread(target=_follow, args=(folder / "metrics.jsonl", handle, over), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def blank(made: Figure) -> dict:
    """Return what takes the place of ``made`` for a moment, as high as it is.

    JupyterLab's renderer of figures ignores a second figure in its place; after something of another kind it begins
    afresh.
    """
    return {"text/html": f'<div style="height: {made.layout.height}px">{html(made.layout.title.text)}</div>'}


def _follow(path: Path, handle, over: threading.Event) -> None:
    """Redraw until ``over``, and once more; what goes wrong here is said and does not concern the training."""
    lines = Lines(path)
    try:
        while not over.wait(EVERY):
            _draw(lines, handle)
        _draw(lines, handle)
    except Exception:  # whatever a front end, a full disk or a library may do: the training goes on without a figure
        print(f"The live figure is not drawn any more; the training goes on.\n{traceback.format_exc()}")


def _draw(lines: Lines, handle) -> None:
    if lines.more():
        made = under_way(lines.steps, lines.measured)
        for content in (blank(made), made._repr_mimebundle_()):
            handle.update(content, raw=True, metadata=PROGRESS)


class Lines:
    """The lines of a metrics file that grows, each read once; all again when the file was written anew."""

    def __init__(self, path: Path):
        self.path = path
        self._begin(None)

    def _begin(self, file: int | None) -> None:
        self.steps: list[dict] = []
        self.measured: list[dict] = []
        self._file, self._read = file, 0

    def more(self) -> bool:
        """Read what was added since the last time; return whether that was anything."""
        if not self.path.exists():
            return False
        with self.path.open("rb") as file:
            if (number := os.fstat(file.fileno()).st_ino) != self._file:
                self._begin(number)
            file.seek(self._read)
            whole, end, _ = file.read().rpartition(b"\n")
        for line in map(json.loads, whole.splitlines()):
            if "loss" in line:
                self.steps.append(line)
            elif "masked_accuracy" in line:
                self.measured.append(line)
        self._read += len(whole) + len(end)
        return bool(whole)
