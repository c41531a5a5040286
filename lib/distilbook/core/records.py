"""Records of measurements: append-only JSON lines, identified by what they measure, with the rule of which count.

A record has what was measured (chapter, model, recipe, task, split, metric, step, seed), value, unit and ``n``, and its
origin (configuration, code, data, predictions, machine, versions, time). Analysis chapters read nothing but records.
Records of several machines merge by copying files into one folder.

Further lines list what a part of a chapter asked for. Only records asked for last count, so that a seed or task removed
from the parameters does not count any more, and counts again when it is put back.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from . import jsonl
from .config import canonical_json, short_hash
from .errors import BookError
from .files import sha256
from .machine import hardware
from .provenance import versions
from .workspace import Workspace

FORMAT = 2
#: Format 1 has neither fingerprints nor lines of what was asked for.
READABLE = (1, FORMAT)
#: Field with the hash of a line's other fields, which detects damage; lines of older versions have none.
SUM = "sum"
RESTORE = "restore the file, or delete the line and run the chapter again"

#: The tasks of masked prediction on held-out text: under uniform masks, and under masks drawn as in training.
HELD_OUT_TEXT, TRAINING_MASKS = "held-out text", "held-out text, masks as in training"
#: The task of timings on which the claim on speed is judged.
PAIRS = "sentence pairs at batch 1"
#: The kinds of texts of fine-tuning runs, ``detail["texts"]``: sentences (or pairs of them) unless it says otherwise.
SENTENCES, DOCUMENTS = "sentences", "documents"

#: Fields of a measurement's identity: two records that agree in them are repetitions.
IDENTITY = tuple(
    ["edition", "chapter", "model", "recipe", "task", "split", "metric", "unit", "step", "seed", "pretraining_seed"]
)
#: Fields of a record's origin with their names in messages; the last one is current for the chapter's task.
MADE_BY = {"config": "configuration", "code": "code", "data": "data"}


def now() -> str:
    """Return the time in the format of records."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


Number = Annotated[float, Field(allow_inf_nan=False)]


@dataclass(frozen=True)
class Record:
    """One measurement.

    Attributes:
        model: ``teacher``, ``student``, ``majority``, ``tfidf``, ``bert-base`` …
        recipe: pre-training recipe or ablation of a student.
        task: such as ``held-out text`` or ``reviews``.
        metric, value, unit: the measurement; unit ``1`` for shares and coefficients.
        n: number of examples, tokens or repetitions behind the value.
        seed: seed of the measured stage; ``pretraining_seed`` that of the student.
        predictions, predictions_hash: file (relative to the edition's folder) of the predictions, and its SHA-256.
        fingerprint: of the model's weights and configuration; None for a baseline.
        detail: further values for figures, such as an interval's ends.
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
    fingerprint: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)
    seconds: Number | None = None
    started: str = field(default_factory=now)
    hardware: dict[str, Any] = field(default_factory=hardware)
    versions: dict[str, str] = field(default_factory=versions)
    format: int = FORMAT

    @property
    def identity(self) -> tuple:
        """Fields that identify the measurement, without value, times and origin."""
        return tuple(getattr(self, name) for name in IDENTITY)

    @property
    def made_by(self) -> tuple:
        """Configuration, code and data."""
        return tuple(getattr(self, name) for name in MADE_BY)

    @property
    def key(self) -> str:
        """Hash of measurement, origin and weights."""
        return short_hash([self.identity, self.made_by, self.fingerprint])

    @property
    def measured(self) -> tuple:
        """Identity of the measured model on a chapter's task; of a student with its pre-training seed."""
        student = self.model == "student" and self.pretraining_seed is None
        seed = self.seed if student else self.pretraining_seed
        return (self.edition, self.chapter, self.task, self.split, self.model, self.recipe, seed)

    @property
    def texts(self) -> str:
        """The kind of texts of a fine-tuning run."""
        return self.detail.get("texts", SENTENCES)

    def same_but_for_times(self, other: Record) -> bool:
        """Return whether both are the same measurement with the same result, whenever it was made."""
        names = ("key", "value", "n", "predictions_hash")
        return all(getattr(self, name) == getattr(other, name) for name in names)


@dataclass(frozen=True)
class Asked:
    """Request of a part of a chapter: the ``key`` of each record that counts for it."""

    edition: str
    chapter: str
    part: str
    asked: tuple[str, ...]
    started: str = field(default_factory=now)
    format: int = FORMAT

    @property
    def where(self) -> tuple[str, str, str]:
        """The part of a chapter that asked."""
        return (self.edition, self.chapter, self.part)


@dataclass(frozen=True)
class Standing:
    """A record that counts in its file.

    Attributes:
        since: time when it was asked for last.
        asked: whether a line of requests has it.
    """

    record: Record
    since: str
    asked: bool


class RecordBook:
    """Records of one folder: a ``.jsonl`` file for each chapter, and any number copied from elsewhere.

    Args:
        edition: edition whose records count; None for all.
    """

    def __init__(self, folder: Path, edition: str | None = None):
        self.folder, self.edition = Path(folder), edition

    def add(self, records: Iterable[Record]) -> None:
        """Append ``records`` except repetitions of current ones.

        Raises:
            BookError: for an invalid value, or a failed write; no partial line remains.
        """
        self._append_new(records, self.current())

    def replace(self, edition: str, chapter: str, part: str, records: Iterable[Record]) -> None:
        """Append new ``records``, and let only these count for a part of a chapter.

        Other seeds or tasks that an earlier execution asked for do not count any more. Idempotent.
        """
        records, path = list(records), self._file(chapter)
        self._append_new(records, [one for one in read_lines(path) if isinstance(one, Record)])
        keys = tuple(dict.fromkeys(record.key for record in records))
        lines = read_lines(path)
        before = [one for one in lines if isinstance(one, Asked) and one.where == (edition, chapter, part)]
        loose = any(not one.asked and one.record.edition == edition for one in standing(lines))
        if loose or not before or set(before[-1].asked) != set(keys):
            self._append(Asked(edition, chapter, part, keys))

    def _append_new(self, records: Iterable[Record], there: Iterable[Record]) -> None:
        known = {record.key: record for record in there}
        for record in records:
            if record.key not in known or not record.same_but_for_times(known[record.key]):
                known[record.key] = record
                self._append(record)

    def _file(self, chapter: str) -> Path:
        return self.folder / f"{chapter.replace('/', '.')}.jsonl"

    def _append(self, one: Record | Asked) -> None:
        path = self._file(one.chapter)
        where = f"a new line of {path}"
        values = jsonl.parsed(canonical_json(asdict(one)), where)
        line = canonical_json(values | {SUM: short_hash(values)})
        read_line(line, where)  # refuse to write what cannot be read
        jsonl.append(path, [line])

    def _files(self) -> list[list[Record | Asked]]:
        return [read_lines(path) for path in sorted(self.folder.glob("*.jsonl"))]

    def all(self) -> list[Record]:
        """Return all records in the order they were started; a truncated last line is skipped.

        Raises:
            BookError: for an invalid line, with its place.
        """
        records = [one for lines in self._files() for one in lines if isinstance(one, Record)]
        return sorted(records, key=lambda record: record.started)

    def current(self, **wanted: Any) -> list[Record]:
        """Return the records that count and whose attributes equal ``wanted``, in the order they were started.

        Those are the records asked for last: of a chapter's task with the configuration, code and data of the newest, of
        a model with the weights of the newest, of a measurement the newest.
        """
        latest = {one.record.identity: one.record for one, why in self._judged() if not why}
        found = sorted(latest.values(), key=lambda record: record.started)
        return [r for r in found if all(getattr(r, name) == value for name, value in wanted.items())]

    def set_aside(self) -> list[tuple[Record, str]]:
        """Return requested records that do not count, each with the reason; they come from other machines or editions."""
        return [(one.record, why) for one, why in self._judged() if why and one.asked]

    def _judged(self) -> list[tuple[Standing, str]]:
        """Return the standing records in the order of their requests, each with the reason not to count, or ""."""
        found = sorted((one for lines in self._files() for one in standing(lines)), key=lambda one: one.since)
        own = [one.record for one in found if self.edition in (None, one.record.edition)]
        made_by = {(r.edition, r.chapter, r.task): r for r in own}
        weights = {r.measured: r.fingerprint for r in own if r.made_by == made_by[r.edition, r.chapter, r.task].made_by}

        def why(r: Record) -> str:
            if self.edition not in (None, r.edition):
                return "edition"
            newest = made_by[r.edition, r.chapter, r.task]
            differs = [words for name, words in MADE_BY.items() if getattr(r, name) != getattr(newest, name)]
            return " and ".join(differs) or ("" if weights[r.measured] == r.fingerprint else "weights")

        return [(one, why(one.record)) for one in found]


def standing(lines: Iterable[Record | Asked]) -> list[Standing]:
    """Return the records of a file that each part of a chapter asked for last, and those added after that."""
    lines = list(lines)
    last = {one.where: (place, one) for place, one in enumerate(lines) if isinstance(one, Asked)}
    closed: dict[tuple[str, str], int] = {}
    since: dict[str, str] = {}
    for place, asked in last.values():
        chapter = (asked.edition, asked.chapter)
        closed[chapter] = max(place, closed.get(chapter, -1))
        since |= {key: max(asked.started, since.get(key, "")) for key in asked.asked}
    found = []
    for place, one in enumerate(lines):
        if not isinstance(one, Record):
            continue
        if place > closed.get((one.edition, one.chapter), -1):
            found.append(Standing(one, one.started, asked=False))
        elif one.key in since:
            found.append(Standing(one, max(one.started, since[one.key]), asked=True))
    return found


def read_lines(path: Path) -> list[Record | Asked]:
    """Return the lines of a file, none if it does not exist.

    Raises:
        BookError: for an invalid line, with its place.
    """
    return [read_line(line, place) for line, place in jsonl.lines(path)] if path.exists() else []


def read_line(line: str, where: str) -> Record | Asked:
    """Return the record or request in ``line``; ``where`` is its place in errors."""

    def refused(what: str, expected: str, do: str = RESTORE) -> BookError:
        return BookError(what, where=where, expected=expected, do=do)

    values = jsonl.parsed(line, where)
    found = values.get("format") if isinstance(values, dict) else None
    if found not in READABLE:
        do = "move the file away and run the chapter again with this version of the library"
        raise refused(f"a record has format {found!r}", f"format {FORMAT}", do)
    noted = values.pop(SUM, None)
    cls = Asked if "asked" in values else Record
    if unknown := set(values) - {f.name for f in fields(cls)}:
        do = "use the version of the library that wrote it"
        raise refused(f"a record has unknown fields {sorted(unknown)}", f"the fields of format {FORMAT}", do)
    if noted not in (None, short_hash(values)):
        raise refused("a record has been altered since it was written", f"fields whose hash is {noted!r}")
    try:
        return _checked(cls).validate_json(line, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        expected = "this field" if first["type"] == "missing" else f"{first['msg']}, got {first['input']!r:.80}"
        raise refused(f"a record's {'.'.join(map(str, first['loc']))} cannot be used", expected) from None


@cache
def _checked(cls: type) -> TypeAdapter:
    return TypeAdapter(cls)


def kept_predictions(path: Path, workspace: Workspace) -> dict[str, Any]:
    """Return a record's fields on the predictions from which its value was computed."""
    return {"predictions": os.path.relpath(path, workspace.root), "predictions_hash": sha256(path)}
