"""Records of measurements: JSON lines with value, identity and origin, and what chapters asked for.

A record has what was measured (chapter, model, recipe, task, split, metric, step, seed), value, unit and ``n``, and its
origin (configuration, code, data, predictions, machine, versions, time). Analysis chapters read nothing but records.
Records of several machines merge by copying files into one folder.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from . import jsonl
from .config import short_hash
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
