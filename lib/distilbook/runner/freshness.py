"""Freshness of chapters by content, with the reasons where a chapter is stale.

A chapter's *origin* is all that its execution depended on: script, parameters, inputs, imported library code, and the
products of the chapters it reads. It is kept with the last execution; each difference is a reason to be stale.

A chapter's *product* is what it made for others. Executed again with the same product, it leaves its readers fresh.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from ..book.checks import addresses
from ..book.contents import CHAPTERS, script_of
from ..book.parameters import chapter_values, edition_values
from ..core.config import short_hash
from ..core.files import content_hash, read_json, sha256, write_json
from ..core.finished import CORPUS_MARKER, MARKER, sizes_differ
from ..core.provenance import module_hashes
from ..core.workspace import Workspace, local_path, project_root

PACKAGE = Path(__file__).resolve().parents[1]
#: Imported by every chapter, which depends only on its own row in it.
CONTENTS = "distilbook.book.contents"

Origin = dict[str, dict[str, Any]]
State = Literal["fresh", "stale", "failed", "not run", "waiting"]


@dataclass(frozen=True)
class Execution:
    """A chapter's last execution.

    Attributes:
        status: ``executed`` or ``failed``.
        seconds, cores: its duration and number of cores.
        longest: seconds of the longest successful execution in this edition, for estimates: a chapter that finds
            its training finished takes a fraction of that.
        finished: time of its end, ISO 8601 with the zone.
        error: its error, or "".
    """

    status: Literal["executed", "failed"]
    origin: Origin
    seconds: float
    cores: int
    longest: float
    finished: str
    error: str = ""

    def keep(self, chapter: str, workspace: Workspace) -> None:
        """Store this as the last execution of ``chapter``."""
        write_json(_path(chapter, workspace), asdict(self))


def last_execution(chapter: str, workspace: Workspace) -> Execution | None:
    """Return the last completed execution of ``chapter``; None without a record in the present format."""
    path = _path(chapter, workspace)
    noted = read_json(path) if path.exists() else {}
    return Execution(**noted) if noted.keys() == {one.name for one in fields(Execution)} else None


def _path(chapter: str, workspace: Workspace) -> Path:
    return workspace.root / "state" / f"{chapter}.json"


def executed_notebook(chapter: str, workspace: Workspace) -> Path:
    """Return where the executed notebook of ``chapter`` is kept."""
    return workspace.notebooks / f"{chapter}.ipynb"


def origin(chapter: str, workspace: Workspace) -> Origin:
    """Return what an execution of ``chapter`` would depend on now, in named parts."""
    script = script_of(chapter)
    source = script.read_text(encoding="utf-8")
    modules = re.findall(r"^\s*from (distilbook[\w.]*) import", source, flags=re.MULTILINE)
    return {
        "script": {script.relative_to(project_root()).as_posix(): sha256(script)},
        "parameters": edition_values(workspace.edition, chapter),
        "inputs": inputs(chapter, workspace),
        "code": {name: digest for name, digest in module_hashes(*sorted(set(modules))).items() if name != CONTENTS},
        "contents": {chapter: short_hash(asdict(CHAPTERS[chapter]))},
        "reads": {name: product(name, workspace) for name in CHAPTERS[chapter].reads},
    }


def inputs(chapter: str, workspace: Workspace) -> dict[str, str]:
    """Return the content hash of every local file or folder that the chapter takes from outside the book.

    These are the inputs in the notebook's or the edition's values, and files that the library ships for the chapter.
    """
    known = workspace.root / "state" / "contents.json"
    values = chapter_values(workspace.edition, chapter) if CHAPTERS[chapter].inputs else {}
    named = [values[name] for name in CHAPTERS[chapter].inputs if name in values]
    there = [address for address in dict.fromkeys(addresses(named)) if local_path(address).exists()]
    paths = {address: local_path(address) for address in there}
    paths |= {f"distilbook/{name}": PACKAGE / name for name in CHAPTERS[chapter].ships}
    return {name: content_hash(path, known) for name, path in paths.items()}


def product(chapter: str, workspace: Workspace) -> str:
    """Return a hash of what a chapter made for others: its records, and the folders it published.

    Folders of the edition have their content's key in their name; others, such as a teacher's, are hashed.
    """
    records = workspace.records / f"{chapter.replace('/', '.')}.jsonl"
    known = workspace.root / "state" / "contents.json"
    published = {
        name: folder if not folder.startswith("..") else content_hash(workspace.root / folder, known)
        for name, folder in workspace.published_by(chapter).items()
        if (workspace.root / folder).is_dir()
    }
    return short_hash([published, sha256(records) if records.exists() else None])


@dataclass(frozen=True)
class Condition:
    """State of a chapter, with the reasons why it is not fresh.

    A ``waiting`` chapter would be fresh, but reads one that is not.
    """

    chapter: str
    state: State
    reasons: tuple[str, ...] = ()
    last: Execution | None = None
    origin: Origin = field(default_factory=dict, repr=False)


def condition(chapter: str, workspace: Workspace) -> Condition:
    """Return the state of ``chapter``, with the present products of the chapters it reads."""
    last, now = last_execution(chapter, workspace), origin(chapter, workspace)
    if last is None or (last.status == "executed" and not executed_notebook(chapter, workspace).exists()):
        return Condition(chapter, "not run", ("it has not been executed in this edition",), last, now)
    if last.status == "failed":
        return Condition(chapter, "failed", (last.error,), last, now)
    reasons = (*differences(last.origin, now), *losses(chapter, workspace))
    return Condition(chapter, "stale" if reasons else "fresh", reasons, last, now)


def losses(chapter: str, workspace: Workspace) -> Iterable[str]:
    """Yield in words which folders that ``chapter`` published are gone or have changed their size."""
    for name, folder in workspace.published_by(chapter).items():
        path = workspace.root / folder
        markers = (path / MARKER, path.parent / MARKER, path / CORPUS_MARKER)
        if not path.exists():
            yield f"{name}, which it made, is gone"
        yield from (f"{name}, which it made: {how}" for one in markers if one.exists() and (how := sizes_differ(one)))


def survey(workspace: Workspace) -> dict[str, Condition]:
    """Return the state of every chapter of the book."""
    found: dict[str, Condition] = {}
    for chapter in CHAPTERS:
        here = condition(chapter, workspace)
        open_ = [name for name in CHAPTERS[chapter].reads if found[name].state != "fresh"]
        if here.state == "fresh" and open_:
            reasons = (f"it reads {', '.join(open_)}, and is fresh if that makes the same again",)
            here = Condition(chapter, "waiting", reasons, here.last, here.origin)
        found[chapter] = here
    return found


def differences(before: Origin, now: Origin) -> Iterable[str]:
    """Yield the differences between two origins in words."""
    old = {part: before.get(part, {}) for part in now}
    changed = {part: [n for n in {**old[part], **now[part]} if old[part].get(n) != now[part].get(n)] for part in now}
    yield from (f"{name} has changed" for name in changed["script"])
    for name in changed["parameters"]:
        yield f"parameter {name}: {_value(old['parameters'], name)} became {_value(now['parameters'], name)}"
    yield from (f"what lies at {name} has changed" for name in changed["inputs"])
    if changed["code"]:
        more = f" and {len(changed['code']) - 4} more modules" if len(changed["code"]) > 4 else ""
        yield f"the code it imports has changed: {', '.join(sorted(changed['code'])[:4])}{more}"
    yield from ("its row in the table of contents has changed" for _ in changed["contents"])
    yield from (f"{name} has made something else" for name in changed["reads"])


def _value(values: dict[str, Any], name: str) -> str:
    return repr(values[name]) if name in values else "the notebook's own value"
