"""Held-out scores under training masks, compared with a whole forward pass."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from distilbook.core.records import TRAINING_MASKS
from distilbook.corpus.masking import Masking
from distilbook.models.loading import load_tokenizer
from distilbook.pretraining import records as training_masks
from distilbook.pretraining.held_out import MASK_SEED, HeldOut
from distilbook.pretraining.pretrain import PretrainConfig, pretrain
from distilbook.pretraining.records import pretraining_records, training_mask_records
from transformers import AutoModelForMaskedLM


def masked_as_in_training(corpus, teacher_folder) -> tuple[np.ndarray, np.ndarray]:
    """The masks that training would draw of the held-out blocks, each drawn word piece behind ``[MASK]``."""
    tokenizer = load_tokenizer(teacher_folder)
    blocks = corpus.held_out[:].astype(np.int64)
    _, labels = Masking.smoothed(corpus.counts, tokenizer)(blocks, range(len(blocks)), MASK_SEED, 0)
    return np.where(labels == -100, blocks, tokenizer.mask_token_id), labels


def test_smoothed_masks_are_those_of_training_and_hide_all_they_draw(corpus, teacher_folder):
    masking = Masking.smoothed(corpus.counts, load_tokenizer(teacher_folder))
    made = HeldOut.of(corpus.held_out, masking, len(corpus.held_out), draw="smoothed")
    input_ids, labels = masked_as_in_training(corpus, teacher_folder)
    np.testing.assert_array_equal(made.input_ids, input_ids)
    np.testing.assert_array_equal(made.labels, labels)
    uniform = HeldOut.of(corpus.held_out, masking, len(corpus.held_out))
    counts = [corpus.counts[one.labels[one.labels != -100]].mean() for one in (made, uniform)]
    assert counts[0] < counts[1]


@pytest.fixture
def run(corpus, teacher_folder, pretrain_values, runs):
    return pretrain(PretrainConfig(**pretrain_values), "full", 0, corpus, teacher_folder, runs)


def test_a_run_is_scored_as_a_whole_forward_pass_scores_it(run, corpus, teacher_folder):
    uniform = pretraining_records("c", "test", run, corpus)
    records = {r.metric: r for r in training_mask_records(uniform, run, corpus)}
    input_ids, labels = map(torch.from_numpy, masked_as_in_training(corpus, teacher_folder))
    student = AutoModelForMaskedLM.from_pretrained(run.folder / "model").eval()
    with torch.inference_mode():
        logits = student(input_ids=input_ids).logits[labels != -100]
    wanted = labels[labels != -100]
    loss = F.cross_entropy(logits, wanted).item()
    assert records.keys() == {"masked_accuracy", "masked_lm_loss", "perplexity"}
    assert records["masked_lm_loss"].value == pytest.approx(loss, abs=1e-4)
    assert records["perplexity"].value == pytest.approx(np.exp(loss), rel=1e-3)
    assert records["masked_accuracy"].value == (logits.argmax(-1) == wanted).double().mean().item()
    assert {(r.task, r.n, r.seed, r.recipe) for r in records.values()} == {(TRAINING_MASKS, len(wanted), 0, "full")}
    assert records["masked_lm_loss"].value != run.scores["masked_lm_loss"]


def test_a_run_is_measured_once(run, corpus, monkeypatch):
    uniform = pretraining_records("c", "test", run, corpus)
    first = training_mask_records(uniform, run, corpus)
    monkeypatch.setattr(training_masks, "predict", lambda *_: pytest.fail("measured again"))
    again = training_mask_records(uniform, run, corpus)
    assert all(a.same_but_for_times(b) for a, b in zip(first, again, strict=True))


def test_a_measurement_that_was_killed_leaves_nothing_to_be_taken_for_finished(run, corpus, monkeypatch):
    uniform = pretraining_records("c", "test", run, corpus)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(training_masks.Predictions, "save", killed)
        with pytest.raises(KeyboardInterrupt):
            training_mask_records(uniform, run, corpus)
    assert len(training_mask_records(uniform, run, corpus)) == 3
