"""Parameters of a chapter: the notebook's own values, with the edition's files laid over them.

The parameters cell of a chapter holds the laptop edition's values. ``parameters/<edition>/shared.yaml``, as far as the
chapter has its parameters, is laid over it, then ``parameters/<edition>/<chapter>.yaml``. The folder's name is the
edition's: a file may repeat it, for papermill alone, and none may give another.

YAML 1.1 and 1.2 read ``yes``, ``010`` and ``1:30`` differently, and keep the last of two equal names. Whatever the two
do not agree on is refused, with one exception: ``5e-4`` is a number.
"""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import yaml

from ..core.config import ChapterConfig, shown
from ..core.errors import BookError, nearest
from ..core.workspace import project_root
from .contents import CHAPTERS, check_names, script_of

SHARED = "shared"
#: The class of a chapter's configuration.
AConfig = TypeVar("AConfig", bound=ChapterConfig)
#: Suffix of files for people in a folder of parameters.
FOR_PEOPLE = ".md"


def notebook_values(chapter: str) -> dict[str, Any]:
    """Return the names and values in the parameters cell of ``chapter``.

    Raises:
        BookError: when there is no such cell, or it holds anything but plain values.
    """
    import jupytext

    script = script_of(chapter)
    cells = [cell for cell in jupytext.read(script).cells if "parameters" in cell.metadata.get("tags", [])]
    if len(cells) != 1:
        raise BookError(f"{len(cells)} cells are tagged 'parameters'", where=script, expected="exactly one")
    try:
        return dict(_named_value(statement) for statement in ast.parse(cells[0].source).body)
    except (SyntaxError, ValueError, TypeError) as error:
        what = f"the parameters cell holds something else than plain values ({error})"
        raise BookError(what, where=script, expected="lines such as 'steps: int = 20'") from None


def _named_value(statement: ast.stmt) -> tuple[str, Any]:
    """Return the name and the literal that a statement assigns to it; ValueError for any other statement."""
    match statement:
        case ast.AnnAssign(target=ast.Name(name), value=ast.expr() as value):
            return name, ast.literal_eval(value)
        case ast.Assign(targets=[ast.Name(name)], value=value):
            return name, ast.literal_eval(value)
    raise ValueError(f"line {statement.lineno}: {ast.unparse(statement)[:60]}")


def edition_values(edition: str, chapter: str) -> dict[str, Any]:
    """Return what the edition's files lay over the notebook's values: shared ones first, then the chapter's.

    Raises:
        BookError: for a file in the edition's folder that nobody reads, or that cannot be read, or one that is of
            another edition.
    """
    values: dict[str, Any] = {}
    files = edition_files(edition)
    for name in (SHARED, chapter):
        if path := files.get(name):
            found = read_parameters(path)
            _check_edition(found, edition, path)
            values |= _of_chapter(found, chapter, path) if name == SHARED else found
    return values | {"edition": edition}


def _check_edition(values: dict[str, Any], edition: str, path: Path) -> None:
    if values.get("edition", edition) != edition:
        raise BookError(
            f"a parameter file says that it is of edition {values['edition']!r}",
            where=path,
            expected=f"{edition!r}, as its folder is called, or nothing",
            do=f"write 'edition: {edition}' there: the folder's name is the edition",
        )


def _of_chapter(shared: dict[str, Any], chapter: str, path: Path) -> dict[str, Any]:
    """Return what of the ``shared`` values ``chapter`` has a parameter for; one that no chapter has is refused."""
    own = notebook_values(chapter) if shared else {}
    if others := shared.keys() - own.keys():
        known = sorted({name for one in CHAPTERS for name in notebook_values(one)})
        for name in sorted(others.difference(known)):
            raise BookError(f"no chapter has a parameter {name!r}", where=path, do=nearest(name, known, "parameters"))
    return {name: value for name, value in shared.items() if name in own}


def edition_files(edition: str) -> dict[str, Path]:
    """Return the edition's parameter files, by chapter, and ``shared``'s.

    Raises:
        BookError: for an edition that does not exist, or anything in its folder that no chapter reads; hidden files,
            those that editors leave and what people read (``*.md``) are left alone.
    """
    check_names(edition, [])
    folder = project_root() / "parameters" / edition
    found = dict(_files(folder, folder))
    known = {f"{name}.yaml": name for name in (SHARED, *CHAPTERS)}
    for name, path in found.items():
        if name not in known:
            close = difflib.get_close_matches(name.casefold(), known, n=1, cutoff=0.5)
            raise BookError(
                "no chapter reads a file of the edition's parameters",
                where=path,
                expected=f"{SHARED}.yaml, or <chapter>.yaml, such as 06_pretraining.yaml",
                do=(f"did you mean {close[0]!r}? " if close else "") + "rename it, or move it away",
            )
        if not path.is_file():
            what = "a folder" if path.is_dir() else "a link that leads nowhere" if path.is_symlink() else "no file"
            raise BookError(f"a parameter file is {what}", where=path, expected="a file", do="put the file there")
    return {known[name]: path for name, path in found.items()}


def _files(folder: Path, root: Path) -> Iterator[tuple[str, Path]]:
    """Yield what lies in a folder, and in those in it that hold chapters, with its path below ``root``."""
    chapters = {name.partition("/")[0] for name in CHAPTERS if "/" in name}
    for path in sorted(folder.iterdir()):
        if path.name[0] in ".#" or path.name.endswith("~") or path.suffix == FOR_PEOPLE:
            continue
        if folder == root and path.name in chapters and path.is_dir():
            yield from _files(path, root)
        else:
            yield path.relative_to(root).as_posix(), path


def chapter_values(edition: str, chapter: str) -> dict[str, Any]:
    """Return every value that ``chapter`` has in ``edition``: the notebook's, and the edition's laid over them."""
    return notebook_values(chapter) | edition_values(edition, chapter)


def check_parameters(edition: str, chapter: str, cls: type[AConfig] = ChapterConfig) -> AConfig:  # type: ignore[assignment]  # mypy has no defaults for type variables
    """Return the configuration, of the class ``cls``, that ``chapter`` has in ``edition``.

    Raises:
        BookError: for a value that cannot be used, naming the files that may hold it.
    """
    folder = project_root() / "parameters" / edition
    where = f"{folder / chapter}.yaml, {folder / 'shared.yaml'} or the parameters cell of {script_of(chapter)}"
    config = CHAPTERS[chapter].config_class.parse(chapter_values(edition, chapter), where=where)
    assert isinstance(config, cls), f"the configuration of {chapter} is a {type(config).__name__}"
    return config


WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]*)")
REAL = re.compile(r"[-+]?(0|[1-9][0-9]*)?(\.[0-9]*)?([eE][-+]?[0-9]+)?")
#: Texts that a program may read as something else, besides those of YAML 1.1.
DOUBTFUL = re.compile(r"[-+]?[0-9][0-9_,]*|0[xob][0-9a-fA-F_]+|[yYnN]|[-+]?\.?(inf|nan)", re.IGNORECASE)
NOT_FINITE = re.compile(r"[-+]?\.?(inf|nan)", re.IGNORECASE)
NULLS = ("", "~", "null", "Null", "NULL")
TRUTH = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
#: Greatest depth of nested lists and rows; parameters have three levels at most.
DEEPEST = 20


def read_parameters(path: Path) -> dict[str, Any]:
    """Return the names and values in a parameter file; an empty one has none.

    Raises:
        BookError: for a file that cannot be read, that is no YAML or no mapping of names to values, or for a
            value that could be read in two ways, with its line.
    """
    text = _text(path)
    try:
        loader = yaml.SafeLoader(text)
        documents = _documents(loader, path)
    except yaml.YAMLError as error:
        raise _no_yaml(path, f"lines of 'name: value' ({' '.join(str(error).split())})") from None
    except RecursionError:
        raise _no_yaml(path, "lines of 'name: value', not lists in lists in lists") from None
    if not documents or documents == [None]:
        return {}
    if not isinstance(documents[0], dict):
        what = f"a parameter file holds a {type(documents[0]).__name__}"
        raise BookError(what, where=path, expected="lines of 'name: value'")
    return documents[0]


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BookError(f"a parameter file cannot be read ({error.strerror})", where=path) from None
    if content[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in content[:4]:
        raise _no_yaml(path, "text in UTF-8; this is UTF-16, or no text at all: save it as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _no_yaml(path, f"UTF-8 ({error})") from None


def _no_yaml(path: Path, expected: str) -> BookError:
    return BookError("a parameter file is no YAML", where=path, expected=expected)


def _documents(loader: yaml.SafeLoader, path: Path) -> list[Any]:
    """Return the value of the one document there is, in a list; an empty list for an empty file."""
    loader.get_event()  # the stream's start
    found: list[Any] = []
    while not loader.check_event(yaml.StreamEndEvent):
        start = loader.get_event()
        if found:
            raise _refused("a second document", start, path, "one document, without a line '---' in it")
        found.append(_value(loader, path, 0))
        loader.get_event()  # the document's end
    return found


def _refused(what: str, event: yaml.Event, path: Path, expected: str, do: str | None = None) -> BookError:
    mark = event.start_mark
    line = shown(mark.buffer.split("\n")[mark.line].strip(" \0"))
    where = f"{path}, line {mark.line + 1}: {line}"
    return BookError(f"{what} in a parameter file", where=where, expected=expected, do=do)


def _value(loader: yaml.SafeLoader, path: Path, depth: int) -> Any:
    """Return the value that begins with the next event."""
    event = loader.get_event()
    if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
        raise _refused("a reference (& or *)", event, path, "every value where it is used", "write it out")
    if event.tag is not None:
        raise _refused(f"a tag, {shown(event.tag)},", event, path, "plain values", "take the tag out")
    if depth > DEEPEST:
        raise RecursionError
    if isinstance(event, yaml.SequenceStartEvent):
        values = []
        while not loader.check_event(yaml.SequenceEndEvent):
            values.append(_value(loader, path, depth + 1))
        loader.get_event()
        return values
    if isinstance(event, yaml.MappingStartEvent):
        return _mapping(loader, path, depth)
    return event.value if event.style else _plain(loader, event, path)


def _mapping(loader: yaml.SafeLoader, path: Path, depth: int) -> dict[str, Any]:
    values: dict[str, Any] = {}
    while not loader.check_event(yaml.MappingEndEvent):
        event = loader.peek_event()
        name = _value(loader, path, depth + 1)
        if not isinstance(name, str) or name == "<<":
            raise _refused(f"{shown(name)} as a name", event, path, "a text as the name of every value")
        if name in values:
            raise _refused(f"{name!r} twice", event, path, "each name once", "take one of the two out")
        values[name] = _value(loader, path, depth + 1)
    loader.get_event()
    return values


def _plain(loader: yaml.SafeLoader, event: yaml.ScalarEvent, path: Path) -> Any:
    """Return a value without quotes as both versions of YAML read it."""
    text = event.value
    if text in NULLS:
        return None
    if text in TRUTH:
        return TRUTH[text]
    if WHOLE.fullmatch(text) and len(text) <= 20:
        return int(text)
    if REAL.fullmatch(text) and re.search("[0-9]", text.partition("e")[0]) and not WHOLE.fullmatch(text):
        return float(text)
    by_yaml_1_1 = loader.resolve(yaml.ScalarNode, text, (True, False))
    if by_yaml_1_1 != "tag:yaml.org,2002:str" or DOUBTFUL.fullmatch(text):
        how = "is no finite number" if NOT_FINITE.fullmatch(text) else "can be read in two ways"
        what = f"{shown(text)}, which {'is too large' if WHOLE.fullmatch(text) else how},"
        do = f"write what is meant, or put a text in quotes: '{text}'"
        raise _refused(what, event, path, "true or false, a plain decimal number, or a text", do)
    return text
