"""Reference runs: records and predictions of runs we made on real data, which ship with the library.

They lie in ``reference/<name>/``: ``records/*.jsonl``, the predictions that these name, and ``provenance.json``. So a
reader who runs nothing can still hold the paper's figures against something, and recompute every number of it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import Field

from ..core.config import BookError, Config
from ..core.files import new_folder, read_json, sha256, write_json
from ..core.records import Record, RecordBook
from .task_scores import check_predictions, model_name

FOLDER = Path(__file__).parent / "reference"


class Provenance(Config):
    """Where a reference run comes from, in words and numbers for a reader."""

    title: str = Field(description="what it is, in a few words")
    edition: str
    when: str = Field(description="the day or days, as 2026-11-22")
    machine: str
    text: str = Field(description="what the students were pre-trained on")
    subset: str = Field(description="what was a part of something larger: tasks, examples, seeds, text")
    commands: tuple[str, ...] = Field(description="what was typed to make it")
    tokens: int = Field(ge=0, description="word pieces a student was pre-trained on")
    seconds: float = Field(ge=0, description="of pre-training a student")


@dataclass(frozen=True)
class ReferenceRun:
    """A reference run; its records' predictions files are relative to ``folder``."""

    name: str
    provenance: Provenance
    records: list[Record]
    folder: Path


def reference_runs(folder: Path = FOLDER) -> list[ReferenceRun]:
    """Return the reference runs below ``folder``, by name; none where none were made.

    Raises:
        BookError: when one lacks its provenance, or that is not of the expected form.
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
    """Copy ``records`` and their predictions into ``folder / name``, replacing what is there, and return the run.

    Args:
        source: what the records' predictions files are relative to, an edition's folder.

    Raises:
        BookError: when a predictions file is missing or is not the one its record was made from.
    """
    with new_folder(folder / name) as target:
        RecordBook(target / "records").add([_copied(record, source, target) for record in records])
        write_json(target / "provenance.json", provenance.model_dump(mode="json"))
    return _read(folder / name)


def _copied(record: Record, source: Path, target: Path) -> Record:
    """Copy the predictions of ``record``, and return it with their new place."""
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
