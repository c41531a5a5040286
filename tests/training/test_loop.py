import re

import numpy as np
import pytest
import torch
from distilbook.core.config import BookError
from distilbook.corpus.masking import Masking
from distilbook.distillation.objectives import TripleLoss
from distilbook.distillation.student import build_student
from distilbook.models.loading import load_teacher, load_tokenizer
from distilbook.pretraining.pretrain import PretrainConfig
from distilbook.training import loop, schedule
from distilbook.training.batches import Blocks
from distilbook.training.divergence import Guard, read_batches
from distilbook.training.log import read_metrics
from distilbook.training.loop import train
from distilbook.training.schedule import learning_rate_at


@pytest.fixture
def config(pretrain_values) -> PretrainConfig:
    return PretrainConfig(**pretrain_values)


def blocks_of(corpus, teacher_folder, config, seed=0) -> Blocks:
    return Blocks(corpus.train, Masking.smoothed(corpus.counts, load_tokenizer(teacher_folder)), config, seed)


def objective_of(teacher_folder, config, dropout=0.1) -> TripleLoss:
    teacher = load_teacher(teacher_folder, new_head=False)
    return TripleLoss(build_student(teacher, config.recipe, dropout, seed=0), teacher, config.recipe).train()


def run(corpus, teacher_folder, config, folder):
    objective = objective_of(teacher_folder, config)
    train(
        objective, blocks_of(corpus, teacher_folder, config), config, folder, "test", lambda step: {"measured": 1.0}, 3
    )
    return {name: tensor.detach().clone() for name, tensor in objective.named_parameters()}


def test_the_learning_rate_rises_over_the_warm_up_and_falls_to_zero(config):
    config = config.model_copy(update={"steps": 100, "warmup_share": 0.1, "learning_rate": 1e-3})
    rates = [learning_rate_at(step, config) for step in range(100)]
    np.testing.assert_allclose(rates[:3], [1e-4, 2e-4, 3e-4])
    assert max(rates) == 1e-3 and np.argmax(rates) in (9, 10)
    np.testing.assert_allclose(rates[-1], 1e-3 / 90)
    assert all(a > b for a, b in zip(rates[11:], rates[12:], strict=False))


def test_two_processes_share_out_the_micro_batches_of_one(corpus, teacher_folder, config):
    blocks = blocks_of(corpus, teacher_folder, config)
    alone = blocks.step(3, 0, 1)
    shared = [blocks.step(3, process, 2) for process in (0, 1)]
    for number, batch in enumerate(alone):
        other = shared[number % 2][number // 2]
        assert torch.equal(batch.input_ids, other.input_ids) and torch.equal(batch.labels, other.labels)


def test_a_step_is_a_function_of_seed_and_step_alone(corpus, teacher_folder, config):
    one, again = blocks_of(corpus, teacher_folder, config), blocks_of(corpus, teacher_folder, config)
    one.step(0, 0, 1)
    for a, b in zip(one.step(5, 0, 1), again.step(5, 0, 1), strict=True):
        assert torch.equal(a.input_ids, b.input_ids) and torch.equal(a.labels, b.labels)


def test_batches_made_ahead_are_those_of_their_steps(corpus, teacher_folder, config):
    blocks = blocks_of(corpus, teacher_folder, config)
    ahead = list(blocks.steps_ahead(range(3, 6), 1, 2))
    assert len(ahead) == 3 and list(blocks.steps_ahead(range(6, 6), 0, 1)) == []
    for step, batches in zip(range(3, 6), ahead, strict=True):
        for a, b in zip(batches, blocks.step(step, 1, 2), strict=True):
            assert torch.equal(a.input_ids, b.input_ids) and torch.equal(a.labels, b.labels)


def test_a_batch_is_as_long_as_its_longest_block(padded_corpus, teacher_folder, config):
    blocks = [
        blocks_of(padded_corpus, teacher_folder, config.model_copy(update={"micro_batch": size})) for size in (1, 4)
    ]
    batches = [b for kind in blocks for step in range(4) for b in kind.step(step, 0, 1)]
    assert len({b.input_ids.shape[1] for b in batches}) > 1
    for b in batches:
        real = b.labels == b.labels if b.attention_mask is None else b.attention_mask
        assert real.sum(dim=1).max() == b.input_ids.shape[1] and b.tokens == real.sum()
        assert (b.input_ids[~real] == 0).all() and (b.labels[~real] == -100).all()
        text = torch.where(b.labels == -100, b.input_ids, b.labels)
        whole = torch.from_numpy(padded_corpus.train[b.numbers.numpy()].astype("int64"))
        changed = (text != whole[:, : text.shape[1]]) & real
        assert not changed.any() and (whole[:, text.shape[1] :] == 0).all()


def test_an_epoch_is_read_once_before_the_next_begins(corpus, teacher_folder, config):
    blocks = blocks_of(corpus, teacher_folder, config)
    steps = -(-len(corpus.train) // config.blocks_per_step)
    seen = [
        tuple(row.tolist())
        for step in range(steps)
        for b in blocks.step(step, 0, 1)
        for row in torch.where(b.labels == -100, b.input_ids, b.labels)
    ][: len(corpus.train)]
    assert sorted(seen) == sorted(tuple(int(t) for t in block) for block in corpus.train)


@pytest.mark.parametrize("micro_batch", [1, 2])
def test_accumulation_changes_the_gradient_by_rounding_alone(corpus, teacher_folder, config, micro_batch):
    """Without dropout, four blocks at once and four in parts: sums divided by the whole step's counts."""

    def gradient(size):
        own = config.model_copy(update={"micro_batch": size, "dropout": 0.0})
        objective = objective_of(teacher_folder, own, dropout=0.0).double()
        objective._teacher[0].double()
        batches = blocks_of(corpus, teacher_folder, own).step(0, 0, 1)
        tokens = sum(b.labels.numel() for b in batches)
        masked = int(sum((b.labels != -100).sum() for b in batches))
        for b in batches:
            objective(b, {"tokens": tokens, "masked": masked})[0].backward()
        return torch.cat([p.grad.flatten() for p in objective.parameters() if p.grad is not None])

    # The cosine term is computed in float32, hence the tolerance.
    torch.testing.assert_close(gradient(micro_batch), gradient(4), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("checkpoint_every", [2, 3])
def test_a_killed_run_goes_on_as_if_nothing_had_happened(
    corpus, teacher_folder, config, tmp_path, monkeypatch, checkpoint_every
):
    config = config.model_copy(update={"checkpoint_every": checkpoint_every})
    whole = run(corpus, teacher_folder, config, tmp_path / "whole")
    step = Blocks.step

    def killed(self, number, *rest):
        if number == 5:
            raise KeyboardInterrupt
        return step(self, number, *rest)

    monkeypatch.setattr(Blocks, "step", killed)
    with pytest.raises(KeyboardInterrupt):
        run(corpus, teacher_folder, config, tmp_path / "killed")
    monkeypatch.setattr(Blocks, "step", step)
    resumed = run(corpus, teacher_folder, config, tmp_path / "killed")
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    lines = [
        [(line["step"], line.get("loss")) for line in read_metrics(tmp_path / name / "metrics.jsonl")]
        for name in ("whole", "killed")
    ]
    assert lines[0] == lines[1]


def test_a_loss_that_is_not_finite_stops_the_run_with_weights_checkpoint_and_batch_kept(
    corpus, teacher_folder, config, tmp_path, monkeypatch
):
    objective = objective_of(teacher_folder, config)
    forward = objective.forward
    calls = []

    def poisoned(*arguments):
        calls.append(1)
        loss, terms = forward(*arguments)
        return (loss * float("nan"), terms) if len(calls) > 6 else (loss, terms)

    objective.forward = poisoned
    blocks = blocks_of(corpus, teacher_folder, config)
    before = {}
    monkeypatch.setattr("distilbook.training.loop.Guard.check", noting(before, objective))
    with pytest.raises(BookError, match="the loss of step 3 is nan") as error:
        train(objective, blocks, config, tmp_path, "test", lambda step: {}, 3)
    assert [path.name for path in (tmp_path / "checkpoint").iterdir()] == ["2"]
    assert "the last good checkpoint is checkpoint/2" in str(error.value)
    assert all(torch.equal(before[name], tensor) for name, tensor in objective.named_parameters())
    assert [line["step"] for line in read_metrics(tmp_path / "metrics.jsonl") if "loss" in line] == [1, 2, 3]
    _, kept = read_batches(tmp_path / "bad_batch" / "step_3.process_0.safetensors")
    for ours, theirs in zip(kept, blocks.step(3, 0, 1), strict=True):
        assert torch.equal(ours.input_ids, theirs.input_ids) and torch.equal(ours.labels, theirs.labels)
    text = load_tokenizer(teacher_folder).batch_decode(kept[0].input_ids)
    assert all(words.startswith("[CLS]") for words in text)


def noting(before: dict, objective):
    """Return ``Guard.check`` that first takes note of the weights as they were before the step."""
    check = Guard.check

    def noted(*arguments):
        before.update({name: tensor.detach().clone() for name, tensor in objective.named_parameters()})
        check(*arguments)

    return noted


def test_a_learning_rate_that_is_far_too_high_stops_the_run_and_names_a_checkpoint_from_before(
    corpus, teacher_folder, config, tmp_path
):
    """The rate is low until step 40, so that there is a good checkpoint; then it is a thousand times the usual."""
    rates = {"steps": 400, "warmup_share": 0.0, "checkpoint_every": 10, "dropout": 0.0}
    config = config.model_copy(update=rates)
    rate = schedule.learning_rate_at
    with pytest.MonkeyPatch.context() as patch, pytest.raises(BookError, match="the loss diverges") as error:
        patch.setattr(loop, "learning_rate_at", lambda step, own: rate(step, own) * (1 if step < 40 else 1000))
        run(corpus, teacher_folder, config, tmp_path)
    kept = [path.name for path in (tmp_path / "checkpoint").iterdir()]
    (named,) = re.findall(r"the last good checkpoint is checkpoint/(\d+)", str(error.value))
    assert len(kept) == 2 and named in kept and int(named) <= 50
    assert len(read_metrics(tmp_path / "metrics.jsonl")) < 120


def test_the_loss_falls(corpus, teacher_folder, config, tmp_path):
    config = config.model_copy(update={"steps": 40, "learning_rate": 3e-3, "checkpoint_every": 100})
    run(corpus, teacher_folder, config, tmp_path)
    losses = [line["loss"] for line in read_metrics(tmp_path / "metrics.jsonl") if "loss" in line]
    assert np.mean(losses[-5:]) < 0.9 * np.mean(losses[:5])
