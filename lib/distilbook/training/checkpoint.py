"""Checkpoints: weights, optimiser, loss scale and step, from which a killed run resumes.

The order of examples, masks and dropout are functions of the step, so nothing else is stored. Tensors are safetensors,
no pickle. The last two checkpoints are kept, each with hashes of its files and of the metrics up to its step, and the
types and shapes of its tensors; one that is damaged or does not fit is skipped, and the run resumes from the one before.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

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

#: Checkpoints that are kept.
KEPT = 2
MANIFEST = "checkpoint.json"
MODEL, OPTIMIZER = "model.safetensors", "optimizer.safetensors"

Scaler: TypeAlias = torch.amp.GradScaler | None


def save_checkpoint(
    folder: Path, model: torch.nn.Module, optimizer: torch.optim.Optimizer, step: int, scaler: Scaler = None
) -> None:
    """Write the checkpoint of ``step`` into ``folder`` and keep the one before it; the metrics lie in its parent.

    Raises:
        BookError: when it cannot be written; earlier ones stay.
    """
    state = optimizer.state_dict()["state"]
    moments = {f"{number}.{name}": tensor for number, own in state.items() for name, tensor in own.items()}
    tensors = {MODEL: _parameters(model), OPTIMIZER: moments}
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
            expected="space on the disk and permission to write",
            do="make space and start again: the run resumes from the previous checkpoint",
        ) from error
    kept = [path for path in checkpoints(folder) if int(path.name) <= step][:KEPT]
    for other in folder.iterdir():
        if other not in kept:  # an older checkpoint, or the remains of a killed write
            _remove(other)


def _remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def load_checkpoint(
    folder: Path, model: torch.nn.Module, optimizer: torch.optim.Optimizer, scaler: Scaler = None
) -> int:
    """Restore ``model``, ``optimizer`` and ``scaler`` from the last checkpoint in ``folder`` that is whole and fits.

    Others are reported and removed, and later steps removed from the metrics.

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
            tell(f"checkpoint {path} is skipped: {error.what}")
            _remove(path)
            continue
        if facts["metrics"]:
            os.truncate(metrics, facts["metrics"]["bytes"])
        return path
    if found:
        tell(f"no checkpoint in {folder} is whole: the run starts at step 0")
    return None


def _checked(path: Path, model: torch.nn.Module, optimizer: torch.optim.Optimizer, metrics: Path) -> dict[str, Any]:
    """Return the manifest of a checkpoint.

    Raises:
        Unfinished: when a file or the metrics up to its step were altered, or it is of another model.
    """
    facts = opened(path / MANIFEST)
    if facts["tensors"][MODEL] != _described(_parameters(model)):
        raise Unfinished("its tensors are not those of the model")
    if facts["tensors"][OPTIMIZER] != _expected_moments(optimizer):
        raise Unfinished("its tensors are not those of the optimiser")
    if facts["metrics"] and facts["metrics"] != _metrics_up_to(metrics, facts["metrics"]["bytes"]):
        raise Unfinished(f"{metrics.name} has changed since that step")
    return facts


def checkpoints(folder: Path) -> list[Path]:
    """Return the checkpoints in ``folder``, named by their steps, the last first."""
    found = [path for path in folder.glob("*") if path.name.isdecimal()]
    return sorted(found, key=lambda path: int(path.name), reverse=True)


def drop_checkpoint(folder: Path) -> None:
    """Remove the checkpoints of a finished run, if there are any."""
    if folder.exists():
        shutil.rmtree(folder)


def _parameters(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Return the parameters by name, tied ones once."""
    return {name: parameter.detach().contiguous() for name, parameter in model.named_parameters()}


def _expected_moments(optimizer: torch.optim.Optimizer) -> dict[str, list]:
    """Return the type and shape of AdamW's state of every parameter."""
    parameters = (parameter for group in optimizer.param_groups for parameter in group["params"])
    found: dict[str, list] = {}
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
