"""What a result was made by: the code it ran, the machine, the versions."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import importlib.util
import os
import platform
from pathlib import Path


@functools.cache
def code_hash(*modules: str) -> str:
    """Return a hash of the content of ``modules`` and of every module of this package they import.

    The import closure is read from the source by grimp, nothing is executed. A result's key holds
    this hash, so that changing the loss retrains what imports the loss, and changing a figure does not.
    """
    import grimp

    graph = grimp.build_graph("distilbook", cache_dir=None)
    closure = set(modules).union(*(graph.find_upstream_modules(name) for name in modules))
    digest = hashlib.sha256()
    for name in sorted(closure):
        digest.update(name.encode() + b"\0" + Path(importlib.util.find_spec(name).origin).read_bytes() + b"\0")
    return digest.hexdigest()[:16]


@functools.cache
def processor() -> str:
    """Return the processor's name as the operating system gives it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def hardware() -> dict[str, str | int]:
    """Return what the measurements depend on: processor, cores that may be used, accelerator."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {"processor": processor(), "cores": cores, "accelerator": accelerator()}


def accelerator() -> str:
    """Return the first GPU's name, or "none"; without importing torch where no driver is present."""
    if not Path("/proc/driver/nvidia").exists():
        return "none"
    import torch

    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else "none"


@functools.cache
def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that compute."""
    names = ("torch", "transformers", "datasets", "accelerate", "tokenizers", "numpy", "scikit-learn")
    return {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in names}
