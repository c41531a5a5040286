"""Freshness of chapters: by content, with the reason where a chapter is stale.

A chapter's *origin* is all that its execution depended on: its script, its edition's values, what
lies at the addresses these name, the library code it imports, and what the chapters it reads have
made. It is kept with the chapter's last execution. Where it has changed since, the chapter is stale,
and the difference is the reason.

What a chapter made for others, its *product*, is compared rather than its notebook: a chapter that
was executed again and made the same leaves those that read it fresh.
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
#: A part of the book that every chapter imports and none depends on, beyond its own row in the table.
CONTENTS = "distilbook.book.contents"

Origin = dict[str, dict[str, Any]]
State = Literal["fresh", "stale", "failed", "not run", "waiting"]


@dataclass(frozen=True)
class Execution:
    """A chapter's last execution.

    Attributes:
        status: ``executed`` or ``failed``.
        seconds, cores: how long it took, and on how many cores.
        longest: seconds of its longest successful execution in this edition, for estimates: a chapter
            that finds its training run finished takes a small part of that.
        finished: when it ended, ISO 8601 with the zone.
        error: what went wrong, "" where nothing did.
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
    """Return the last execution of ``chapter`` that came to an end; None where none is noted as it is noted now."""
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

    These are what the notebook's or the edition's values name as an input, and what the library ships for the chapter.
    """
    known = workspace.root / "state" / "contents.json"
    values = chapter_values(workspace.edition, chapter) if CHAPTERS[chapter].inputs else {}
    named = [values[name] for name in CHAPTERS[chapter].inputs if name in values]
    # Several tasks may lie in one folder, which is looked into once.
    there = [address for address in dict.fromkeys(addresses(named)) if local_path(address).exists()]
    paths = {address: local_path(address) for address in there}
    paths |= {f"distilbook/{name}": PACKAGE / name for name in CHAPTERS[chapter].ships}
    return {name: content_hash(path, known) for name, path in paths.items()}


def product(chapter: str, workspace: Workspace) -> str:
    """Return a hash of what a chapter made for others: its records, and the folders it published.

    Folders of the edition have their content's key in their name. One from elsewhere, such as a
    teacher that is used as it came, is looked into.
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
    """How a chapter stands.

    Attributes:
        state: ``waiting`` is a chapter that would be fresh, but reads one that is not.
        reasons: why it is not fresh, in words.
    """

    chapter: str
    state: State
    reasons: tuple[str, ...] = ()
    last: Execution | None = None
    origin: Origin = field(default_factory=dict, repr=False)


def condition(chapter: str, workspace: Workspace) -> Condition:
    """Return how ``chapter`` stands, taking what it reads as it lies there."""
    last, now = last_execution(chapter, workspace), origin(chapter, workspace)
    if last is None or (last.status == "executed" and not executed_notebook(chapter, workspace).exists()):
        return Condition(chapter, "not run", ("it has not been executed in this edition",), last, now)
    if last.status == "failed":
        return Condition(chapter, "failed", (last.error,), last, now)
    reasons = (*differences(last.origin, now), *losses(chapter, workspace))
    return Condition(chapter, "stale" if reasons else "fresh", reasons, last, now)


def losses(chapter: str, workspace: Workspace) -> Iterable[str]:
    """Yield in words what of the folders that ``chapter`` published is gone, or of another size than it was."""
    for name, folder in workspace.published_by(chapter).items():
        path = workspace.root / folder
        markers = (path / MARKER, path.parent / MARKER, path / CORPUS_MARKER)
        if not path.exists():
            yield f"{name}, which it made, is gone"
        yield from (f"{name}, which it made: {how}" for one in markers if one.exists() and (how := sizes_differ(one)))


def survey(workspace: Workspace) -> dict[str, Condition]:
    """Return how every chapter of the book stands, those among them that read one that is not fresh."""
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
    """Yield in words what of an origin has changed."""
    changed = {
        part: [
            name
            for name in {**before.get(part, {}), **now[part]}
            if before.get(part, {}).get(name) != now[part].get(name)
        ]
        for part in now
    }
    yield from (f"{name} has changed" for name in changed["script"])
    for name in changed["parameters"]:
        yield f"parameter {name}: {_value(before['parameters'], name)} became {_value(now['parameters'], name)}"
    yield from (f"what lies at {name} has changed" for name in changed["inputs"])
    if changed["code"]:
        more = f" and {len(changed['code']) - 4} more modules" if len(changed["code"]) > 4 else ""
        yield f"the code it imports has changed: {', '.join(sorted(changed['code'])[:4])}{more}"
    yield from ("its row in the table of contents has changed" for _ in changed["contents"])
    yield from (f"{name} has made something else" for name in changed["reads"])


def _value(values: dict[str, Any], name: str) -> str:
    return repr(values[name]) if name in values else "the notebook's own value"
