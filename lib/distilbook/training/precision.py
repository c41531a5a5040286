"""The type that products are computed in: chosen by name, or by what the machine is quickest at.

Weights, optimiser and sums stay in float32 in each case (mixed precision, Micikevicius et al. 2018).
On accelerators with bfloat16 that is the choice; where there is none, float16 with a scaled loss. On a
CPU it depends on the instructions it has: some multiply bfloat16 three times as fast as float32, others
three times as slowly. So it is measured.
"""

from __future__ import annotations

import time

import torch
from accelerate import Accelerator, PartialState
from accelerate.state import AcceleratorState
from accelerate.utils import broadcast_object_list

from ..config import BookError
from .schedule import Precision

#: What accelerate calls them.
MIXED = {"float32": "no", "bfloat16": "bf16", "float16": "fp16"}

#: Less than this many times the rate of float32 is not worth the lost digits.
WORTH_IT = 1.5


def accelerator_for(precision: Precision, **options) -> Accelerator:
    """Return an Accelerator whose products are in ``precision``, the same on every process.

    Args:
        options: whatever else ``Accelerator`` takes.

    Raises:
        BookError: for float16 on a CPU, where nothing scales the loss.
    """
    device = PartialState().device
    resolved = [resolve(precision, device)]
    if resolved[0] == "float16" and device.type == "cpu":
        raise BookError(
            "a CPU does not train in float16",
            where="parameter 'precision'",
            expected="auto, float32 or bfloat16",
            do="set it to auto, which takes what this machine is quickest in",
        )
    broadcast_object_list(resolved)
    # accelerate keeps the precision of a process's first Accelerator; a notebook may ask for another one later.
    AcceleratorState._reset_state()
    return Accelerator(mixed_precision=MIXED[resolved[0]], **options)


def resolve(precision: Precision, device: torch.device) -> str:
    """Return what ``auto`` means on ``device``; any other precision as it is."""
    if precision != "auto":
        return precision
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float16"
    if device.type != "cpu":
        return "float32"
    wide, narrow = (product_rate(dtype, device) for dtype in (torch.float32, torch.bfloat16))
    return "bfloat16" if narrow > WORTH_IT * wide else "float32"


def product_rate(dtype: torch.dtype, device: torch.device, size: int = 1024, repeats: int = 5) -> float:
    """Return the operations a second of a product of two matrices, (size, size) each; the best of ``repeats``."""
    a = torch.randn(size, size, device=device).to(dtype)
    best = float("inf")
    for _ in range(repeats + 1):  # the first is slower
        began = time.perf_counter()
        (a @ a)[0, 0].item()  # waits for the device
        best = min(best, time.perf_counter() - began)
    return 2 * size**3 / best
