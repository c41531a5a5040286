"""What the records say to each kind of claim: the statistic, its interval, and what stands in the way."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from statistics import median

from ..recipe import ARM_LABELS
from ..records import Record
from ..statistics import Interval, seed_difference_interval
from .finding import Finding, Missing, too_few
from .paper import PAPER_MODELS, PAPER_TASKS, Claim
from .retention import retention
from .wording import POINTS, RATIO, SHARE, counted, decimals_for, figure, quantity, with_ends

#: Two runs had equal tokens when their numbers differ by no more than this share.
EQUAL_TOKENS = 0.01


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
        in_miniature=not {teacher.model, student.model} <= PAPER_MODELS,
        text=f"{student.model} has {quantity(value, SHARE, places)} fewer parameters than {teacher.model}",
        basis=f"{student.value:,.0f} against {teacher.value:,.0f}, counted exactly",
        paper=figure(claim.paper_value, SHARE),
        unit=SHARE,
    )


def time(claim: Claim, records: list[Record], folder: Path | None) -> Finding | Missing:
    """Take the ratio of times at batch size 1, its interval covering every number of threads."""
    ratios = [
        r
        for r in records
        if r.chapter == claim.chapter and r.metric == "time_ratio" and r.task == "sentence pairs at batch 1"
    ]
    if not ratios:
        return Missing("times at batch size 1", claim.chapter)
    value = median(r.value for r in ratios)
    low, high = min(r.detail["low"] for r in ratios), max(r.detail["high"] for r in ratios)
    starts, n = min(len(r.detail["starts"]) for r in ratios), min(r.n for r in ratios)
    noise = max(abs(r.detail["noise"][end] - 1) for r in ratios for end in ("low", "high"))
    teacher, student = ratios[-1].model.split(" over ")
    return Finding(
        value,
        low,
        high,
        n,
        starts,
        in_miniature=not {teacher, student} <= PAPER_MODELS,
        text=f"{teacher} takes {with_ends(value, low, high, claim.bound, RATIO)} times as long as {student}",
        basis=f"95% interval over {counted(n, 'pair')}, covering {counted(starts, 'process start')}; "
        f"the teacher timed against itself strays up to {noise:.3f} from 1",
        paper=figure(claim.paper_value, RATIO),
        unit=RATIO,
        margin=claim.bound * noise,
        hurdle=f"{noise:.1%}",
        obstacle=too_few(starts, claim.seeds, "process start"),
    )


def arm(claim: Claim, records: list[Record], folder: Path | None) -> Finding | Missing:
    """Compare the full recipe with an arm by their masked accuracy, seed by seed."""
    full, other = _by_seed(records, "full", "06_pretraining"), _by_seed(records, claim.arm, claim.chapter)
    seeds = sorted(full.keys() & other.keys())
    if not seeds:
        return Missing(
            f"the same seed of both the full recipe and the arm '{ARM_LABELS[claim.arm]}'",
            claim.chapter if full or not other else "06_pretraining",
        )
    ours, theirs = [full[s].value for s in seeds], [other[s].value for s in seeds]
    interval, spread = _differences(ours, theirs)
    used = [arm[s] for arm in (full, other) for s in seeds]
    n = min(r.n for r in used)
    unequal = [s for s in seeds if not _equal_tokens(full[s], other[s])]
    covered = "95% interval" if len(seeds) > 2 else "smallest to largest difference"
    return Finding(
        interval.value,
        interval.low,
        interval.high,
        n,
        len(seeds),
        in_miniature=not {r.task for r in used} <= PAPER_TASKS,
        text=f"the full recipe's masked accuracy less that of the arm '{ARM_LABELS[claim.arm]}' is "
        f"{with_ends(interval.value, interval.low, interval.high, claim.bound, POINTS)}",
        basis=f"{covered}, {counted(len(seeds), 'seed')}, {counted(n, 'masked token')} of held-out text",
        paper=f"{figure(claim.paper_value, POINTS)} of GLUE score" if claim.paper_value is not None else "",
        unit=POINTS,
        margin=spread,
        hurdle=f"{spread * 100:.2f} points" if spread else "",
        strict=True,
        obstacle="the runs did not see equal numbers of tokens"
        if unequal
        else too_few(len(seeds), claim.seeds, "seed"),
    )


def _differences(ours: list[float], theirs: list[float]) -> tuple[Interval, float]:
    """Return the paired differences' interval, and the spread it has to exceed where two seeds give none."""
    if len(ours) > 2:
        return seed_difference_interval(ours, theirs), 0.0
    differences = [a - b for a, b in zip(ours, theirs, strict=True)]
    if len(ours) == 1:
        return Interval(differences[0], -math.inf, math.inf, 1, 0.95), 0.0
    spread = max(max(values) - min(values) for values in (ours, theirs))
    return Interval(sum(differences) / 2, min(differences), max(differences), 2, 0.95), spread


def _by_seed(records: list[Record], recipe: str, chapter: str) -> dict[int | None, Record]:
    """Return the last step's masked accuracy of the students of ``recipe``, by seed."""
    wanted = [
        r
        for r in records
        if r.chapter == chapter
        and r.model == "student"
        and r.recipe == recipe
        and r.task == "held-out text"
        and r.metric == "masked_accuracy"
    ]
    return {r.seed: r for r in sorted(wanted, key=lambda r: r.step or 0)}


def _equal_tokens(first: Record, second: Record) -> bool:
    a, b = first.detail.get("tokens"), second.detail.get("tokens")
    return bool(a and b) and abs(a - b) <= EQUAL_TOKENS * max(a, b)


#: How each kind of claim is tried: from the claim, the records and the folder of predictions to a finding.
GATHER: dict[str, Callable[[Claim, list[Record], Path | None], Finding | Missing]] = {
    "size": size,
    "time": time,
    "arm": arm,
    "retention": retention,
}
