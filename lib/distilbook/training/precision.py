"""Precision of matrix products: chosen by name, or the fastest on the machine.

Weights, optimiser and sums stay in float32 (mixed precision, Micikevicius et al. 2018). Accelerators take bfloat16,
those without it float16 with a scaled loss. CPUs are measured: some multiply bfloat16 three times as fast as float32,
others three times as slowly.
"""

from __future__ import annotations

import contextlib
import gc
import os
import time
from collections.abc import Mapping
from typing import Any, TypeVar

import torch
from accelerate import Accelerator, PartialState
from accelerate.state import AcceleratorState
from accelerate.utils import GradientAccumulationPlugin, broadcast_object_list

from ..core.config import BookError
from ..core.files import read_json, write_json
from ..core.machine import processor
from ..core.workspace import cache_root
from .schedule import LoopConfig, Precision

Stage = TypeVar("Stage", bound=LoopConfig)

#: Their names in accelerate.
MIXED = {"float32": "no", "bfloat16": "bf16", "float16": "fp16"}

#: Environment variables that change the computation, but not a run's key; with their harmless values.
FOREIGN = {
    "ACCELERATE_USE_DEEPSPEED": ("false",),
    "ACCELERATE_USE_FSDP": ("false",),
    "ACCELERATE_USE_MEGATRON_LM": ("false",),
    "ACCELERATE_USE_PARALLELISM_CONFIG": ("false",),
    "ACCELERATE_DOWNCAST_BF16": (),
    "NVIDIA_TF32_OVERRIDE": ("0",),
    "ONEDNN_DEFAULT_FPMATH_MODE": ("strict",),
    "DNNL_DEFAULT_FPMATH_MODE": ("strict",),
}

#: Measurements of each type.
TURNS = 3
#: The speed-up over float32 from which on bfloat16 is chosen.
WORTH_IT = 1.5


def agreed(precision: Precision) -> Precision:
    """Return the resolved ``precision``, the same on every process.

    Raises:
        BookError: for float16 on a CPU, where the loss is not scaled, and for an environment variable that changes
            what is computed.
    """
    _check_environment(os.environ)
    device = PartialState().device
    chosen = [resolve(precision, device)]
    broadcast_object_list(chosen)
    if chosen[0] == "float16" and device.type == "cpu":
        raise BookError(
            "a CPU does not train in float16",
            where="parameter 'precision'",
            expected="auto, float32 or bfloat16",
            do="set it to auto, the fastest on this machine",
        )
    return chosen[0]


def _check_environment(environment: Mapping[str, str]) -> None:
    for name, harmless in FOREIGN.items():
        value = environment.get(name, "")
        if value and value.lower() not in harmless:
            raise BookError(
                f"the environment variable {name}={value} changes what is computed, and no run's key holds it",
                expected="plain data-parallel training, in the precision of the parameters",
                do=f"start again without it (unset {name})",
            )


def with_precision(config: Stage) -> Stage:
    """Return ``config`` with its precision resolved: a run's key holds that, not ``auto``."""
    return config.model_copy(update={"precision": agreed(config.precision)})


def accelerator_for(precision: Precision, **options: Any) -> Accelerator:
    """Return an Accelerator with products in ``precision``; errors as in :func:`agreed`."""
    chosen = agreed(precision)
    gc.collect()  # a model prepared for mixed precision refers to itself, and would outlive its run
    AcceleratorState._reset_state()  # accelerate keeps the precision of a process's first Accelerator
    torch.set_float32_matmul_precision("highest")
    # Arguments that are not given are taken from environment variables.
    return Accelerator(
        mixed_precision=MIXED[chosen],
        gradient_accumulation_plugin=GradientAccumulationPlugin(num_steps=1),
        dynamo_backend="no",
        **options,
    )


def resolve(precision: Precision, device: torch.device) -> Precision:
    """Return the fastest precision on ``device`` for ``auto``; any other as it is."""
    if precision != "auto":
        return precision
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float16"
    return "bfloat16" if device.type == "cpu" and cpu_gain() > WORTH_IT else "float32"


def cpu_gain() -> float:
    """Return the speed-up of this machine's bfloat16 products over float32.

    It is measured once and cached, so that a busy moment does not change a run's key.
    """
    path, key = cache_root() / "precision.json", f"{processor()}, torch {torch.__version__}"
    noted: Any = None
    with contextlib.suppress(FileNotFoundError, BookError):  # missing or damaged
        noted = read_json(path)
    noted = noted if isinstance(noted, dict) else {}
    if not isinstance(noted.get(key), float):
        # Alternating, the best of each, so that other load does not affect one alone.
        cpu, both = torch.device("cpu"), (torch.float32, torch.bfloat16)
        wide, narrow = (
            max(found) for found in zip(*([product_rate(d, cpu) for d in both] for _ in range(TURNS)), strict=True)
        )
        noted[key] = narrow / wide
        with contextlib.suppress(OSError):  # where the cache cannot be written it is measured again
            write_json(path, noted)
    return noted[key]


def product_rate(dtype: torch.dtype, device: torch.device, size: int = 1024, repeats: int = 5) -> float:
    """Return the operations a second of a product of two matrices, (size, size) each; the best of ``repeats``."""
    a = torch.randn(size, size, device=device).to(dtype)
    best = float("inf")
    for _ in range(repeats + 1):  # the first is slower
        began = time.perf_counter()
        (a @ a)[0, 0].item()  # waits for the device
        best = min(best, time.perf_counter() - began)
    return 2 * size**3 / best
