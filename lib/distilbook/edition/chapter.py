"""What a chapter opens with: its configuration, its edition's folder, its records."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from ..config import BookError, ChapterConfig
from ..records import Record, RecordBook
from ..workspace import Workspace
from .contents import CHAPTERS

#: Names that every notebook has from the start.
IPYTHON_NAMES = frozenset({"In", "Out", "exit", "quit", "get_ipython", "open"})

_opened: set[str] = set()


@dataclass(frozen=True)
class Chapter:
    """An open chapter.

    Attributes:
        asked: what it has recorded since it was opened, by the part of the chapter.
    """

    id: str
    config: ChapterConfig
    workspace: Workspace
    asked: dict[str, list[Record]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def records(self) -> RecordBook:
        """All records of the edition, this chapter's and the others'."""
        return RecordBook(self.workspace.records, self.workspace.edition)

    def record(self, records: list[Record], part: str = "") -> list[Record]:
        """Keep ``records`` as measurements of a part of this chapter and return them.

        What was recorded in this part before the chapter was opened, and not again since, does not count any more.
        """
        asked = self.asked.setdefault(part, [])
        asked.extend(records)
        self.records.replace(self.workspace.edition, self.id, part, asked)
        return records

    def publish(self, name: str, folder: Path) -> None:
        """Let later chapters find ``folder`` under ``name``."""
        self.workspace.publish(name, folder, made_by=self.id)

    def find(self, name: str, made_by: str) -> Path:
        """Return the folder that chapter ``made_by`` published as ``name``."""
        return self.workspace.find(name, made_by)


def open_chapter(chapter: str, namespace: Mapping[str, Any]) -> Chapter:
    """Return the chapter with the parameters that stand in the notebook's ``namespace``.

    Args:
        chapter: the chapter's id, such as ``06_pretraining``.
        namespace: the notebook's ``globals()``, after its parameters cell.

    Raises:
        BookError: for a parameter that does not exist, has the wrong type or an impossible value.
    """
    cls = CHAPTERS[chapter].config_class
    plain = {name: value for name, value in namespace.items() if _may_be_parameter(name, value)}
    known = {name: value for name, value in plain.items() if name in cls.model_fields}
    _refuse_unknown(chapter, [name for name in plain if name not in known], list(cls.model_fields))
    config = cls.parse(known, where=f"the parameters of chapter {chapter}")
    _opened.add(chapter)
    return Chapter(chapter, config, Workspace(config.edition))


def _may_be_parameter(name: str, value: Any) -> bool:
    plain = not isinstance(value, ModuleType | FunctionType | type) and type(value).__module__ == "builtins"
    return plain and not name.startswith("_") and name not in IPYTHON_NAMES


def _refuse_unknown(chapter: str, unknown: list[str], known: list[str]) -> None:
    """Refuse names that are no parameter of the chapter.

    In a fresh kernel every plain value is a parameter, so all are refused. When a reader opens the
    chapter again in a used kernel, its other variables stand there too, so only what looks like a
    mistyped parameter is.
    """
    for name in unknown:
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.5 if chapter not in _opened else 0.8)
        if close or chapter not in _opened:
            advice = f"did you mean {close[0]!r}?" if close else f"its parameters are {', '.join(known)}"
            raise BookError(
                f"chapter {chapter} has no parameter {name!r}",
                where="the parameters cell, or a file given with -f",
                do=advice,
            )
