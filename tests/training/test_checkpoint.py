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


def test_the_last_two_are_kept_and_what_a_killed_write_left_is_removed(tmp_path):
    (tmp_path / "c" / ".2.abc").mkdir(parents=True)
    (tmp_path / "c" / ".2.part").write_text("")
    for step in (1, 12, 13):
        save_checkpoint(tmp_path / "c", *trained(step), step)
    assert sorted(path.name for path in (tmp_path / "c").iterdir()) == ["12", "13"]
    assert load_checkpoint(tmp_path / "c", *trained(0)) == 13
