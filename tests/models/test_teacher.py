import json
import shutil

import pytest
from distilbook.core.config import BookError
from distilbook.models.loading import has_head, load_teacher, load_tokenizer, weights_fingerprint
from safetensors.torch import load_file, save_file


def changed_copy(folder, tmp_path, change):
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    tensors = change(load_file(copy / "model.safetensors"))
    save_file(tensors, copy / "model.safetensors", metadata={"format": "pt"})
    return copy


def test_a_whole_teacher_is_loaded_in_evaluation_mode(teacher_folder):
    assert not load_teacher(teacher_folder, new_head=False).training
    assert has_head(teacher_folder)


def test_a_missing_weight_stops_the_run_by_its_name(teacher_folder, tmp_path):
    name = "bert.encoder.layer.2.output.dense.weight"
    copy = changed_copy(teacher_folder, tmp_path, lambda t: {k: v for k, v in t.items() if k != name})
    with pytest.raises(BookError) as error:
        load_teacher(copy, new_head=False)
    assert f"1 of the model's weights were not loaded: {name}" in str(error.value)
    with pytest.raises(BookError, match="not loaded"):
        load_teacher(copy, new_head=True)


def test_a_teacher_without_a_head_is_taken_only_where_one_will_be_fitted(inputs):
    assert not has_head(inputs / "teacher")
    load_teacher(inputs / "teacher", new_head=True)
    with pytest.raises(BookError) as error:
        load_teacher(inputs / "teacher", new_head=False)
    assert "cls.predictions" in str(error.value) and "fit one: set steps above 0 in chapter 03" in str(error.value)


def test_a_token_without_an_embedding_is_refused(teacher_folder, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(teacher_folder, copy)
    tokenizer = json.loads((copy / "tokenizer.json").read_text())
    vocabulary = tokenizer["model"]["vocab"]
    vocabulary["another"] = len(vocabulary)
    (copy / "tokenizer.json").write_text(json.dumps(tokenizer))
    with pytest.raises(BookError) as error:
        load_teacher(copy, new_head=False)
    assert f"the tokenizer has {len(vocabulary)} tokens, the model {len(vocabulary) - 1}" in str(error.value)


def test_a_tokenizer_without_words_is_refused(teacher_folder, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(teacher_folder, copy)
    tokenizer = json.loads((copy / "tokenizer.json").read_text())
    special = {token["content"] for token in tokenizer["added_tokens"]}
    tokenizer["model"]["vocab"] = {w: n for w, n in tokenizer["model"]["vocab"].items() if w in special}
    (copy / "tokenizer.json").write_text(json.dumps(tokenizer))
    with pytest.raises(BookError, match="lacks every ordinary one"):
        load_tokenizer(copy)


def test_the_fingerprint_follows_the_weights(teacher_folder, tmp_path):
    copy = changed_copy(teacher_folder, tmp_path, lambda t: {k: v + 1e-3 for k, v in t.items()})
    assert weights_fingerprint(copy) != weights_fingerprint(teacher_folder)
