"""How fast a pre-training step is: beside the original's way of computing it, and beside the machine's own peak.

Every way of computing has a process of its own, with its own peak of memory. They take their steps in
turn, on the same sequences of real text with the same masks, so that what slows the machine down slows
all of them. Weights are random: a product takes as long whatever its numbers are.
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

#: Of the original's training code: sequences up to 512 word pieces. Ours are also packed into blocks of 128.
LENGTHS = {"sequences": ("one_sequence", 512), "packed": ("full_sentences", 128)}


@dataclass(frozen=True)
class Shape:
    """Teacher and student: their layers and shared dimensions, and the blocks of a step."""

    teacher_layers: int
    copied: tuple[int, ...]
    width: int
    heads: int
    feed_forward: int
    batch: int

    def operations(self, tokens: int, squares: int, vocabulary: int) -> int:
        """Return the operations that a step cannot do without: 2 a weight forward, 6 forward and backward.

        Args:
            tokens: word pieces of the step, padding left out.
            squares: the sum of the squares of the sequences' lengths, for attention.
        """
        layer = tokens * (4 * self.width**2 + 2 * self.width * self.feed_forward) + 2 * squares * self.width
        head = tokens * (self.width**2 + vocabulary * self.width)
        return 2 * (self.teacher_layers * layer + head) + 6 * (len(self.copied) * layer + head)


SHAPES = {
    "bert-base": Shape(12, (0, 2, 4, 7, 9, 11), 768, 12, 3072, batch=5),
    "laptop": Shape(6, (0, 2, 4), 384, 12, 1536, batch=16),
}


@dataclass(frozen=True)
class Way:
    """One way of computing a step, on one kind of blocks."""

    name: str
    way: str = "ours"
    blocks: str = "sequences"
    precision: str = "float32"
    grouped: bool = False
    compile: bool = False
    times_batch: int = 1


def ways(narrow: str, compiled: bool) -> list[Way]:
    """Return what is compared, the original first; ``narrow`` is the precision this machine is quickest in."""
    ours = [
        Way("ours, one sequence a block"),
        Way("ours, packed", blocks="packed"),
        Way("ours, packed, 4 x the blocks", blocks="packed", times_batch=4),
    ]
    if narrow != "float32":
        ours += [replace(way, name=f"{way.name}, {narrow}", precision=narrow) for way in ours[:2]]
    if compiled:
        ours += [replace(way, name=f"{way.name}, compiled", compile=True) for way in ours if "packed" in way.name]
    original = Way("original", way="original")
    return [original, replace(original, name="original, like lengths together", grouped=True), *ours]


def bench_pretraining(
    shapes: Sequence[str], rounds: int, threads: int | None, text: str, tokenizer: str, compiled: bool
) -> dict[str, Any]:
    """Measure every way of computing at every one of ``shapes``.

    Args:
        shapes: names of :data:`SHAPES`.
        rounds: steps that each way takes and that count, after one that does not.
        threads: of each process; by default what torch chooses.
        text, tokenizer: addresses of a text and of a model whose vocabulary cuts it.

    Returns:
        ``machine``, ``versions``, ``peaks`` (operations a second of a matrix product, by precision) and
        ``rows``, see :func:`summary`.

    Raises:
        BookError: for an unknown shape, a text that is not there, a process that failed.
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
    with tempfile.TemporaryDirectory() as folder:
        vocabulary = write_inputs(Path(folder), text, tokenizer)
        names = dict.fromkeys(("float32", narrow))
        measure = lambda: {name: product_rate(getattr(torch, name), device, 2048) for name in names}
        peaks, steps = [measure()], {}
        for name in shapes:
            orders = [_order(way, SHAPES[name], Path(folder), threads, vocabulary) for way in ways(narrow, compiled)]
            steps[name] = in_turn(orders, rounds, name)
            peaks.append(measure())
    best = {name: max(found[name] for found in peaks) for name in names}  # a busy moment is no peak
    rows = [row for name in shapes for row in summary(name, steps[name], ways(narrow, compiled), vocabulary, best)]
    return {
        "machine": hardware(),
        "versions": versions(),
        "threads": torch.get_num_threads(),
        "peaks": best,
        "rows": rows,
    }


def write_inputs(folder: Path, text: str, tokenizer: str) -> int:
    """Write the blocks of both kinds and the weights of the masks; return the size of the vocabulary."""
    pieces = load_tokenizer(model_folder(tokenizer))
    pieces.model_max_length = max(length for _, length in LENGTHS.values())  # its model reads nothing
    for name, (packing, length) in LENGTHS.items():
        config = CorpusConfig(
            edition="bench",
            texts=[{"name": "text", "address": text}],
            tokenizer=tokenizer,
            packing=packing,
            block_length=length,
            held_out_share=0.05,
            held_out_blocks=1,
        )
        corpus = prepare(config, pieces, folder / "corpus")
        np.save(folder / f"{name}.npy", corpus.train[:])
    masking = Masking.smoothed(corpus.counts, pieces)
    np.save(folder / "weights.npy", masking.weights)
    (folder / "facts.json").write_text(json.dumps({"mask_id": masking.mask_id, "pad_id": masking.pad_id}))
    return vocabulary_size(pieces)


def _order(way: Way, shape: Shape, folder: Path, threads: int | None, vocabulary: int) -> dict[str, Any]:
    dimensions = {"width": shape.width, "heads": shape.heads, "feed_forward": shape.feed_forward}
    recipe = {"distillation_weight": 5.0, "masked_lm_weight": 2.0, "cosine_weight": 1.0, "temperature": 2.0}
    recipe |= {"distilled_positions": "all", "initialisation": "copied", "layers": shape.copied}
    return {
        **{name: value for name, value in asdict(way).items() if name not in ("name", "times_batch")},
        "inputs": str(folder),
        "threads": threads,
        "teacher": {"layers": shape.teacher_layers, **dimensions, "vocabulary": vocabulary},
        "recipe": recipe,
        "batch": shape.batch * way.times_batch,
        "dropout": 0.1,
        "learning_rate": 5e-4,
    }


def in_turn(orders: Sequence[dict[str, Any]], rounds: int, name: str) -> list[list[dict[str, float]]]:
    """Return what each order's process says of its steps: all take their first, then all take their second, and so on."""
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
    """Yield a process that takes a step for each line it is given; it ends with the block."""
    command = [sys.executable, "-m", pretraining_process.__name__]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        _answer(process, json.dumps(order))
        yield process
    finally:
        process.stdin.close()
        process.kill()
        process.wait()


def _answer(process: subprocess.Popen, line: str) -> dict[str, float]:
    """Return what ``process`` answers to ``line``."""
    with contextlib.suppress(BrokenPipeError):  # it has ended; the empty answer says so
        process.stdin.write(line + "\n")
        process.stdin.flush()
    answer = process.stdout.readline()
    if not answer:
        raise BookError(
            f"a process that was to take steps ended with status {process.wait()}",
            where="what it printed above",
            expected="a step's time",
            do="with less memory, measure one shape at a time: --shape laptop",
        )
    return json.loads(answer)


def summary(
    shape: str, steps: list[list[dict]], measured: Sequence[Way], vocabulary: int, peaks: dict[str, float]
) -> list[dict[str, Any]]:
    """Return a row a way of computing.

    Each has ``tokens_per_second`` over all its steps, padding not counted; ``over_original``, the median
    over rounds of that rate over the original's in the same round, with the least and the most of the rounds;
    ``share_of_peak``, the operations a step cannot do without over what the machine's own product reaches
    in its precision; and ``memory``, the most bytes the process has held, also as a share of the original's.
    """
    rates = [[step["tokens"] / step["seconds"] for step in taken] for taken in steps]
    rows = []
    for way, taken, rate in zip(measured, steps, rates, strict=True):
        over = [ours / theirs for ours, theirs in zip(rate, rates[0], strict=True)]
        seconds, tokens = (sum(step[name] for step in taken) for name in ("seconds", "tokens"))
        operations = sum(SHAPES[shape].operations(step["tokens"], step["squares"], vocabulary) for step in taken)
        rows.append(
            {
                "shape": shape,
                "way": way.name,
                "precision": way.precision,
                "tokens_a_step": tokens / len(taken),
                "tokens_per_second": tokens / seconds,
                "over_original": {"value": median(over), "low": min(over), "high": max(over)},
                "share_of_peak": operations / seconds / peaks[way.precision],
                "memory": taken[-1]["memory"],
                "memory_over_original": taken[-1]["memory"] / steps[0][-1]["memory"],
            }
        )
    return rows


def printed(found: dict[str, Any]) -> Iterable[str]:
    """Yield the lines of a table of what :func:`bench_pretraining` found."""
    machine = found["machine"]
    yield f"{machine['processor']}, {found['threads']} threads, accelerator: {machine['accelerator']}"
    yield "matrix product: " + ", ".join(f"{name} {rate / 1e9:.0f} GFLOP/s" for name, rate in found["peaks"].items())
    yield f"{'':44}{'word pieces/s':>14}{'x original':>26}{'of peak':>9}{'memory':>10}{'':>8}"
    for row in found["rows"]:
        over = row["over_original"]
        ratio = f"{over['value']:.2f} ({over['low']:.2f} to {over['high']:.2f})"
        yield (
            f"{row['shape'] + ': ' + row['way']:44}{row['tokens_per_second']:14,.0f}{ratio:>26}{row['share_of_peak']:9.0%}"
            f"{row['memory'] / 1e9:7.2f} GB{row['memory_over_original']:7.2f}x"
        )
