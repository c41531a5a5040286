"""Tasks as they are drawn: every seed's score, what each arm changes, how long texts are and where they are cut."""

from __future__ import annotations

import numpy as np
import pytest
from distilbook.claims.task_scores import ArmChange
from distilbook.stats import Answers, scores_on_one_task
from distilbook.stats.intervals import Interval
from distilbook.views import style as palette
from distilbook.views import task_scores, tasks
from distilbook.views.task_scores import COLLAPSED

LABELS = np.arange(60) % 2


def answered(*wrong: int | None) -> Answers:
    rows = [np.ones(60, int) if w is None else np.where(np.arange(60) < w, 1 - LABELS, LABELS) for w in wrong]
    return Answers("accuracy", LABELS, np.stack(rows), np.arange(60))


def test_every_seed_has_a_mark_and_a_collapsed_one_a_hollow_one():
    full = answered(6, 12, None)
    made = task_scores.task_scores({"SST-2": {"full": full, "majority": answered(None)}})
    median, seeds, _, majority = made.data
    assert seeds.x == pytest.approx((0.9, 0.8, 0.5)) and set(seeds.y) == {"full recipe"}
    assert seeds.marker.symbol == (palette.MARKERS["full"], palette.MARKERS["full"], COLLAPSED)
    assert majority.marker.symbol == (palette.MARKERS["majority"],)  # by nature
    assert median.x == pytest.approx((0.85,))
    interval = scores_on_one_task("", {"full": full})["full"]
    assert median.error_x.array[0] == pytest.approx(interval.high - 0.85, abs=0.03)
    assert median.error_x.arrayminus[0] == pytest.approx(0.85 - interval.low, abs=0.03)


def test_every_task_has_its_panel_named_with_its_metric():
    made = task_scores.task_scores(
        {"SST-2": {"full": answered(6)}, "RTE": {"full": answered(3), "teacher": answered(1)}}
    )
    assert [note.text for note in made.layout.annotations] == ["SST-2: accuracy", "RTE: accuracy"]
    assert made.layout.yaxis2.categoryarray == ("full recipe", "teacher")


def test_an_ablations_change_is_drawn_with_its_interval_beside_table_4():
    changes = [
        ArmChange("without_mlm", Interval(-0.02, -0.03, 0.0, 900, 0.95), ("A",), 5, -0.0031, (), 5),
        ArmChange("without_teacher", Interval(0.01, -np.inf, np.inf, 900, 0.95), ("A",), 1, None, (), 1),
    ]
    made = task_scores.score_changes(changes)
    ours, papers, open_ended = made.data
    assert (ours.x, papers.x, open_ended.x) == ((-2.0,), (pytest.approx(-0.31),), (1.0,))
    assert (ours.error_x.array[0], ours.error_x.arrayminus[0]) == pytest.approx((2.0, 1.0))
    assert open_ended.error_x.array is None and papers.xaxis == "x2"
    assert ours.marker.color == papers.marker.color == palette.COLOURS["without_mlm"]


def test_the_lengths_of_texts_are_drawn_as_shares_with_every_cut_named():
    short, long = np.arange(1, 101), np.arange(101, 201)
    made = tasks.text_lengths({"short": short, "long": long}, [150, 50])
    assert [bar.name for bar in made.data] == ["short", "long"] and made.layout.showlegend
    assert [sum(bar.y) for bar in made.data] == pytest.approx([1.0, 0.98])  # the longest hundredth of both is left out
    width = made.data[0].x[1] - made.data[0].x[0]
    for bar, lengths in zip(made.data, (short, long), strict=True):
        for middle, height in zip(bar.x, bar.y, strict=True):
            inside = (lengths >= middle - width / 2) & (lengths < middle + width / 2)
            assert height == pytest.approx(inside.mean(), abs=0.011)  # a length may lie on an edge
    assert [line.x0 for line in made.layout.shapes] == [50, 150]
    said = {note.x: note.text for note in made.layout.annotations}
    assert said == {50: "75% are longer than 50", 150: "25% are longer than 150"}
    assert not tasks.text_lengths({"IMDb": long}, [150]).layout.showlegend
