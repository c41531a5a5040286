"""Paths that environment variables give: absolute, wherever a process that inherits them is started."""

from __future__ import annotations

import os
from pathlib import Path

from .errors import BookError

#: Every variable that names a file or a folder for this library, or for one that it loads models and data sets with.
PATHS = (
    "DISTILBOOK_ROOT",
    "DISTILBOOK_RUNS",
    "DISTILBOOK_CACHE",
    "DISTILBOOK_LOG",
    "XDG_CACHE_HOME",
    "HF_HOME",
    "HF_HUB_CACHE",
    "HF_DATASETS_CACHE",
)


def path_from_environment(name: str) -> Path | None:
    """Return the path that the variable ``name`` gives; None where it is not set, or empty.

    A relative one starts at the current folder, and ``~`` is the home folder. The variable is set to the absolute
    path: a chapter's kernel is started in another folder, and finds the same.

    Raises:
        BookError: for the home folder of nobody.
    """
    if not (given := os.environ.get(name, "").strip()):
        return None
    path = Path(os.path.abspath(home_expanded(given, name)))
    os.environ[name] = str(path)
    return path


def home_expanded(path: str, where: str) -> Path:
    """Return ``path`` with the home folder for ``~``.

    Raises:
        BookError: for the home folder of nobody.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise BookError(f"there is no home folder for {path!r}", where=where, do="write the path in full") from None


def settle_paths() -> None:
    """Make every path in the environment absolute; empty ones are not set."""
    for name in PATHS:
        if path_from_environment(name) is None:
            os.environ.pop(name, None)
