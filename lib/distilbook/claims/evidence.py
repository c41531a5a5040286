"""Measurements by kind of claim: the function that turns records into a finding; size and speed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import median

from ..core.quantities import RATIO, SHARE, counted, decimals_for, figure, quantity
from ..core.records import PAIRS, Record
from ..inference.noise import TOO_LOUD, stray_of
from ..stats.intervals import Interval
from .ablation import arm
from .finding import Finding, Missing, Obstacle
from .paper import PAPER_PAIR, Claim
from .retention import gap, retention


def size(claim: Claim, records: list[Record], folder: Path | None) -> Finding | Missing:
    """Return by what share the student is smaller than the teacher, from exact counts of parameters."""
    assert claim.paper_value is not None
    counts = {r.detail["role"]: r for r in records if r.metric == "parameters"}
    if set(counts) != {"teacher", "student"}:
        return Missing("both models' parameters", claim.id)
    teacher, student = counts["teacher"], counts["student"]
    value = 1 - student.value / teacher.value
    places = decimals_for([value], claim.bound, SHARE)
    return Finding(
        Interval(value, value, value, 1, 0.95),
        n=1,
        seeds=0,
        in_miniature=(teacher.model, student.model) != PAPER_PAIR,
        text=f"{student.model} has {quantity(value, SHARE, places)} fewer parameters than {teacher.model}",
        basis=f"{student.value:,.0f} against {teacher.value:,.0f}, counted exactly",
        paper=figure(claim.paper_value, SHARE),
        unit=SHARE,
    )


def time(claim: Claim, records: list[Record], folder: Path | None) -> Finding | Missing:
    """Return the ratio of times at batch size 1, with an interval that covers every number of threads."""
    assert claim.paper_value is not None
    ratios = time_ratios(records)
    if not ratios:
        return Missing("times at batch size 1", claim.id)
    value = median(r.value for r in ratios)
    starts, n = min(len(r.detail["starts"]) for r in ratios), min(r.n for r in ratios)
    low, high = min(r.detail["low"] for r in ratios), max(r.detail["high"] for r in ratios)
    interval = Interval(value, low, high, n, 0.95)
    noise = stray_of(ratios)
    teacher, _, student = ratios[-1].model.partition(" over ")
    return Finding(
        interval,
        n,
        starts,
        in_miniature=(teacher, student) != PAPER_PAIR,
        text=f"{teacher} takes {interval.text(RATIO, claim.bound)} times as long as {student}",
        basis=f"95% interval over {counted(n, 'pair')}, covering {counted(starts, 'process start')}; "
        f"the teacher timed against itself differs from 1 by up to {noise:.3f}",
        paper=figure(claim.paper_value, RATIO),
        unit=RATIO,
        margin=claim.bound * noise,
        hurdle=f"{noise:.1%}",
        obstacle=Obstacle.TOO_FEW if starts < claim.seeds else Obstacle.NOISE if noise > TOO_LOUD else None,
    )


def time_ratios(records: list[Record]) -> list[Record]:
    """Return the ratios of the pair's times on sentence pairs at batch size 1, one for each number of threads."""
    return [r for r in records if r.metric == "time_ratio" and r.task == PAIRS]


#: The measurement of each kind of claim: claim, records and the predictions' folder to a finding.
GATHER: dict[str, Callable[[Claim, list[Record], Path | None], Finding | Missing]] = {
    "size": size,
    "time": time,
    "arm": arm,
    "retention": retention,
    "gap": gap,
}
