"""Damaged checkpoints and finished runs: the result of an undisturbed run, or one clear error."""

import shutil
from random import Random

import pytest
import torch
from damage import damage
from distilbook.core.config import BookError
from distilbook.core.files import read_json
from distilbook.core.finished import MARKER, Unfinished, seal
from distilbook.pretraining.pretrain import PretrainConfig, PretrainRun, pretrain
from distilbook.training.batches import Blocks
from distilbook.training.log import read_curves
from safetensors.torch import load_file

SEEDS = range(8)


@pytest.fixture(scope="module")
def config(pretrain_values) -> PretrainConfig:
    return PretrainConfig(**pretrain_values)


@pytest.fixture(scope="module")
def train(config, corpus, teacher_folder):
    return lambda root: pretrain(config, "full", 0, corpus, teacher_folder, root)


@pytest.fixture(scope="module")
def finished(train, tmp_path_factory) -> PretrainRun:
    return train(tmp_path_factory.mktemp("finished"))


@pytest.fixture(scope="module")
def killed(train, tmp_path_factory):
    """The folder of a run that was killed after five of its six steps, with the checkpoints of steps 2 and 4."""
    root, step = tmp_path_factory.mktemp("killed"), Blocks.step

    def until_five(self, number, *rest):
        if number == 5:
            raise KeyboardInterrupt
        return step(self, number, *rest)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt) as stopped:
        patch.setattr(Blocks, "step", until_five)
        train(root)
    assert "stopped at step 5; run again to resume from its checkpoint of step 4" in str(stopped.value)
    (folder,) = root.iterdir()
    assert {path.name for path in (folder / "checkpoint").iterdir()} == {"2", "4"}
    return root


def outcome(run: PretrainRun) -> tuple:
    """What a run has come to: its weights, scores and curves, without the times."""
    steps, measured = read_curves(run.folder)
    losses = [(line["step"], line["loss"], line["gradient_norm"]) for line in steps]
    weights = load_file(run.folder / "model" / "model.safetensors")
    return {name: tensor.numpy().tobytes() for name, tensor in weights.items()}, run.scores, losses, measured


@pytest.mark.parametrize("seed", SEEDS)
def test_a_run_whose_checkpoints_are_damaged_ends_as_one_that_was_not_disturbed(
    train, finished, killed, tmp_path, capsys, seed
):
    root = tmp_path / "runs"
    shutil.copytree(killed, root)
    how = damage(next(root.iterdir()), Random(seed))
    assert outcome(train(root)) == outcome(finished), how


@pytest.mark.parametrize("seed", SEEDS)
def test_a_damaged_finished_run_is_refused_or_made_again(train, finished, tmp_path, seed):
    root = tmp_path / "runs"
    shutil.copytree(finished.folder.parent, root)
    (folder,) = root.iterdir()
    how = damage(folder, Random(seed))
    try:
        assert outcome(PretrainRun.open(folder)) == outcome(finished), how
    except Unfinished as error:
        assert "a result is not whole" in str(error)
    assert outcome(train(root)) == outcome(finished), how


def test_what_is_left_out_and_where_the_run_starts_is_said(train, killed, tmp_path, capsys):
    root = tmp_path / "runs"
    shutil.copytree(killed, root)
    (folder,) = root.iterdir()
    (folder / "checkpoint" / "4" / "optimizer.safetensors").unlink()
    (folder / "checkpoint" / "2" / "model.safetensors").write_bytes(b"")
    train(root)
    said = capsys.readouterr().err
    assert "checkpoint/4 is skipped: a result is not whole: optimizer.safetensors is missing" in said
    assert "checkpoint/2 is skipped: a result is not whole: model.safetensors has 0 bytes instead of" in said
    assert "no checkpoint in" in said and "the run starts at step 0" in said


def test_a_checkpoint_of_another_model_is_left_out(train, finished, killed, tmp_path, capsys):
    root = tmp_path / "runs"
    shutil.copytree(killed, root)
    (folder,) = root.iterdir()
    marker = folder / "checkpoint" / "4" / "checkpoint.json"
    facts = read_json(marker)
    facts.pop("manifest")
    del facts["tensors"]["optimizer.safetensors"]["3.exp_avg"]
    seal(marker, facts, ["model.safetensors", "optimizer.safetensors"])
    assert outcome(train(root)) == outcome(finished)
    assert "checkpoint/4 is skipped: its tensors are not those of the optimiser" in capsys.readouterr().err


def test_a_run_that_another_thread_trains_is_refused(train, finished, tmp_path):
    from distilbook.core.files import sole

    with sole(tmp_path / finished.folder.name / "lock", "this training"):
        with pytest.raises(BookError, match="this training is under way already"):
            train(tmp_path)
    assert not (tmp_path / finished.folder.name / MARKER).exists()


def test_the_scale_of_a_float16_loss_comes_back(tmp_path):
    from distilbook.training.checkpoint import load_checkpoint, save_checkpoint
    from test_checkpoint import trained

    ours, theirs = (torch.amp.GradScaler("cpu", init_scale=scale) for scale in (512.0, 65536.0))
    ours.scale(torch.ones(1))
    save_checkpoint(tmp_path / "checkpoint", *trained(2), 2, ours)
    assert load_checkpoint(tmp_path / "checkpoint", *trained(0), theirs) == 2
    assert theirs.state_dict() == ours.state_dict() and theirs.get_scale() == 512.0
