"""The change of the score by arm: against the full recipe on the same tasks, beside Table 4 where it has the arm."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from distilbook.claims import TABLE_4
from distilbook.claims.task_scores import arm_changes
from distilbook.stats import Answers, difference
from scored_runs import Task


@pytest.fixture
def tasks(tmp_path) -> tuple[Task, Task]:
    return Task(tmp_path, "SST-2"), Task(tmp_path, "CoLA", "matthews_correlation", n=1_000)


def changes(tasks, *records):
    return {one.arm: one for one in arm_changes([r for some in records for r in some], tasks[0].folder)}


def test_a_change_is_the_difference_of_macro_scores_with_its_interval(tasks):
    sst, cola = tasks
    shares = {"teacher": [0.9], "full": [0.8, 0.82], "without_mlm": [0.75, 0.74], "tfidf": [0.7]}
    records = [sst.runs(**shares), cola.runs(**shares)]
    (found,) = changes(tasks, *records).values()
    answers = {}
    for some in records:
        for model in ("full", "without_mlm"):
            paths = {r.seed: sst.folder / r.predictions for r in some if r.recipe == model}
            answers.setdefault(some[0].task, {})[model] = Answers.read(paths, some[0].metric)
    peer = difference(answers, "without_mlm", "full")
    assert found.arm == "without_mlm" and found.change.value == pytest.approx(peer.value)
    width = peer.high - peer.low
    assert (found.change.low, found.change.high) == pytest.approx((peer.low, peer.high), abs=0.05 * width)
    assert (found.tasks, found.seeds, found.change.n) == (("SST-2", "CoLA"), 2, 3_000)
    assert found.resolution == pytest.approx((found.change.high - found.change.low) / 2)


@pytest.mark.parametrize(("arm", "side"), [(0.70, "worse"), (0.80, "not settled"), (0.90, "better")])
def test_one_is_called_better_only_beyond_the_interval(tasks, arm, side):
    (found,) = changes(tasks, tasks[0].runs(full=[0.8, 0.8], without_cosine=[arm, arm])).values()
    assert found.side == side


def test_one_student_fine_tuned_several_times_does_not_judge_its_recipe(tasks):
    runs = tasks[0].runs(full=[0.9, 0.9, 0.9], without_cosine=[0.6, 0.6, 0.6])
    (several,) = changes(tasks, runs).values()
    (single,) = changes(tasks, [replace(r, pretraining_seed=0) for r in runs]).values()
    assert (several.side, several.pretrainings) == ("worse", 3)
    assert (single.side, single.pretrainings) == ("not settled", 1) and single.change == several.change


def test_table_4_stands_beside_the_arms_it_has(tasks):
    arms = {arm: [0.7, 0.7] for arm in (*TABLE_4, "without_teacher", "without_teacher_equal_seconds")}
    found = changes(tasks, tasks[0].runs(full=[0.8, 0.8], **arms))
    assert list(found) == list(arms)
    assert {arm: one.paper for arm, one in found.items() if one.paper is not None} == {
        arm: pytest.approx(value / 100) for arm, value in TABLE_4.items()
    }


def test_every_arm_is_compared_on_the_tasks_that_it_and_the_full_recipe_have(tasks):
    sst, cola = tasks
    found = changes(
        tasks, sst.runs(full=[0.8], without_mlm=[0.7], from_scratch=[0.6]), cola.runs(full=[0.8], without_mlm=[0.7])
    )
    assert found["without_mlm"].tasks == ("SST-2", "CoLA") and found["from_scratch"].tasks == ("SST-2",)
    assert changes(tasks, cola.runs(without_mlm=[0.7], teacher=[0.9])) == {}


def test_without_predictions_a_change_has_no_bounds_and_settles_nothing(tasks):
    sst, cola = tasks
    records = sst.runs(full=[0.8], without_mlm=[0.6]) + cola.runs(full=[0.8], without_mlm=[0.6])
    (sst.folder / records[1].predictions).unlink()
    (found,) = changes(tasks, records).values()
    scores = {(r.task, r.recipe): r.value for r in records}
    mean = sum(scores[t.name, "without_mlm"] - scores[t.name, "full"] for t in tasks) / 2
    assert found.change.value == pytest.approx(mean) and found.side == "not settled" and found.resolution == math.inf


def test_a_collapsed_seed_of_either_is_told_and_not_counted(tasks):
    (found,) = changes(tasks, tasks[0].runs(full=[0.8, None], without_mlm=[0.6, 0.6])).values()
    assert found.change.value == pytest.approx(-0.2) and found.seeds == 1
    (said,) = found.left_out
    assert said == "Excluded for constant predictions: 1 of 2 seeds of the full recipe on SST-2"
