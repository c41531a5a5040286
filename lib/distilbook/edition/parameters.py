"""A chapter's parameters, from the notebook's own values through the edition's files to one configuration.

The parameters cell of a chapter holds the laptop edition's values. Of ``parameters/<edition>/shared.yaml`` what the
chapter has a parameter for is laid over it, then ``parameters/<edition>/<chapter>.yaml``. The folder's name is the
edition's: a file may give it, for papermill alone, and none may give another.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..config import BookError, ChapterConfig, nearest
from ..workspace import project_root
from .contents import CHAPTERS, check_names, script_of
from .parameter_file import read_parameters

SHARED = "shared"
#: What else may lie in a folder of parameters: what a person reads.
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
        raise BookError(
            f"the parameters cell holds something else than plain values ({error})",
            where=script,
            expected="lines such as 'steps: int = 20'",
        ) from None


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


def check_parameters(edition: str, chapter: str) -> ChapterConfig:
    """Return the configuration that ``chapter`` will have in ``edition``, or explain what is wrong with it."""
    folder = project_root() / "parameters" / edition
    where = f"{folder / chapter}.yaml, {folder / 'shared.yaml'} or the parameters cell of {script_of(chapter)}"
    return CHAPTERS[chapter].config_class.parse(chapter_values(edition, chapter), where=where)
