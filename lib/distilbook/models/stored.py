"""Files of a model's folder: JSON objects, and weights as safetensors, in one file or in several with an index.

Everything here reads headers and small files only, and loads neither torch nor transformers.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.config import BookError
from ..text.hub import BY_HAND

CONFIG = "config.json"
SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"
#: The first line of a Git LFS pointer.
POINTER = b"version https://git-lfs"
WHOLE = "the whole file, as it was published"
#: Unsupported formats of weights, by ending.
FOREIGN = {".h5": "TensorFlow", ".msgpack": "Flax", ".onnx": "ONNX", ".gguf": "GGUF", ".ot": "Rust"}


@dataclass(frozen=True)
class Stored:
    """A tensor's ``shape`` and number ``type``, such as F32 or BF16."""

    shape: tuple[int, ...]
    type: str


def check_there(folder: Path) -> None:
    """Refuse what is no folder with a configuration in it; the BookError says what is there instead."""
    do = "correct the address of the model"
    if (folder / CONFIG).is_file():
        return
    what = f"a model's folder has no {CONFIG}"
    if folder.is_file():
        what = "a model's address is that of a file, not of a folder"
    elif not folder.is_dir():
        what = "a model's folder does not exist"
    elif not any(folder.iterdir()):
        what = "a model's folder is empty"
    elif inside := sorted(path.parent for path in folder.glob(f"*/{CONFIG}")):
        do = f"give the folder that holds the model, perhaps {inside[0]}"
    elif (folder / "adapter_config.json").exists():
        what += "; it holds an adapter, not the model that this changes"
        do = "load both with peft, join them (merge_and_unload) and write them with save_pretrained(folder)"
    raise BookError(what, where=folder, expected=BY_HAND["model"], do=do)


def read_object(path: Path) -> dict[str, Any]:
    """Return the JSON object in the file ``path``.

    Raises:
        BookError: when it cannot be read, is no JSON object in UTF-8, or is a Git LFS pointer.
    """
    _refuse_pointer(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _damaged(path, error.strerror or str(error)) from None
    try:
        value = json.loads(content.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise _damaged(path, str(error)) from None
    if not isinstance(value, dict):
        what, expected = f"a model's file holds a JSON {_kind(value)}, not an object", 'an object: {"name": value}'
        raise BookError(what, where=path, expected=expected, do="copy or download it again")
    return value


def weight_files(folder: Path, published: Collection[str] = ()) -> list[Path]:
    """Return the files of the weights of the model in ``folder``.

    Args:
        published: names of further files of the model that were not fetched, for the error.

    Raises:
        BookError: when there are none, or when an index names missing files.
    """
    if (folder / SINGLE).is_file():
        return [folder / SINGLE]
    if (folder / INDEX).is_file():
        return _shards(folder / INDEX)
    raise _no_weights(folder, sorted({path.name for path in folder.iterdir()} | set(published)))


def stored_tensors(files: Sequence[Path]) -> dict[str, Stored]:
    """Return the tensors in safetensors ``files`` by name, from their headers.

    Raises:
        BookError: for a damaged file, or a tensor that is in two files.
    """
    from safetensors import SafetensorError, safe_open

    tensors: dict[str, Stored] = {}
    for path in files:
        _refuse_pointer(path)
        try:
            with safe_open(path, framework="numpy") as file:
                parts = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 a file, not a dict
                found = {name: Stored(tuple(part.get_shape()), part.get_dtype()) for name, part in parts.items()}
        except (SafetensorError, OSError, ValueError) as error:
            raise _damaged(path, str(error)) from None
        if twice := sorted(tensors.keys() & found):
            raise _damaged(path, f"{twice[0]} is in two files")
        tensors |= found
    return tensors


def listed(names: Collection[str], most: int = 4) -> str:
    """Return the first of ``names``, and how many more there are."""
    shown = ", ".join(sorted(names)[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")


def _shards(index: Path) -> list[Path]:
    """Return the files that an index names, after checking that they hold what it says."""
    places = read_object(index).get("weight_map")
    if not isinstance(places, dict) or not places or not all(isinstance(name, str) for name in places.values()):
        raise _damaged(index, "it has no 'weight_map' of tensors and file names")
    names = sorted(set(places.values()))
    if outside := [name for name in names if name != Path(name).name or not name.endswith(".safetensors")]:
        what, expected = f"the index of a model's weights names {outside[0]!r}", "safetensors files in the same folder"
        raise BookError(what, where=index, expected=expected, do="copy or download the model again from its publisher")
    files = [index.parent / name for name in names]
    if missing := [path.name for path in files if not path.is_file()]:
        what = f"{len(missing)} of a model's {len(files)} weight files are missing: {listed(missing)}"
        expected, do = "every file that the index names", "copy or download the missing files too"
        raise BookError(what, where=index.parent, expected=expected, do=do)
    for path in files:
        said = {tensor for tensor, name in places.items() if name == path.name}
        if other := said ^ stored_tensors([path]).keys():
            raise _damaged(path, f"it and the index disagree about {listed(other)}")
    return files


def _no_weights(folder: Path, names: list[str]) -> BookError:
    """Return the error for a folder with files of these ``names`` and no readable weights."""
    pickles = [name for name in names if name.endswith((".bin", ".pt", ".pth", ".ckpt", ".pkl"))]
    others = [name for name in names if name.endswith(".safetensors")]
    foreign = [name for name in names if name.endswith(tuple(FOREIGN))]
    what, do = "a model's folder has no weights", "copy the weights into the folder"
    if any(name.startswith("adapter") for name in others + pickles):
        what = "a model's folder holds an adapter only, not the model that it changes"
        do = "load both with peft, join them (merge_and_unload) and write them with save_pretrained(folder)"
    elif others:
        what = f"a model's weights are not called {SINGLE}: {listed(others)}"
        do = f"where that is the whole model, rename it to {SINGLE}; else give the index of its parts, {INDEX}"
    elif pickles:
        what = f"a model's weights come only as a pickle ({pickles[0]}), which can run code when it is loaded"
        do = "where you trust the file, load it with transformers and save_pretrained(folder, safe_serialization=True)"
    elif foreign:
        what = f"a model's weights come only for {FOREIGN[Path(foreign[0]).suffix]} ({foreign[0]})"
        do = "convert them: load them with transformers and write them with save_pretrained(folder)"
    return BookError(what, where=folder, expected=SINGLE, do=do)


def _refuse_pointer(path: Path) -> None:
    """Refuse a Git LFS file that was not fetched."""
    try:
        with path.open("rb") as file:
            beginning = file.read(len(POINTER))
    except OSError as error:
        raise _damaged(path, error.strerror or str(error)) from None
    if beginning == POINTER:
        what = "a model's file is a Git LFS pointer, not the file itself"
        raise BookError(what, where=path, expected=WHOLE, do="run git lfs pull in the folder of the model's repository")


def _damaged(path: Path, reason: str) -> BookError:
    what = f"a model's file is damaged ({reason})"
    return BookError(what, where=path, expected=WHOLE, do="copy or download it again")


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _kind(value: Any) -> str:
    kinds = {list: "list", str: "string", bool: "truth value", type(None): "null"}
    return kinds.get(type(value), "number")
