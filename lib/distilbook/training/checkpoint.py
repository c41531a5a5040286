"""Checkpoints: weights, optimiser, loss scale and step, so that a killed run goes on where it was.

The order of blocks, their masks and dropout are functions of the step (``data/masking.py``,
``training/step.py``), so nothing else has to be kept. Tensors are stored as safetensors, no pickle. The last two
checkpoints are kept, each with the hashes of its files, of the tensors it has, and of the metrics up to its step; one
that is not whole, or does not fit, is left out, and the run goes on from the one before it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from accelerate.utils import broadcast_object_list
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from ..core.config import BookError
from ..core.files import new_folder, sync
from ..core.finished import Unfinished, opened, seal
from ..core.progress import tell
from .log import FILE

KEPT = 2
MANIFEST = "checkpoint.json"
MODEL, OPTIMIZER = "model.safetensors", "optimizer.safetensors"

Scaler = torch.amp.GradScaler | None


def save_checkpoint(
    folder: Path, model: torch.nn.Module, optimizer: torch.optim.Optimizer, step: int, scaler: Scaler = None
) -> None:
    """Write the checkpoint of ``step`` into ``folder``, beside which the metrics lie, and keep the one before it.

    Raises:
        BookError: when it cannot be written; those that are there stay.
    """
    tensors = {MODEL: unique_tensors(model), OPTIMIZER: _moments(optimizer)}
    facts = {
        "step": step,
        "tensors": {name: _described(own) for name, own in tensors.items()},
        "scaler": scaler.state_dict() if scaler else None,
        "metrics": _metrics_up_to(folder.parent / FILE),
    }
    try:
        with new_folder(folder / str(step)) as unfinished:
            for name, own in tensors.items():
                save_file(own, unfinished / name)
            seal(unfinished / MANIFEST, facts, tensors)
    except (OSError, SafetensorError) as error:
        raise BookError(
            f"the checkpoint of step {step} could not be written: {error}",
            where=folder,
            expected="room on the disk, and leave to write",
            do="make room and start again: the run goes on from the checkpoint before",
        ) from error
    _keep_the_last(folder, step)


def _keep_the_last(folder: Path, step: int) -> None:
    """Remove all but the last checkpoints up to ``step``, and what killed writes have left."""
    kept = [path for path in checkpoints(folder) if int(path.name) <= step][:KEPT]
    for other in folder.iterdir():
        if other not in kept:
            _remove(other)


def _remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def load_checkpoint(
    folder: Path, model: torch.nn.Module, optimizer: torch.optim.Optimizer, scaler: Scaler = None
) -> int:
    """Restore ``model``, ``optimizer`` and ``scaler`` from the last checkpoint in ``folder`` that is whole and fits.

    What is left out is said, and removed; so is what the metrics beside ``folder`` tell of later steps.

    Returns:
        The step, the same on every process; 0 where nothing can be restored.
    """
    chosen = [_last_whole(folder, model, optimizer) if PartialState().is_main_process else None]
    broadcast_object_list(chosen)
    if chosen[0] is None:
        return 0
    facts = opened(chosen[0] / MANIFEST)
    tensors = load_file(chosen[0] / MODEL)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(tensors[name])
    state: dict[str, Any] = optimizer.state_dict() | {"state": {}}
    for key, tensor in load_file(chosen[0] / OPTIMIZER).items():
        number, name = key.split(".", maxsplit=1)
        state["state"].setdefault(int(number), {})[name] = tensor
    optimizer.load_state_dict(state)
    if scaler:
        scaler.load_state_dict(facts["scaler"])
    return facts["step"]


def _last_whole(folder: Path, model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> Path | None:
    metrics, found = folder.parent / FILE, checkpoints(folder)
    for path in found:
        try:
            facts = _checked(path, model, optimizer, metrics)
        except Unfinished as error:
            tell(f"checkpoint {path} is left out: {error.what}")
            _remove(path)
            continue
        if facts["metrics"]:
            os.truncate(metrics, facts["metrics"]["bytes"])
        return path
    if found:
        tell(f"no checkpoint in {folder} is whole: the run starts again at step 0")
    return None


def _checked(path: Path, model: torch.nn.Module, optimizer: torch.optim.Optimizer, metrics: Path) -> dict[str, Any]:
    """Return what the manifest of a checkpoint says.

    Raises:
        Unfinished: when a file or the metrics before its step are not as they were, or it is of another model.
    """
    facts = opened(path / MANIFEST)
    if facts["tensors"][MODEL] != _described(unique_tensors(model)):
        raise Unfinished("its tensors are not those of the model")
    if facts["tensors"][OPTIMIZER] != _expected_moments(optimizer):
        raise Unfinished("its tensors are not those of the optimiser")
    if facts["metrics"] and facts["metrics"] != _metrics_up_to(metrics, facts["metrics"]["bytes"]):
        raise Unfinished(f"{metrics.name} is not what it was at that step")
    return facts


def checkpoints(folder: Path) -> list[Path]:
    """Return the checkpoints in ``folder``, which are named by their steps; the last first."""
    found = [path for path in folder.glob("*") if path.name.isdecimal()]
    return sorted(found, key=lambda path: int(path.name), reverse=True)


def drop_checkpoint(folder: Path) -> None:
    """Remove the checkpoints of a run that has finished; where there are none do nothing."""
    if folder.exists():
        shutil.rmtree(folder)


def unique_tensors(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Return the trained parameters by name, those that share memory once."""
    return {name: parameter.detach().contiguous() for name, parameter in model.named_parameters()}


def _moments(optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    return {
        f"{number}.{name}": tensor
        for number, state in optimizer.state_dict()["state"].items()
        for name, tensor in state.items()
    }


def _expected_moments(optimizer: torch.optim.Optimizer) -> dict[str, list]:
    """Return the type and shape of what AdamW keeps of every parameter."""
    parameters = (parameter for group in optimizer.param_groups for parameter in group["params"])
    found = {}
    for number, parameter in enumerate(parameters):
        own = {"step": torch.zeros(()), "exp_avg": parameter, "exp_avg_sq": parameter}
        found |= _described({f"{number}.{name}": tensor for name, tensor in own.items()})
    return found


def _described(tensors: Mapping[str, torch.Tensor]) -> dict[str, list]:
    """Return the type and shape of each tensor."""
    return {name: [str(tensor.dtype), list(tensor.shape)] for name, tensor in tensors.items()}


def _metrics_up_to(path: Path, size: int | None = None) -> dict[str, Any] | None:
    """Return the size and hash of the metrics file, or of its first ``size`` bytes; None where there is none."""
    if not path.exists():
        return None
    sync(path)
    content = path.read_bytes()[:size]
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
