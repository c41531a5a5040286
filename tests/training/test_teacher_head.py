import numpy as np
import pytest
import torch

from distilbook.model.teacher import load_teacher
from distilbook.training.batches import MicroBatch
from distilbook.training.metrics import read_metrics
from distilbook.training.teacher_head import MaskedLM, TeacherConfig, fitted_teacher, start_at_word_frequencies


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
    monkeypatch.setattr("distilbook.training.teacher_head.train", lambda *_, **__: pytest.fail("fitted again"))
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
    loss, _ = MaskedLM(model)(batch, batch.tokens, batch.masked)
    torch.testing.assert_close(loss, model(input_ids=input_ids, labels=labels).loss, rtol=1e-5, atol=1e-5)
