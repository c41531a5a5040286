"""A model's folder is whole, of a known family and consistent, or it is refused with one sentence that says why."""

import json
import shutil
import subprocess
import sys

import pytest
import torch
from distilbook.core.config import BookError
from distilbook.models.folder import ModelFolder
from distilbook.models.loading import has_head, load_model, load_teacher, load_tokenizer, weights_fingerprint
from model_folders import changed, reweighed, sharded

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0000\nsize 133466304\n"
LAYER = "bert.encoder.layer.3."


def written(name, content):
    """Return what writes ``content`` over the file ``name`` of a folder; None takes it out."""

    def write(folder):
        path = folder / name
        path.unlink(missing_ok=True)
        if content is not None:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())

    return write


def said(**values):
    return lambda folder: changed(folder, **values)


def weights(change):
    return lambda folder: reweighed(folder, change)


def renamed(old, new):
    return lambda folder: (folder / old).rename(folder / new)


def cut(name, end):
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:end])


def prefixed(prefix):
    return weights(lambda tensors: {prefix + name: tensor for name, tensor in tensors.items()})


def without_a_shard(folder):
    sharded(folder)
    (folder / "model-00002-of-00002.safetensors").unlink()


def one_down(folder):
    inner = folder / "inner"
    inner.mkdir()
    for path in [path for path in folder.iterdir() if path != inner]:
        path.rename(inner / path.name)


def emptied(folder):
    for path in folder.iterdir():
        path.unlink()


def a_file(folder):
    shutil.rmtree(folder)
    folder.write_text("a model")


def dangling(folder):
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").symlink_to(folder / "nowhere")


#: What is done to a folder, and what its refusal says.
DAMAGES = {
    "nothing there": (shutil.rmtree, "does not exist"),
    "a file": (a_file, "that of a file, not of a folder"),
    "empty": (emptied, "folder is empty"),
    "one folder down": (one_down, "perhaps .*inner"),
    "no configuration": (written("config.json", None), "no config.json"),
    "a list as configuration": (written("config.json", "[1]"), "JSON list, not an object"),
    "a text as configuration": (written("config.json", '"bert"'), "JSON string, not an object"),
    "a byte order mark": (
        lambda f: written("config.json", b"\xef\xbb\xbf" + (f / "config.json").read_bytes())(f),
        "BOM",
    ),
    "UTF-16": (lambda f: written("config.json", (f / "config.json").read_text().encode("utf-16"))(f), "damaged"),
    "half a configuration": (cut("config.json", 60), "config.json\n"),
    "deep nesting": (written("config.json", "[" * 100_000), "damaged"),
    "a pointer as configuration": (written("config.json", POINTER), "git lfs pull"),
    "a pointer as weights": (written("model.safetensors", POINTER), "git lfs pull"),
    "a pointer as tokenizer": (written("tokenizer.json", POINTER), "git lfs pull"),
    "no type": (said(model_type=...), "does not name the model_type"),
    "a number as type": (said(model_type=3), "does not name the model_type"),
    "a RoBERTa": (
        said(model_type="roberta"),
        "names of the weights begin with 'bert.'(?s:.)*names that begin with 'roberta.'",
    ),
    "an ELECTRA": (said(model_type="electra"), "the model is an electra"),
    "weights in another file": (said(transformers_weights="other.safetensors"), "transformers_weights"),
    "an unknown type": (said(model_type="mine"), "the model is a mine"),
    "code": (said(auto_map={"AutoModel": "mine.Model"}), "asks to run code"),
    "code of another type": (said(model_type="mine", auto_map={"AutoConfig": "mine.Config"}), "asks to run code"),
    "an adapter beside": (written("adapter_config.json", "{}"), "holds an adapter"),
    "no heads": (said(num_attention_heads=...), "does not say num_attention_heads"),
    "a text as width": (said(hidden_size="32"), "hidden_size: '32'"),
    "no layers": (said(num_hidden_layers=0), "num_hidden_layers: 0"),
    "a truth as number": (said(num_hidden_layers=True), "num_hidden_layers: True"),
    "heads that do not divide": (said(num_attention_heads=5), "a width of 32 and 5 heads"),
    "relative positions": (said(position_embedding_type="relative_key_query"), "relative_key_query"),
    "a decoder": (said(is_decoder=True), "is_decoder: True"),
    "cross-attention": (said(add_cross_attention=True), "add_cross_attention"),
    "a head of its own": (said(tie_word_embeddings=False), "tie_word_embeddings"),
    "quantised": (said(quantization_config={"load_in_8bit": True}), "quantization_config"),
    "another activation": (said(hidden_act="gelu_mine"), "hidden_act: 'gelu_mine'"),
    "another layer norm": (said(layer_norm_eps=1e-5), "layer_norm_eps: 1e-05"),
    "fewer layers said": (said(num_hidden_layers=2), "4 layers, and config.json says 2"),
    "more layers said": (said(num_hidden_layers=6), "4 layers, and config.json says 6"),
    "another width said": (said(hidden_size=64), "has the shape"),
    "fewer positions said": (said(max_position_embeddings=32), "position_embeddings.weight has the shape"),
    "more rows said": (said(vocab_size=320), "word_embeddings.weight has the shape"),
    "another padding": (said(pad_token_id=7), "pad_token_id: 7"),
    "layers without end": (said(num_hidden_layers=10**12), "4 layers, and config.json says 1000000000000"),
    "no number at all": (said(layer_norm_eps=float("nan")), "NaN is no number"),
    "a negative epsilon": (said(layer_norm_eps=-1.0), "layer_norm_eps: -1.0"),
    "a bad value": (said(hidden_dropout_prob="much"), "cannot be loaded"),
    "a bad share": (said(hidden_dropout_prob=7.0), "cannot be loaded"),
    "no weights": (written("model.safetensors", None), "no weights"),
    "a link to nothing": (dangling, "model.safetensors"),
    "an adapter alone": (renamed("model.safetensors", "adapter_model.safetensors"), "an adapter only"),
    "a variant alone": (renamed("model.safetensors", "model.fp16.safetensors"), "rename it to model.safetensors"),
    "a pickle": (renamed("model.safetensors", "pytorch_model.bin"), "pickle.*(?s:.)*safe_serialization=True"),
    "a pickle beside a decoy": (
        lambda f: (renamed("model.safetensors", "pytorch_model.bin")(f), written("decoy.safetensors", "x")(f)),
        "not called model.safetensors: decoy.safetensors",
    ),
    "another framework": (renamed("model.safetensors", "tf_model.h5"), "TensorFlow"),
    "weights cut off": (cut("model.safetensors", -3), "damaged"),
    "a web page as weights": (written("model.safetensors", "<html>not found</html>"), "damaged"),
    "empty weights": (written("model.safetensors", ""), "damaged"),
    "a shard missing": (without_a_shard, "1 of a model's 2 weight files are missing"),
    "an index that leads outside": (
        lambda f: sharded(f, outside="../model/"),
        "safetensors files in the same",
    ),
    "an index of pickles": (
        lambda f: (
            written("model.safetensors", None)(f),
            written("model.safetensors.index.json", '{"weight_map": {"a": "pytorch_model.bin"}}')(f),
        ),
        "safetensors files in the same folder",
    ),
    "an empty index": (
        lambda f: (written("model.safetensors", None)(f), written("model.safetensors.index.json", "{}")(f)),
        "weight_map",
    ),
    "a wrapped model": (prefixed("module."), "begin with 'module.bert.', as torch's DataParallel"),
    "a compiled model": (prefixed("_orig_mod."), "begin with '_orig_mod.bert.', as torch.compile"),
    "another family's weights": (
        weights(lambda t: {name.replace("bert.", "roberta.", 1): one for name, one in t.items()}),
        "begin with 'roberta.'",
    ),
    "a tensor missing": (
        weights(lambda t: {name: one for name, one in t.items() if name != LAYER + "output.dense.bias"}),
        f"1 of the model's weights were not loaded: {LAYER}output.dense.bias",
    ),
    "a tensor too many": (
        weights(lambda t: t | {LAYER + "crossattention.self.query.weight": torch.zeros(32, 32)}),
        "belong to no known part.*crossattention",
    ),
    "positions between pieces": (
        weights(lambda t: t | {LAYER + "attention.self.distance_embedding.weight": torch.zeros(127, 8)}),
        "belong to no known part",
    ),
    "a matrix on its side": (
        weights(lambda t: t | {LAYER + "output.dense.weight": t[LAYER + "output.dense.weight"].T}),
        r"output.dense.weight has the shape \(64, 32\)",
    ),
    "whole numbers": (
        weights(lambda t: t | {LAYER + "output.dense.weight": t[LAYER + "output.dense.weight"].to(torch.int8)}),
        "stored in I8",
    ),
    "no number": (
        weights(lambda t: t | {LAYER + "output.dense.bias": torch.full((32,), float("nan"))}),
        "not finite: bert.encoder.layer.3.output.dense.bias",
    ),
    "too large for float32": (
        weights(lambda t: t | {LAYER + "output.dense.bias": torch.full((32,), 1e300, dtype=torch.float64)}),
        "not finite",
    ),
    "another matrix for the head": (
        weights(lambda t: t | {"cls.predictions.decoder.weight": 1.0 + t["bert.embeddings.word_embeddings.weight"]}),
        "matrix of its own",
    ),
    "half a head": (
        weights(lambda t: {name: one for name, one in t.items() if name != "cls.predictions.bias"}),
        "1 of the teacher's weights were not loaded: cls.predictions.bias",
    ),
}


#: What keeps a model from being a teacher, and not from being fine-tuned.
ONLY_OF_A_TEACHER = ("half a head", "another matrix for the head", "another layer norm")


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_model_is_refused_in_one_clear_sentence(model, damage):
    do, words = DAMAGES[damage]
    do(model)
    with pytest.raises(BookError, match=words) as error:
        load_teacher(model, new_head=False)
    assert str(model) in str(error.value) and "do: " in str(error.value)


@pytest.mark.parametrize("damage", [name for name in DAMAGES if name not in ONLY_OF_A_TEACHER])
def test_a_damaged_model_is_no_start_for_fine_tuning_either(model, damage):
    do, words = DAMAGES[damage]
    do(model)
    with pytest.raises(BookError, match=words):
        load_model(model, "classifier", new_head=True, num_labels=3)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"n_layers": 1}, "2 layers, and config.json says 1"),
        ({"n_layers": ...}, "does not say n_layers"),
        ({"num_hidden_layers": 5}, "gives two values of n_layers"),
        ({"activation": "mine"}, "activation: 'mine'"),
        ({"model_type": "bert"}, "does not say num_hidden_layers"),
    ],
)
def test_a_student_whose_configuration_does_not_fit_is_refused(student, values, words):
    changed(student, **values)
    with pytest.raises(BookError, match=words):
        load_model(student, "masked_lm")


def test_a_student_without_its_head_is_not_given_a_random_one(student):
    reweighed(student, lambda t: {name: one for name, one in t.items() if not name.startswith("vocab_transform")})
    with pytest.raises(BookError, match="2 weights of the model's head were not loaded: vocab_transform.bias"):
        load_model(student, "masked_lm")


def test_a_student_is_no_teacher(student):
    with pytest.raises(BookError, match="the teacher is a DistilBERT(?s:.)*a BERT or a RoBERTa"):
        load_teacher(student, new_head=True)


def test_weights_in_several_files_are_the_same_model(model, teacher_folder):
    sharded(model)
    assert has_head(model) and weights_fingerprint(model)
    ours, theirs = (load_teacher(folder, new_head=False).state_dict() for folder in (model, teacher_folder))
    assert ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_linked_files_are_the_files(model, tmp_path):
    linked = tmp_path / "linked"
    linked.mkdir()
    for path in model.iterdir():
        (linked / path.name).symlink_to(path)
    assert weights_fingerprint(linked) == weights_fingerprint(model)
    load_teacher(linked, new_head=False)


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t | {"cls.seq_relationship.weight": torch.zeros(2, 32), "cls.seq_relationship.bias": torch.zeros(2)},
        lambda t: t | {"bert.pooler.dense.weight": torch.zeros(32, 32), "bert.pooler.dense.bias": torch.zeros(32)},
        lambda t: t | {"bert.embeddings.position_ids": torch.arange(64)[None]},
        lambda t: t | {"classifier.weight": torch.zeros(7, 32), "classifier.bias": torch.zeros(7)},
        lambda t: {
            name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): one
            for name, one in t.items()
        },
    ],
    ids=["next sentence", "pooler", "position_ids", "classifier", "gamma and beta"],
)
def test_known_other_heads_and_old_names_change_nothing(model, teacher_folder, change):
    reweighed(model, change)
    ours, theirs = (load_teacher(folder, new_head=False).state_dict() for folder in (model, teacher_folder))
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_embeddings_without_a_token_are_allowed(model):
    def pad(tensors):
        grown = {}
        for name, one in tensors.items():
            rows = name in ("bert.embeddings.word_embeddings.weight", "cls.predictions.bias")
            grown[name] = torch.cat([one, one.new_zeros(320 - len(one), *one.shape[1:])]) if rows else one
        return grown

    pieces = len(load_tokenizer(model))
    reweighed(model, pad)
    changed(model, vocab_size=320)
    teacher = load_teacher(model, new_head=False)
    assert teacher.config.vocab_size == 320 and len(load_tokenizer(model)) == pieces < 320


def test_the_fingerprint_follows_weights_configuration_and_tokenizer(model, teacher_folder):
    seen = {weights_fingerprint(teacher_folder)}
    assert weights_fingerprint(model) in seen
    facts = json.loads((model / "tokenizer.json").read_text())
    for change in (
        lambda: reweighed(model, lambda t: {name: one + 1e-3 for name, one in t.items()}),
        lambda: changed(model, hidden_act="relu"),
        lambda: (
            changed(model, "tokenizer.json", normalizer=facts["normalizer"] | {"handle_chinese_chars": False})
            or changed(model, "tokenizer_config.json", tokenize_chinese_chars=False)
        ),
    ):
        change()
        assert weights_fingerprint(model) not in seen
        seen.add(weights_fingerprint(model))


def test_a_look_at_a_folder_loads_neither_torch_nor_transformers(model):
    code = (
        "import sys; from pathlib import Path; from distilbook.models.folder import ModelFolder\n"
        "ModelFolder(Path(sys.argv[1])); assert not {'torch', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, model], check=True)


def test_activations_are_those_that_transformers_knows():
    from distilbook.models.folder import ACTIVATIONS
    from transformers.activations import ACT2FN

    assert set(ACTIVATIONS) <= set(ACT2FN)


def test_the_folder_says_what_is_in_it(model, student):
    found = ModelFolder(model)
    assert (found.family.model_type, found.size["layers"], not found.lacks("masked_lm")) == ("bert", 4, True)
    assert ModelFolder(student).size["layers"] == 2 and "classifier.weight" in ModelFolder(student).lacks("classifier")
