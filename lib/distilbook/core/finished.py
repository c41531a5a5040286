"""Finished results: folders with a marker that holds the hash of every file, checked at every opening.

The marker is written last, so a folder without one is unfinished. It is JSON: the facts of the result, and under
``manifest`` the size and SHA-256 of the files and a hash of the facts. A gigabyte is checked in about a second.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .config import short_hash
from .errors import BookError
from .files import read_json, sha256, sync, write_json
from .progress import tell

#: The markers: of a run, and of a corpus.
MARKER, CORPUS_MARKER = "done.json", "corpus.json"
FORMAT = 1


class Unfinished(BookError):
    """An unfinished or damaged result."""


def seal(marker: Path, facts: dict[str, Any], products: Iterable[str]) -> None:
    """Write ``marker``: the folder's ``products`` are finished.

    Args:
        products: files, and folders with all files in them, beside the marker.
    """
    names = sorted(name for product in products for name in _files(marker.parent, product))
    for name in names:
        sync(marker.parent / name)
    found = {name: [(marker.parent / name).stat().st_size, sha256(marker.parent / name)] for name in names}
    facts = json.loads(json.dumps(facts))
    manifest = {"format": FORMAT, "files": found}
    write_json(marker, facts | {"manifest": manifest | {"hash": short_hash([facts, manifest])}})


def _files(folder: Path, product: str) -> list[str]:
    path = folder / product
    found = sorted(path.rglob("*")) if path.is_dir() else [path]
    return [one.relative_to(folder).as_posix() for one in found if one.is_file()]


def opened(marker: Path) -> dict[str, Any]:
    """Return the facts of a finished result, after every file of it was found as it was sealed.

    Raises:
        Unfinished: when it is not finished, or damaged.
    """
    facts, manifest = _read(marker)
    for name, (size, digest) in manifest["files"].items():
        if (is_now := _is_now(marker.parent / name, size)) or sha256(marker.parent / name) != digest:
            raise _unfinished(f"{name} {is_now or 'has been altered'}", marker)
    return facts


def sealed(marker: Path) -> list[str]:
    """Return the names of the files that a finished result was sealed with."""
    return sorted(_read(marker)[1]["files"])


def sizes_differ(marker: Path) -> str | None:
    """Return in words what of a finished result is gone or of another size; None where nothing is."""
    try:
        files = _read(marker)[1]["files"]
    except Unfinished as error:
        return error.what
    found = (f"{name} {how}" for name, (size, _) in files.items() if (how := _is_now(marker.parent / name, size)))
    return next(found, None)


def is_whole(marker: Path) -> bool:
    """Whether a result is finished, and every file of it as it was."""
    return not _damage(marker)


def begin_again(marker: Path, what: str) -> None:
    """Take the marker of a damaged result away, and say that ``what`` is made again; without a marker do nothing."""
    if marker.exists():
        tell(f"{what} is made again, for {_damage(marker)} ({marker.parent})")
        marker.unlink()


def _damage(marker: Path) -> str:
    try:
        opened(marker)
    except Unfinished as error:
        return error.what
    return ""


def _read(marker: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the facts and the manifest in ``marker``."""
    try:
        facts = read_json(marker)
        manifest = facts.pop("manifest")
        whole = manifest.pop("hash") == short_hash([facts, manifest])
    except (FileNotFoundError, NotADirectoryError):
        raise _unfinished(f"{marker.name} is missing", marker) from None
    except (BookError, AttributeError, KeyError, TypeError, RecursionError):  # no JSON, or another structure
        whole = False
    if not whole or manifest["format"] != FORMAT:
        raise _unfinished(f"{marker.name} has been altered", marker)
    return facts, manifest


def _is_now(file: Path, size: int) -> str:
    if not file.is_file():
        return "is missing"
    return "" if file.stat().st_size == size else f"has {file.stat().st_size:,} bytes instead of {size:,}"


def _unfinished(how: str, marker: Path) -> Unfinished:
    return Unfinished(
        f"a result is not whole: {how}",
        where=marker.parent,
        expected="every file as it was when the result was finished",
        do="run the chapter that makes it (distilbook run EDITION --chapter NAME): what is damaged is made again",
    )
