import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from distilbook.core.config import BookError
from distilbook.finetuning.batches import LabelledExamples
from distilbook.finetuning.classifier import new_classifier
from distilbook.finetuning.config import FinetuneRun
from distilbook.finetuning.heads import encode, head_of
from distilbook.finetuning.run import finetune, predict, run_key
from distilbook.models.loading import load_tokenizer
from distilbook.stats.metrics import METRICS, example_scores
from distilbook.tasks import Task
from distilbook.training.batches import LabelledBatch
from distilbook.training.divergence import read_batches
from distilbook.training.log import read_curves
from distilbook.training.loop import Stopped
from distilbook.training.objectives import Classification, Regression
from distilbook.training.schedule import learning_rate_at
from distilbook.training.step import adamw
from processes import launch


def as_regression(task: Task) -> Task:
    """Return a task of two classes with a number in the place of each class."""
    scored = lambda some: {k: replace(v, labels=1.0 + 3.0 * v.labels) for k, v in some.items()}
    train = scored({"train": task.train})["train"]
    return replace(task, metric="pearson", classes=(), train=train, evaluation=scored(task.evaluation))


@pytest.mark.parametrize(("name", "at_least"), [("reviews", 0.9), ("reviews as numbers", 0.7), ("MNLI", 0.5)])
def test_a_model_learns_a_task_of_each_kind(settings, tasks, teacher_folder, tmp_path, name, at_least):
    """A constant gives about 0.5, 0 and 0.33."""
    task = tasks[name] if name in tasks else as_regression(tasks["reviews"])
    how = settings.model_copy(update={"epochs": 20})
    run = finetune(how, teacher_folder, task, 0, tmp_path, "the teacher")
    for split, examples in task.evaluation.items():
        kept = np.load(run.predictions(split))
        np.testing.assert_array_equal(kept["labels"], examples.labels)
        np.testing.assert_array_equal(kept["groups"], examples.groups)
        np.testing.assert_array_equal(kept["scores"], example_scores(task.metric, kept["labels"], kept["predictions"]))
        assert METRICS[task.metric](kept["labels"], kept["predictions"]) > at_least
    for split, examples in task.withheld.items():
        assert np.load(run.predictions(split))["predictions"].shape == (len(examples),)


def test_a_seed_repeats_itself_and_is_opened_again(settings, tasks, student_folder, tmp_path):
    how = settings.model_copy(update={"epochs": 1, "dropout": 0.1, "train_examples": 24})
    one, again = (finetune(how, student_folder, tasks["reviews"], 3, tmp_path / name, "x") for name in "ab")
    answers = [np.load(run.predictions("test"))["predictions"] for run in (one, again)]
    np.testing.assert_array_equal(*answers)
    assert FinetuneRun.open(tmp_path / "a") == one and one.train_examples == 24 and one.seed == 3


def test_every_example_is_predicted_once_and_in_order(student_folder, teacher_folder, tasks):
    """Padding and order must not matter: each pair alone gives what the batches gave."""
    for folder in (student_folder, teacher_folder):
        torch.manual_seed(0)
        model, tokenizer = new_classifier(folder, tasks["pairs"]).eval(), load_tokenizer(folder)
        encoded = encode(tasks["pairs"].evaluation["test"], tokenizer, model, 48)
        together = predict(model, encoded, tokenizer, 5, head_of(tasks["pairs"]), Accelerator(cpu=True))
        with torch.no_grad():
            alone = [float(model(**encoded.batch([i], tokenizer)).logits) for i in range(len(encoded))]
        np.testing.assert_allclose(together, alone, atol=1e-5)


def test_the_loss_is_the_cross_entropy_or_the_squared_error():
    draw = torch.Generator().manual_seed(0)
    logits, targets = torch.randn(5, 3, generator=draw), torch.tensor([0, 2, 1, 1, 0])
    by_hand = -(logits - logits.exp().sum(1, keepdim=True).log())[range(5), targets].sum()
    torch.testing.assert_close(Classification.total(logits, targets), by_hand)
    numbers, wanted = torch.randn(5, 1, generator=draw), torch.rand(5, generator=draw, dtype=torch.float64)
    by_hand = ((numbers[:, 0].double() - wanted) ** 2).sum().float()
    torch.testing.assert_close(Regression.total(numbers, wanted), by_hand)


def test_the_learning_rate_rises_and_falls_linearly(settings):
    how = settings.model_copy(update={"learning_rate": 1e-3, "warmup_share": 0.2})
    rates = [1e3 * learning_rate_at(step, how.loop(20)) for step in range(20)]
    assert rates[:4] == pytest.approx([0.25, 0.5, 0.75, 1.0]) and rates[4:6] == pytest.approx([1.0, 15 / 16])
    assert rates[-1] == pytest.approx(1 / 16)
    assert learning_rate_at(0, how.model_copy(update={"warmup_share": 0.0}).loop(5)) == 1e-3


def test_biases_and_layernorm_weights_have_no_weight_decay(settings, tasks, student_folder, teacher_folder):
    """With gradients of zero, weight decay is all that AdamW does."""
    for folder in (student_folder, teacher_folder):
        model = new_classifier(folder, tasks["reviews"])
        before = {name: tensor.detach().clone() for name, tensor in model.named_parameters()}
        optimizer = adamw(Classification(model), 0.1, settings.loop(1).optimisation)
        for parameter in model.parameters():
            parameter.grad = torch.zeros_like(parameter)
        optimizer.step()
        for name, tensor in model.named_parameters():
            decayed = not (name.endswith("bias") or "norm" in name.lower())
            expected = before[name] * (1 - 0.1 * settings.weight_decay) if decayed else before[name]
            torch.testing.assert_close(tensor.detach(), expected, rtol=1e-6, atol=0)


def test_a_run_that_diverges_is_finished_and_says_at_which_step(settings, tasks, student_folder, tmp_path, monkeypatch):
    how = settings.model_copy(update={"epochs": 1})
    total, calls = Classification.total, []

    def poisoned(logits, labels):
        calls.append(1)
        return total(logits, labels) * (float("nan") if len(calls) > 2 else 1.0)

    monkeypatch.setattr(Classification, "total", staticmethod(poisoned))
    run = finetune(how, student_folder, tasks["reviews"], 0, tmp_path, "x")
    assert run.diverged == 2 and not run.predictions("test").exists()
    assert [line["step"] for line in read_curves(tmp_path)[0]] == [1, 2] and not (tmp_path / "checkpoint").exists()
    _, (batch,) = read_batches(tmp_path / "bad_batch" / "step_2.process_0.safetensors", LabelledBatch)
    np.testing.assert_array_equal(tasks["reviews"].train.labels[batch.numbers], batch.labels)


def test_a_loss_that_rises_does_not_stop_a_run(settings, tasks, student_folder, tmp_path, monkeypatch):
    total, calls = Classification.total, []

    def rising(logits, labels):
        calls.append(1)
        return total(logits, labels) * 0.01 * len(calls)

    monkeypatch.setattr(Classification, "total", staticmethod(rising))
    run = finetune(settings, student_folder, tasks["reviews"], 0, tmp_path, "x")
    losses = [line["loss"] for line in read_curves(tmp_path)[0]]
    assert len(losses) > 40 and run.diverged is None and min(losses[-20:]) > 2 * losses[0]


@pytest.mark.parametrize("name", ["reviews", "pairs", "MNLI"])
def test_a_killed_run_resumes_as_if_nothing_had_happened(settings, tasks, student_folder, tmp_path, monkeypatch, name):
    """With dropout, on a task of each kind: the same losses and predictions to the bit."""
    changes = {"epochs": 2, "dropout": 0.1, "checkpoint_every": 2, "batch_size": 4, "train_examples": 14}
    how = settings.model_copy(update=changes)
    task, step = tasks[name], LabelledExamples.step
    whole = finetune(how, student_folder, task, 0, tmp_path / "whole", "x")

    def killed(self, number, *rest):
        if number == 5:
            raise KeyboardInterrupt
        return step(self, number, *rest)

    with monkeypatch.context() as patch, pytest.raises(Stopped, match="stopped at step 5; .* checkpoint of step 4"):
        patch.setattr(LabelledExamples, "step", killed)
        finetune(how, student_folder, task, 0, tmp_path / "killed", "x")
    taken = []
    monkeypatch.setattr(
        LabelledExamples, "step", lambda self, number, *rest: taken.append(number) or step(self, number, *rest)
    )
    resumed = finetune(how, student_folder, task, 0, tmp_path / "killed", "x")
    assert taken == [4, 5, 6, 7] and not (tmp_path / "killed" / "checkpoint").exists()
    lines = [
        [(line["step"], line["loss"], line["gradient_norm"]) for line in read_curves(run.folder)[0]]
        for run in (whole, resumed)
    ]
    assert lines[0] == lines[1] and len(lines[0]) == 8
    for split in task.evaluation | task.withheld:
        ours, theirs = (np.load(run.predictions(split))["predictions"] for run in (whole, resumed))
        np.testing.assert_array_equal(ours, theirs)


def test_a_short_run_writes_no_checkpoint(settings, tasks, student_folder, tmp_path, monkeypatch):
    monkeypatch.setattr("distilbook.training.loop.save_checkpoint", lambda *_: pytest.fail("a checkpoint"))
    how = settings.model_copy(update={"epochs": 1, "train_examples": 16, "batch_size": 4})
    finetune(how, student_folder, tasks["reviews"], 0, tmp_path, "x")
    assert len(read_curves(tmp_path)[0]) == 4


def test_a_model_is_evaluated_as_it_is_with_no_epochs(settings, tasks, student_folder, tmp_path):
    model, tokenizer = new_classifier(student_folder, tasks["reviews"]), load_tokenizer(student_folder)
    model.config.id2label = {0: "LABEL_0", 1: "LABEL_1"}
    for part in (model, tokenizer):
        part.save_pretrained(tmp_path / "own")
    how = settings.model_copy(update={"epochs": 0})
    run = finetune(how, tmp_path / "own", tasks["reviews"], 0, tmp_path / "run", "x")
    encoded = encode(tasks["reviews"].evaluation["test"], tokenizer, model, 48)
    expected = predict(model, encoded, tokenizer, 8, head_of(tasks["reviews"]), Accelerator(cpu=True))
    np.testing.assert_array_equal(np.load(run.predictions("test"))["predictions"], expected)
    assert run.train_examples == 0


def test_texts_longer_than_the_model_has_positions_for_are_refused(settings, tasks, student_folder, tmp_path):
    with pytest.raises(BookError, match="the model has 64 positions and texts may have 128 tokens"):
        finetune(settings.model_copy(update={"max_length": 128}), student_folder, tasks["reviews"], 0, tmp_path, "x")


def test_a_run_is_known_by_what_decides_its_answers(settings, tasks, student_folder, teacher_folder):
    keys = {
        run_key(settings, student_folder, tasks["reviews"], 0),
        run_key(settings, student_folder, tasks["reviews"], 1),
        run_key(settings, teacher_folder, tasks["reviews"], 0),
        run_key(settings, student_folder, tasks["pairs"], 0),
        run_key(settings.model_copy(update={"epochs": 1}), student_folder, tasks["reviews"], 0),
        run_key(settings, "tfidf", tasks["reviews"], 0),
    }
    assert len(keys) == 6
    assert run_key(settings, student_folder, tasks["reviews"], 0) in keys


@pytest.mark.parametrize("name", ["reviews", "pairs"])
def test_two_processes_answer_every_example_once_as_one_process_does(
    settings, sources, tasks, student_folder, tmp_path, name
):
    """Without dropout the gradients are the same to rounding; seven examples a batch divide unevenly among two."""
    how = settings.model_copy(update={"epochs": 2, "batch_size": 7, "learning_rate": 1e-3})
    order = json.dumps({"settings": how.model_dump(), "source": sources[name].model_dump()})
    found = {}
    for processes in (1, 2):
        said = launch(
            processes, Path(__file__).with_name("one_finetuning.py"), student_folder, tmp_path / str(processes), order
        )
        assert said.count(f"{processes} processes") == processes
        found[processes] = np.load(tmp_path / str(processes) / "test.npz")["predictions"]
    assert found[1].shape == found[2].shape == (len(tasks[name].evaluation["test"]),)
    np.testing.assert_allclose(found[1], found[2], atol=1e-3)
