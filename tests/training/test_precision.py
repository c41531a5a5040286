"""Precision: the type of matrix products, and training in it."""

import gc
import weakref

import pytest
import torch
from distilbook.core.config import BookError
from distilbook.pretraining.pretrain import PretrainConfig, pretrain
from distilbook.training import precision
from distilbook.training.precision import accelerator_for, product_rate, resolve
from safetensors.torch import load_file

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DISTILBOOK_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize(("narrow", "chosen"), [(400e9, "bfloat16"), (110e9, "float32"), (40e9, "float32")])
def test_on_a_cpu_the_quicker_type_is_chosen_if_it_is_worth_its_digits(monkeypatch, narrow, chosen):
    rates = {torch.float32: 100e9, torch.bfloat16: narrow}
    monkeypatch.setattr(precision, "product_rate", lambda dtype, device: rates[dtype])
    assert resolve("auto", CPU) == chosen


def test_a_machine_is_measured_once_and_a_busy_moment_changes_nothing(monkeypatch):
    rates = iter([100e9, 110e9, 30e9, 300e9, 90e9, 20e9])  # the machine was busy at three of the six
    monkeypatch.setattr(precision, "product_rate", lambda dtype, device: next(rates))
    assert [resolve("auto", CPU) for _ in range(3)] == ["bfloat16"] * 3


def test_a_run_is_known_by_the_precision_it_was_trained_in(
    monkeypatch, corpus, teacher_folder, pretrain_values, tmp_path
):
    monkeypatch.setattr(precision, "cpu_gain", lambda: 1.0)
    auto, named = (
        pretrain(PretrainConfig(**pretrain_values | {"precision": name}), "full", 0, corpus, teacher_folder, tmp_path)
        for name in ("auto", "float32")
    )
    assert auto == named and auto.config.precision == "float32"


@pytest.mark.parametrize(("supported", "chosen"), [(True, "bfloat16"), (False, "float16")])
def test_on_a_gpu_it_is_bfloat16_where_there_is_one(monkeypatch, supported, chosen):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: supported)
    assert resolve("auto", torch.device("cuda")) == chosen


def test_a_precision_that_is_named_is_taken():
    assert resolve("float32", CPU) == "float32" and resolve("float16", CPU) == "float16"


def test_a_product_is_timed_by_its_operations(monkeypatch):
    clock = iter(range(100))
    monkeypatch.setattr(precision.time, "perf_counter", lambda: next(clock))
    assert product_rate(torch.float32, CPU, size=10) == 2 * 10**3


def test_a_notebook_may_train_in_another_precision_than_before():
    assert [accelerator_for(name).mixed_precision for name in ("float32", "bfloat16", "float32")] == [
        "no",
        "bf16",
        "no",
    ]


@pytest.mark.parametrize("chosen", ["float32", "bfloat16"])
def test_a_process_of_many_runs_does_not_keep_their_models(chosen):
    def train() -> weakref.ref:
        accelerator = accelerator_for(chosen)
        model = torch.nn.Linear(2, 2)
        wrapped, _ = accelerator.prepare(model, torch.optim.AdamW(model.parameters()))
        accelerator.backward(wrapped(torch.ones(1, 2)).sum())
        return weakref.ref(model)

    gc.disable()  # what Python collects by itself, and when, is not to decide
    try:
        models = [train() for _ in range(3)]
        accelerator_for(chosen)
    finally:
        gc.enable()
    assert [model() for model in models] == [None] * 3


HARMLESS = {
    "ACCELERATE_GRADIENT_ACCUMULATION_STEPS": "4",
    "ACCELERATE_MIXED_PRECISION": "bf16",
    "ACCELERATE_DYNAMO_BACKEND": "INDUCTOR",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE": "1",
}


def test_variables_of_the_environment_change_no_result(monkeypatch, corpus, teacher_folder, pretrain_values, tmp_path):
    config = PretrainConfig(**pretrain_values)
    plain = pretrain(config, "full", 0, corpus, teacher_folder, tmp_path / "plain")
    for name, value in HARMLESS.items():
        monkeypatch.setenv(name, value)
    other = pretrain(config, "full", 0, corpus, teacher_folder, tmp_path / "other")
    weights = [(run.folder / "model" / "model.safetensors").read_bytes() for run in (plain, other)]
    assert weights[0] == weights[1] and plain.scores == other.scores


@pytest.mark.parametrize("name", precision.FOREIGN)
def test_a_variable_that_would_have_another_thing_computed_is_refused_by_name(monkeypatch, name):
    for value in ("", *precision.FOREIGN[name]):
        monkeypatch.setenv(name, value)
        accelerator_for("float32")
    monkeypatch.setenv(name, "true")
    with pytest.raises(BookError, match=f"the environment variable {name}=true"):
        accelerator_for("float32")


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"x": "y"}'])
def test_a_damaged_note_of_the_machines_speed_is_measured_again(monkeypatch, tmp_path, content):
    monkeypatch.setattr(precision, "product_rate", lambda dtype, device: 1.0)
    path = tmp_path / "cache" / "precision.json"
    path.parent.mkdir()
    path.write_text(content)
    assert precision.cpu_gain() == 1.0


def test_float16_without_a_gpu_is_refused():
    with pytest.raises(BookError, match="a CPU does not train in float16"):
        accelerator_for("float16")


def test_a_student_trained_in_bfloat16_is_stored_in_float32_and_near_the_other(
    corpus, teacher_folder, pretrain_values, tmp_path
):
    wide, narrow = (
        pretrain(PretrainConfig(**pretrain_values | {"precision": name}), "full", 0, corpus, teacher_folder, tmp_path)
        for name in ("float32", "bfloat16")
    )
    assert wide.folder != narrow.folder
    assert 0 < abs(wide.scores["masked_lm_loss"] - narrow.scores["masked_lm_loss"]) < 0.02
    weights = load_file(narrow.folder / "model" / "model.safetensors")
    assert {tensor.dtype for tensor in weights.values()} == {torch.float32}


def test_a_compiled_step_gives_the_gradient_of_one_that_is_not(corpus, teacher_folder, pretrain_values):
    from one_gradient import gradient

    plain, compiled = (
        gradient(corpus.folder, teacher_folder, PretrainConfig(**pretrain_values | {"compile": choice}), 0.0)
        for choice in (False, True)
    )
    for name in plain:
        torch.testing.assert_close(compiled[name], plain[name], rtol=1e-9, atol=1e-12)
