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
from contextlib import AbstractContextManager, contextmanager
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


def watch(folder: Path) -> AbstractContextManager[None]:
    """Show the curves of the run in ``folder`` while the block trains it; see :func:`watch_newest`."""
    return watch_newest({folder: ""})


@contextmanager
def watch_newest(runs: Mapping[Path, str]) -> Iterator[None]:
    """Show the curves of the run that advanced last while the block trains ``runs``, here or in other processes.

    It is drawn in a notebook's kernel, but not during the execution of an edition, which sets ``$DISTILBOOK_LOG``.
    The output is marked as progress, so that no page shows it.

    Args:
        runs: the folder of each run, with its name in the figure.
    """
    if not in_kernel() or os.environ.get("DISTILBOOK_LOG"):
        yield
        return
    from IPython.display import display

    handle = display(blank(under_way([], [])), raw=True, display_id=True, metadata=PROGRESS)
    over = threading.Event()
    thread = threading.Thread(target=_follow, args=(runs, handle, over), daemon=True)
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


def _follow(runs: Mapping[Path, str], handle: Any, over: threading.Event) -> None:
    """Redraw until ``over``, and once more; an error is printed and does not stop the training."""
    followed = {folder: Lines(folder / "metrics.jsonl") for folder in runs}
    try:
        while not over.wait(EVERY):
            _draw(followed, runs, handle)
        _draw(followed, runs, handle)
    except Exception:  # of a front end, a disk or a library: the training goes on without a figure
        print(f"The live figure stopped; the training goes on.\n{traceback.format_exc()}")


def _draw(followed: Mapping[Path, Lines], runs: Mapping[Path, str], handle: Any) -> None:
    """Redraw the run whose file was written last, if there are new lines."""
    written = {folder: lines.path.stat().st_mtime_ns for folder, lines in followed.items() if lines.path.exists()}
    newest = max(written, key=lambda folder: written[folder], default=None)
    if newest is not None and followed[newest].more():
        made = under_way(followed[newest].steps, followed[newest].measured, runs[newest])
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
#: The loss of fine-tuning, which has no terms.
LOSS = "loss"
SPEED = Template("step {step:count}: {speed:whole} tokens/s, {left}")


def under_way(steps: Sequence[Mapping], measured: Sequence[Mapping], name: str = "") -> go.Figure:
    """Draw an unfinished run over the tokens seen: each loss term, or the loss, and held-out masked accuracy.

    Args:
        steps, measured: the lines of its metrics file, of training steps and of held-out measurements.
        name: the run's, where several are under way.
    """
    terms = {term: title for term, title in LOSS_TERMS.items() if steps and term in steps[-1]}
    if steps and not terms:
        terms = {"loss": LOSS}
    titles = [*terms.values()] + ([HELD_OUT] if "loss" not in terms else [])
    made = subplots(rows=1, cols=len(titles), subplot_titles=titles, horizontal_spacing=0.07)
    seen = dict(zip((s["step"] for s in steps), accumulate(s["tokens"] for s in steps), strict=True))
    shown = thinned(steps)
    for column, term in enumerate(terms, start=1):
        x, y = [seen[line["step"]] for line in shown], [line[term] for line in shown]
        look = {"color": PLAIN[column - 1], "width": 1.6}
        made.add_scatter(x=x, y=y, mode="lines", line=look, showlegend=False, name=terms[term], row=1, col=column)
    if HELD_OUT in titles:
        points = thinned([line for line in measured if line["step"] in seen or line["step"] == 0])
        x, y = [seen.get(line["step"], 0) for line in points], [line["masked_accuracy"] for line in points]
        spot, line = {"row": 1, "col": len(terms) + 1, "showlegend": False}, {"color": COLOURS["full"]}
        made.add_scatter(x=x, y=y, mode="lines+markers", line=line, name=HELD_OUT, **spot)
    made.update_xaxes(title_text="tokens seen")
    made.update_yaxes(rangemode="tozero", row=1, col=len(titles))
    return dressed(made, f"{name}, {state_of(steps)}" if name else state_of(steps), 330, left=50, top=80)


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
