"""What a result was made by: the code it ran, the machine, the versions."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import importlib.util
import os
import platform
from collections.abc import Iterable
from pathlib import Path


def module_hashes(*modules: str) -> dict[str, str]:
    """Return a hash of the source of ``modules`` and of every module of this package they import, by name.

    The import closure is read from the source by grimp; nothing is executed.
    """
    return {name: hashlib.sha256(path.read_bytes()).hexdigest()[:16] for name, path in _closure(modules).items()}


def _closure(modules: Iterable[str]) -> dict[str, Path]:
    """Return the files of ``modules`` and of all that they import of this package, in order of their names."""
    graph = _import_graph()
    names = set(modules).union(*(graph.find_upstream_modules(name) for name in modules))
    return {name: Path(importlib.util.find_spec(name).origin) for name in sorted(names)}


@functools.cache
def _import_graph():
    import grimp

    return grimp.build_graph("distilbook", cache_dir=None, exclude_type_checking_imports=True)


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
    return {"processor": processor(), "cores": len(usable_cores()), "accelerator": accelerator()}


def usable_cores() -> list[int]:
    """Return the numbers of the cores this process may use."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


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


def made_with() -> dict[str, dict]:
    """Return the machine and the versions, which a finished result keeps."""
    return {"machine": hardware(), "versions": versions()}
