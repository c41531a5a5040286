import shutil

import numpy as np
import pytest
import torch
from distilbook.core.config import BookError
from distilbook.models.folder import look_at
from distilbook.models.loading import load_model, load_teacher, load_tokenizer
from distilbook.pretraining.pretrain import PretrainConfig, pretrain
from distilbook.pretraining.teacher_head import TeacherConfig, fitted_teacher, start_at_word_frequencies
from distilbook.training.batches import MicroBatch
from distilbook.training.log import read_metrics
from distilbook.training.objectives import MaskedLM
from model_folders import changed, reweighed


def config(**changes) -> TeacherConfig:
    values = {
        "edition": "test",
        "teacher": "-",
        "steps": 120,
        "blocks_per_step": 8,
        "micro_batch": 8,
        "learning_rate": 2e-2,
        "warmup_share": 0.1,
        "mask_share": 0.3,
        "checkpoint_every": 100,
        "precision": "float32",
        "compile": False,
        "trackers": (),
        "evaluated_blocks": 6,
        "seed": 0,
    }
    return TeacherConfig(**values | changes)


@pytest.fixture(scope="module")
def fitted(inputs, corpus, tmp_path_factory):
    return fitted_teacher(config(), inputs / "teacher", corpus, tmp_path_factory.mktemp("teacher"))


def test_a_fitted_teacher_is_whole_and_predicts_better_than_at_the_start(fitted):
    load_teacher(fitted, new_head=False)
    lines = [line for line in read_metrics(fitted.parent / "metrics.jsonl") if "perplexity" in line]
    assert lines[-1]["masked_lm_loss"] < lines[0]["masked_lm_loss"] - 0.04


def test_word_embeddings_stay_and_layers_move(fitted, inputs):
    before, after = load_teacher(inputs / "teacher", new_head=True), load_teacher(fitted, new_head=False)
    assert torch.equal(before.get_input_embeddings().weight, after.get_input_embeddings().weight)
    layer = "bert.encoder.layer.1.attention.self.query.weight"
    assert not torch.equal(before.state_dict()[layer], after.state_dict()[layer])


def test_a_second_fitting_opens_the_first(fitted, inputs, corpus, monkeypatch):
    monkeypatch.setattr("distilbook.pretraining.teacher_head.train", lambda *_, **__: pytest.fail("fitted again"))
    assert fitted_teacher(config(), inputs / "teacher", corpus, fitted.parent.parent) == fitted


def test_a_teacher_with_a_head_is_taken_as_it_is(teacher_folder, corpus, tmp_path):
    assert fitted_teacher(config(steps=0), teacher_folder, corpus, tmp_path) == teacher_folder


def test_the_head_starts_at_the_word_frequencies(inputs, corpus):
    model = load_teacher(inputs / "teacher", new_head=True)
    start_at_word_frequencies(model, corpus.counts)
    expected = (corpus.counts + 1) / (corpus.counts + 1).sum()
    np.testing.assert_allclose(model.cls.predictions.decoder.bias.exp().detach(), expected, rtol=1e-4)


def test_the_loss_is_transformers_own(inputs, corpus):
    model = load_teacher(inputs / "teacher", new_head=True)
    input_ids = torch.from_numpy(corpus.train[:2].astype("int64"))
    labels = torch.where(torch.arange(32) % 5 == 0, input_ids, -100)
    batch = MicroBatch(torch.arange(2), input_ids, labels, attention_mask=None)
    loss, _ = MaskedLM(model)(batch, batch.counts)
    torch.testing.assert_close(loss, model(input_ids=input_ids, labels=labels).loss, rtol=1e-5, atol=1e-5)


@pytest.fixture
def source(inputs, tmp_path):
    """A copy of the tiny teacher, to be changed."""
    return shutil.copytree(inputs / "teacher", tmp_path / "source")


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_a_teacher_stored_in_half_precision_is_fitted_as_any_other(source, fitted, corpus, tmp_path, kind):
    reweighed(source, lambda tensors: {name: tensor.to(kind) for name, tensor in tensors.items()})
    made = fitted_teacher(config(), source, corpus, tmp_path / "runs")
    assert {one.type for one in look_at(made).tensors.values()} == {"F32"}
    scores = [read_metrics(folder.parent / "metrics.jsonl")[-1]["masked_lm_loss"] for folder in (made, fitted)]
    assert scores[0] == pytest.approx(scores[1], abs=0.05)


def test_rows_without_a_token_are_padding_from_fitting_to_student(source, fitted, corpus, pretrain_values, tmp_path):
    rows, pieces = 320, len(load_tokenizer(source))
    table = "embeddings.word_embeddings.weight"
    reweighed(source, lambda t: t | {table: torch.cat([t[table], t[table][: rows - pieces]])})
    changed(source, vocab_size=rows)
    made = fitted_teacher(config(), source, corpus, tmp_path / "runs")
    scores = [read_metrics(folder.parent / "metrics.jsonl")[-1]["masked_lm_loss"] for folder in (made, fitted)]
    assert scores[0] == pytest.approx(scores[1], abs=0.05)
    run = pretrain(PretrainConfig(**pretrain_values), "full", 0, corpus, made, tmp_path / "students")
    student = load_model(run.folder / "model", "masked_lm")
    assert student.config.vocab_size == rows and np.isfinite(list(run.scores.values())).all()
    predicted = np.load(run.folder / "held_out.npz")["predicted"]
    assert predicted.max() < pieces


def test_blocks_longer_than_the_teachers_positions_are_refused_before_anything_is_fitted(source, corpus, tmp_path):
    reweighed(
        source,
        lambda tensors: {name: one[:16] if "position_embeddings" in name else one for name, one in tensors.items()},
    )
    changed(source, max_position_embeddings=16)
    for steps in (0, 120):
        with pytest.raises(BookError, match="32 tokens, and the model has 16 positions" if steps else "not loaded"):
            fitted_teacher(config(steps=steps), source, corpus, tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
