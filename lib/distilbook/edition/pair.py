"""Any teacher and student measured for the claims: fine-tuned or evaluated, counted and timed, nothing pre-trained."""

from __future__ import annotations

import re
from pathlib import Path

from ..device.comparisons import Timed, timed_folder
from ..device.plan import PAIRS, PairTiming, pair_orders
from ..device.timing import run_timing
from ..device.timing_records import ordered_by, size_records, timing_records
from ..model.address import model_folder
from ..records import Record, RecordBook
from ..training.finetuning.baselines import BASELINES
from ..training.finetuning.config import VerdictConfig
from ..training.finetuning.grid import Cell, Model, grid, run_grid
from ..training.finetuning.results import finetuning_records
from ..workspace import Workspace

#: Tasks that the paper reports apart from GLUE, with the chapter whose claim is judged by them.
APART = {"IMDb": "09_long_documents"}
#: How a pair is timed: so many sentence pairs in each of two fresh processes.
TIMED = {
    "pairs": 60,
    "noise_pairs": 20,
    "repeats": 2,
    "starts": 2,
    "threads": None,
    "warm_up": 3,
    "attention": "eager",
    "compile": False,
}


def pair_records(config: VerdictConfig, workspace: Workspace) -> list[Record]:
    """Return the records of the pair that ``config`` names, after every run that is not finished was finished.

    Raises:
        BookError: for a model or a task that cannot be had, or runs that failed.
    """
    folders = {role: model_folder(getattr(config, role)) for role in ("teacher", "student")}
    root = workspace.root / "pairs" / pair_name(config)
    cells = pair_cells(config, folders, root / "runs")
    run_grid(cells, root / "runs")
    book = RecordBook(root / "records")
    for cell in cells:
        book.add(finetuning_records(APART.get(cell.task.name, "08_sentence_tasks"), config.edition, [cell]))
    pair = tuple(timed_folder(folder) for folder in folders.values())
    book.add(size_records(pair, config, "11_timing"))
    book.add(pair_times(config, pair, book))
    return book.current()


def pair_name(config: VerdictConfig) -> str:
    """Return a folder's name for the pair: both models' last names."""
    return "--".join(
        re.sub(r"[^\w.-]", "_", Path(address.partition(":")[2] or address).name)
        for address in (config.teacher, config.student)
    )


def pair_cells(config: VerdictConfig, folders: dict[str, Path], root: Path) -> list[Cell]:
    """Return every run of the pair and of the baselines; the student stands where the full recipe's would."""
    models = {"teacher": [Model("teacher", folders["teacher"])], "full": [Model("full", folders["student"])]}
    return grid(config, models | {name: [Model(name)] for name in BASELINES}, root)


def pair_times(config: VerdictConfig, pair: tuple[Timed, ...], book: RecordBook) -> list[Record]:
    """Return the pair's times, measured unless ``book`` has them."""
    how = PairTiming(edition=config.edition, **TIMED)
    orders = pair_orders(how, {PAIRS: pair})
    wanted = ordered_by(how, orders[0].comparisons[0])
    known = [r for r in book.current(chapter="11_timing", task=PAIRS) if r.config == wanted]
    return known or timing_records(run_timing(orders), how, "11_timing")
