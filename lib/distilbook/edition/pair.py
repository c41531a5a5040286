"""Any teacher and student measured for the claims: fine-tuned or evaluated, counted and timed, nothing pre-trained."""

from __future__ import annotations

import re
from pathlib import Path

from ..config import short_hash
from ..data.sources import model_folder
from ..device.timing import TimingConfig, run_timing, size_records, timing_records
from ..provenance import code_hash
from ..records import Record, RecordBook
from ..training.finetuning.baselines import BASELINES
from ..training.finetuning.classifier import model_kind
from ..training.finetuning.config import VerdictConfig
from ..training.finetuning.grid import Cell, Model, grid, run_grid
from ..training.finetuning.results import finetuning_records
from ..workspace import Workspace

#: Tasks that the paper reports apart from GLUE, with the chapter whose claim is judged by them.
APART = {"IMDb": "09_long_documents"}
#: How a pair is timed: so many sentence pairs in each of two fresh processes.
TIMED = {"pairs": 60, "noise_pairs": 20, "repeats": 2, "starts": 2, "threads": None, "warm_up": 3, "batch_size": 1}


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
    book.add(_sizes(config, folders))
    book.add(_times(config, folders, book))
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


def _sizes(config: VerdictConfig, folders: dict[str, Path]) -> list[Record]:
    """Return both models' parameters, without task heads, with a BERT's pooler."""
    timed = timing_config(config, folders)
    if timed is not None:
        return size_records(timed, "11_timing")
    counts = {role: _parameters(folder) for role, folder in folders.items()}
    return [
        Record(
            edition=config.edition,
            chapter="11_timing",
            model=model_kind(folders[role]),
            task="size",
            split="-",
            metric="parameters",
            value=count,
            unit="parameters",
            n=1,
            config=short_hash(counts),
            code=code_hash("distilbook.training.finetuning.classifier"),
            detail={"role": role},
        )
        for role, count in counts.items()
    ]


def _parameters(folder: Path) -> int:
    import torch
    from transformers import AutoConfig, AutoModel

    with torch.device("meta"):
        model = AutoModel.from_config(AutoConfig.from_pretrained(folder, local_files_only=True))
    return sum(parameter.numel() for parameter in model.parameters())


def _times(config: VerdictConfig, folders: dict[str, Path], book: RecordBook) -> list[Record]:
    """Return the pair's times, measured unless that was done; none for a pair that the timing does not know."""
    timed = timing_config(config, folders)
    if timed is None:
        return []
    times = [r for r in book.current(chapter="11_timing") if r.task != "size"]
    known = [r for r in times if r.config == timed.fingerprint()]
    return known or timing_records(run_timing(timed), timed, "11_timing")


def timing_config(config: VerdictConfig, folders: dict[str, Path]) -> TimingConfig | None:
    """Return how the pair is timed: a BERT against a DistilBERT of half its layers and else the same dimensions.

    None for any other pair, and for another vocabulary or number of positions than BERT's: the timing makes its
    models from these dimensions, and has no other kind.
    """
    from transformers import AutoConfig

    teacher, student = (AutoConfig.from_pretrained(folders[role], local_files_only=True) for role in folders)
    if (teacher.model_type, student.model_type) != ("bert", "distilbert"):
        return None
    halved = teacher.num_hidden_layers == 2 * student.num_hidden_layers
    shared = ("hidden_size", "num_attention_heads", "vocab_size", "max_position_embeddings")
    alike = [getattr(teacher, name) == getattr(student, name) for name in shared]
    as_published = (teacher.vocab_size, teacher.max_position_embeddings) == (30_522, 512)
    if not (halved and all(alike) and as_published and teacher.intermediate_size == student.hidden_dim):
        return None
    dimensions = {
        "layers": teacher.num_hidden_layers,
        "width": teacher.hidden_size,
        "heads": teacher.num_attention_heads,
        "feed_forward": teacher.intermediate_size,
    }
    return TimingConfig(edition=config.edition, **TIMED, **dimensions)
