import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from distilbook.config import BookError
from distilbook.data.tasks import sentence_task
from distilbook.model.teacher import load_tokenizer
from distilbook.training.finetune import (
    FinetuneConfig,
    baseline,
    finetune,
    length_batches,
    load_classifier,
    predict_labels,
)
from distilbook.training.measurements import finetuning_records, right_answers


@pytest.fixture
def config() -> FinetuneConfig:
    return FinetuneConfig(
        edition="test",
        task="-",
        train_examples=48,
        epochs=20,
        batch_size=8,
        learning_rate=3e-3,
        warmup_share=0.1,
        max_length=32,
        dropout=0.0,
        seeds=(0,),
    )


@pytest.fixture(scope="module")
def task(inputs):
    return sentence_task(str(inputs / "reviews.tsv"))


@given(st.lists(st.integers(1, 50), min_size=1, max_size=80), st.integers(1, 9), st.integers(0, 5))
def test_an_epoch_has_every_example_once_and_no_batch_too_large(lengths, batch_size, seed):
    pieces = [[7] * length for length in lengths]
    batches = list(length_batches(pieces, batch_size, seed, 0))
    assert sorted(np.concatenate(batches)) == list(range(len(pieces)))
    assert max(map(len, batches)) <= batch_size


def test_sentences_of_similar_length_share_a_batch():
    pieces = [[7] * length for length in np.random.default_rng(0).integers(3, 60, size=512)]
    padding = lambda batches: sum(len(b) * max(len(pieces[i]) for i in b) for b in batches) / sum(map(len, pieces))
    assert padding(length_batches(pieces, 8, 0, 0)) < 1.15 < padding(np.array_split(np.arange(512), 64))


def test_a_fine_tuned_model_learns_the_task_and_its_predictions_give_its_score(config, teacher_folder, task, tmp_path):
    run = finetune(config, teacher_folder, task, 0, tmp_path, "the teacher")
    kept = np.load(run.predictions)
    assert run.accuracy == (kept["labels"] == kept["predictions"]).mean() > 0.65
    assert (
        run.n == len(task.test)
        and (kept["labels"] == task.test.labels).all()
        and (kept["groups"] == task.test.groups).all()
    )


def test_a_finished_run_is_opened_and_a_seed_repeats_itself(config, teacher_folder, task, tmp_path, monkeypatch):
    config = config.model_copy(update={"epochs": 1})
    one = finetune(config, teacher_folder, task, 0, tmp_path / "a", "x")
    again = finetune(config, teacher_folder, task, 0, tmp_path / "b", "x")
    np.testing.assert_array_equal(np.load(one.predictions)["predictions"], np.load(again.predictions)["predictions"])
    monkeypatch.setattr("distilbook.training.finetune._train_and_predict", lambda *_: pytest.fail("trained again"))
    assert finetune(config, teacher_folder, task, 0, tmp_path / "a", "x") == one


def test_every_sentence_is_predicted_once_and_in_order(teacher_folder, task):
    """Padding and order must not matter: each sentence alone gives what the batches gave."""
    torch.manual_seed(0)
    model, tokenizer = load_classifier(teacher_folder, labels=2).eval(), load_tokenizer(teacher_folder)
    pieces = tokenizer(task.test.sentences)["input_ids"]
    together = predict_labels(model, pieces, tokenizer, batch_size=5)
    alone = [int(model(input_ids=torch.tensor([piece])).logits.argmax()) for piece in pieces]
    assert together.tolist() == alone


def test_baselines_are_what_they_say(config, task, tmp_path):
    majority = baseline("majority", config, task, 0, tmp_path)
    commonest = np.bincount(task.train.sample(48, 0).labels).argmax()
    assert majority.accuracy == (task.test.labels == commonest).mean()
    assert baseline("tfidf", config, task, 0, tmp_path).accuracy > majority.accuracy


def test_a_weight_that_fine_tuning_does_not_add_must_be_there(teacher_folder, tmp_path):
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(teacher_folder, copy)
    name = "bert.encoder.layer.0.output.dense.bias"
    tensors = {k: v for k, v in load_file(copy / "model.safetensors").items() if k != name}
    save_file(tensors, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(BookError, match="1 weights were not loaded: bert.encoder.layer.0.output.dense.bias"):
        load_classifier(copy, labels=2)


def test_the_records_name_model_seeds_and_predictions(config, task, runs):
    from distilbook.workspace import Workspace

    folder = Workspace("test").root / "finetuning"
    made = {
        name: [baseline("majority", config, task, seed, folder) for seed in (3, 4, 5)] for name in ("majority", "full")
    }
    records = finetuning_records("08_sentence_tasks", config, task, made, {"full": [7, 8]})
    assert [(r.model, r.recipe, r.seed, r.pretraining_seed) for r in records] == [
        ("majority", None, 3, None),
        ("majority", None, 4, None),
        ("majority", None, 5, None),
        ("student", "full", 3, 7),
        ("student", "full", 4, 8),
        ("student", "full", 5, 7),
    ]
    assert all((Workspace("test").root / r.predictions).exists() and r.n == len(task.test) for r in records)
    right = right_answers(made["majority"])
    assert right.shape == (3, len(task.test)) and [row.mean() for row in right] == [r.value for r in records[:3]]
    assert made["majority"][0].constant
