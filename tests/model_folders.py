"""Changes of a model's folder: its configuration, its weights, and how these are stored."""

import json

from safetensors.torch import load_file, save_file


def changed(folder, name="config.json", **values):
    """Lay ``values`` over a JSON file of the model in ``folder``; a value of ``...`` takes the name out."""
    facts = json.loads((folder / name).read_text()) | values
    facts = {key: value for key, value in facts.items() if value is not ...}
    (folder / name).write_text(json.dumps(facts))


def reweighed(folder, change):
    """Let ``change`` make other tensors of those of the model in ``folder``."""
    tensors = change(load_file(folder / "model.safetensors"))
    tensors = {name: tensor.contiguous().clone() for name, tensor in tensors.items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def sharded(folder, outside=""):
    """Cut the weights of the model in ``folder`` in two files with an index."""
    tensors = load_file(folder / "model.safetensors")
    names = sorted(tensors)
    places = {name: f"model-0000{1 + (place % 2)}-of-00002.safetensors" for place, name in enumerate(names)}
    for file in set(places.values()):
        part = {name: tensors[name] for name in names if places[name] == file}
        save_file(part, folder / file, metadata={"format": "pt"})
    (folder / "model.safetensors").unlink()
    index = {"metadata": {}, "weight_map": {name: outside + file for name, file in places.items()}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
