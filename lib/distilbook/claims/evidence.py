"""What the records say to each kind of claim: the statistic, its interval, and what stands in the way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import median

from ..core.records import Record
from ..inference.noise import TOO_LOUD, stray_of
from ..inference.protocol import PAIRS
from .ablation import arm
from .finding import RATIO, SHARE, Finding, Missing, counted, decimals_for, figure, quantity, too_few, with_ends
from .paper import PAPER_PAIR, Claim
from .retention import gap, retention

LOUD = (
    f"the machine was too loud: the teacher seemed to differ from itself by more than {TOO_LOUD:.0%}; "
    "the times are taken again when their chapter is run again, best while nothing else runs"
)


def size(claim: Claim, records: list[Record], folder: Path | None) -> Finding | Missing:
    """Compare the newest counts of teacher and student, which are exact."""
    counts = {r.detail["role"]: r for r in records if r.chapter == claim.chapter and r.metric == "parameters"}
    if set(counts) != {"teacher", "student"}:
        return Missing("both models' parameters", claim.chapter)
    teacher, student = counts["teacher"], counts["student"]
    value = 1 - student.value / teacher.value
    places = decimals_for([value], claim.bound, SHARE)
    return Finding(
        value,
        value,
        value,
        n=1,
        seeds=0,
        in_miniature=(teacher.model, student.model) != PAPER_PAIR,
        text=f"{student.model} has {quantity(value, SHARE, places)} fewer parameters than {teacher.model}",
        basis=f"{student.value:,.0f} against {teacher.value:,.0f}, counted exactly",
        paper=figure(claim.paper_value, SHARE),
        unit=SHARE,
    )


def time(claim: Claim, records: list[Record], folder: Path | None) -> Finding | Missing:
    """Take the ratio of times at batch size 1, its interval covering every number of threads."""
    ratios = [r for r in records if r.chapter == claim.chapter and r.metric == "time_ratio" and r.task == PAIRS]
    if not ratios:
        return Missing("times at batch size 1", claim.chapter)
    value = median(r.value for r in ratios)
    low, high = min(r.detail["low"] for r in ratios), max(r.detail["high"] for r in ratios)
    starts, n = min(len(r.detail["starts"]) for r in ratios), min(r.n for r in ratios)
    noise = stray_of(ratios)
    teacher, _, student = ratios[-1].model.partition(" over ")
    return Finding(
        value,
        low,
        high,
        n,
        starts,
        in_miniature=(teacher, student) != PAPER_PAIR,
        text=f"{teacher} takes {with_ends(value, low, high, claim.bound, RATIO)} times as long as {student}",
        basis=f"95% interval over {counted(n, 'pair')}, covering {counted(starts, 'process start')}; "
        f"the teacher timed against itself strays up to {noise:.3f} from 1",
        paper=figure(claim.paper_value, RATIO),
        unit=RATIO,
        margin=claim.bound * noise,
        hurdle=f"{noise:.1%}",
        obstacle=too_few(starts, claim.seeds, "process start") or (LOUD if noise > TOO_LOUD else None),
    )


#: How each kind of claim is tried: from the claim, the records and the folder of predictions to a finding.
GATHER: dict[str, Callable[[Claim, list[Record], Path | None], Finding | Missing]] = {
    "size": size,
    "time": time,
    "arm": arm,
    "retention": retention,
    "gap": gap,
}
