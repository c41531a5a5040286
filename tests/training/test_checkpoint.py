import pytest
import torch

from distilbook.training import checkpoint
from distilbook.training.checkpoint import load_checkpoint, save_checkpoint


def trained(steps: int):
    torch.manual_seed(0)
    model = torch.nn.Linear(4, 3)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    for step in range(steps):
        model(torch.full((2, 4), float(step))).square().sum().backward()
        optimizer.step()
        optimizer.zero_grad()
    return model, optimizer


def test_weights_moments_and_step_come_back_as_they_were(tmp_path):
    model, optimizer = trained(3)
    save_checkpoint(tmp_path / "c", model, optimizer, 3)
    fresh, other = trained(0)
    assert load_checkpoint(tmp_path / "c", fresh, other) == 3
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), fresh.parameters(), strict=True))
    for ours, theirs in zip(optimizer.state.values(), other.state.values(), strict=True):
        assert ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_without_a_checkpoint_a_run_starts_at_step_zero(tmp_path):
    assert load_checkpoint(tmp_path / "none", *trained(0)) == 0


def test_a_save_that_fails_keeps_the_checkpoint_before_it(tmp_path, monkeypatch):
    save_checkpoint(tmp_path / "c", *trained(1), 1)
    saved = checkpoint.save_file
    monkeypatch.setattr(
        checkpoint, "save_file", lambda tensors, path: saved(tensors, path) if "model" in path.name else 1 / 0
    )
    with pytest.raises(ZeroDivisionError):
        save_checkpoint(tmp_path / "c", *trained(2), 2)
    assert load_checkpoint(tmp_path / "c", *trained(0)) == 1


def test_a_kill_before_the_older_one_is_removed_leaves_the_newer_to_go_on_from(tmp_path, monkeypatch):
    save_checkpoint(tmp_path / "c", *trained(1), 1)
    monkeypatch.setattr(checkpoint.shutil, "rmtree", lambda path: None)
    save_checkpoint(tmp_path / "c", *trained(12), 12)
    assert load_checkpoint(tmp_path / "c", *trained(0)) == 12
    monkeypatch.undo()
    save_checkpoint(tmp_path / "c", *trained(13), 13)
    assert [path.name for path in (tmp_path / "c").iterdir()] == ["13"]
