"""A chapter's parameters, from the notebook's own values through the edition's files to one configuration.

The parameters cell of a chapter holds the laptop edition's values. ``parameters/<edition>/shared.yaml``
is laid over it, then ``parameters/<edition>/<chapter>.yaml``.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ..config import BookError, ChapterConfig
from ..workspace import project_root
from .contents import CHAPTERS, script_of


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
    values = {}
    for statement in ast.parse(cells[0].source).body:
        target = statement.target if isinstance(statement, ast.AnnAssign) else statement.targets[0]
        try:
            values[target.id] = ast.literal_eval(statement.value)
        except ValueError:
            raise BookError(f"parameter {target.id!r} is no plain value", where=script, expected="a literal") from None
    return values


def edition_values(edition: str, chapter: str) -> dict[str, Any]:
    """Return what the edition's files lay over the notebook's values: shared ones first, then the chapter's."""
    folder = project_root() / "parameters" / edition
    values: dict[str, Any] = {"edition": edition}
    for path in (folder / "shared.yaml", folder / f"{chapter}.yaml"):
        if path.exists():
            values |= read_yaml(path)
    return values


def read_yaml(path: Path) -> Mapping[str, Any]:
    """Return the names and values in a parameter file; an empty one has none.

    Raises:
        BookError: for a file that is no YAML, or no mapping of names to values.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise BookError(
            "a parameter file is no YAML", where=path, expected=f"lines of 'name: value' ({reason})"
        ) from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise BookError(
            f"a parameter file holds a {type(values).__name__}", where=path, expected="lines of 'name: value'"
        )
    return values


def check_parameters(edition: str, chapter: str) -> ChapterConfig:
    """Return the configuration that ``chapter`` will have in ``edition``, or explain what is wrong with it."""
    folder = project_root() / "parameters" / edition
    where = f"{folder / chapter}.yaml, {folder / 'shared.yaml'} or the parameters cell of {script_of(chapter)}"
    return CHAPTERS[chapter].config_class.parse(
        notebook_values(chapter) | edition_values(edition, chapter), where=where
    )
