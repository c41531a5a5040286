"""Requirements: the evidence that would settle an open claim, as a multiple of the present one, and its cost.

The half-width of an interval shrinks with the square root of its independent units. A value at distance *d* from the
threshold (and its margin), with a half-width *w* on that side, needs (w / d)² times the units; for a handful of seeds
Student's quantile is used. If the estimate is the truth, the interval then excludes the threshold with 50% power, with
twice the units with about 80%.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Literal

from ..core.quantities import RATIO, Unit, counted
from ..core.records import Record
from ..stats.comparison import WIDENED
from .differences import held_out
from .evidence import GATHER, time_ratios
from .finding import Finding, Missing, Obstacle
from .paper import Claim
from .retention import PAIR, pair_of
from .verdict import Judgement, decide, judgement_of, obstacle_of

#: Beyond this factor the claim is reported as undecidable at its threshold.
HOPELESS = 1_000
#: Largest reported factor by which a settled claim's interval could be wider.
AMPLE = 100

State = Literal["settled", "missing", "obstacle", "open", "undecidable"]
#: What removes an obstacle that more units of the same kind do not remove.
REMEDIES = {
    Obstacle.NO_PREDICTIONS: "another run of its chapter",
    Obstacle.UNEQUAL_TOKENS: "another run of both on equal numbers of tokens",
    Obstacle.NOISE: "less noise: a quieter machine, or more sentence pairs for the noise",
    Obstacle.NO_SCORE: "a teacher that has learnt the task",
    Obstacle.NO_LEAD: "a teacher with a significant lead: better trained, or more seeds",
}
#: The obstacles that a repetition of the present runs removes.
REPEATED = (Obstacle.NO_PREDICTIONS, Obstacle.UNEQUAL_TOKENS)


@dataclass(frozen=True)
class Need:
    """The requirement of a claim.

    Attributes:
        text: the requirement in words.
        factor: multiple of the present runs; None if no number of them helps or none can be computed.
        missing: the recipe or claim whose records are missing; "" if none are.
    """

    state: State
    text: str
    factor: float | None = None
    missing: str = ""


@dataclass(frozen=True)
class Settling:
    """A claim's verdict, its requirement, and the cost of both.

    Attributes:
        seconds: of the runs behind the verdict, each counted once; None if unknown.
    """

    judgement: Judgement
    need: Need
    seconds: float | None

    @property
    def settled(self) -> bool:
        """Whether the claim has a verdict."""
        return self.judgement.verdict != "not settled"

    @property
    def cost(self) -> float | None:
        """Seconds of the whole required evidence on the same machine; None if unknown."""
        if self.seconds is None or self.need.factor is None:
            return None
        return self.seconds * self.need.factor


def what_settles(claim: Claim, records: Iterable[Record], folder: Path | None = None) -> Settling:
    """Return the verdict on ``claim`` and what would settle it; arguments as for :func:`claims.judge`."""
    records = list(records)
    found = GATHER[claim.kind](claim, records, folder)
    judgement, behind = judgement_of(claim, found), evidence(claim, records)
    return Settling(judgement, _need(claim, found, behind), seconds_behind(behind))


def _need(claim: Claim, found: Finding | Missing, behind: list[Record]) -> Need:
    if isinstance(found, Missing):
        factor = 1.0 if claim.arm and found.of == claim.arm else None  # an ablation costs what the full recipe cost
        return Need("missing", f"records of {found.what}", factor, found.of)
    if found.obstacle:
        return _without_obstacle(claim, found)
    if decide(found, claim.bound) != "not settled":
        return _settled(claim, found)
    if claim.kind == "arm":
        return _more_seeds(claim, found)
    return _more_pairs(claim, found, behind) if claim.kind == "time" else _more_examples(claim, found)


def _settled(claim: Claim, found: Finding) -> Need:
    if claim.kind == "size":
        return Need("settled", "settled by exact counts", 1.0)
    distance, width = _reach(found, claim.bound)
    wider = f"up to {_short(distance / width)}" if width > distance / AMPLE else f"more than {AMPLE}"
    return Need("settled", f"settled; an interval {wider} times as wide would settle it, too", 1.0)


def _without_obstacle(claim: Claim, found: Finding) -> Need:
    assert found.obstacle is not None
    if found.obstacle is Obstacle.TOO_FEW:
        noun = "more process start" if claim.kind == "time" else "more seed"
        return Need("obstacle", counted(claim.seeds - found.seeds, noun), claim.seeds / found.seeds)
    remedy = f"{REMEDIES[found.obstacle]} ({obstacle_of(claim, found)})"
    return Need("obstacle", remedy, 1.0 if found.obstacle in REPEATED else None)


def units_needed(distance: float, width: float) -> float:
    """Return the factor on the independent units that shrinks a half-width to ``distance``."""
    return (width / distance) ** 2 if distance > 0 else math.inf


def seeds_needed(spread: float, distance: float, at_most: float = math.inf, power: float = 0.5) -> int | None:
    """Return the number of seeds, three or more, that detect a mean paired difference with this ``power``.

    Args:
        spread: standard deviation of the paired differences over seeds; distance: their mean's distance from zero.
        at_most: return None if it takes more seeds.
    """
    from scipy import stats

    if distance <= 0:
        return None
    normal = ((stats.norm.ppf(0.975) + stats.norm.ppf(power)) * spread / distance) ** 2
    if normal > at_most:
        return None
    seeds = max(3, math.floor(normal))
    while (stats.t.ppf(0.975, seeds - 1) + stats.t.ppf(power, seeds - 1)) * spread / math.sqrt(seeds) >= distance:
        seeds += 1
    return seeds if seeds <= at_most else None


def _more_seeds(claim: Claim, found: Finding) -> Need:
    """Return the seeds an ablation needs; they do not reduce the sampling error of the text."""
    from scipy import stats

    interval = found.interval
    distance, half = abs(interval.value - claim.bound), (interval.high - interval.low) / 2
    if found.over_text and distance <= found.over_text:
        return _more_text(found, distance)
    if found.seeds == 2:  # the ends are the two differences themselves
        spread = half * math.sqrt(2)
    else:
        quantile = stats.t.ppf(0.975, found.seeds - 1)
        spread = _without(found.over_text, half) * math.sqrt(found.seeds) / quantile
    seeds = seeds_needed(spread, _without(found.over_text, distance), HOPELESS * found.seeds)
    if seeds is None:
        return _undecidable("seeds")
    because = f"mean difference {_gap(distance, found.unit)}, standard deviation {_gap(spread, found.unit)}"
    return Need("open", f"about {counted(seeds, 'seed')}, now {found.seeds} ({because})", seeds / found.seeds)


def _without(part: float, whole: float) -> float:
    """Return the half-width that combines with ``part`` in quadrature to ``whole``."""
    return math.sqrt(max(0.0, whole**2 - part**2))


def _more_text(found: Finding, distance: float) -> Need:
    factor = units_needed(distance, found.over_text)
    if factor > HOPELESS:
        return _undecidable("masked tokens")
    because = f"mean difference {_gap(distance, found.unit)}, half-width over text {_gap(found.over_text, found.unit)}"
    tokens = f"{_rounded_up(found.n * factor):,} masked tokens of held-out text, now {found.n:,}"
    return Need("open", f"more than {tokens} ({because})")


def _more_examples(claim: Claim, found: Finding) -> Need:
    """Return the test examples and seeds that scores on tasks need: the interval resamples both."""
    distance, width = _reach(found, claim.bound)
    if not math.isfinite(width):
        return Need("open", "more clusters of test examples: the interval has no ends")
    factor = units_needed(distance, width)
    if factor > HOPELESS:
        return _undecidable("test examples and seeds")
    about = "at most" if found.seeds in WIDENED else "about"  # the widening factor falls with more seeds
    examples = f"{_rounded_up(found.n * factor):,} test examples and {counted(math.ceil(found.seeds * factor), 'seed')}"
    because = f"{_gap(distance, found.unit)} from the threshold, half-width {_gap(width, found.unit)}"
    return Need("open", f"{about} {examples}, now {found.n:,} and {found.seeds} ({because})", factor)


def _more_pairs(claim: Claim, found: Finding, behind: list[Record]) -> Need:
    """Return the sentence pairs with which every process start lies on one side of the threshold.

    Pairs narrow the interval of each start; they bring neither the starts nor the noise closer together.
    """
    sign, end = (1, "low") if found.interval.value > claim.bound else (-1, "high")
    starts = [start for record in behind for start in record.detail["starts"]]
    reaches = [(sign * (s["value"] - claim.bound) - found.margin, sign * (s["value"] - s[end])) for s in starts]
    nearest, _ = min(reaches)
    if nearest <= 0:
        because = "a process start within the noise" if nearest + found.margin > 0 else "process starts disagree"
        return Need("open", f"{REMEDIES[Obstacle.NOISE]} ({because})")
    factor = max(units_needed(*reach) for reach in reaches)
    if factor > HOPELESS:
        return _undecidable("sentence pairs")
    return Need("open", f"about {_rounded_up(found.n * factor):,} sentence pairs, now {found.n:,}", factor)


def _undecidable(units: str) -> Need:
    return Need("undecidable", f"undecidable at this threshold: more than {HOPELESS:,} times the {units}")


def _reach(found: Finding, bound: float) -> tuple[float, float]:
    """Return the value's distance from bound and margin, and the interval's half-width on that side."""
    value, low, high = found.interval.value, found.interval.low, found.interval.high
    return abs(value - bound) - found.margin, value - low if value > bound else high - value


def _gap(value: float, unit: Unit) -> str:
    """Return a difference of two values in ``unit``; of two percentages, in points."""
    return _short(value) if unit == RATIO else f"{_short(value * unit.scale)} points"


def _short(value: float) -> str:
    """Return ``value`` with two significant digits, never as a power of ten."""
    return f"{float(f'{value:.2g}'):,.12g}"


def _rounded_up(number: float) -> int:
    """Return ``number`` rounded up: to a whole, from a hundred on to two significant digits."""
    step = 10 ** max(0, math.floor(math.log10(number)) - 1) if number >= 100 else 1
    return math.ceil(number / step) * step


def evidence(claim: Claim, records: Iterable[Record]) -> list[Record]:
    """Return the records behind the verdict on ``claim``, including the pre-training of its students."""
    records = list(records)
    full = [r for r in held_out(records) if r.recipe == "full"]
    if claim.arm:
        ablation = [r for r in held_out(records) if r.recipe == claim.arm]
        seeds = {r.seed for r in full} & {r.seed for r in ablation}
        return [r for r in full + ablation if not seeds or r.seed in seeds]
    if claim.kind in ("retention", "gap"):
        pair = pair_of(claim, records, None)
        return [r for some in pair.runs.values() for m in PAIR for r in some[m].scored] + full if pair else []
    return time_ratios(records) if claim.kind == "time" else [r for r in records if r.metric == "parameters"]


def seconds_behind(records: Iterable[Record]) -> float | None:
    """Return the seconds of training and measuring behind ``records``; None if none are recorded.

    The records of one run share its seconds; a run is identified by its model and the folder of its predictions.
    """
    runs = {
        (r.chapter, r.task, r.model, r.recipe, r.seed, r.predictions and PurePath(r.predictions).parent): r.seconds
        for r in records
        if r.seconds
    }
    return sum(runs.values()) if runs else None
