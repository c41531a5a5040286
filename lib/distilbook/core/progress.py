"""Progress of long work, its speed and time left; in a terminal, a notebook and a log alike."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Any

from tqdm import tqdm

from .environment import path_from_environment
from .markup import visible


def log_line(text: str) -> None:
    """Append ``text`` to the file that ``$DISTILBOOK_LOG`` names, with the time; without one do nothing."""
    if path := path_from_environment("DISTILBOOK_LOG"):
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{datetime.now():%H:%M:%S} {visible(text)}\n")


def tell(text: str) -> None:
    """Tell the reader something about the work at hand in one line: on standard error, and in the log."""
    log_line(text)
    print(visible(text), file=sys.stderr, flush=True)


def duration(seconds: float) -> str:
    """Return a duration as ``0.4 s``, ``12 s``, ``4 min 20 s``, ``3 h 20 min`` or ``12 days``."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    hours, minutes = divmod(round(seconds / 60), 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{round(seconds / 86_400):,} days"


def in_kernel() -> bool:
    """Whether this process is a notebook's kernel."""
    if "ipykernel" not in sys.modules or sys.modules["ipykernel"].__dict__.get("kernelapp") is None:
        return False
    from IPython import get_ipython

    return hasattr(get_ipython(), "kernel")


LINE = (
    "{desc}: {n_fmt} of {total_fmt}{unit} ({percentage:.0f}%), {rate_noinv_fmt}, "
    "{elapsed} gone, {remaining} left{postfix}"
)
LINE_WITHOUT_TOTAL = "{desc}: {n_fmt}{unit}, {rate_noinv_fmt}, {elapsed} gone{postfix}"
#: Marks a progress line among a notebook's outputs, so that no page shows it.
PROGRESS = {"distilbook": "progress"}


class Progress(tqdm):
    """A tqdm bar that says one line every few seconds instead of redrawing itself at every step.

    In a notebook the line replaces the one before it; in a terminal it is a new line; where a log
    file is named it goes there too.
    """

    disable: bool

    def __init__(self, description: str, total: float | None, unit: str):
        self._handle: Any = None
        super().__init__(
            total=total,
            desc=description,
            unit=f" {unit}",
            unit_scale=True,
            mininterval=5,
            maxinterval=20,
            dynamic_ncols=False,
            bar_format=LINE if total else LINE_WITHOUT_TOTAL,
        )

    def advance(self, amount: float, **values: float) -> None:
        """Count ``amount`` more units; ``values`` (a loss, say) stand at the end of the line."""
        if values:
            self.set_postfix({name: f"{value:.3g}" for name, value in values.items()}, refresh=False)
        self.update(amount)

    def display(self, msg: str | None = None, pos: int | None = None) -> bool:
        if self.n == 0:
            return True
        line = msg or str(self)
        log_line(line)
        plain = {"text/plain": line}
        if not in_kernel():
            print(line, file=sys.stderr, flush=True)
        elif self._handle is None:
            from IPython.display import display

            self._handle = display(plain, raw=True, display_id=True, metadata=PROGRESS)
        else:
            self._handle.update(plain, raw=True, metadata=PROGRESS)
        return True

    def close(self) -> None:
        """Say the last line once and stop."""
        if not self.disable:
            self.disable = True
            self.display(str(self))
            self._instances.discard(self)
