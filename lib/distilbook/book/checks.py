"""Checks of a chapter's parameters against the machine and the folders, before a run and at a chapter's opening."""

from __future__ import annotations

import os
import re
import sys
from typing import Any

from ..core.config import ChapterConfig
from ..core.errors import BookError, nearest
from ..core.machine import accelerator
from ..core.workspace import local_path
from .contents import CHAPTERS

#: Parameters that may also be a bare id of the Hub.
MODELS = ("teacher", "student", "tokenizer")
HUB_ID = r"\w[\w.-]*(/[\w.-]+)?"


def check_chapter(chapter: str, config: ChapterConfig) -> None:
    """Refuse missing inputs and more threads than cores.

    Raises:
        BookError: naming the parameter.
    """
    check_precision(getattr(config, "precision", "auto"))
    for name in CHAPTERS[chapter].inputs:
        for address in addresses(config.model_dump()[name]):
            check_address(address, f"parameter {name!r} of chapter {chapter}", may_be_id=name in MODELS)
    config.check_here()
    getattr(config, "settings", None)  # of a timing chapter: refuses more threads than there are cores


def check_precision(precision: str) -> None:
    """Refuse float16 where there is nothing but a CPU, which does not train in it."""
    if precision == "float16" and accelerator() == "none" and sys.platform != "darwin":
        do = "set it to auto, which takes what this machine is quickest in"
        where, expected = "parameter 'precision'", "auto, float32 or bfloat16"
        raise BookError("a CPU does not train in float16", where=where, expected=expected, do=do)


def check_address(address: str, where: str, may_be_id: bool) -> None:
    """Refuse an address of the Hub that is no id, and one that can only be a local path and does not exist."""
    kind, _, name = address.partition(":")
    if kind == "wheel":
        if may_be_id and name != "minilm-l6":
            do = nearest(name, ["minilm-l6"], "names")
            raise BookError(f"no wheel holds a model called {name!r}", where=where, expected="wheel:minilm-l6", do=do)
    elif kind == "hub":
        if not re.fullmatch(HUB_ID, name):
            raise BookError(f"{name!r} is no id of the Hub", where=where, expected="hub:<owner>/<name>, or hub:<name>")
    elif not (may_be_id and re.fullmatch(HUB_ID, address)) and not os.path.exists(local_path(address)):
        expected = f"a file or folder at {local_path(address)}"
        do = "put it there or correct the address; relative paths start at the project's root"
        raise BookError(f"there is nothing at {address!r}", where=where, expected=expected, do=do)


def addresses(value: Any) -> list[str]:
    """Return the addresses in a parameter's value: a text, a row with an ``address``, or a list of either."""
    if isinstance(value, str):
        return [value] if value else []
    if isinstance(value, dict):
        return addresses(value.get("address", []))
    return [found for part in value for found in addresses(part)] if isinstance(value, list | tuple) else []
