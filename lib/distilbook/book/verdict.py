"""What the verdict is made from: the edition's records, or those of a pair of models that the reader names.

Any teacher and student measured for the claims: fine-tuned or evaluated, counted and timed, nothing pre-trained.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from ..claims import CLAIMS, Claim
from ..core.progress import tell
from ..core.provenance import code_hash
from ..core.records import Record, RecordBook
from ..core.workspace import Workspace
from ..finetuning.baselines import BASELINES
from ..finetuning.config import VerdictConfig
from ..finetuning.grid import Cell, Model, grid, run_grid, task_of
from ..finetuning.records import finetuning_records
from ..inference.models import Timed, timed_folder
from ..inference.noise import TOO_LOUD, stray_of
from ..inference.protocol import PAIRS, PairTiming, pair_orders
from ..inference.records import TIMING, ordered_by, size_records, timing_records
from ..inference.timing import run_timing
from ..models.address import model_folder
from ..models.loading import weights_fingerprint
from ..views.tasks import left_out
from .chapter import Chapter


def evidence(chapter: Chapter) -> tuple[list[Record], tuple[Claim, ...]]:
    """Return the records that a verdict is made from, and the claims that they can speak of.

    Without a pair in the parameters these are the edition's own and all claims. The arms of the trial are about
    pre-training, so of a pair that was pre-trained elsewhere no claim on them is judged.

    Raises:
        BookError: for a pair's model or task that cannot be had, or runs that failed.
    """
    if not chapter.config.teacher:
        return chapter.records.current(), CLAIMS

    records = pair_records(chapter.config, chapter.workspace)
    return records, tuple(claim for claim in CLAIMS if not claim.arm)


#: Tasks that the paper reports apart from GLUE, with the chapter whose claim is judged by them.
APART = {"IMDb": "09_long_documents"}
#: The chapters whose claims a pair's records speak of.
JUDGED = ("08_sentence_tasks", "09_long_documents", "11_timing")
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

    These are of the tasks and seeds that ``config`` asks for, whatever else the pair was tried on before.

    Raises:
        BookError: for a model or a task that cannot be had, or runs that failed.
    """
    folders = {role: model_folder(getattr(config, role)) for role in ("teacher", "student")}
    root = workspace.root / "pairs" / pair_name(folders.values())
    cells = pair_cells(config, folders, root / "runs")
    tell(left_out([task_of(task.source) for task in config.tasks]))
    run_grid(cells, root / "runs")
    book = RecordBook(root / "records", config.edition)
    asked = [
        record
        for cell in cells
        for record in finetuning_records(APART.get(cell.task.name, "08_sentence_tasks"), config.edition, [cell])
    ]
    pair = timed_pair(folders)
    asked += size_records(pair, config, "11_timing")
    for chapter in JUDGED:
        book.replace(config.edition, chapter, "", [record for record in asked if record.chapter == chapter])
    book.replace(config.edition, "11_timing", "times", pair_times(config, pair, book))
    return book.current()


def pair_name(folders: Iterable[Path]) -> str:
    """Return a folder's name for the pair: both models' fingerprints, wherever they lie."""
    return "--".join(map(weights_fingerprint, folders))


def timed_pair(folders: Mapping[str, Path]) -> tuple[Timed, ...]:
    """Return both models as they are timed; two of the same name are told apart by their roles."""
    pair = {role: timed_folder(folder) for role, folder in folders.items()}
    alike = len({timed.name for timed in pair.values()}) == 1
    return tuple(replace(timed, name=f"{timed.name} ({role})") if alike else timed for role, timed in pair.items())


def pair_cells(config: VerdictConfig, folders: Mapping[str, Path], root: Path) -> list[Cell]:
    """Return every run of the pair and of the baselines; the student stands where the full recipe's would."""
    models = {"teacher": [Model("teacher", folders["teacher"])], "full": [Model("full", folders["student"])]}
    return grid(config, models | {name: [Model(name)] for name in BASELINES}, root)


def pair_times(config: VerdictConfig, pair: tuple[Timed, ...], book: RecordBook) -> list[Record]:
    """Return the pair's times: those in ``book``, unless the machine was too loud then to tell anything by them."""
    how = PairTiming(edition=config.edition, **TIMED)
    orders = pair_orders(how, {PAIRS: pair})
    wanted = (ordered_by(how, orders[0].comparisons[0]), code_hash(TIMING))
    known = {r.identity: r for r in book.all() if r.task == PAIRS and (r.config, r.code) == wanted}
    ratios = [r for r in known.values() if r.metric == "time_ratio"]
    if ratios and stray_of(ratios) <= TOO_LOUD:
        return list(known.values())
    return timing_records(run_timing(orders), how, "11_timing")
