"""Every registered family: shapes, the fast encoder, copying, export and classification, as transformers has them."""

from __future__ import annotations

import shutil

import pytest
import torch
from distilbook.core.config import BookError
from distilbook.distillation.recipe import ORIGINAL
from distilbook.distillation.student import build_student, module_map, student_config
from distilbook.models.encoder import hidden_states
from distilbook.models.family import PARTS, families, family_of
from distilbook.models.folder import check_teacher, look_at
from distilbook.models.lm_head import Projection
from distilbook.models.loading import load_model, load_teacher, load_tokenizer
from distilbook.models.parameters import empty_model, table_of
from model_folders import changed
from smoke_inputs import TEACHERS, write_teacher, write_texts

SIZE = {"layers": 3, "width": 8, "heads": 2, "feed_forward": 12, "vocabulary": 11, "positions": 10, "token_types": 2}


def size_of(family) -> dict[str, int]:
    return {name: SIZE[name] for name in family.dimensions}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Tiny teachers of every kind, by its name."""
    root = tmp_path_factory.mktemp("teachers")
    texts = write_texts(root)
    return {kind: write_teacher(root / kind, texts, kind) for kind in TEACHERS}


@pytest.fixture(params=TEACHERS)
def folder(request, folders):
    return folders[request.param]


@pytest.fixture
def teacher(folder):
    torch.manual_seed(1)
    model = load_teacher(folder, new_head=True)
    # Distinct numbers everywhere: biases and LayerNorms start alike and would hide a wrong copy.
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return model


def student_of(teacher):
    recipe = ORIGINAL.model_copy(update={"layers": (0, 2)})
    return build_student(teacher, recipe, dropout=0.0, seed=0).eval()


@pytest.mark.parametrize("kind", families())
def test_the_shapes_of_a_family_are_those_of_its_models(kind):
    family = families()[kind]
    size = size_of(family)
    made = {
        name.removeprefix(f"{family.prefix}."): tuple(parameter.shape)
        for name, parameter in empty_model(family.classes["masked_lm"], **size).named_parameters()
    }
    pad_id = empty_model(family.classes["encoder"], **size).config.pad_token_id
    size["positions"] -= family.first_position(pad_id)
    assert made == family.encoder_shapes(size, pad_id) | family.head_shapes("masked_lm", size)


@pytest.mark.parametrize("kind", families())
def test_every_parameter_of_a_family_has_a_place(kind):
    for head in ("encoder", "masked_lm"):
        rows = table_of(empty_model(families()[kind].classes[head], **size_of(families()[kind])))
        assert {row.part for row in rows} <= {*PARTS.values(), "MLM head bias"}
        assert {row.layer for row in rows} == {None, 0, 1, 2}


def test_every_family_of_teachers_is_tried_here():
    assert {family for family, *_ in TEACHERS.values()} == {k for k, family in families().items() if family.student}


def test_the_fast_encoder_computes_what_transformers_does(teacher, folder):
    tokenizer = load_tokenizer(folder)
    batch = tokenizer(["the river crosses the valley in spring.", "a train"], padding=True, return_tensors="pt")
    real = batch["attention_mask"].bool()
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask")}
    with torch.no_grad():
        theirs = teacher(**inputs).logits[real]
        hidden = hidden_states(teacher, batch["input_ids"], real)
        whole = hidden_states(teacher, batch["input_ids"][:1])
        alone = teacher(input_ids=batch["input_ids"][:1]).logits[0]
    torch.testing.assert_close(Projection.of(teacher, hidden).logits(), theirs, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(Projection.of(teacher, whole).logits(), alone, atol=1e-5, rtol=1e-5)


def test_a_padding_token_drawn_at_random_moves_no_position(teacher, folder):
    """A RoBERTa counts its positions from what is no padding: a random padding token inside a block would shift them."""
    tokenizer = load_tokenizer(folder)
    input_ids = tokenizer(["the river crosses the valley in spring."], return_tensors="pt")["input_ids"]
    input_ids[0, 3] = tokenizer.pad_token_id
    with torch.no_grad():
        packed = hidden_states(teacher, input_ids, torch.ones_like(input_ids, dtype=torch.bool))
        torch.testing.assert_close(hidden_states(teacher, input_ids), packed, atol=1e-5, rtol=1e-5)


def test_copied_weights_equal_the_teachers_and_every_parameter_is_copied(teacher):
    student = student_of(teacher)
    assert student.num_parameters() < teacher.num_parameters()
    copied = set()
    for ours, theirs in module_map(teacher, (0, 2)).items():
        for name, parameter in student.get_submodule(ours).named_parameters():
            assert torch.equal(parameter, dict(teacher.get_submodule(theirs).named_parameters())[name]), ours
            copied.add(parameter.data_ptr())
    assert copied == {parameter.data_ptr() for parameter in student.parameters()}


def test_a_student_is_loaded_by_its_familys_class_and_predicts_the_same(teacher, folder, tmp_path):
    import transformers

    student = student_of(teacher)
    student.save_pretrained(tmp_path)
    load_tokenizer(folder).save_pretrained(tmp_path)
    cls = getattr(transformers, families()[family_of(teacher.config).student].classes["masked_lm"])
    loaded = cls.from_pretrained(tmp_path)
    assert type(loaded) is type(student) and loaded.config.num_hidden_layers == 2
    inputs = load_tokenizer(tmp_path)(["our teacher remembers"], return_tensors="pt")
    with torch.no_grad():
        assert torch.equal(loaded.eval()(**inputs).logits, student(**inputs).logits)
        assert torch.equal(load_model(tmp_path, "masked_lm").eval()(**inputs).logits, student(**inputs).logits)
    assert load_model(tmp_path, "classifier", new_head=True, num_labels=3).config.num_labels == 3


def test_a_roberta_student_has_the_layout_of_distilroberta(folders):
    """distilroberta-base: the teacher's positions, token type and LayerNorm, half its layers."""
    teacher = load_teacher(folders["roberta"], new_head=True)
    made = student_config(teacher.config, 2, dropout=0.1)
    assert made.model_type == "roberta" and made.num_hidden_layers == 2
    for name in ("max_position_embeddings", "type_vocab_size", "layer_norm_eps", "pad_token_id", "bos_token_id"):
        assert getattr(made, name) == getattr(teacher.config, name), name


def test_positions_are_those_that_text_can_take(folders):
    assert {kind: look_at(folder).size["positions"] for kind, folder in folders.items()} == dict.fromkeys(folders, 64)


def test_a_tokenizer_cuts_text_as_its_file_says(folder):
    from transformers import AutoTokenizer

    text = f"The River crosses {load_tokenizer(folder).mask_token} valley"
    assert load_tokenizer(folder)(text)["input_ids"] == AutoTokenizer.from_pretrained(folder)(text)["input_ids"]


def test_case_is_kept_where_the_vocabulary_keeps_it(folders):
    def tokens(kind, text):
        return load_tokenizer(folders[kind])(text)["input_ids"]

    assert tokens("bert", "The River") == tokens("bert", "the river")
    for kind in ("bert cased", "roberta"):
        assert tokens(kind, "The River") != tokens(kind, "the river")


@pytest.mark.parametrize("said", [None, "x", True, -1, 0, [1], 1.0])
def test_positions_are_counted_from_a_padding_id_that_is_the_tokenizers(folders, tmp_path, said):
    copy = shutil.copytree(folders["roberta"], tmp_path / "model")
    changed(copy, pad_token_id=said)
    with pytest.raises(BookError, match="config.json says pad_token_id"):
        look_at(copy)


def test_without_a_padding_id_that_of_the_family_counts(folders, tmp_path):
    copy = shutil.copytree(folders["roberta"], tmp_path / "model")
    changed(copy, pad_token_id=...)
    assert look_at(copy).size["positions"] == 64
    changed(copy, max_position_embeddings=2)
    with pytest.raises(BookError, match="2 positions, of which the first 2 are never used"):
        look_at(copy)


@pytest.mark.parametrize("kind", ["gpt2", "electra"])
def test_an_unknown_family_is_refused_at_once(folders, kind, tmp_path):
    shutil.copytree(folders["bert"], tmp_path / "model")
    changed(tmp_path / "model", model_type=kind)
    with pytest.raises(BookError, match=f"{kind}.*\n.*\n.*bert, distilbert, roberta"):
        check_teacher(tmp_path / "model", new_head=True)


def test_a_further_family_is_the_one_file_that_the_readme_shows(project, tmp_path, monkeypatch):
    import re

    import distilbook.models.families as package

    shown = re.search(r"```diff\n.*?\n(\+\"\"\".*?)```", (project / "README.md").read_text(), re.DOTALL)[1]
    (tmp_path / "further.py").write_text("".join(line[1:] + "\n" for line in shown.splitlines()))
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    families.cache_clear()
    try:
        family = families()["xlm-roberta"]
        teacher = empty_model_of(family)
        student = student_config(teacher.config, 1, dropout=0.0)
        assert student.model_type == "xlm-roberta" and student.num_hidden_layers == 1
        names = {name for name, _ in teacher.named_parameters(remove_duplicate=False)}
        mapped = module_map(teacher, (1,)).values()
        assert all(any(name.startswith(module) for name in names) for module in mapped)
        assert {family.place_of(name) for name in names}
    finally:
        families.cache_clear()


def empty_model_of(family):
    import transformers

    config = transformers.AutoConfig.for_model(
        family.model_type, **{family.dimensions[name]: value for name, value in SIZE.items()}
    )
    with torch.device("meta"):
        return getattr(transformers, family.classes["masked_lm"])(config)
