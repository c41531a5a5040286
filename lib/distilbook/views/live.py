"""Live figure of a training run in JupyterLab, drawn from its metrics file by a thread.

The training does not depend on it. The cell that trains is busy, so the figure reaches the page as an update of an
output, which a busy kernel may still send.
"""

from __future__ import annotations

import json
import os
import threading
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path
from typing import Any

import plotly.graph_objects as go

from ..core.markup import html
from ..core.progress import PROGRESS, duration, in_kernel
from ..pretraining.measures import MEASURES
from .pretraining import LOSS_TERMS
from .style import COLOURS, PLAIN, Figure, dressed, subplots
from .templates import Template

#: Seconds between two drawings.
EVERY = 5.0


@contextmanager
def watch(folder: Path) -> Iterator[None]:
    """Show the curves of the run in ``folder`` while the block trains it.

    It is drawn in a notebook's kernel, but not during the execution of an edition, which sets ``$DISTILBOOK_LOG``.
    The output is marked as progress, so that no page shows it.
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
    """Return a placeholder as high as ``made``.

    JupyterLab's renderer ignores a figure that replaces a figure; after an output of another type it starts again.
    """
    return {"text/html": f'<div style="height: {made.layout.height}px">{html(made.layout.title.text)}</div>'}


def _follow(path: Path, handle: Any, over: threading.Event) -> None:
    """Redraw until ``over``, and once more; an error is printed and does not stop the training."""
    lines = Lines(path)
    try:
        while not over.wait(EVERY):
            _draw(lines, handle)
        _draw(lines, handle)
    except Exception:  # of a front end, a disk or a library: the training goes on without a figure
        print(f"The live figure stopped; the training goes on.\n{traceback.format_exc()}")


def _draw(lines: Lines, handle: Any) -> None:
    if lines.more():
        made = under_way(lines.steps, lines.measured)
        for content in (blank(made), made._repr_mimebundle_()):
            handle.update(content, raw=True, metadata=PROGRESS)


class Lines:
    """The lines of a growing metrics file, each read once; a replaced file is read again from its start."""

    def __init__(self, path: Path):
        self.path = path
        self._begin(None)

    def _begin(self, file: int | None) -> None:
        self.steps: list[dict] = []
        self.measured: list[dict] = []
        self._file, self._read = file, 0

    def more(self) -> bool:
        """Read the lines added since the last call; return whether there were any."""
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


#: The largest number of points of a curve.
POINTS = 300
HELD_OUT = f"{MEASURES['masked_accuracy'].name}, held-out text"
SPEED = Template("step {step:count}: {speed:whole} tokens/s, {left}")


def under_way(steps: Sequence[Mapping], measured: Sequence[Mapping]) -> go.Figure:
    """Draw an unfinished run: each loss term and the held-out masked accuracy over the tokens seen.

    Args:
        steps, measured: the lines of its metrics file, of training steps and of held-out measurements.
    """
    terms = [name for name in LOSS_TERMS if steps and name in steps[-1]]
    made = subplots(
        rows=1, cols=len(terms) + 1, subplot_titles=[*map(LOSS_TERMS.get, terms), HELD_OUT], horizontal_spacing=0.07
    )
    seen = dict(zip((s["step"] for s in steps), accumulate(s["tokens"] for s in steps), strict=True))
    shown = thinned(steps)
    for column, term in enumerate(terms, start=1):
        x, y = [seen[line["step"]] for line in shown], [line[term] for line in shown]
        look = {"color": PLAIN[column - 1], "width": 1.6}
        made.add_scatter(x=x, y=y, mode="lines", line=look, showlegend=False, name=LOSS_TERMS[term], row=1, col=column)
    points = thinned([line for line in measured if line["step"] in seen or line["step"] == 0])
    x, y = [seen.get(line["step"], 0) for line in points], [line["masked_accuracy"] for line in points]
    spot, line = {"row": 1, "col": len(terms) + 1, "showlegend": False}, {"color": COLOURS["full"]}
    made.add_scatter(x=x, y=y, mode="lines+markers", line=line, name=HELD_OUT, **spot)
    made.update_xaxes(title_text="tokens seen")
    made.update_yaxes(rangemode="tozero", row=1, col=len(terms) + 1)
    return dressed(made, state_of(steps), 330, left=50, top=80)


def thinned(lines: Sequence[Mapping]) -> list[Mapping]:
    """Return at most ``POINTS`` of ``lines``, evenly spaced, the last among them."""
    every = max(1, -(-len(lines) // POINTS))
    return list(lines[::-1][::every][::-1])


def state_of(steps: Sequence[Mapping]) -> str:
    """Return the step of a run, its speed over the last steps, and the time left."""
    if not steps:
        return "before the first step"
    last = steps[-20:]
    speed = sum(line["tokens"] for line in last) / sum(line["seconds"] for line in last)
    left = f"{duration(seconds)} left" if (seconds := steps[-1]["seconds_left"]) else "no step left"
    return SPEED.filled(step=steps[-1]["step"], speed=speed, left=left)
