"""Data sets in the Hub's layout: streamed from there, or in parquet or JSON lines in a local folder."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..core.config import BookError
from ..core.inputs import look
from ..text import hub
from ..text.lines import Reading
from ..text.rows import json_rows, parquet_rows
from .examples import Columns, Row

ENDINGS = ("parquet", "jsonl.gz", "jsonl")


def hub_split(split: str) -> str:
    """Return the Hub's name of a split: ``dev_matched`` is ``validation_matched``."""
    return split.replace("dev", "validation")


@dataclass(frozen=True)
class HubStream:
    """A data set of the Hub, assumed to have the official splits."""

    columns: Columns
    name: str
    subset: str | None
    revision: str | None

    def has(self, split: str) -> bool:
        return True  # a missing split is an error when it is read

    def place(self, split: str) -> str:
        subset = f", subset {self.subset}" if self.subset else ""
        return f"hub:{self.name}{subset}, split {hub_split(split)}"

    def rows(self, split: str) -> Iterator[Row]:
        rows = hub.dataset_rows(self.name, self.subset, hub_split(split), self.revision)
        for number, values in enumerate(rows, start=1):
            yield Row(f"{self.place(split)}, row {number}", values)


@dataclass(frozen=True)
class HubFiles:
    """A folder with a data set's files: ``train-00000-of-00001.parquet``, or ``train.jsonl.gz``, and so on."""

    columns: Columns
    folder: Path

    def files(self, split: str) -> list[Path]:
        """Return the split's files in order; a BookError for a split in two formats, or with missing files."""
        ending = "|".join(map(re.escape, ENDINGS))
        pattern = re.compile(rf"{hub_split(split)}(-.*)?\.({ending})")
        inside = look(self.folder, deep=False).files if self.folder.is_dir() else []
        found = {path: match[2] for path in inside if (match := pattern.fullmatch(path.name))}
        if len(set(found.values())) > 1:
            what = f"a folder holds the split {hub_split(split)!r} in several forms"
            expected = f"one of {', '.join(sorted(set(found.values())))}"
            raise BookError(what, where=self.folder, expected=expected, do="keep one of them")
        self._refuse_gaps(list(found))
        return list(found)

    def _refuse_gaps(self, files: list[Path]) -> None:
        """Refuse a split with a missing part, by names such as ``-00000-of-00002``."""
        numbered = [match for file in files if (match := re.search(r"-(\d+)-of-(\d+)\.", file.name))]
        there, parts = {int(match[1]) for match in numbered}, {int(match[2]) for match in numbered}
        if numbered and (len(parts) > 1 or there != set(range(max(parts)))):
            what = f"a split has {len(there):,} of {max(parts):,} files"
            where = f"{self.folder}, {', '.join(file.name for file in files[:3])}"
            raise BookError(what, where=where, expected="all files of the split", do="copy or download the others")

    def has(self, split: str) -> bool:
        return bool(self.files(split))

    def place(self, split: str) -> str:
        return str(self.folder / f"{hub_split(split)}*")

    def rows(self, split: str) -> Iterator[Row]:
        for path in self.files(split):
            if path.suffix == ".parquet":
                rows = enumerate(parquet_rows(path), start=1)
                yield from (Row(f"{path}, row {number}", values) for number, values in rows)
            else:
                yield from (Row(f"{path}:{number}", values) for number, values in json_rows(path, Reading()))
