"""Ablations of equal seconds: their number of steps, from the cost of steps in finished runs."""

import json
from types import SimpleNamespace

import pytest
from distilbook.pretraining.ablations import cost_of_a_step, equal_seconds_steps, run_arm
from distilbook.pretraining.pretrain import PretrainConfig, pretrain


def finished(folder, seconds, cores=1, accelerator="none", steps=100):
    """Return a stand-in for a finished run whose steps took these ``seconds``."""
    folder.mkdir()
    lines = [{"step": n, "loss": 1.0, "seconds": s} for n, s in enumerate(seconds, start=1)]
    lines.append({"step": len(seconds), "masked_accuracy": 0.2, "seconds": 1e9})
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    made_with = {"machine": {"accelerator": accelerator}}
    return SimpleNamespace(folder=folder, cores=cores, made_with=made_with, config=SimpleNamespace(steps=steps))


def test_a_step_costs_the_median_of_all_seeds_so_that_a_busy_moment_does_not_count(tmp_path):
    runs = [finished(tmp_path / "a", [1.0, 1.0, 60.0]), finished(tmp_path / "b", [1.2, 1.2])]
    assert cost_of_a_step(runs) == 1.2


def test_cores_count_without_an_accelerator_and_not_with_one(tmp_path):
    assert cost_of_a_step([finished(tmp_path / "cpu", [1.5], cores=4)]) == 6
    assert cost_of_a_step([finished(tmp_path / "gpu", [1.5], cores=4, accelerator="a GPU")]) == 1.5


@pytest.mark.parametrize(("arm", "steps"), [([1.0], 200), ([1.6], 125), ([2.0], 100), ([9.0], 100)])
def test_an_arm_gets_the_steps_its_seconds_pay_for_and_never_fewer_than_the_full_recipe(tmp_path, arm, steps):
    full = [finished(tmp_path / "full", [1.0, 1.0], cores=2)]
    assert equal_seconds_steps(full, [finished(tmp_path / "arm", arm)]) == steps


def test_a_longer_run_differs_in_its_steps_alone_and_repeats_its_beginning(
    corpus, teacher_folder, pretrain_values, runs
):
    config = PretrainConfig(**pretrain_values | {"warmup_share": 0.0, "dropout": 0.0})
    full = [pretrain(config, "full", seed, corpus, teacher_folder, runs / "pretraining") for seed in (0, 1)]
    short = run_arm("without_teacher", full, corpus, teacher_folder)
    longer = run_arm("without_teacher", full, corpus, teacher_folder, steps=9)
    ours, theirs = longer[0].config.model_dump(), short[0].config.model_dump()
    assert {name for name in ours if ours[name] != theirs[name]} == {"steps"} and longer[0].config.steps == 9
    assert [run.seed for run in longer] == [0, 1] and {run.arm for run in longer} == {"without_teacher"}
    assert longer[0].tokens == short[0].tokens * 9 // 6
    first = [json.loads((run.folder / "metrics.jsonl").read_text().splitlines()[1]) for run in (short[0], longer[0])]
    assert first[0]["loss"] == first[1]["loss"] and first[0]["step"] == first[1]["step"] == 1


def test_the_steps_of_a_finished_run_and_with_them_its_key_stay_what_they_are(
    corpus, teacher_folder, pretrain_values, runs
):
    config = PretrainConfig(**pretrain_values)
    full = [pretrain(config, "full", 0, corpus, teacher_folder, runs / "pretraining")]
    arm = run_arm("from_scratch", full, corpus, teacher_folder)
    steps = equal_seconds_steps(full, arm)
    once, again = (run_arm("from_scratch", full, corpus, teacher_folder, steps=steps) for _ in range(2))
    assert once == again and equal_seconds_steps(full, run_arm("from_scratch", full, corpus, teacher_folder)) == steps
