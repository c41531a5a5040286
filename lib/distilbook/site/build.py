"""Freshness of an edition's site, which is rendered again when its origin has changed.

A site's *origin* is the content of all that its pages show or are made by. It is kept with the finished site, which is
fresh while its origin is the same and no page is missing. The renderer is imported only when needed.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..book.contents import CHAPTERS
from ..core.config import short_hash
from ..core.files import read_json, sha256, write_json
from ..core.provenance import module_hashes
from ..core.record_book import RecordBook
from ..core.workspace import Workspace, project_root
from ..runner.freshness import last_execution


def build_site(workspace: Workspace) -> Path:
    """Render the executed notebooks of ``workspace`` unless that was done, and return the path of the front page.

    Raises:
        BookError: see :func:`distilbook.site.render.render`; the previous site is untouched.
    """
    origin = site_origin(workspace)
    if not is_fresh(workspace, origin):
        from .render import render

        render(workspace)
        keep(workspace, origin)
    return workspace.site / "index.html"


#: The book's own pages and what they include or are configured by.
PAGES = ("*.md", "*.html", "*.bib", "conf.py")
#: The packages whose version decides how a page looks.
PACKAGES = (
    "sphinx",
    "myst-nb",
    "myst-parser",
    "sphinx-book-theme",
    "pydata-sphinx-theme",
    "sphinxcontrib-bibtex",
    "sphinx-mathjax-offline",
    "plotly",
)

Origin = dict[str, str]


def site_origin(workspace: Workspace) -> Origin:
    """Return the origin of a site rendered now: a hash of each part."""
    book = project_root() / "book"
    pages = [*book_pages(book), *_files(book / "_static", "*")]
    parts: dict[str, Any] = {
        "edition": workspace.edition,
        "pages": _hashes(book, pages),
        "scripts": _hashes(book, _files(book, "*.py")),  # shown where there is no executed notebook
        "notebooks": _hashes(workspace.notebooks, _files(workspace.notebooks, "*.ipynb")),
        "failed": _names(workspace.root / "failed"),
        "records": _hashes(workspace.records, _files(workspace.records, "*.jsonl")),
        "predictions": _predictions(workspace),
        "executions": {chapter: _execution(chapter, workspace) for chapter in CHAPTERS},
        "code": module_hashes("distilbook.site.build"),
        "packages": {name: _version(name) for name in PACKAGES},
    }
    return {name: short_hash(part) for name, part in parts.items()}


def is_fresh(workspace: Workspace, origin: Origin) -> bool:
    """Whether the site was made from ``origin`` and none of its pages has been removed."""
    kept = _state(workspace)
    if not kept.exists():
        return False
    last = read_json(kept)
    return last["origin"] == origin and all((workspace.site / page).is_file() for page in last["pages"])


def keep(workspace: Workspace, origin: Origin) -> None:
    """Note that the site of ``workspace`` was made from ``origin``."""
    pages = sorted(path.relative_to(workspace.site).as_posix() for path in workspace.site.rglob("*.html"))
    write_json(_state(workspace), {"origin": origin, "pages": pages})


def forget(workspace: Workspace) -> None:
    """Discard the origin of the site."""
    _state(workspace).unlink(missing_ok=True)


def book_pages(book: Path) -> list[Path]:
    """Return the files of the folder ``book`` that every site is made from, but for ``_static``."""
    return sorted(path for pattern in PAGES for path in book.glob(pattern))


def _state(workspace: Workspace) -> Path:
    return workspace.root / "state" / "site.json"


def _files(folder: Path, pattern: str) -> list[Path]:
    found = (path for path in folder.rglob(pattern) if path.is_file())
    return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts))


def _names(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in _files(folder, "*.ipynb")]


def _hashes(folder: Path, paths: Iterable[Path]) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): sha256(path) for path in paths}


def _predictions(workspace: Workspace) -> list[str]:
    """Return the existing predictions of current records, which hold the hashes of their content."""
    named = {record.predictions for record in RecordBook(workspace.records).current() if record.predictions}
    return sorted(name for name in named if (workspace.root / name).is_file())


def _execution(chapter: str, workspace: Workspace) -> list | None:
    last = last_execution(chapter, workspace)
    return None if last is None else [last.status, last.seconds, last.cores, last.longest, last.finished]


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None  # the build says so
