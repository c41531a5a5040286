"""Open chapters: configuration, the edition's folder, records."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from ..core.config import ChapterConfig
from ..core.errors import BookError
from ..core.record_book import RecordBook
from ..core.records import Record
from ..core.workspace import Workspace
from .checks import check_chapter
from .contents import CHAPTERS

#: Names that every notebook has from the start.
IPYTHON_NAMES = frozenset({"In", "Out", "exit", "quit", "get_ipython", "open"})
#: First line of papermill's cell of parameters.
INJECTED = "# Parameters"


@dataclass(frozen=True)
class Chapter:
    """An open chapter.

    Attributes:
        asked: the records made since it was opened, by the part of the chapter.
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
        BookError: for a parameter that does not exist, has the wrong type or an impossible value, or that names
            something that is not there.
    """
    cls = CHAPTERS[chapter].config_class
    known = list(cls.model_fields)
    for name in _given(namespace):
        if name not in known and _may_be_parameter(name, namespace.get(name, ...)):
            close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            raise BookError(
                f"chapter {chapter} has no parameter {name!r}",
                where="the parameters cell, or a file given with -f",
                do=f"did you mean {close[0]!r}?" if close else f"its parameters are {', '.join(known)}",
            )
    values = {name: namespace[name] for name in known if name in namespace}
    config = cls.parse(values, where=f"the parameters of chapter {chapter}")
    check_chapter(chapter, config)
    return Chapter(chapter, config, Workspace(config.edition))


def _may_be_parameter(name: str, value: Any) -> bool:
    plain = not isinstance(value, ModuleType | FunctionType | type) and type(value).__module__ == "builtins"
    return plain and value is not ... and not name.startswith("_") and name not in IPYTHON_NAMES


def _given(namespace: Mapping[str, Any]) -> Iterable[str]:
    """Return the names that were given as parameters.

    A kernel that executed the chapter before also holds its other variables, and misspelt names corrected since. So
    these are the names assigned from the last parameters cell, which assigns ``edition``, to the cell that opens the
    chapter; papermill's own cell follows the notebook's. Where no such cell was executed, all names count.
    """
    cells = [_assigned(source) for source in namespace.get("In") or () if isinstance(source, str)]
    first = [number for number, names in enumerate(cells) if "edition" in names]
    if not first:
        return namespace
    start = first.pop()
    if first and namespace["In"][start].lstrip().startswith(INJECTED):
        start = first.pop()
    given: list[str] = []
    for source in namespace["In"][start:]:
        before, opens, _ = source.partition("open_chapter(")
        given += _assigned(before.rpartition("\n")[0] if opens else source)
        if opens:
            break
    return given


def _assigned(source: str) -> list[str]:
    """Return the names that the lines of a cell assign to; none for what is no Python."""
    try:
        statements = ast.parse(source).body
    except (SyntaxError, ValueError):
        return []
    targets = [node.target if isinstance(node, ast.AnnAssign) else node.targets[0] for node in statements
               if isinstance(node, ast.Assign | ast.AnnAssign)]  # fmt: skip
    return [target.id for target in targets if isinstance(target, ast.Name)]
