"""Parameter files: YAML in which every value means one thing to every reader.

YAML 1.1, which most programs read, takes ``yes`` for a truth value, ``010`` for eight and ``1:30`` for ninety; of a
name that is given twice the last one counts, without a word. YAML 1.2 reads each of them otherwise. Whatever the two
do not agree on is refused here, with one exception: ``5e-4`` is a number.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from ..config import BookError, shown

WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]*)")
REAL = re.compile(r"[-+]?(0|[1-9][0-9]*)?(\.[0-9]*)?([eE][-+]?[0-9]+)?")
#: What a program may take for something else than a text, besides what YAML 1.1 says.
DOUBTFUL = re.compile(r"[-+]?[0-9][0-9_,]*|0[xob][0-9a-fA-F_]+|[yYnN]|[-+]?\.?(inf|nan)", re.IGNORECASE)
NOT_FINITE = re.compile(r"[-+]?\.?(inf|nan)", re.IGNORECASE)
NULLS = ("", "~", "null", "Null", "NULL")
TRUTH = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
#: Lists and rows inside each other: parameters have three at most.
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
        reason = " ".join(str(error).split())
        raise _no_yaml(path, f"lines of 'name: value' ({reason})") from None
    except RecursionError:
        raise _no_yaml(path, "lines of 'name: value', not lists in lists in lists") from None
    if not documents or documents == [None]:
        return {}
    if not isinstance(documents[0], dict):
        raise BookError(
            f"a parameter file holds a {type(documents[0]).__name__}", where=path, expected="lines of 'name: value'"
        )
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
    found = []
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
        raise _refused(
            f"{shown(text)}, which {'is too large' if WHOLE.fullmatch(text) else how},",
            event,
            path,
            "true or false, a plain decimal number, or a text",
            f"write what is meant, or put a text in quotes: '{text}'",
        )
    return text
