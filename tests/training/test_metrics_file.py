"""Metrics of a run: the file, the trackers, and both after a kill and a resume."""

import json

import pytest
from accelerate import Accelerator
from distilbook.core.config import BookError
from distilbook.training import log as metrics
from distilbook.training.log import Metrics, Reporter, check_installed, read_curves, read_metrics
from distilbook.training.schedule import BlocksConfig, known_trackers
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

LOOP = {
    "steps": 8,
    "blocks_per_step": 4,
    "micro_batch": 2,
    "learning_rate": 5e-4,
    "warmup_share": 0.1,
    "checkpoint_every": 3,
    "precision": "float32",
    "compile": False,
    "trackers": ("tensorboard",),
}


def write(folder, after: int, until: int, offset: float = 0.0) -> None:
    """Write the steps after ``after`` up to ``until``, with a held-out measurement before every third."""
    config = BlocksConfig(**LOOP)
    with Reporter(told(folder, after, config), "a run", config.steps, after, 128, "tokens") as reporter:
        for step in range(after, until):
            if step % 3 == 0:
                reporter.measured(step, {"masked_accuracy": step / 10 + offset, "masked_lm_loss": 5.0 - step})
            reporter.stepped(step + 1, {"loss": 9.0 - step + offset, "masked_lm_loss": 4.0 - step, "tokens": 128})


def told(folder, after: int, config: BlocksConfig) -> Metrics:
    return Metrics(folder, after, config, Accelerator(log_with=list(config.trackers), project_dir=folder / "logs"))


def tensorboard_of(folder) -> dict[str, list[tuple[int, float]]]:
    """Return what TensorBoard shows of a run: each curve's steps and values."""
    found = EventAccumulator(str(folder / "logs" / "distilbook"), size_guidance={"scalars": 0}).Reload()
    return {tag: [(e.step, e.value) for e in found.Scalars(tag)] for tag in found.Tags()["scalars"]}


def of_the_file(folder) -> dict[str, list[tuple[int, float]]]:
    curves: dict[str, list[tuple[int, float]]] = {}
    for line in read_metrics(folder / "metrics.jsonl"):
        kind = "training" if "loss" in line else "held_out"
        for name in line.keys() - {"step"}:
            curves.setdefault(f"{kind}/{name}", []).append((line["step"], pytest.approx(line[name], rel=1e-6)))
    return curves


def test_tensorboard_shows_what_the_metrics_file_holds(tmp_path):
    write(tmp_path, 0, 8)
    shown = tensorboard_of(tmp_path)
    assert shown == of_the_file(tmp_path)
    assert [step for step, _ in shown["training/loss"]] == [*range(1, 9)]
    assert [step for step, _ in shown["held_out/masked_accuracy"]] == [0, 3, 6]


@pytest.mark.parametrize("checkpoint", [0, 3, 4])
def test_after_a_kill_both_go_on_from_the_checkpoint_without_a_fork(tmp_path, checkpoint):
    """The killed part had other values, so that a point of it that stayed would be noticed."""
    write(tmp_path, 0, checkpoint)
    write(tmp_path, checkpoint, 7, offset=0.5)
    write(tmp_path, checkpoint, 8)
    shown = tensorboard_of(tmp_path)
    assert shown == of_the_file(tmp_path)
    assert [value for _, value in shown["training/loss"]] == [9.0 - step for step in range(8)]
    assert [step for step, _ in shown["held_out/masked_accuracy"]] == [0, 3, 6]


def test_a_run_that_goes_on_keeps_what_came_before_its_checkpoint_to_the_byte(tmp_path):
    write(tmp_path, 0, 4)
    before = (tmp_path / "metrics.jsonl").read_text()
    write(tmp_path, 4, 5)
    assert (tmp_path / "metrics.jsonl").read_text().startswith(before)


def test_the_seconds_left_shrink_to_none(tmp_path):
    write(tmp_path, 0, 8)
    left = [line["seconds_left"] for line in read_curves(tmp_path)[0]]
    assert left[-1] == 0 and all(seconds > 0 for seconds in left[:-1])


def test_the_log_tells_of_every_held_out_measurement(tmp_path, monkeypatch):
    monkeypatch.setenv("DISTILBOOK_LOG", str(tmp_path / "log"))
    write(tmp_path, 0, 8)
    lines = [line for line in (tmp_path / "log").read_text().splitlines() if "held-out" in line]
    assert [line.partition("after ")[2] for line in lines] == [
        f"{step} of 8 steps: masked_accuracy {step / 10:.4g}, masked_lm_loss {5.0 - step:.4g}" for step in (0, 3, 6)
    ]


def test_a_line_that_a_full_disk_cut_off_is_left_out(tmp_path):
    (tmp_path / "metrics.jsonl").write_text('{"step": 1, "loss": 2.0}\n{"step": 2, "lo')
    assert read_curves(tmp_path) == ([{"step": 1, "loss": 2.0}], [])


def test_where_nothing_was_trained_there_are_no_curves(tmp_path):
    assert read_curves(tmp_path) == ([], [])


def test_trackers_other_than_tensorboard_get_the_configuration_as_theirs(tmp_path):
    from accelerate.tracking import GeneralTracker

    class Notebook(GeneralTracker):
        name, requires_logging_directory = "notebook", False

        def __init__(self):
            super().__init__(_blank=True)
            self.configuration, self.lines, self.over = None, [], False

        def start(self):
            pass

        def store_init_configuration(self, values):
            self.configuration = values

        def log(self, values, step=None, **_):
            self.lines.append((step, values))

        def finish(self):
            self.over = True

    tracker, config = Notebook(), BlocksConfig(**LOOP)
    written = Metrics(tmp_path, 0, config, Accelerator(log_with=[tracker]))
    written.write(1, {"loss": 2.0})
    written.close()
    assert tracker.configuration["learning_rate"] == 5e-4 and json.loads(tracker.configuration["trackers"])
    assert tracker.lines == [(1, {"training/loss": 2.0})] and tracker.over


def test_a_tracker_that_does_not_exist_is_refused_with_the_parameters():
    with pytest.raises(BookError) as error:
        BlocksConfig.parse(LOOP | {"trackers": ["tensorbord"]}, where="06.yaml")
    assert "tensorboard" in str(error.value) and "there is no tensorbord" in str(error.value)
    with pytest.raises(BookError, match="there is no all"):
        BlocksConfig.parse(LOOP | {"trackers": ["all"]}, where="06.yaml")


def test_a_tracker_that_is_not_installed_is_refused_and_those_there_are_named(monkeypatch):
    check_installed(["tensorboard"])
    assert "wandb" in known_trackers()
    monkeypatch.setattr(metrics, "get_available_trackers", lambda: [])
    with pytest.raises(BookError, match="the tracker tensorboard is not installed"):
        check_installed(["tensorboard"])


def test_who_gets_the_metrics_changes_no_result():
    assert BlocksConfig(**LOOP).fingerprint() == BlocksConfig(**LOOP | {"trackers": ()}).fingerprint()
