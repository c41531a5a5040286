"""Record books: the records of a folder, and which of them count.

Only records that a part of a chapter asked for last count, so that a seed or task removed from the parameters does not
count any more, and counts again when it is put back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from . import jsonl
from .config import canonical_json, short_hash
from .records import MADE_BY, SUM, Asked, Record, read_line, read_lines


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
