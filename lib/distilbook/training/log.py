"""Metrics of a training: a file with a line per measurement, and copies for trackers such as TensorBoard."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from accelerate import Accelerator
from accelerate.tracking import get_available_trackers

from ..core import jsonl
from ..core.config import BookError, canonical_json
from ..core.files import write_text
from ..core.progress import Progress, log_line
from .schedule import LoopConfig

FILE = "metrics.jsonl"


def check_installed(names: Iterable[str]) -> None:
    """Refuse trackers that are not installed.

    Raises:
        BookError: naming those that are.
    """
    there = sorted(str(tracker.value) for tracker in get_available_trackers())
    if missing := [name for name in names if name not in there]:
        raise BookError(
            f"the tracker {', '.join(missing)} is not installed",
            where="parameter 'trackers'",
            expected=f"among {', '.join(there)}" if there else "none: no tracker is installed",
            do="install the tracker's package, or remove its name; metrics.jsonl is written in any case",
        )


class Metrics:
    """The metrics of a run: ``metrics.jsonl`` in its folder, and the trackers of ``accelerator``.

    When a run resumes, lines after the checkpoint are dropped from the file and from TensorBoard; other trackers show
    the rest of the run as another one.
    """

    def __init__(self, folder: Path, after: int, config: LoopConfig, accelerator: Accelerator):
        self.path, self.accelerator = folder / FILE, accelerator
        lines = read_metrics(self.path) if after and self.path.exists() else []
        # The held-out measurement at the checkpoint's step is taken again, so its line goes too.
        self.kept = [line for line in lines if line["step"] < after + ("loss" in line)]
        if accelerator.is_main_process:
            write_text(self.path, "".join(json.dumps(line) + "\n" for line in self.kept))
        # An interrupt may fall into TensorBoard's own queue; its thread then sleeps until the next flush.
        kwargs = {"tensorboard": {"purge_step": after, "flush_secs": 2}}
        accelerator.init_trackers("distilbook", init_kwargs=kwargs)
        self._log_configuration(config, after)
        for line in self.kept:
            # TensorBoard purges whole steps.
            if line["step"] == after:
                self._track(line)

    def write(self, step: int, values: dict[str, float]) -> None:
        """Append ``values`` measured at ``step``; one process of several does."""
        line = {"step": step, **values}
        if self.accelerator.is_main_process:
            jsonl.append(self.path, [json.dumps(line)], sync=False)  # synced with each checkpoint
        self._track(line)

    def close(self) -> None:
        """Close the trackers; not by ``Accelerator.end_training``, which would end the process group too."""
        for tracker in self.accelerator.trackers:
            tracker.finish()

    def _track(self, line: dict[str, float]) -> None:
        kind = "training" if "loss" in line else "held_out"
        self.accelerator.log({f"{kind}/{name}": line[name] for name in line if name != "step"}, step=line["step"])

    def _log_configuration(self, config: LoopConfig, step: int) -> None:
        """Give the trackers the configuration; TensorBoard as text, since it would list another run otherwise."""
        values = config.model_dump(mode="json")
        flat = {name: v if isinstance(v, int | float | str) else canonical_json(v) for name, v in values.items()}
        for tracker in self.accelerator.trackers:
            if tracker.name == "tensorboard":
                rows = [f"| {name} | {value} |" for name, value in flat.items()]
                tracker.log({"configuration": "\n".join(["| parameter | value |", "|---|---|", *rows])}, step=step)
            else:
                tracker.store_init_configuration(flat)


class Reporter:
    """Reports a run's progress to its metrics, a progress line and the log."""

    def __init__(self, metrics: Metrics, description: str, steps: int, done: int, units_per_step: int, unit: str):
        """Report on a run of ``steps`` steps, of which ``done`` are finished already."""
        self.metrics, self.description, self.steps, self.done = metrics, description, steps, done
        self.units_per_step = units_per_step
        self._shown: dict[str, float] = {}
        self._progress = Progress(description, total=steps * units_per_step, unit=unit)
        self._progress.initial = self._progress.n = done * units_per_step
        self._began = time.perf_counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.metrics.close()
        self._progress.close()

    def stepped(self, step: int, terms: dict[str, float]) -> None:
        """Report the terms of the ``step``-th step, and the seconds left at the average pace."""
        pace = (time.perf_counter() - self._began) / (step - self.done)
        self.metrics.write(step, terms | {"seconds_left": pace * (self.steps - step)})
        self._progress.advance(self.units_per_step, loss=terms["loss"], **self._shown)

    def measured(self, step: int, values: dict[str, float]) -> None:
        """Report held-out measurements after ``step`` steps."""
        self.metrics.write(step, values)
        self._shown = {name: value for name, value in values.items() if name == "masked_accuracy"}
        told = ", ".join(f"{name} {value:.4g}" for name, value in values.items())
        log_line(f"{self.description}: held-out text after {step} of {self.steps} steps: {told}")


def read_metrics(path: Path) -> list[dict]:
    """Return the lines of a metrics file without an incomplete last one.

    Raises:
        BookError: for an invalid line, with its place.
    """
    made = []
    for line, where in jsonl.lines(path):
        value = jsonl.parsed(line, where)
        if not isinstance(value, dict) or not isinstance(value.get("step"), int):
            raise BookError("a line is no measurement", where=where, expected="a step with its measurements")
        made.append(value)
    return made


def read_curves(folder: Path) -> tuple[list[dict], list[dict]]:
    """Return the training steps and the held-out measurements of the run in ``folder``; none before it has begun."""
    path = folder / FILE
    return curves(read_metrics(path) if path.exists() else [])


def curves(lines: Iterable[dict]) -> tuple[list[dict], list[dict]]:
    """Return, of the lines of a metrics file, the training steps and the held-out measurements."""
    lines = list(lines)
    return [line for line in lines if "loss" in line], [line for line in lines if "masked_accuracy" in line]
