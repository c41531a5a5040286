"""The nine tasks of GLUE (Wang et al. 2018), from the official files or in the Hub's layout.

Both layouts give the same task: the Hub's class numbers, the official files' class names and test ids, examples
numbered from 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ..core.config import BookError
from ..core.inputs import contents
from .examples import Columns, Labels, Layout, Row, examples
from .hub_layout import HubFiles, HubStream
from .table import Table
from .task import Examples, Task

ENTAILMENT = ("entailment", "not_entailment")
BINARY = ("0", "1")
#: Folder and file of GLUE's diagnostic set for MNLI's models.
DIAGNOSTIC = "diagnostic"


@dataclass(frozen=True)
class GlueTask:
    """A task of GLUE.

    Attributes:
        subset: its configuration on the Hub, and its folder in that layout.
        official, hub: its columns in the two layouts.
        no_header: the columns of official training and development files without a header.
        dev, test: its splits; ``dev`` begins with the main one.
        diagnostic: whether its models also answer GLUE's diagnostic set.
    """

    name: str
    subset: str
    metric: str
    official: Columns
    hub: Columns
    classes: tuple[str, ...] = BINARY
    value_range: tuple[float, float] | None = None
    no_header: tuple[str, ...] | None = None
    dev: tuple[str, ...] = ("dev",)
    test: tuple[str, ...] = ("test",)
    diagnostic: bool = False

    @property
    def labels(self) -> Labels:
        """Its valid labels."""
        return Labels(self.classes, self.value_range)


SENTENCE = Columns("sentence", None, "label", "index")
PAIR = Columns("sentence1", "sentence2", "label", "index")
QUESTION = Columns("question", "sentence", "label", "index")
HUB_SENTENCE, HUB_PAIR, HUB_QUESTION = (columns._replace(id="idx") for columns in (SENTENCE, PAIR, QUESTION))

#: The tasks in the order of the paper's Table 1.
TASKS = (
    GlueTask(
        "CoLA",
        "cola",
        "matthews_correlation",
        SENTENCE,
        HUB_SENTENCE,
        no_header=("source", "label", "mark", "sentence"),
    ),
    GlueTask(
        "MNLI",
        "mnli",
        "accuracy",
        official=PAIR._replace(label="gold_label"),
        hub=Columns("premise", "hypothesis", "label", "idx"),
        classes=("entailment", "neutral", "contradiction"),
        dev=("dev_matched", "dev_mismatched"),
        test=("test_matched", "test_mismatched"),
        diagnostic=True,
    ),
    GlueTask("MRPC", "mrpc", "f1_and_accuracy", Columns("#1 String", "#2 String", "Quality", "index"), HUB_PAIR),
    GlueTask("QNLI", "qnli", "accuracy", QUESTION, HUB_QUESTION, ENTAILMENT),
    GlueTask(
        "QQP",
        "qqp",
        "f1_and_accuracy",
        official=Columns("question1", "question2", "is_duplicate", "id"),
        hub=Columns("question1", "question2", "label", "idx"),
    ),
    GlueTask("RTE", "rte", "accuracy", PAIR, HUB_PAIR, ENTAILMENT),
    GlueTask("SST-2", "sst2", "accuracy", SENTENCE, HUB_SENTENCE),
    GlueTask("STS-B", "stsb", "pearson_and_spearman", PAIR._replace(label="score"), HUB_PAIR, (), (0.0, 5.0)),
    GlueTask("WNLI", "wnli", "accuracy", PAIR, HUB_PAIR),
)
GLUE = {task.name: task for task in TASKS}

#: MRPC as its authors publish it: the training file includes GLUE's development set, the test file the labels.
RAW_MRPC = {"train": "msr_paraphrase_train.txt", "test": "msr_paraphrase_test.txt"}
MRPC_PAIR = ("#1 ID", "#2 ID")


@dataclass(frozen=True)
class Official:
    """A task's folder in the official layout: ``train.tsv``, ``dev.tsv``, ``test.tsv``."""

    task: GlueTask
    folder: Path

    @property
    def columns(self) -> Columns:
        return self.task.official

    def file(self, split: str) -> Path:
        """Return the split's file; for MRPC its authors' file where GLUE's is missing."""
        path = self.folder / f"{split}.tsv"
        raw = self.folder / RAW_MRPC.get(split, path.name)
        return raw if self.task.name == "MRPC" and not path.is_file() else path

    def has(self, split: str) -> bool:
        return self.file(split).is_file()

    def place(self, split: str) -> str:
        return str(self.file(split))

    def rows(self, split: str) -> Iterator[Row]:
        path, labelled = self.file(split), split.startswith(("train", "dev"))
        needed = [self.columns.first, self.columns.second, self.columns.label if labelled else None]
        table = Table.of(path, list(filter(None, needed)), self.task.no_header if labelled else None)
        return self._without_dev(table) if path.name == RAW_MRPC["train"] else table.rows()

    def _without_dev(self, raw: Table) -> Iterator[Row]:
        """Yield MRPC's original training rows without those of GLUE's development set."""
        kept_back = {_pair(row) for row in Table.of(self.file("dev"), MRPC_PAIR).rows()} - {None}
        return (row for row in raw.rows() if _pair(row) not in kept_back)


def _pair(row: Row) -> tuple[str, ...] | None:
    """Return the ids of a row's two sentences; None for an unreadable row."""
    return None if isinstance(row.values, BookError) else tuple(row.values.get(name, "") for name in MRPC_PAIR)


def local_layout(task: GlueTask, folder: Path) -> Layout:
    """Return the layout of ``task`` in ``folder``, which holds the tasks' folders or is the task's own.

    Raises:
        BookError: when its training or its main development set is not there.
    """
    for place in (folder / task.name, folder / task.subset, folder):
        layouts: tuple[Layout, ...] = Official(task, place), HubFiles(task.hub, place)
        for layout in layouts:
            if layout.has("train"):
                _check_split(layout, task.dev[0], task.name)
                return layout
    raise BookError(
        f"there is no training set of {task.name}",
        where=f"{folder}{contents(folder)}",
        expected=f"{task.name}/train.tsv as GLUE's authors publish it, or {task.subset}/train-*.parquet as on the Hub",
        do="put the task's files there, or correct the address: that of the folder of all tasks, or of this one",
    )


def _check_split(layout: Layout, split: str, name: str) -> None:
    """Refuse a task without one of its splits."""
    if layout.has(split):
        return
    raw = isinstance(layout, Official) and layout.file("train").name == RAW_MRPC["train"]
    raise BookError(
        f"the split {split!r} of {name} is missing",
        where=layout.place(split),
        expected="the file beside the training set's"
        + (", with the pairs of the training file that GLUE's authors list in mrpc_dev_ids.tsv" if raw else ""),
        do="supply it: models are evaluated on it",
    )


def _diagnostic_set(layout: Layout) -> dict[str, Examples]:
    """Return GLUE's diagnostic set as a withheld split; {} where it is not next to MNLI in the same layout."""
    beside, split = layout, "test"
    if isinstance(layout, Official):
        beside, split = replace(layout, folder=layout.folder.parent / DIAGNOSTIC), DIAGNOSTIC
    elif isinstance(layout, HubFiles):
        beside = replace(layout, folder=layout.folder.parent / "ax")
    elif isinstance(layout, HubStream):
        beside = replace(layout, subset="ax")
    if not beside.has(split):
        return {}
    return {DIAGNOSTIC: examples(beside.rows(split), beside.columns, None, beside.place(split))}


def glue_task(task: GlueTask, layout: Layout) -> Task:
    """Return ``task``, read from ``layout``.

    Raises:
        BookError: for a missing column, an unusable row of a development or test set, or too many for training.
    """

    def read(split: str, labels: Labels | None, left_out: list[str] | None = None) -> Examples:
        return examples(layout.rows(split), layout.columns, labels, layout.place(split), left_out)

    left_out: list[str] = []
    return Task(
        name=task.name,
        metric=task.metric,
        classes=task.classes,
        train=read("train", task.labels, left_out),
        evaluation={split: read(split, task.labels) for split in task.dev if layout.has(split)},
        # MRPC's test labels are public outside GLUE, and withheld here like the others'.
        withheld={split: read(split, None) for split in task.test if layout.has(split)}
        | (_diagnostic_set(layout) if task.diagnostic else {}),
        left_out=tuple(left_out),
        value_range=task.value_range,
    )
