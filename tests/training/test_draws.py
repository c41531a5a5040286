"""Held-out scores under uniform and under smoothed masks: what was noted, and what a whole forward pass gives."""

import numpy as np
import torch
import torch.nn.functional as F
from transformers import AutoModelForMaskedLM

from distilbook.data.masking import Masking
from distilbook.model.teacher import load_teacher, load_tokenizer
from distilbook.training.draws import scores_by_draw
from distilbook.training.held_out import MASK_SEED, HeldOut, predict
from distilbook.training.pretrain import PretrainConfig, pretrain


def smoothed_masks(corpus, teacher_folder) -> tuple[np.ndarray, np.ndarray]:
    """The masks that training would draw of the held-out blocks, each drawn word piece behind ``[MASK]``."""
    tokenizer = load_tokenizer(teacher_folder)
    blocks = corpus.held_out[:].astype(np.int64)
    _, labels = Masking.smoothed(corpus.counts, tokenizer)(blocks, range(len(blocks)), MASK_SEED, 0)
    return np.where(labels == -100, blocks, tokenizer.mask_token_id), labels


def test_smoothed_masks_are_those_of_training_and_hide_all_they_draw(corpus, teacher_folder):
    masking = Masking.smoothed(corpus.counts, load_tokenizer(teacher_folder))
    made = HeldOut.of(corpus.held_out, masking, len(corpus.held_out), draw="smoothed")
    input_ids, labels = smoothed_masks(corpus, teacher_folder)
    np.testing.assert_array_equal(made.input_ids, input_ids)
    np.testing.assert_array_equal(made.labels, labels)
    uniform = HeldOut.of(corpus.held_out, masking, len(corpus.held_out))
    counts = [corpus.counts[one.labels[one.labels != -100]].mean() for one in (made, uniform)]
    assert counts[0] < counts[1]


def test_both_draws_score_teacher_and_students(corpus, teacher_folder, pretrain_values, tmp_path):
    config = PretrainConfig(**pretrain_values)
    runs = {"full": [pretrain(config, "full", 0, corpus, teacher_folder, tmp_path)]}
    uniform, smoothed = scores_by_draw(runs, corpus, teacher_folder)

    assert [uniform.draw, smoothed.draw] == ["uniform", "smoothed"]
    run = runs["full"][0]
    assert uniform.students == {"full": [run.scores]} and uniform.teacher == run.teacher_scores
    masking = Masking.smoothed(corpus.counts, load_tokenizer(teacher_folder))
    everything = HeldOut.of(corpus.held_out, masking, len(corpus.held_out))
    student = AutoModelForMaskedLM.from_pretrained(run.folder / "model")
    assert abs(predict(student, everything).scores()["masked_lm_loss"] - run.scores["masked_lm_loss"]) < 1e-4

    input_ids, labels = map(torch.from_numpy, smoothed_masks(corpus, teacher_folder))
    for model, scores in (
        (load_teacher(teacher_folder, new_head=False), smoothed.teacher),
        (student, smoothed.students["full"][0]),
    ):
        with torch.inference_mode():
            logits = model.eval()(input_ids=input_ids).logits[labels != -100]
        wanted = labels[labels != -100]
        assert abs(F.cross_entropy(logits, wanted).item() - scores["masked_lm_loss"]) < 1e-4
        assert scores["masked_accuracy"] == (logits.argmax(-1) == wanted).double().mean().item()
