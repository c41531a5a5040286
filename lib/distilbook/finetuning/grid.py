"""Grid of fine-tuning runs: tasks x models x seeds, on all cores, GPUs or nodes.

``submitit`` starts the workers, on this machine or through SLURM. Each takes the next run that is neither finished
nor locked, so an interrupted grid continues with the remaining runs, and further workers may join at any time.
Modules that need torch are imported by the functions that train: a worker first settles on its cores and GPUs.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ..core.config import BookError
from ..core.files import read_json, write_json
from ..core.finished import MARKER, begin_again, is_whole
from ..core.machine import Share, keep_to, shares
from ..core.progress import Progress, log_line
from ..stats.predictions import kept_arrays
from ..tasks import Task, TaskSource, load_task
from .config import BASELINES, FinetuneRun, Settings, TasksConfig

#: Seconds between two updates of the workers' progress.
EVERY = 1.0
#: Minutes after which submitit ends a worker: locally never, on SLURM a day unless ``timeout_min`` is given.
MINUTES = {"local": 60 * 24 * 365, "slurm": 60 * 24}
#: Makes, of the folders and names of runs, a context in which they are executed, such as a live figure.
WatchRuns = Callable[[Mapping[Path, str]], contextlib.AbstractContextManager]


@dataclass(frozen=True)
class Model:
    """A model that is fine-tuned, or a baseline, which has no folder.

    Attributes:
        name: ``teacher``, a student's recipe, ``tfidf`` or ``majority``.
        pretraining_seed: that of a student's pre-training.
    """

    name: str
    folder: Path | None = None
    pretraining_seed: int | None = None

    @cached_property
    def fingerprint(self) -> str | None:
        """Hash of its weights and configuration when the grid was made; None for a baseline."""
        from ..models.loading import weights_fingerprint

        return weights_fingerprint(self.folder) if self.folder else None


@dataclass(frozen=True)
class Cell:
    """A run of the grid: one model on one task with one seed, stored in ``folder``."""

    task: TaskSource
    settings: Settings
    model: Model
    seed: int
    folder: Path

    def __str__(self) -> str:
        return f"{self.model.name} on {self.task.name}, seed {self.seed}"

    @property
    def finished(self) -> bool:
        return is_whole(self.folder / MARKER)

    @property
    def error(self) -> str | None:
        """The error of the last attempt; None where there was none."""
        path = self.folder / "error.json"
        return read_json(path)["error"] if path.exists() else None

    def open(self) -> FinetuneRun:
        """Return the finished run."""
        return FinetuneRun.open(self.folder)


@cache
def task_of(source: TaskSource) -> Task:
    """Return the task of ``source``, read once a process."""
    return load_task(source)


def grid(config: TasksConfig, models: Mapping[str, Sequence[Model]], root: Path) -> list[Cell]:
    """Return every run of ``config``: each task with each model and seed.

    Args:
        models: by name, such as a student's pre-training runs, among which the seeds are distributed.
        root: the folder of all runs; finished ones are reused.

    Raises:
        BookError: for a task that cannot be read, or a model that cannot be fine-tuned on it.
    """
    from ..training.precision import agreed
    from .classifier import check_start
    from .run import run_key

    cells = []
    precision = agreed(config.precision)  # a run's key holds the resolved precision, not ``auto``
    for choice in config.tasks:
        task, settings = task_of(choice.source), config.settings(choice).model_copy(update={"precision": precision})
        for some in models.values():
            for folder in {model.folder: None for model in some if model.folder}:
                check_start(folder, settings, task)
            for seed, model in shared_out(config.seeds, some).items():
                key = run_key(settings, model.fingerprint or model.name, task, seed)
                cells.append(Cell(choice.source, settings, model, seed, root / key))
    return cells


def shared_out(seeds: Sequence[int], models: Sequence[Model]) -> dict[int, Model]:
    """Return the model of each seed: that of the pre-training with the same seed, or the least used one."""
    by_seed = {model.pretraining_seed: model for model in models}
    behind = {seed: by_seed[seed] for seed in seeds if seed in by_seed}
    for seed in seeds:
        served = [list(behind.values()).count(model) for model in models]
        behind.setdefault(seed, models[served.index(min(served))])
    return {seed: behind[seed] for seed in seeds}


def run_grid(
    cells: Sequence[Cell],
    root: Path,
    workers: int | None = None,
    cluster: str = "local",
    watch: WatchRuns = contextlib.nullcontext,
    **slurm: Any,
) -> None:
    """Execute every unfinished run of ``cells``.

    Args:
        root: receives the workers' own output, in ``.workers/``.
        workers: processes at once, by default one for each GPU of this machine, or each core; on SLURM, jobs.
        cluster: ``local`` or ``slurm``.
        watch: makes, of the unfinished runs' folders and names, a context in which they are executed.
        slurm: the jobs' resources by submitit's names, such as ``slurm_partition`` and ``gpus_per_node``.

    Raises:
        BookError: naming the runs that failed and why; the others are kept.
    """
    left = [cell for cell in cells if not cell.finished]
    if left:
        with watch({cell.folder: str(cell) for cell in left}):
            _execute(left, root, workers, cluster, slurm)
    _check(cells)
    for doubt in doubts(cells):
        print(doubt, flush=True)
        log_line(doubt)


def doubts(cells: Sequence[Cell]) -> Iterator[str]:
    """Yield a warning for each run of a model's own head that is far worse than a constant prediction."""
    from .heads import doubt

    for cell in cells:
        if cell.settings.epochs or cell.model.folder is None or (run := cell.open()).diverged is not None:
            continue
        task = task_of(cell.task)
        labels, predicted = kept_arrays(run.predictions(next(iter(task.evaluation))), ("labels", "predictions"))
        if reason := doubt(task, labels, predicted):
            yield f"{cell}: {reason}"


def _execute(left: list[Cell], root: Path, workers: int | None, cluster: str, slurm: dict[str, Any]) -> None:
    for cell in left:
        (cell.folder / "error.json").unlink(missing_ok=True)
    if cluster == "local":
        parts: Sequence[Share | None] = shares(min(workers or len(shares()), len(left)))
        if len(parts) == 1:
            work(left, None, None)
            return
    else:
        _check_slurm()
        parts = [None] * min(workers or len(left), len(left))
    _with_workers(left, root / ".workers", parts, cluster, slurm)


def _check_slurm() -> None:
    if shutil.which("sbatch") is None or shutil.which("srun") is None:
        raise BookError(
            "SLURM is not available: sbatch or srun cannot be found",
            where="--cluster slurm",
            expected="a node of a cluster from which jobs are submitted",
            do="log in to such a node, or leave --cluster out to use this machine",
        )


def _with_workers(cells: list[Cell], folder: Path, parts: Sequence[Share | None], cluster: str, slurm: dict) -> None:
    import submitit

    executor = submitit.AutoExecutor(folder=folder, cluster=cluster)
    executor.update_parameters(**({"name": "distilbook", "timeout_min": MINUTES[cluster]} | slurm))
    launcher = os.getpid() if cluster == "local" else None
    with executor.batch():
        jobs = [executor.submit(work, cells, part, launcher) for part in parts]
    try:
        _wait(cells, jobs)
    except BaseException:
        for job in jobs:
            job.cancel()
        raise


def _wait(cells: list[Cell], jobs: list) -> None:
    """Report the number of finished runs until every worker has ended."""
    progress, left = Progress("fine-tuning", total=len(cells), unit="runs"), cells
    progress.smoothing = 0  # runs end in bursts: the average rate gives the time left
    over = False
    while not over:
        over = all(job.done() for job in jobs)
        before, left = left, [cell for cell in left if not cell.finished]
        progress.advance(len(before) - len(left))
        if not over:
            time.sleep(EVERY)
    progress.close()


def _check(cells: Sequence[Cell]) -> None:
    """Raise an error when runs are missing, with their reasons."""
    missing = [cell for cell in cells if not cell.finished]
    if not missing:
        return
    reasons = [f"{cell}: {cell.error or 'its process ended'}" for cell in missing]
    shown = "; ".join(reasons[:3]) + (f"; and {len(reasons) - 3} more" if len(reasons) > 3 else "")
    raise BookError(
        f"{len(missing)} of {len(cells)} fine-tuning runs did not finish: {shown}",
        where=missing[0].folder,
        expected="every run of the grid",
        do="remove the cause and start again: finished runs are kept",
    )


def work(cells: Sequence[Cell], share: Share | None, launcher: int | None) -> None:
    """Execute one run after the other until each is finished or locked by another worker.

    Args:
        share: the cores and GPUs to use; None for all of this process.
        launcher: the process whose end also ends this one; None on a cluster.
    """
    if launcher is not None:
        threading.Thread(target=_end_with, args=(launcher,), daemon=True).start()
    if share is not None:
        _settle_on(share)
    for cell in cells:
        with _claimed(cell.folder) as mine:
            if mine and not cell.finished and cell.error is None:
                _try(cell)


def _settle_on(share: Share) -> None:
    keep_to(share.cores)
    if share.gpus:
        os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(share.gpus)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    import torch

    torch.set_num_threads(len(share.cores))


def _try(cell: Cell) -> None:
    """Execute a run; its error is written into its folder, so that the others continue."""
    from .baselines import baseline
    from .run import finetune

    try:
        begin_again(cell.folder / MARKER, str(cell))
        task = task_of(cell.task)
        if cell.model.name in BASELINES:
            baseline(cell.model.name, cell.settings, task, cell.seed, cell.folder)
        else:
            assert cell.model.folder is not None  # only a baseline has none
            name = f"{cell.model.name} on {task.name}"
            finetune(cell.settings, cell.model.folder, task, cell.seed, cell.folder, name)
    except Exception as error:  # reported by _check, so that the other runs continue
        what = error.what if isinstance(error, BookError) else f"{type(error).__name__}: {error}"
        write_json(cell.folder / "error.json", {"error": what, "traceback": traceback.format_exc()})


@contextlib.contextmanager
def _claimed(folder: Path) -> Iterator[bool]:
    """Hold a run's lock unless another process does; a killed process releases it."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def _end_with(launcher: int) -> None:
    """End this process when the process ``launcher`` is gone."""
    import psutil

    while psutil.pid_exists(launcher) and psutil.Process(launcher).status() != psutil.STATUS_ZOMBIE:
        time.sleep(EVERY)
    os._exit(1)
