"""The real files of GLUE and IMDb, where they lie beside the project: counts as published."""

from pathlib import Path

import numpy as np
import pytest
from distilbook.tasks import TaskSource, load_task

SHARED = Path(__file__).resolve().parents[2].parent / "shared/data"


@pytest.mark.parametrize(
    ("name", "train", "evaluation"),
    [
        ("SST-2", 67_349, {"dev": 872}),
        ("CoLA", 8_551, {"dev": 1_043}),
        ("STS-B", 5_749, {"dev": 1_500}),
        ("QNLI", 8_999, {"dev": 1_000}),  # a subset, as is MNLI
        ("MNLI", 8_999, {"dev_matched": 1_000}),
        ("IMDb", 6_000, {"test": 6_000}),
    ],
)
def test_every_real_example_is_read(name, train, evaluation):
    if not SHARED.exists():
        pytest.skip("needs the real tasks in ../shared/data")
    task = load_task(TaskSource(name=name, address=str(SHARED / ("imdb" if name == "IMDb" else "glue"))))
    assert len(task.train) == train and task.left_out == ()
    assert {split: len(there) for split, there in task.evaluation.items()} == evaluation
    for there in (task.train, *task.evaluation.values()):
        assert set(np.unique(there.labels)) == set(range(len(task.classes))) or task.is_regression
