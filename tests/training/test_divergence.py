"""Divergence guard: runs that are stopped, runs that are not, and the files of a stopped run."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from distilbook.core.config import BookError
from distilbook.training.batches import MicroBatch
from distilbook.training.divergence import DIVERGED, LOST_IN_A_ROW, RECENT, WINDOW, Guard, read_batches
from hypothesis import given
from hypothesis import strategies as st

CURVES = json.loads(Path(__file__).with_name("loss_curves.json").read_text())


def batch(padded: bool) -> MicroBatch:
    input_ids = torch.arange(24).reshape(2, 12)
    return MicroBatch(torch.tensor([7, 3]), input_ids, input_ids + 1, input_ids > 2 if padded else None)


def follow(guard: Guard, losses, norms=None, first: int = 0) -> int | None:
    """Return the step at which ``guard`` stops a run with these ``losses``, those from step ``first`` on."""
    for step, loss in enumerate(losses, start=first):
        norm = norms[step - first] if norms else 1.0
        try:
            guard.check(step, {"loss": float(loss), "gradient_norm": norm}, [batch(False)])
        except BookError:
            return step
    return None


def a_guard(folder, warmup=4, **more) -> Guard:
    return Guard(folder, **{"warmup": warmup, "scaled": False, "process": 0} | more)


@pytest.mark.parametrize("curve", CURVES)
def test_runs_that_went_well_are_not_stopped_and_may_always_keep_a_checkpoint(tmp_path, curve):
    guard = a_guard(tmp_path)
    for step, loss in enumerate(CURVES[curve]):
        guard.check(step, {"loss": loss, "gradient_norm": 1.0}, [])
        assert guard.may_keep(step + 1, torch.nn.Linear(1, 1))


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("rise", [0.02, 0.2, 5.0], ids=["slowly", "fast", "at once"])
def test_a_real_curve_that_turns_upwards_is_stopped(tmp_path, curve, rise):
    losses = CURVES[curve]
    worse = losses[-1] * (1 + rise * np.arange(1, 200)).clip(max=1.8)
    stopped = follow(a_guard(tmp_path), [*losses, *worse])
    # What a good run has gained since its lowest median may be lost again without a stop, hence the doubled bound.
    assert len(losses) < stopped < len(losses) + 2 * (DIVERGED - 1) / rise + WINDOW


def test_a_loss_that_falls_is_never_stopped_however_noisy_within_a_twentieth(tmp_path):
    @given(st.integers(0, 2**32 - 1), st.floats(0.5, 100), st.integers(1, 300))
    def holds(seed, level, steps):
        noise = np.random.default_rng(seed).uniform(0.95, 1.05, steps)
        assert follow(a_guard(tmp_path), level * np.linspace(2, 1, steps) * noise) is None

    holds()


def test_a_few_odd_batches_in_a_row_stop_nothing(tmp_path):
    losses = [10.0] * 60 + [1000.0] * (WINDOW // 2 - 1) + [10.0] * 60
    assert follow(a_guard(tmp_path), losses) is None


def test_what_a_warm_up_undoes_of_copied_layers_is_no_divergence_unless_it_stays_undone(tmp_path):
    hump = [10.0] * 25 + [20.0] * 10 + list(np.linspace(20, 10, 25))
    assert follow(a_guard(tmp_path, warmup=50), [*hump, *[9.0] * 60]) is None
    assert follow(a_guard(tmp_path, warmup=1), hump) is not None
    assert follow(a_guard(tmp_path, warmup=50), [*hump, *[20.0] * 60]) is not None


def test_a_run_that_goes_on_from_a_checkpoint_is_judged_by_what_came_before(tmp_path):
    losses = [10.0] * 50 + [11.0 + step / 5 for step in range(40)]
    whole = follow(a_guard(tmp_path), losses)
    resumed = a_guard(tmp_path, before=losses[:55])
    assert follow(resumed, losses[55:], first=55) == whole


@pytest.mark.parametrize("terms", [{"loss": float("nan")}, {"loss": float("inf")}, {"gradient_norm": float("nan")}])
def test_what_is_no_number_stops_the_run_and_its_batch_is_kept(tmp_path, terms):
    (tmp_path / "checkpoint" / "12").mkdir(parents=True)
    terms = {"loss": 3.0, "gradient_norm": 1.0} | terms
    with pytest.raises(BookError) as error:
        a_guard(tmp_path, process=1).check(17, terms, [batch(True), batch(False)])
    said = str(error.value)
    assert "of step 17 is" in said and "the last good checkpoint is checkpoint/12" in said
    path = tmp_path / "bad_batch" / "step_17.process_1.safetensors"
    assert path.relative_to(tmp_path).as_posix() in said and "learning_rate" in said
    facts, kept = read_batches(path)
    assert facts["step"] == 17 and str(facts["loss"]) == str(terms["loss"])
    assert [b.numbers.tolist() for b in kept] == [[7, 3], [7, 3]]
    assert torch.equal(kept[0].attention_mask, batch(True).attention_mask) and kept[1].attention_mask is None
    assert torch.equal(kept[1].labels, batch(False).labels)


def test_a_scaler_may_skip_steps_but_not_all_of_them(tmp_path):
    norms = [float("inf")] * LOST_IN_A_ROW + [1.0] + [float("inf")] * (LOST_IN_A_ROW + 1)
    assert follow(a_guard(tmp_path, scaled=True), [3.0] * len(norms), norms) == len(norms) - 1
    assert follow(a_guard(tmp_path), [3.0] * len(norms), norms) == 0


def test_a_checkpoint_of_weights_that_are_no_numbers_is_not_kept(tmp_path):
    model = torch.nn.Linear(2, 2)
    with torch.no_grad():
        model.weight[0, 1] = float("inf")
    (tmp_path / "checkpoint" / "4").mkdir(parents=True)
    with pytest.raises(BookError, match="weights are not finite after 8 steps: weight") as error:
        a_guard(tmp_path).may_keep(8, model)
    assert "the last good checkpoint is checkpoint/4" in str(error.value)


def test_while_the_loss_is_high_the_checkpoint_before_stays_and_is_the_good_one(tmp_path):
    guard, model = a_guard(tmp_path), torch.nn.Linear(1, 1)
    follow(guard, [10.0] * 50)
    assert guard.may_keep(50, model)
    (tmp_path / "checkpoint" / "50").mkdir(parents=True)
    with pytest.raises(BookError, match="the last checkpoint, checkpoint/50, is not older than that"):
        for step in range(50, 80):
            guard.check(step, {"loss": 30.0, "gradient_norm": 1.0}, [])
            assert guard.may_keep(step + 1, model) == (step < 50 + RECENT // 2)
    assert guard.risen == 50
    (tmp_path / "checkpoint" / "50").rename(tmp_path / "checkpoint" / "48")
    with pytest.raises(BookError, match="the last good checkpoint is checkpoint/48"):
        guard.check(80, {"loss": 30.0, "gradient_norm": 1.0}, [])


def test_a_loss_that_comes_down_again_may_be_kept_again(tmp_path):
    guard = a_guard(tmp_path)
    follow(guard, [10.0] * 50 + [30.0] * 5)
    assert guard.risen == 50
    follow(guard, [10.0] * RECENT, first=55)
    assert guard.risen is None
