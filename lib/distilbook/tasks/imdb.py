"""IMDb: 25,000 reviews for training and 25,000 of other films for testing (Maas et al. 2011)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ..core.config import BookError
from ..core.inputs import HIDDEN, contents, look, open_file, unpacked
from ..text.lines import TEXT
from .examples import Columns, Labels, Layout, Row, examples
from .hub_layout import HubFiles
from .task import Examples, Task

NAME = "IMDb"
CLASSES = ("negative", "positive")
COLUMNS = Columns("text", None, "label")
#: Folders of the official archive by class number.
FOLDERS = ("neg", "pos")


@dataclass(frozen=True)
class Archive:
    """The official folder ``aclImdb``: a text file per review, ``train/pos/127_9.txt`` with its number and stars.

    A review's group is its film where ``train/urls_pos.txt`` and the other lists of the films' pages are there
    (line n belongs to review n, from 0), else the review itself.
    """

    folder: Path
    columns: Columns = COLUMNS._replace(group="group")

    def has(self, split: str) -> bool:
        return all((self.folder / split / name).is_dir() for name in FOLDERS)

    def place(self, split: str) -> str:
        return str(self.folder / split)

    def rows(self, split: str) -> Iterator[Row]:
        """Yield the reviews: negative ones first, in the order of their numbers."""
        for label, name in enumerate(FOLDERS):
            films = self._films(split, name)
            there = look(self.folder / split / name, deep=False)
            unfit = [path for path, why in there.left_out.items() if why != HIDDEN]
            reviews = [path for path in (*there.files, *unfit) if path.suffix == ".txt"]
            for path in sorted(reviews, key=lambda path: (_number(path), path.name)):
                film = films.get(_number(path), f"{split}/{name}/{path.stem}")
                yield Row(str(path), _review(path, label, film))

    def _films(self, split: str, name: str) -> dict[int, str]:
        """Return the film of each review by the review's number; nothing without the list."""
        path = self.folder / split / f"urls_{name}.txt"
        if not path.is_file():
            return {}
        with open_file(path) as raw, unpacked(path, raw, TEXT) as file:
            pages = enumerate(file.read().decode("utf-8", errors="replace").split("\n"))
        return {number: match[0] for number, page in pages if (match := re.search(r"tt\d+", page))}


def _number(path: Path) -> int:
    """Return the number at the beginning of a review's name, else -1."""
    match = re.match(r"\d+", path.name)
    return int(match[0]) if match else -1


def _review(path: Path, label: int, film: str) -> dict[str, object] | BookError:
    try:
        with open_file(path) as raw, unpacked(path, raw, TEXT) as file:
            return {"text": file.read().decode("utf-8"), "label": label, "group": film}
    except BookError as why:
        return why
    except UnicodeDecodeError:
        return BookError("a review is not UTF-8", where=path, expected="text in UTF-8", do="convert it or remove it")


def local_layout(folder: Path) -> Layout:
    """Return the layout of the reviews in ``folder``; a BookError when training or test set are not there."""
    for place in (folder / "aclImdb", folder / "plain_text", folder):
        layouts: tuple[Layout, ...] = Archive(place), HubFiles(COLUMNS, place)
        for layout in layouts:
            if layout.has("train") and layout.has("test"):
                return layout
    raise BookError(
        "there are no training and test set of IMDb",
        where=f"{folder}{contents(folder)}",
        expected="train/pos, train/neg, test/pos and test/neg as the authors publish them, train-*.parquet and"
        " test-*.parquet as on the Hub, or train.jsonl and test.jsonl with the fields text and label",
        do="put the files there, or correct the address",
    )


def imdb_task(layout: Layout) -> Task:
    """Return the task, read from ``layout``; a BookError for an unusable test review, or too many for training."""
    left_out: list[str] = []

    def read(split: str, left_out: list[str] | None = None) -> Examples:
        found = examples(layout.rows(split), layout.columns, Labels(CLASSES), layout.place(split), left_out)
        return replace(found, first=[text.replace("<br />", " ") for text in found.first])

    return Task(
        name=NAME,
        metric="accuracy",
        classes=CLASSES,
        train=read("train", left_out),
        evaluation={"test": read("test")},
        withheld={},
        left_out=tuple(left_out),
    )
