"""Reference runs on real data that ship with the library: records, predictions and provenance.

Each is a folder ``reference/<name>/`` with ``records/*.jsonl``, the predictions files of the records and
``provenance.json``. A reader who runs nothing can compare them with the paper and recompute every number.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import Field

from ..core.config import BookError, Config
from ..core.files import new_folder, read_json, sha256, write_json
from ..core.record_book import RecordBook
from ..core.records import Record
from .task_scores import check_predictions, model_name

FOLDER = Path(__file__).parent / "reference"


class Provenance(Config):
    """Provenance of a reference run."""

    title: str = Field(description="a short title")
    edition: str
    when: str = Field(description="the day or days, as 2026-11-22")
    machine: str
    text: str = Field(description="the pre-training text")
    subset: str = Field(description="subsets used: of tasks, examples, seeds, text")
    commands: tuple[str, ...] = Field(description="the commands that made it")
    tokens: int = Field(ge=0, description="tokens of a student's pre-training")
    seconds: float = Field(ge=0, description="seconds of a student's pre-training")


@dataclass(frozen=True)
class ReferenceRun:
    """A reference run; its records' predictions files are relative to ``folder``."""

    name: str
    provenance: Provenance
    records: list[Record]
    folder: Path


def reference_runs(folder: Path = FOLDER) -> list[ReferenceRun]:
    """Return the reference runs below ``folder``, by name.

    Raises:
        BookError: for missing or invalid provenance.
    """
    if not folder.is_dir():
        return []
    return [_read(path) for path in sorted(folder.iterdir()) if path.is_dir()]


def _read(folder: Path) -> ReferenceRun:
    path = folder / "provenance.json"
    if not path.is_file():
        raise BookError("a reference run lacks its provenance", where=path, do="restore the file, or remove the folder")
    provenance = Provenance.parse(read_json(path), where=path)
    return ReferenceRun(folder.name, provenance, RecordBook(folder / "records").current(), folder)


def keep_reference(
    name: str, records: Iterable[Record], source: Path, provenance: Provenance, folder: Path = FOLDER
) -> ReferenceRun:
    """Write ``records`` and their predictions to ``folder / name``, replacing a run of that name, and return the run.

    Args:
        source: base of the predictions files' paths, an edition's folder.

    Raises:
        BookError: when a predictions file is missing or is not the one its record was made from.
    """
    with new_folder(folder / name) as target:
        RecordBook(target / "records").add([_copied(record, source, target) for record in records])
        write_json(target / "provenance.json", provenance.model_dump(mode="json"))
    return _read(folder / name)


def _copied(record: Record, source: Path, target: Path) -> Record:
    """Copy the predictions of ``record``, and return it with their new path."""
    if record.predictions is None:
        return record
    path = source / record.predictions
    if not path.is_file():
        raise BookError("a predictions file is missing", where=path, do=f"run chapter {record.chapter} again")
    check_predictions(path, record)
    who = f"{model_name(record)}-seed{record.seed}-{record.split}".replace("/", "_")
    place = Path("predictions", record.chapter, record.task.replace("/", "_"), f"{who}-{sha256(path)[:8]}.npz")
    (target / place).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, target / place)
    return replace(record, predictions=place.as_posix())
