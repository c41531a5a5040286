"""Export of a student: the folder is loaded and compared before a run counts as finished."""

import json

import pytest
import torch
from distilbook.core.config import BookError
from distilbook.corpus.masking import Masking
from distilbook.distillation.student import build_student
from distilbook.models.loading import load_teacher, load_tokenizer
from distilbook.pretraining import export
from distilbook.pretraining.export import largest_difference, save_student
from distilbook.pretraining.held_out import HeldOut
from distilbook.pretraining.pretrain import PretrainConfig
from model_folders import changed, reweighed


@pytest.fixture
def parts(corpus, teacher_folder, pretrain_values):
    """A student, its tokenizer and held-out text."""
    teacher, tokenizer = load_teacher(teacher_folder, new_head=False), load_tokenizer(teacher_folder)
    student = build_student(teacher, PretrainConfig(**pretrain_values).recipe, dropout=0.1, seed=0).eval()
    return student, tokenizer, HeldOut.of(corpus.held_out, Masking.smoothed(corpus.counts, tokenizer), 4)


def test_what_is_loaded_predicts_exactly_what_was_saved(parts, tmp_path, monkeypatch):
    monkeypatch.setattr(export, "TOLERANCE", 0.0)
    save_student(*parts[:2], tmp_path / "model", parts[2])


def test_saving_says_nothing(parts, tmp_path, capfd):
    save_student(*parts[:2], tmp_path / "model", parts[2])
    assert capfd.readouterr() == ("", "")


def damaged(monkeypatch, change) -> None:
    """Let ``change`` work on the folder that was saved, before it is looked at."""
    look = export.look_at
    monkeypatch.setattr(export, "look_at", lambda folder: (change(folder), look(folder))[1])


@pytest.mark.parametrize("name", ["vocab_transform.weight", "distilbert.transformer.layer.1.ffn.lin2.weight"])
def test_a_weight_that_was_not_saved_is_noticed(parts, tmp_path, monkeypatch, name):
    damaged(monkeypatch, lambda folder: reweighed(folder, lambda t: {n: one for n, one in t.items() if n != name}))
    with pytest.raises(BookError, match=f"1 .*weights.* were not loaded: {name}"):
        save_student(*parts[:2], tmp_path / "model", parts[2])


def test_another_weight_is_noticed(parts, tmp_path, monkeypatch):
    name = "distilbert.transformer.layer.1.ffn.lin2.weight"
    damaged(monkeypatch, lambda folder: reweighed(folder, lambda t: t | {name: -t[name]}))
    with pytest.raises(BookError, match="its logits differ by up to"):
        save_student(*parts[:2], tmp_path / "model", parts[2])


def test_another_type_of_number_is_noticed(parts, tmp_path, monkeypatch):
    damaged(monkeypatch, lambda folder: reweighed(folder, lambda t: {n: one.bfloat16() for n, one in t.items()}))
    with pytest.raises(BookError, match="its weights are stored in BF16, not in F32"):
        save_student(*parts[:2], tmp_path / "model", parts[2])


def test_another_tokenizer_is_noticed(parts, tmp_path, monkeypatch):
    def cased(folder):
        normaliser = json.loads((folder / "tokenizer.json").read_text())["normalizer"] | {"lowercase": False}
        changed(folder, "tokenizer.json", normalizer=normaliser)

    damaged(monkeypatch, cased)
    with pytest.raises(BookError, match="the tokenizer has another normalizer"):
        save_student(*parts[:2], tmp_path / "model", parts[2])


def test_the_difference_is_that_of_the_logits(parts):
    student = parts[0]
    other = type(student)(student.config).eval()
    other.load_state_dict(student.state_dict())
    with torch.no_grad():
        other.vocab_projector.bias[3] += 0.25
    assert largest_difference(student, student, parts[2]) == 0
    assert largest_difference(student, other, parts[2]) == pytest.approx(0.25, rel=1e-4)
