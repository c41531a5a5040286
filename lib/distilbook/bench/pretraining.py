"""Benchmark of pre-training steps, against the original implementation and the machine's own peak.

Every variant runs in a process of its own, with its own peak of memory. The variants take their steps in turn, on the
same sequences of real text with the same masks, so that whatever slows the machine down slows all of them. Weights are
random: a product takes as long whatever its numbers are.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from ..core.config import BookError, nearest
from ..core.machine import hardware
from ..core.progress import Progress
from ..core.provenance import versions
from ..corpus.build import prepare
from ..corpus.config import CorpusConfig
from ..corpus.masking import Masking
from ..corpus.packing import vocabulary_size
from ..models.address import model_folder
from ..models.loading import load_tokenizer
from . import worker as pretraining_process

#: Packing and block length: those of the original's training code, and ours.
LENGTHS = {"sequences": ("one_sequence", 512), "packed": ("full_sentences", 128)}
RECIPE = {"distillation_weight": 5.0, "masked_lm_weight": 2.0, "cosine_weight": 1.0, "temperature": 2.0}
DROPOUT = 0.1
#: Rows and columns of the matrices whose product gives the machine's peak.
PEAK_SIZE = 2048


@dataclass(frozen=True)
class Shape:
    """Layers of teacher and student, their shared dimensions, and the blocks of a step."""

    teacher_layers: int
    copied: tuple[int, ...]
    width: int
    heads: int
    feed_forward: int
    batch: int

    def operations(self, tokens: int, squares: int, vocabulary: int) -> int:
        """Return the minimum operations of a step: 2 a weight forward, 6 forward and backward.

        Args:
            tokens: tokens of the step without padding.
            squares: sum of the squares of the sequences' lengths, for attention.
        """
        layer = tokens * (4 * self.width**2 + 2 * self.width * self.feed_forward) + 2 * squares * self.width
        head = tokens * (self.width**2 + vocabulary * self.width)
        return 2 * (self.teacher_layers * layer + head) + 6 * (len(self.copied) * layer + head)


SHAPES = {
    "bert-base": Shape(12, (0, 2, 4, 7, 9, 11), 768, 12, 3072, batch=5),
    "laptop": Shape(6, (0, 2, 4), 384, 12, 1536, batch=16),
}


@dataclass(frozen=True)
class Variant:
    """An implementation of the step on one kind of blocks."""

    name: str
    original: bool = False
    blocks: str = "sequences"
    precision: str = "float32"
    grouped: bool = False
    compile: bool = False
    times_batch: int = 1


def variants(narrow: str, compiled: bool) -> list[Variant]:
    """Return the variants, the original first; ``narrow`` is this machine's fastest precision."""
    ours = [
        Variant("ours, one sequence a block"),
        Variant("ours, packed", blocks="packed"),
        Variant("ours, packed, 4 x the blocks", blocks="packed", times_batch=4),
    ]
    if narrow != "float32":
        ours += [replace(one, name=f"{one.name}, {narrow}", precision=narrow) for one in ours[:2]]
    if compiled:
        ours += [replace(one, name=f"{one.name}, compiled", compile=True) for one in ours if "packed" in one.name]
    original = Variant("original", original=True)
    return [original, replace(original, name="original, like lengths together", grouped=True), *ours]


def bench_pretraining(
    shapes: Sequence[str], rounds: int, threads: int | None, text: str, tokenizer: str, compiled: bool
) -> dict[str, Any]:
    """Measure every variant at every one of ``shapes``.

    Args:
        shapes: names of :data:`SHAPES`.
        rounds: counted steps of each variant, after one that does not count.
        threads: of each process; by default torch's own choice.
        text, tokenizer: addresses of a text and of a model with a tokenizer.

    Returns:
        ``machine``, ``versions``, ``threads``, ``peaks`` (operations a second of a matrix product, by precision) and
        ``rows``, see :func:`summary`.

    Raises:
        BookError: for an unknown shape, a missing text, a process that failed.
    """
    import torch
    from accelerate import PartialState

    from ..training.precision import product_rate, resolve

    for shape in shapes:
        if shape not in SHAPES:
            raise BookError(f"there is no shape {shape!r}", do=nearest(shape, list(SHAPES), "shapes"))
    if threads:
        torch.set_num_threads(threads)
    device = PartialState().device
    narrow = resolve("auto", device)
    measured, steps = variants(narrow, compiled), {}
    peaks: dict[str, float] = {"float32": 0.0, narrow: 0.0}

    def measure_peaks() -> None:  # several times: other work on the machine only lowers them
        for name in peaks:
            peaks[name] = max(peaks[name], product_rate(getattr(torch, name), device, PEAK_SIZE))

    with tempfile.TemporaryDirectory() as folder:
        vocabulary = write_inputs(Path(folder), text, tokenizer)
        measure_peaks()
        for name in shapes:
            orders = [_order(one, SHAPES[name], Path(folder), threads, vocabulary) for one in measured]
            steps[name] = in_turn(orders, rounds, name)
            measure_peaks()
    return {
        "machine": hardware(),
        "versions": versions(),
        "threads": torch.get_num_threads(),
        "peaks": peaks,
        "rows": [row for name in shapes for row in summary(name, steps[name], measured, vocabulary, peaks)],
    }


def write_inputs(folder: Path, text: str, tokenizer: str) -> int:
    """Write the blocks of both kinds and the masking; return the size of the vocabulary."""
    loaded = load_tokenizer(model_folder(tokenizer))
    loaded.model_max_length = max(length for _, length in LENGTHS.values())  # its model is not used
    for name, (packing, length) in LENGTHS.items():
        values: dict[str, Any] = {
            "texts": [{"name": "text", "address": text}],
            "tokenizer": tokenizer,
            "packing": packing,
        }
        values |= {"edition": "bench", "block_length": length, "held_out_share": 0.05, "held_out_blocks": 1}
        corpus = prepare(CorpusConfig.model_validate(values), loaded, folder / "corpus")
        np.save(folder / f"{name}.npy", corpus.train[:])
    masking = Masking.smoothed(corpus.counts, loaded)
    np.savez(folder / "masking.npz", weights=masking.weights, mask_id=masking.mask_id, pad_id=masking.pad_id)
    return vocabulary_size(loaded)


def _order(variant: Variant, shape: Shape, folder: Path, threads: int | None, vocabulary: int) -> dict[str, Any]:
    dimensions = {"width": shape.width, "heads": shape.heads, "feed_forward": shape.feed_forward}
    recipe = {"distilled_positions": "all", "initialisation": "copied", "layers": shape.copied}
    return asdict(variant) | {
        "inputs": str(folder),
        "threads": threads,
        "teacher": {"layers": shape.teacher_layers, **dimensions, "vocabulary": vocabulary},
        "recipe": RECIPE | recipe,
        "batch": shape.batch * variant.times_batch,
        "dropout": DROPOUT,
        "learning_rate": 5e-4,
    }


def in_turn(orders: Sequence[dict[str, Any]], rounds: int, name: str) -> list[list[dict[str, float]]]:
    """Return the measured steps of each order's process; a round has one step of every process."""
    steps: list[list[dict[str, float]]] = [[] for _ in orders]
    with contextlib.ExitStack() as stack, Progress(f"steps at {name}", len(orders) * (rounds + 1), "steps") as progress:
        processes = [stack.enter_context(stepping(order)) for order in orders]
        for _ in range(rounds + 1):
            for process, taken in zip(processes, steps, strict=True):
                taken.append(_answer(process, "a step"))
                progress.advance(1)
    return [taken[1:] for taken in steps]


@contextlib.contextmanager
def stepping(order: dict[str, Any]) -> Iterator[subprocess.Popen]:
    """Yield a process that takes a step for each line of input; it ends with the block."""
    command = [sys.executable, "-m", pretraining_process.__name__]
    with (
        contextlib.suppress(BrokenPipeError),  # on closing the input of a process that has ended
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process,
    ):
        try:
            _answer(process, json.dumps(order))
            yield process
        finally:
            process.kill()


def _answer(process: subprocess.Popen, line: str) -> dict[str, float]:
    """Return the answer of ``process`` to ``line``."""
    assert process.stdin and process.stdout
    with contextlib.suppress(BrokenPipeError):  # it has ended; its answer is empty
        process.stdin.write(line + "\n")
        process.stdin.flush()
    answer = process.stdout.readline()
    if not answer:
        raise BookError(
            f"a benchmark process ended with status {process.wait()}",
            where="its output above",
            expected="a step's time",
            do="with less memory, measure one shape at a time: --shape laptop",
        )
    return json.loads(answer)


def summary(
    shape: str, steps: list[list[dict]], measured: Sequence[Variant], vocabulary: int, peaks: dict[str, float]
) -> list[dict[str, Any]]:
    """Return a row a variant.

    Each has ``tokens_per_second`` over all its steps, without padding; ``over_original``, the median over rounds of
    that rate over the original's in the same round, with the smallest and largest; ``share_of_peak``, the step's
    minimum operations over the peak of a matrix product in its precision; and ``memory``, the peak bytes of the
    process, also relative to the original's.
    """
    rates = [[step["tokens"] / step["seconds"] for step in taken] for taken in steps]
    rows = []
    for variant, taken, rate in zip(measured, steps, rates, strict=True):
        over = [ours / theirs for ours, theirs in zip(rate, rates[0], strict=True)]
        seconds, tokens = (sum(step[name] for step in taken) for name in ("seconds", "tokens"))
        operations = sum(SHAPES[shape].operations(step["tokens"], step["squares"], vocabulary) for step in taken)
        rows.append(
            {
                "shape": shape,
                "variant": variant.name,
                "precision": variant.precision,
                "tokens_a_step": tokens / len(taken),
                "tokens_per_second": tokens / seconds,
                "over_original": {"value": median(over), "low": min(over), "high": max(over)},
                "share_of_peak": operations / seconds / peaks[variant.precision],
                "memory": taken[-1]["memory"],
                "memory_over_original": taken[-1]["memory"] / steps[0][-1]["memory"],
            }
        )
    return rows


def printed(found: dict[str, Any]) -> Iterable[str]:
    """Yield the lines of a table of :func:`bench_pretraining`'s result."""
    machine = found["machine"]
    yield f"{machine['processor']}, {found['threads']} threads, accelerator: {machine['accelerator']}"
    yield "matrix product: " + ", ".join(f"{name} {rate / 1e9:.0f} GFLOP/s" for name, rate in found["peaks"].items())
    yield f"{'':44}{'tokens/s':>14}{'x original':>26}{'of peak':>9}{'memory':>10}{'':>8}"
    for row in found["rows"]:
        over = row["over_original"]
        ratio = f"{over['value']:.2f} ({over['low']:.2f} to {over['high']:.2f})"
        yield (
            f"{row['shape'] + ': ' + row['variant']:44}{row['tokens_per_second']:14,.0f}{ratio:>26}"
            f"{row['share_of_peak']:9.0%}{row['memory'] / 1e9:7.2f} GB{row['memory_over_original']:7.2f}x"
        )
