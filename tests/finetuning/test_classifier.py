import json
import shutil
from types import SimpleNamespace

import pytest
import torch
from distilbook.core.config import BookError
from distilbook.finetuning.classifier import check_start, finished_classifier, new_classifier, set_dropout
from distilbook.models.family import families
from distilbook.models.folder import model_kind
from distilbook.models.loading import load_tokenizer
from model_folders import changed
from safetensors.torch import load_file, save_file


def test_a_weight_that_fine_tuning_does_not_add_must_be_there(teacher_folder, tasks, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(teacher_folder, copy)
    name = "bert.encoder.layer.0.output.dense.bias"
    tensors = {k: v for k, v in load_file(copy / "model.safetensors").items() if k != name}
    save_file(tensors, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(
        BookError, match="1 of the model's weights were not loaded: bert.encoder.layer.0.output.dense.bias"
    ):
        new_classifier(copy, tasks["reviews"])


def test_the_head_has_an_output_a_class_and_one_for_a_number(student_folder, tasks):
    sizes = {name: new_classifier(student_folder, task).classifier.out_features for name, task in tasks.items()}
    assert sizes == {"reviews": 2, "pairs": 1, "MNLI": 3, "CoLA": 2}


@pytest.fixture
def finished(student_folder, tasks, tmp_path):
    """A function that saves a fine-tuned model whose outputs have these names, and returns its folder."""

    def save(*names: str):
        model = new_classifier(student_folder, tasks["MNLI"])
        model.config.id2label = dict(enumerate(names))
        model.save_pretrained(tmp_path)
        load_tokenizer(student_folder).save_pretrained(tmp_path)
        facts = json.loads((tmp_path / "config.json").read_text())
        (tmp_path / "config.json").write_text(
            json.dumps(
                facts
                | {"id2label": dict(enumerate(names)), "label2id": {name: number for number, name in enumerate(names)}}
            )
        )
        return tmp_path

    return save


def test_a_finished_models_outputs_are_put_in_the_tasks_order_by_name(finished, tasks):
    folder = finished("CONTRADICTION", "Neutral", "entailment")
    weights = load_file(folder / "model.safetensors")["classifier.weight"]
    model = finished_classifier(folder, tasks["MNLI"])
    assert tasks["MNLI"].classes == ("entailment", "neutral", "contradiction")
    torch.testing.assert_close(model.classifier.weight.data, weights[[2, 1, 0]])


def test_outputs_without_names_stay_as_they_are(finished, tasks):
    folder = finished("LABEL_0", "LABEL_1", "LABEL_2")
    weights = load_file(folder / "model.safetensors")["classifier.weight"]
    torch.testing.assert_close(finished_classifier(folder, tasks["MNLI"]).classifier.weight.data, weights)


@pytest.mark.parametrize(
    ("names", "task", "said"),
    [
        (("a", "b", "c"), "MNLI", "the model's classes are a, b, c"),
        (("entailment", "neutral", "contradiction"), "reviews", "the model's head has 3 outputs"),
    ],
)
def test_a_head_for_something_else_is_refused(finished, tasks, names, task, said):
    with pytest.raises(BookError, match=said):
        finished_classifier(finished(*names), tasks[task])


def test_a_model_without_a_head_cannot_be_evaluated_as_it_is(student_folder, tasks):
    with pytest.raises(
        BookError,
        match="the model has no classification head: it lacks classifier.bias, classifier.weight, pre_classifier.bias",
    ):
        finished_classifier(student_folder, tasks["reviews"])


def test_every_dropout_of_either_model_is_set(teacher_folder, student_folder, tasks):
    for folder in (teacher_folder, student_folder):
        model = new_classifier(folder, tasks["reviews"])
        set_dropout(model, 0.25)
        shares = {module.p for module in model.modules() if isinstance(module, torch.nn.Dropout)}
        assert shares == {0.25}


def test_only_the_papers_dimensions_have_its_models_names(teacher_folder, student_folder, monkeypatch):
    assert model_kind(teacher_folder) == "bert 4 x 32" and model_kind(student_folder) == "distilbert 2 x 32"
    for family, layers, name in (("bert", 12, "bert-base"), ("distilbert", 6, "distilbert")):
        found = SimpleNamespace(family=families()[family], size={"layers": layers, "width": 768})
        monkeypatch.setattr("distilbook.models.folder.look_at", lambda folder, found=found: found)
        assert model_kind(teacher_folder) == name


@pytest.mark.parametrize("task", ["MNLI", "reviews", "pairs"])
@pytest.mark.parametrize("kind", ["student", "teacher"])
def test_a_start_for_fine_tuning_never_keeps_the_head_of_another_task(
    teacher_folder, student_folder, tasks, tmp_path, task, kind
):
    start = new_classifier({"student": student_folder, "teacher": teacher_folder}[kind], tasks["MNLI"])
    start.save_pretrained(tmp_path)
    load_tokenizer(student_folder).save_pretrained(tmp_path)
    torch.manual_seed(7)
    model = new_classifier(tmp_path, tasks[task])
    assert model.classifier.out_features == max(1, len(tasks[task].classes))
    for name, weight in model.named_parameters():
        old = dict(start.named_parameters())[name]
        new = name.startswith(("classifier.", "pre_classifier."))
        same = weight.shape == old.shape and torch.equal(weight, old)
        assert same != new or name.endswith("bias")
    assert model.config.num_labels == model.classifier.out_features


def test_a_new_head_is_a_function_of_the_seed(student_folder, tasks):
    heads = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        heads.append(new_classifier(student_folder, tasks["MNLI"]).classifier.weight)
    assert torch.equal(heads[0], heads[1]) and not torch.equal(heads[1], heads[2])


@pytest.mark.parametrize(
    ("names", "order"),
    [
        (("LABEL_1", "LABEL_0", "LABEL_2"), [1, 0, 2]),
        (("neutral ", "Entailment", "contradiction"), [1, 0, 2]),
        (("contradiction", "entailment", "neutral"), [1, 2, 0]),
    ],
)
def test_names_are_used_where_they_say_the_order(finished, tasks, names, order):
    folder = finished(*names)
    weights = load_file(folder / "model.safetensors")["classifier.weight"]
    torch.testing.assert_close(finished_classifier(folder, tasks["MNLI"]).classifier.weight.data, weights[order])


@pytest.mark.parametrize(
    "values",
    [
        {"id2label": {"0": "entailment", "1": "neutral"}},
        {"id2label": {"0": "entailment", "1": "neutral", "3": "contradiction"}},
        {"id2label": ["entailment", "neutral", "contradiction"]},
        {"label2id": {"entailment": 1, "neutral": 0, "contradiction": 2}},
    ],
)
def test_names_that_contradict_each_other_are_refused(finished, tasks, values):
    folder = finished("entailment", "neutral", "contradiction")
    changed(folder, **values)
    with pytest.raises(BookError, match="does not name each of the 3 outputs once"):
        finished_classifier(folder, tasks["MNLI"])


@pytest.mark.parametrize(("epochs", "length", "words"), [(0, 32, "no classification head"), (1, 65, "64 positions")])
def test_what_a_model_cannot_do_is_refused_before_anything_runs(student_folder, tasks, epochs, length, words):
    with pytest.raises(BookError, match=words):
        check_start(student_folder, SimpleNamespace(epochs=epochs, max_length=length), tasks["MNLI"])
