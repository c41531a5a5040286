"""Models are loaded in one place: in float32, without asking and without running anything."""

import ast

import pytest
import torch
from distilbook.models.folder import ModelFolder
from distilbook.models.loading import check_float32, load_config, load_model, load_teacher
from model_folders import changed, reweighed

#: Calls that load what others wrote, and the only modules that may make them.
LOADERS = {
    "from_pretrained": {"models/loading.py"},
    "from_config": {"inference/models.py", "distillation/student.py"},  # from dimensions, no file
    "load_dataset": {"text/hub.py"},
}
#: Modules whose pickles come from a process of our own.
OWN_PICKLES = {"corpus/workers.py", "corpus/tokenising_process.py"}


def calls(project):
    """Yield every call in the library with its module's path and its name, such as ``torch.load``."""
    root = project / "lib" / "distilbook"
    for path in sorted(root.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                yield path.relative_to(root).as_posix(), ast.unparse(node.func), node


def test_models_are_loaded_in_one_place_only(project):
    found = [(module, name) for module, name, _ in calls(project) if name.rpartition(".")[2] in LOADERS]
    assert {name for _, name in found} and all(module in LOADERS[name.rpartition(".")[2]] for module, name in found)


def test_what_is_loaded_never_asks_and_is_never_unpickled(project):
    for module, name, call in calls(project):
        given = {one.arg: ast.unparse(one.value) for one in call.keywords}
        if name.endswith(".from_pretrained"):
            assert {"trust_remote_code": "False", "local_files_only": "True"}.items() <= given.items()
            assert "Tokenizer" in name or given["use_safetensors"] == "True" and given["dtype"] == "torch.float32"
        if name.startswith(("pickle.", "joblib.", "dill.")):
            assert module in OWN_PICKLES, f"{module} calls {name}"
        assert name not in ("torch.load", "torch.hub.load"), module
        assert given.get("allow_pickle", "False") == given.get("trust_remote_code", "False") == "False"


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_are_float32_whatever_they_were_stored_in(model, teacher_folder, kind):
    reweighed(model, lambda tensors: {name: tensor.to(kind) for name, tensor in tensors.items()})
    changed(model, dtype=str(kind).removeprefix("torch."))
    ours, theirs = (load_teacher(folder, new_head=False).state_dict() for folder in (model, teacher_folder))
    for name, tensor in ours.items():
        assert tensor.dtype == torch.float32
        torch.testing.assert_close(tensor, theirs[name].to(kind).float(), rtol=0, atol=0)
    for head, values in (("masked_lm", {}), ("classifier", {"new_head": True, "num_labels": 3})):
        check_float32(load_model(model, head, **values))


def test_what_is_trained_in_half_precision_is_an_error(teacher_folder):
    with pytest.raises(AssertionError, match="not in torch.float16"):
        check_float32(load_teacher(teacher_folder, new_head=False).half())


def test_what_a_model_gives_back_is_not_up_to_its_configuration(model):
    changed(model, return_dict=False, output_attentions=True, output_hidden_states=True)
    config = load_config(ModelFolder(model))
    assert config.return_dict and not config.output_attentions
    made = load_teacher(model, new_head=False)(input_ids=torch.tensor([[2, 3]]))
    assert made.hidden_states is None and made.logits.shape[:2] == (1, 2)


def test_the_attention_kernel_is_not_up_to_the_configuration_either(model):
    changed(model, _attn_implementation="flash_attention_2", attn_implementation="flash_attention_2")
    assert load_teacher(model, new_head=False).config._attn_implementation == "sdpa"
