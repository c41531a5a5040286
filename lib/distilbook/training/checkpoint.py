"""Checkpoints: weights, optimiser and step, so that a killed run goes on where it was.

The order of blocks, their masks and dropout are functions of the step (``data/masking.py``,
``training/loop.py``), so nothing else has to be kept. Tensors are stored as safetensors, no pickle.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from ..files import new_folder


def save_checkpoint(folder: Path, model: torch.nn.Module, optimizer: torch.optim.Optimizer, step: int) -> None:
    """Write the checkpoint of ``step`` into ``folder`` and remove older ones once it is whole.

    It has a folder of its own, so that at every moment one that is whole is there.
    """
    with new_folder(folder / str(step)) as unfinished:
        save_file(unique_tensors(model), unfinished / "model.safetensors")
        moments = {
            f"{number}.{name}": tensor
            for number, state in optimizer.state_dict()["state"].items()
            for name, tensor in state.items()
        }
        save_file(moments, unfinished / "optimizer.safetensors")
    for other in folder.iterdir():
        if other.name != str(step):
            shutil.rmtree(other)


def load_checkpoint(folder: Path, model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> int:
    """Restore ``model`` and ``optimizer`` from the last checkpoint in ``folder``; return its step, 0 where there is none."""
    newest = newest_checkpoint(folder)
    if newest is None:
        return 0
    model.load_state_dict(load_file(newest / "model.safetensors"), strict=False)
    state = optimizer.state_dict()
    state["state"] = {}
    for key, tensor in load_file(newest / "optimizer.safetensors").items():
        number, name = key.split(".", maxsplit=1)
        state["state"].setdefault(int(number), {})[name] = tensor
    optimizer.load_state_dict(state)
    return int(newest.name)


def newest_checkpoint(folder: Path) -> Path | None:
    """Return the last checkpoint in ``folder``, named by its step; None where there is none."""
    found = [path for path in folder.glob("*") if path.name.isdigit()]
    return max(found, key=lambda path: int(path.name), default=None)


def drop_checkpoint(folder: Path) -> None:
    """Remove the checkpoint of a run that has finished; where there is none do nothing."""
    if folder.exists():
        shutil.rmtree(folder)


def unique_tensors(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Return the trained parameters by name, those that share memory once."""
    return {name: parameter.detach().contiguous() for name, parameter in model.named_parameters()}
