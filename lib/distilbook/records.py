"""Measurements: one JSON line each, append-only, found again by what they measure.

A record says what was measured (chapter, model, recipe, task, split, metric, step, seed), the value
with its unit and ``n``, and what it was made by (configuration, code, data, predictions, machine,
versions, time). Analysis chapters read records and nothing else. Records of several machines merge
by copying files into one folder.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .config import BookError, canonical_json
from .provenance import hardware, versions

FORMAT = 1

#: The tasks of masked prediction on held-out text: under uniform masks, and under masks drawn as in training.
HELD_OUT_TEXT, TRAINING_MASKS = "held-out text", "held-out text, masks as in training"

#: What is measured. Two records that agree in these are the same measurement, taken twice.
IDENTITY = (
    "edition",
    "chapter",
    "model",
    "recipe",
    "task",
    "split",
    "metric",
    "unit",
    "step",
    "seed",
    "pretraining_seed",
)
#: What a chapter's results were made by: the newest of these is current for the chapter's task.
MADE_BY = ("config", "code", "data")


@dataclass(frozen=True)
class Record:
    """One measurement.

    Attributes:
        model: who was measured: ``teacher``, ``student``, ``majority``, ``tfidf``, ``bert-base`` …
        recipe: the pre-training recipe or arm behind the model, where there is one.
        task: what it was measured on, such as ``held-out text`` or ``reviews``.
        metric, value, unit: the measurement; unit ``1`` for shares and coefficients.
        n: how many examples, tokens or repetitions the value was computed from.
        seed: the seed of the measured stage; ``pretraining_seed`` that of the student behind it.
        predictions, predictions_hash: the file (relative to the edition's folder) the value can be
            computed from again, and its SHA-256.
        detail: anything a figure needs beside the value, such as an interval's ends.
    """

    edition: str
    chapter: str
    model: str
    task: str
    split: str
    metric: str
    value: float
    unit: str
    n: int
    recipe: str | None = None
    step: int | None = None
    seed: int | None = None
    pretraining_seed: int | None = None
    config: str = ""
    code: str = ""
    data: str = ""
    predictions: str | None = None
    predictions_hash: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)
    seconds: float | None = None
    started: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="milliseconds"))
    hardware: dict[str, Any] = field(default_factory=hardware)
    versions: dict[str, str] = field(default_factory=versions)
    format: int = FORMAT

    @property
    def identity(self) -> tuple:
        """What is measured, without the value, the times and what it was made by."""
        return tuple(getattr(self, name) for name in IDENTITY)

    @property
    def made_by(self) -> tuple:
        return tuple(getattr(self, name) for name in MADE_BY)

    def same_but_for_times(self, other: Record) -> bool:
        """Whether both say the same of the same thing, whenever they said it."""
        names = (*IDENTITY, *MADE_BY, "value", "n", "predictions_hash")
        return all(getattr(self, name) == getattr(other, name) for name in names)


class RecordBook:
    """The records of one folder: a ``.jsonl`` file a chapter, and any number copied from elsewhere."""

    def __init__(self, folder: Path):
        self.folder = Path(folder)

    def add(self, records: Iterable[Record]) -> None:
        """Append ``records``, leaving out those that repeat a current one.

        Every line is written with one call, so that a killed run leaves whole lines behind.
        """
        current = {record.identity: record for record in self.current()}
        for record in records:
            known = current.get(record.identity)
            if known is not None and record.same_but_for_times(known):
                continue
            current[record.identity] = record
            self._append(record)

    def _append(self, record: Record) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{record.chapter.replace('/', '.')}.jsonl"
        line = canonical_json(asdict(record)) + "\n"
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)

    def all(self) -> list[Record]:
        """Return every record ever written, in the order they were started.

        Raises:
            BookError: for a line that is no record, or one of another format, with its place.
        """
        records = [
            read_line(line, f"{path}:{number}")
            for path in sorted(self.folder.glob("*.jsonl"))
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
            if line.strip()
        ]
        return sorted(records, key=lambda record: record.started)

    def current(self, **wanted: Any) -> list[Record]:
        """Return the records that stand, those whose attributes equal ``wanted``.

        Of one chapter's task only those count that share configuration, code and data with its
        newest record; of one measurement the newest.
        """
        records = self.all()
        newest = {(record.chapter, record.task): record.made_by for record in records}
        latest = {r.identity: r for r in records if r.made_by == newest[r.chapter, r.task]}
        return [r for r in latest.values() if all(getattr(r, name) == value for name, value in wanted.items())]


def read_line(line: str, where: str) -> Record:
    """Return the record that ``line`` holds; ``where`` names it in an error."""
    try:
        values = json.loads(line)
    except json.JSONDecodeError as error:
        raise BookError(
            f"a line is no JSON ({error.msg})",
            where=where,
            expected="one record a line",
            do="restore the file, or delete the line and run the chapter again",
        ) from None
    found = values.get("format") if isinstance(values, dict) else None
    if found != FORMAT:
        raise BookError(
            f"a record has format {found!r}",
            where=where,
            expected=f"format {FORMAT}",
            do="move the file away and run the chapter again with this version of the library",
        )
    unknown = set(values) - {f.name for f in fields(Record)}
    if unknown:
        raise BookError(
            f"a record has unknown fields {sorted(unknown)}",
            where=where,
            expected=f"the fields of format {FORMAT}",
            do="use the version of the library that wrote it",
        )
    return Record(**values)
