"""A live figure of a training, for the reader in JupyterLab: drawn beside the training, from its metrics file alone.

The training knows nothing of it. The cell that trains is busy, so the figure is drawn by a thread and
reaches the page as an update of an output, which a busy kernel may still send.

The figure of a training that is under way.
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

import plotly.graph_objects as go

from ..core.markup import html
from ..core.progress import PROGRESS, duration, in_kernel
from .style import COLOURS, PLAIN, Figure, figure, subplots

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


#: A curve is drawn with at most so many points.
POINTS = 300
NAMES = {"distillation_loss": "distillation (nat)", "masked_lm_loss": "masked LM (nat)", "cosine_loss": "cosine"}
HELD_OUT = "masked accuracy, held-out text"


def under_way(steps: Sequence[Mapping], measured: Sequence[Mapping]) -> go.Figure:
    """Draw a run that goes on: each loss term and the held-out masked accuracy over the tokens seen.

    Args:
        steps, measured: the lines of its metrics file, of training steps and of held-out measurements.
    """
    terms = [name for name in NAMES if steps and name in steps[-1]]
    made = subplots(
        rows=1, cols=len(terms) + 1, subplot_titles=[*map(NAMES.get, terms), HELD_OUT], horizontal_spacing=0.07
    )
    seen = dict(zip((s["step"] for s in steps), accumulate(s["tokens"] for s in steps), strict=True))
    shown = thinned(steps)
    for column, term in enumerate(terms, start=1):
        x, y = [seen[line["step"]] for line in shown], [line[term] for line in shown]
        look = {"color": PLAIN[column - 1], "width": 1.6}
        made.add_scatter(x=x, y=y, mode="lines", line=look, showlegend=False, name=NAMES[term], row=1, col=column)
    points = thinned([line for line in measured if line["step"] in seen or line["step"] == 0])
    made.add_scatter(
        x=[seen.get(line["step"], 0) for line in points],
        y=[line["masked_accuracy"] for line in points],
        mode="lines+markers",
        line={"color": COLOURS["full"]},
        showlegend=False,
        name=HELD_OUT,
        row=1,
        col=len(terms) + 1,
    )
    made.update_xaxes(title_text="tokens seen")
    made.update_yaxes(rangemode="tozero", row=1, col=len(terms) + 1)
    base = figure(state_of(steps), "", "").layout
    made.update_layout(
        template=base.template, title=base.title, height=330, margin={"l": 50, "r": 20, "t": 80, "b": 60}
    )
    return made.update_layout(paper_bgcolor=base.paper_bgcolor, plot_bgcolor=base.plot_bgcolor)


def thinned(lines: Sequence[Mapping]) -> list[Mapping]:
    """Return at most ``POINTS`` of ``lines``, evenly spaced, the last among them."""
    every = max(1, -(-len(lines) // POINTS))
    return list(lines[::-1][::every][::-1])


def state_of(steps: Sequence[Mapping]) -> str:
    """Say how far a run is, how fast it was over its last steps and how long it will take still."""
    if not steps:
        return "before the first step"
    last = steps[-20:]
    speed = sum(line["tokens"] for line in last) / sum(line["seconds"] for line in last)
    left = steps[-1]["seconds_left"]
    return f"step {steps[-1]['step']:,}: {speed:,.0f} tokens/s, " + (
        f"{duration(left)} left" if left else "no step left"
    )
