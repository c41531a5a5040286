"""Provenance of a result: the hashes of the code it ran, the machine, the versions."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import importlib.util
import platform
from pathlib import Path

from .machine import hardware


def module_hashes(*modules: str) -> dict[str, str]:
    """Return a hash of the source of ``modules`` and of every module of this package they import, by name.

    The import closure is read from the source by grimp; nothing is executed.
    """
    graph = _import_graph()
    names = set(modules).union(*(graph.find_upstream_modules(name) for name in modules))
    return {name: hashlib.sha256(_source(name)).hexdigest()[:16] for name in sorted(names)}


def _source(module: str) -> bytes:
    spec = importlib.util.find_spec(module)
    assert spec and spec.origin, f"{module} has no file"
    return Path(spec.origin).read_bytes()


@functools.cache
def _import_graph():
    import grimp

    return grimp.build_graph("distilbook", cache_dir=None, exclude_type_checking_imports=True)


@functools.cache
def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that compute."""
    names = ("torch", "transformers", "datasets", "accelerate", "tokenizers", "numpy", "scikit-learn")
    return {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in names}


def made_with() -> dict[str, dict]:
    """Return the machine and the versions, which a finished result keeps."""
    return {"machine": hardware(), "versions": versions()}
