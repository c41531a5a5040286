"""Measurements: one JSON line each, append-only, found again by what they measure.

A record says what was measured (chapter, model, recipe, task, split, metric, step, seed), the value
with its unit and ``n``, and what it was made by (configuration, code, data, predictions, machine,
versions, time). Analysis chapters read records and nothing else. Records of several machines merge
by copying files into one folder.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from . import jsonl
from .config import BookError, canonical_json, short_hash
from .provenance import hardware, versions

FORMAT = 1
#: A line's own hash of all its other fields, so that a damaged one is noticed; lines of older versions have none.
SUM = "sum"

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


Number = Annotated[float, Field(allow_inf_nan=False)]


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
    value: Number
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
    seconds: Number | None = None
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

        Raises:
            BookError: for a value that is no number, or a line that cannot be written; every line is then whole
                or not there.
        """
        current = {record.identity: record for record in self.current()}
        for record in records:
            known = current.get(record.identity)
            if known is not None and record.same_but_for_times(known):
                continue
            current[record.identity] = record
            self._append(record)

    def _append(self, record: Record) -> None:
        path = self.folder / f"{record.chapter.replace('/', '.')}.jsonl"
        where = f"a new line of {path}"
        values = jsonl.parsed(canonical_json(asdict(record)), where)
        line = canonical_json(values | {SUM: short_hash(values)})
        read_line(line, where)  # what could not be read again is not written
        jsonl.append(path, [line])

    def all(self) -> list[Record]:
        """Return every record ever written, in the order they were started; a last line that was cut off is left out.

        Raises:
            BookError: for a line that is no record, or one of another format, with its place.
        """
        paths = sorted(self.folder.glob("*.jsonl"))
        records = [read_line(line, place) for path in paths for line, place in jsonl.lines(path)]
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
    values = jsonl.parsed(line, where)
    found = values.get("format") if isinstance(values, dict) else None
    if found != FORMAT:
        raise BookError(
            f"a record has format {found!r}",
            where=where,
            expected=f"format {FORMAT}",
            do="move the file away and run the chapter again with this version of the library",
        )
    noted = values.pop(SUM, None)
    unknown = set(values) - {f.name for f in fields(Record)}
    if unknown:
        raise BookError(
            f"a record has unknown fields {sorted(unknown)}",
            where=where,
            expected=f"the fields of format {FORMAT}",
            do="use the version of the library that wrote it",
        )
    if noted not in (None, short_hash(values)):
        raise BookError(
            "a record has been altered since it was written",
            where=where,
            expected=f"fields whose hash is {noted!r}",
            do="restore the file, or delete the line and run the chapter again",
        )
    try:
        return _checked().validate_json(line, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        raise BookError(
            f"a record's {'.'.join(map(str, first['loc']))} cannot be used",
            where=where,
            expected=f"{first['msg']}, got {first['input']!r:.80}" if first["type"] != "missing" else "this field",
            do="restore the file, or delete the line and run the chapter again",
        ) from None


@cache
def _checked() -> TypeAdapter[Record]:
    return TypeAdapter(Record)
