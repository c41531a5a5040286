"""Folders of an edition's results, and the names under which chapters publish and find them.

Paths start at the project's root, wherever the kernel was started. A chapter publishes a result under a name
(``student/full/seed0``); a later chapter finds it by that name, whatever configuration it was made with.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .environment import home_expanded, path_from_environment
from .errors import BookError
from .files import read_json, write_json


def project_root() -> Path:
    """Return the folder that holds ``book/`` and ``parameters/``.

    It is ``$DISTILBOOK_ROOT`` where that is set, else the checkout this package is installed from.

    Raises:
        BookError: when neither holds a book.
    """
    root = path_from_environment("DISTILBOOK_ROOT") or Path(__file__).resolve().parents[3]
    if not (root / "book").is_dir():
        raise BookError(
            "the book's folder was not found",
            where=root,
            expected="a checkout with book/ and parameters/ in it",
            do="install the package with 'pip install -e .' from the checkout, or set DISTILBOOK_ROOT to it",
        )
    return root


def local_path(address: str) -> Path:
    """Return the path an address stands for; relative ones start at the project's root."""
    return project_root() / home_expanded(address, "an address")


def runs_root() -> Path:
    """Return the folder of all editions' results: ``$DISTILBOOK_RUNS``, else ``runs/`` in the project."""
    return path_from_environment("DISTILBOOK_RUNS") or project_root() / "runs"


def cache_root() -> Path:
    """Return the folder of downloads that every edition and checkout may share."""
    default = (path_from_environment("XDG_CACHE_HOME") or Path.home() / ".cache") / "distilbook"
    return path_from_environment("DISTILBOOK_CACHE") or default


@dataclass(frozen=True)
class Workspace:
    """One edition's folder below ``runs/``."""

    edition: str

    @property
    def root(self) -> Path:
        return runs_root() / self.edition

    @property
    def notebooks(self) -> Path:
        """Executed notebooks, laid out as in ``book/``."""
        return self.root / "notebooks"

    @property
    def records(self) -> Path:
        """Measurements, one JSON Lines file a chapter."""
        return self.root / "records"

    @property
    def predictions(self) -> Path:
        """Predictions that measurements were computed from."""
        return self.root / "predictions"

    @property
    def results(self) -> Path:
        """Results, a folder for each stage; in it a folder for each result, named by the hash of its origin."""
        return self.root / "results"

    @property
    def site(self) -> Path:
        return self.root / "site"

    @property
    def lock(self) -> Path:
        """Held by the process that executes the edition."""
        return self.root / "lock"

    def publish(self, name: str, folder: Path, made_by: str) -> None:
        """Let later chapters find ``folder``, made by a chapter, under ``name``, such as ``student/full/seed0``."""
        where = {"folder": os.path.relpath(folder, self.root), "chapter": made_by, "published": time.time()}
        write_json(self.root / "names" / f"{name}.json", where)

    def find(self, name: str, made_by: str) -> Path:
        """Return the folder published under ``name``.

        Raises:
            BookError: when nothing was, or its folder is gone, with the command that makes it.
        """
        pointer = self.root / "names" / f"{name}.json"
        if not pointer.exists():
            raise self.missing(f"nothing is published as {name!r}", made_by)
        folder = self.root / read_json(pointer)["folder"]
        if not folder.is_dir():
            raise self.missing(f"what was published as {name!r} is gone: {folder}", made_by)
        return folder

    def missing(self, what: str, made_by: str) -> BookError:
        """Return the error that says ``what`` is missing, and which chapters make it."""
        return BookError(
            what,
            where=self.root,
            expected=f"a result of chapter {made_by}",
            do=f"run it and the chapters it needs: distilbook run {self.edition} --chapter {made_by} --needed",
        )

    def withdraw(self, made_by: str, before: float) -> None:
        """Take back what a chapter published before a time (in seconds since the epoch) and not again since."""
        for path, pointer in self._pointers().items():
            if pointer["chapter"] == made_by and pointer.get("published", 0.0) < before:
                path.unlink()

    def published_by(self, chapter: str) -> dict[str, str]:
        """Return what ``chapter`` has published: the names, and the folder of each."""
        return {
            path.relative_to(self.root / "names").with_suffix("").as_posix(): pointer["folder"]
            for path, pointer in self._pointers().items()
            if pointer["chapter"] == chapter
        }

    def _pointers(self) -> dict[Path, dict[str, Any]]:
        return {path: read_json(path) for path in sorted((self.root / "names").rglob("*.json"))}
