"""Records of the verdict: the edition's, or those of a pair of models named by the reader.

Any teacher and student can be measured for the claims: fine-tuned or evaluated, counted and timed, not pre-trained.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..claims import CLAIMS, Claim
from ..claims.retention import LONG_TASK
from ..core.progress import tell
from ..core.record_book import RecordBook
from ..core.records import DOCUMENTS, SENTENCES, Record
from ..core.run_keys import code_hash
from ..core.workspace import Workspace
from ..finetuning.config import BASELINES, VerdictConfig
from ..finetuning.grid import Cell, Model, grid, run_grid, task_of
from ..finetuning.records import finetuning_records
from ..inference.models import Timed, timed_folder
from ..inference.noise import TOO_LOUD, stray_of
from ..inference.protocol import PAIRS, PairTiming, pair_orders
from ..inference.records import ordered_by, size_records, timing_records
from ..inference.timing import run_timing
from ..models.address import model_folder
from ..models.folder import look_at
from ..views.tasks import left_out
from .chapter import Chapter
from .contents import CHAPTER_OF_CLAIM


def evidence(chapter: Chapter) -> tuple[list[Record], tuple[Claim, ...]]:
    """Return the records of the verdict and the claims that they can settle.

    Without a pair in the parameters these are the edition's own records and all claims. The ablations are claims about
    pre-training, so they are not judged for a pair that was pre-trained elsewhere.

    Raises:
        BookError: for a model or task of the pair that is not available, or runs that failed.
    """
    assert isinstance(chapter.config, VerdictConfig)
    if not chapter.config.teacher:
        return chapter.records.current(), CLAIMS

    records = pair_records(chapter.config, chapter.workspace)
    return records, tuple(claim for claim in CLAIMS if not claim.arm)


#: Chapters of the tasks' records, by kind of text.
CHAPTERS = {SENTENCES: CHAPTER_OF_CLAIM["retention"], DOCUMENTS: CHAPTER_OF_CLAIM["imdb"]}
TIMING_CHAPTER = CHAPTER_OF_CLAIM["faster"]
#: Settings of a pair's timing.
TIMED: dict[str, Any] = {"pairs": 60, "noise_pairs": 20, "repeats": 2, "starts": 2, "threads": None, "warm_up": 3}
TIMED |= {"attention": "eager", "compile": False}


def pair_records(config: VerdictConfig, workspace: Workspace) -> list[Record]:
    """Finish all runs of the pair in ``config`` and return their records, for its tasks and seeds only.

    Raises:
        BookError: for a model or task that is not available, or runs that failed.
    """
    folders = {role: model_folder(getattr(config, role)) for role in ("teacher", "student")}
    root = workspace.root / "pairs" / pair_name(folders.values())
    cells = pair_cells(config, folders, root / "runs")
    tell(left_out([task_of(task.source) for task in config.tasks]))
    run_grid(cells, root / "runs")
    book = RecordBook(root / "records", config.edition)
    for texts, chapter in CHAPTERS.items():
        own = [cell for cell in cells if (cell.task.name == LONG_TASK) == (texts == DOCUMENTS)]
        book.replace(config.edition, chapter, "", finetuning_records(chapter, config.edition, own, texts=texts))
    pair = timed_pair(folders)
    book.replace(config.edition, TIMING_CHAPTER, "", size_records(pair, config, TIMING_CHAPTER))
    book.replace(config.edition, TIMING_CHAPTER, "times", pair_times(config, pair, book))
    return book.current()


def pair_name(folders: Iterable[Path]) -> str:
    """Return the pair's folder name: the fingerprints of both models."""
    return "--".join(look_at(folder).fingerprint for folder in folders)


def timed_pair(folders: Mapping[str, Path]) -> tuple[Timed, ...]:
    """Return both models as timed; two of the same name get their roles appended."""
    pair = {role: timed_folder(folder) for role, folder in folders.items()}
    alike = len({timed.name for timed in pair.values()}) == 1
    return tuple(replace(timed, name=f"{timed.name} ({role})") if alike else timed for role, timed in pair.items())


def pair_cells(config: VerdictConfig, folders: Mapping[str, Path], root: Path) -> list[Cell]:
    """Return all runs of the pair and the baselines; the student has the name of the full recipe's."""
    models = {"teacher": [Model("teacher", folders["teacher"])], "full": [Model("full", folders["student"])]}
    return grid(config, models | {name: [Model(name)] for name in BASELINES}, root)


def pair_times(config: VerdictConfig, pair: tuple[Timed, ...], book: RecordBook) -> list[Record]:
    """Return the pair's times: those in ``book`` unless they are too noisy, else new ones."""
    how = PairTiming(edition=config.edition, **TIMED)
    orders = pair_orders(how, {PAIRS: pair})
    wanted = (ordered_by(how, orders[0].comparisons[0]), code_hash("timing"))
    known = {r.identity: r for r in book.all() if r.task == PAIRS and (r.config, r.code) == wanted}
    ratios = [r for r in known.values() if r.metric == "time_ratio"]
    if ratios and stray_of(ratios) <= TOO_LOUD:
        return list(known.values())
    return timing_records(run_timing(orders), how, TIMING_CHAPTER)
