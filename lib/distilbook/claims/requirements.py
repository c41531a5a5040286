"""What stands in the way of a verdict and what would clear it: how many times the present evidence that takes.

An interval's half-width shrinks with the root of the number of independent units it rests on. A value at
distance *d* from where a verdict begins, with a half-width *w* on that side, therefore takes (w / d)² times as
many units. Student's quantile is used where the units are a handful of seeds. With so many units, an interval
excludes the bound about every second time if what was found is the truth; with twice as many, about four
times out of five.

What a larger budget would settle: for each claim what its verdict takes, and at what cost.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePath

from ..core.progress import duration
from ..core.records import Record
from ..stats.comparison import WIDENED
from .ablation import UNEQUAL, held_out
from .evidence import GATHER, LOUD
from .finding import RATIO, Finding, Missing, Unit, counted, too_few
from .paper import Claim
from .retention import NO_LEAD, NO_SCORE, PAIR, pair_of
from .verdict import Judgement

#: From so many times the present units on, no budget of this kind is said to settle a claim.
HOPELESS = 1_000
#: An interval that could have been so many times as wide is not said to be any closer to its bound.
AMPLE = 100
CONFIDENCE = 0.95
QUIETER = "less noise, not more sentence pairs: a quieter machine, or more pairs on which its noise is measured"


@dataclass(frozen=True)
class Need:
    """What stands in the way of a verdict, and what would clear it.

    Attributes:
        in_the_way, takes: both in words, short enough for a table.
        factor: how many times the present units, 1 where there are enough; None where no number of them
            helps, or none can be computed.
        because: the numbers behind it, in words; "" where there are none.
        chapter: the chapter that would write what is missing; "" where nothing is.
    """

    in_the_way: str
    takes: str
    factor: float | None = None
    because: str = ""
    chapter: str = ""


def seeds_needed(spread: float, distance: float, at_most: float = math.inf) -> int | None:
    """Return how many seeds make Student's interval of a mean narrower than its ``distance`` to the bound.

    Args:
        spread: the standard deviation over seeds.
        at_most: return None where it takes more than that.
    """
    from scipy import stats

    level = (1 + CONFIDENCE) / 2
    if distance <= 0 or (stats.norm.ppf(level) * spread / distance) ** 2 > at_most:
        return None
    seeds = max(3, math.floor((stats.norm.ppf(level) * spread / distance) ** 2))
    while stats.t.ppf(level, seeds - 1) * spread / math.sqrt(seeds) >= distance:
        seeds += 1
    return seeds if seeds <= at_most else None


def seeds_for_power(spread: float, distance: float, at_most: int) -> int | None:
    """Return how many seeds, three or more, find a mean paired difference four times out of five.

    Args:
        spread: the standard deviation over seeds of the paired differences; distance: their mean from zero.
        at_most: return None where it takes more than that.
    """
    from scipy import stats

    if distance <= 0:
        return None
    normal = ((stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) * spread / distance) ** 2
    seeds = max(3, math.floor(min(normal, at_most + 1)))
    while seeds <= at_most:
        quantiles = stats.t.ppf(0.975, seeds - 1) + stats.t.ppf(0.8, seeds - 1)
        if quantiles * spread / math.sqrt(seeds) <= distance:
            return seeds
        seeds += 1
    return None


def nothing_more(found: Finding, claim: Claim) -> Need:
    """Return that nothing more is needed, and how far the verdict is from tipping."""
    if claim.kind == "size":
        return Need("nothing", "parameters are counted, not estimated", 1.0)
    distance, width = _reach(found, claim.bound)
    wider = f"up to {_short(distance / width)}" if width > distance / AMPLE else f"more than {AMPLE}"
    return Need("nothing", f"an interval {wider} times as wide would have done", 1.0)


def cleared(found: Finding, claim: Claim) -> Need:
    """Return what would clear an obstacle to any verdict."""
    noun = "process start" if claim.kind == "time" else "seed"
    if found.obstacle == too_few(found.seeds, claim.seeds, noun):
        factor = claim.seeds / found.seeds
        return Need(
            found.obstacle, f"{counted(claim.seeds - found.seeds, f'more {noun}')} for a verdict of any kind", factor
        )
    if found.obstacle == UNEQUAL:
        return Need(found.obstacle, "both trained again on equal numbers of tokens", 1.0)
    if found.obstacle == LOUD:
        return Need(found.obstacle, QUIETER)
    if found.obstacle == NO_SCORE:
        return Need(found.obstacle, "a teacher that has learnt the task; more seeds of this one do not help")
    if found.obstacle == NO_LEAD:
        return Need(found.obstacle, "a teacher whose lead is certain: one that has learnt it better, or more seeds")
    return Need(found.obstacle, f"a run of chapter {claim.chapter}", 1.0, chapter=claim.chapter)


def _more_seeds(found: Finding, claim: Claim, records: list[Record]) -> Need:
    """Return how many seeds an arm takes; from three on the rule is an interval over seeds and text, without a margin.

    What other text would change no seed makes smaller.
    """
    from scipy import stats

    distance, half = abs(found.value - claim.bound), (found.high - found.low) / 2
    if found.over_text and distance <= found.over_text:
        return _more_text(found, claim)
    if found.seeds == 2:  # the ends are the two differences themselves
        spread, rough = half * math.sqrt(2), ", as far as two of them show"
        way = "the smaller of two differences does not exceed the noise of seeds and text"
    else:
        quantile = stats.t.ppf((1 + CONFIDENCE) / 2, found.seeds - 1)
        spread, rough = _without(found.over_text, half) * math.sqrt(found.seeds) / quantile, ""
        way = "the interval reaches across zero"
    seeds = seeds_needed(spread, _without(found.over_text, distance), HOPELESS * found.seeds)
    if seeds is None:
        return _at_the_bound(found, claim, "seeds")
    mean, apart = _gap(distance, found.unit), _gap(spread, found.unit)
    because = f"the mean difference is {mean}, and single ones have a standard deviation of {apart}{rough}"
    return Need(way, f"about {counted(seeds, 'seed')}, where there are {found.seeds}", seeds / found.seeds, because)


def _without(part: float, whole: float) -> float:
    """Return what is left of a half-width when one of the two is taken out that it was put together from."""
    return math.sqrt(max(0.0, whole**2 - part**2))


def _more_text(found: Finding, claim: Claim) -> Need:
    """Return how much held-out text an arm takes whose difference other text might turn."""
    distance = abs(found.value - claim.bound)
    factor = (found.over_text / distance) ** 2 if distance > 0 else math.inf
    if factor > HOPELESS:
        return _at_the_bound(found, claim, "masked tokens")
    tokens = f"more than {_short(factor)} times as much held-out text: {_rounded_up(found.n * factor):,} masked tokens"
    mean, reach = _gap(distance, found.unit), _gap(found.over_text, found.unit)
    because = f"the mean difference is {mean}, and the interval over text alone reaches {reach} to either side"
    return Need("other text might turn it", f"{tokens}, where there are {found.n:,}", because=because)


def _more_examples(found: Finding, claim: Claim, records: list[Record]) -> Need:
    """Return how many times the examples and the seeds scores on tasks take: their interval resamples both."""
    distance, width = _reach(found, claim.bound)
    if not math.isfinite(width):
        return Need("the interval has no ends", "more groups of test examples, before anything can be computed")
    factor = (width / distance) ** 2 if distance > 0 else math.inf
    if factor > HOPELESS:
        return _at_the_bound(found, claim, "test examples and seeds")
    at_most = "at most " if found.seeds in WIDENED else ""  # more seeds are not widened, or not as much
    takes = (
        f"{at_most}{_short(factor)} times as many test examples and seeds: about {_rounded_up(found.n * factor):,} and "
        f"{math.ceil(found.seeds * factor)}, where there are {found.n:,} and {found.seeds}"
    )
    return Need("the interval reaches across the bound", takes, factor, _distances(distance, width, found.unit))


def _more_pairs(found: Finding, claim: Claim, records: list[Record]) -> Need:
    """Return how many times the sentence pairs a ratio of times takes, with every process start on one side.

    Pairs narrow the interval of each start; they bring neither the starts nor the noise closer together.
    """
    sign, end = (1, "low") if found.value > claim.bound else (-1, "high")
    starts = [start for record in records for start in record.detail["starts"]]
    reaches = [(sign * (s["value"] - claim.bound) - found.margin, sign * (s["value"] - s[end])) for s in starts]
    distance, width = min(reaches)
    if distance <= 0:
        beyond = distance + found.margin
        near, apart = "a process start is no further from the bound than the noise", "process starts disagree"
        side = "beyond the bound" if beyond > 0 else "on its other side"
        gap, noise = _gap(abs(beyond), found.unit), _gap(found.margin, found.unit)
        because = f"the nearest start is {gap} {side}, the noise is {noise}"
        return Need(near if beyond > 0 else apart, QUIETER, because=because)
    distance, width = max(reaches, key=lambda reach: reach[1] / reach[0])
    factor = (width / distance) ** 2
    if factor > HOPELESS:
        return _at_the_bound(found, claim, "sentence pairs")
    pairs = _rounded_up(found.n * factor)
    takes = f"{_short(factor)} times as many sentence pairs: about {pairs:,}, where there are {found.n:,}"
    return Need("the interval reaches across the bound", takes, factor, _distances(distance, width, found.unit))


#: How many more units a claim of each kind takes; sizes are counted and never in want of any.
MORE = {"arm": _more_seeds, "retention": _more_examples, "gap": _more_examples, "time": _more_pairs}


def _reach(found: Finding, bound: float) -> tuple[float, float]:
    """Return how far the value is from where a verdict begins, and how far its interval reaches to that side."""
    above = found.value > bound
    return abs(found.value - bound) - found.margin, found.value - found.low if above else found.high - found.value


def _at_the_bound(found: Finding, claim: Claim, units: str) -> Need:
    distance = abs(found.value - claim.bound)
    because = f"{_gap(distance, found.unit)} from it, too little for its interval" if distance else "exactly"
    takes = f"no budget of this kind settles it: more than {HOPELESS:,} times as many {units} would not do"
    return Need("what was found lies at the bound", takes, because=because)


def _distances(distance: float, width: float, unit: Unit) -> str:
    far, reach = _gap(distance, unit), _gap(width, unit)
    return f"the value is {far} from a verdict, and its interval reaches {reach} to that side"


def _gap(value: float, unit: Unit) -> str:
    """Return a difference of two values in ``unit``; of two percentages, in points."""
    return _short(value) if unit == RATIO else f"{_short(value * unit.scale)} points"


def _short(value: float) -> str:
    """Return ``value`` with two digits, never as a power of ten where it is large."""
    return f"{float(f'{value:.2g}'):,.12g}"


def _rounded_up(number: float) -> int:
    """Return ``number`` rounded up: to a whole, from a hundred on to two digits."""
    step = 10 ** max(0, math.floor(math.log10(number)) - 1) if number >= 100 else 1
    return math.ceil(number / step) * step


@dataclass(frozen=True)
class Settling:
    """What would settle a claim.

    Attributes:
        seconds: what the evidence took so far, every run counted once; None where nothing is known of it.
    """

    judgement: Judgement
    need: Need
    seconds: float | None

    @property
    def settled(self) -> bool:
        """Whether the claim has its verdict."""
        return self.judgement.verdict != "not settled"

    @property
    def cost(self) -> float | None:
        """Seconds that the whole evidence would take on the machine that took the present; None if not known."""
        known = self.seconds is not None and self.need.factor is not None
        return self.seconds * self.need.factor if known else None

    @property
    def sentence(self) -> str:
        """All of it in words."""
        if self.settled:
            return f"Settled: {self.need.takes}." + (
                f" Its evidence took {duration(self.seconds)}." if self.seconds else ""
            )
        because = f" ({self.need.because})" if self.need.because else ""
        return f"In the way: {self.need.in_the_way}{because}. What it takes: {self.need.takes}.{self._price()}"

    def _price(self) -> str:
        if not self.cost:
            return ""
        if not self.judgement.seeds:  # an arm without records, priced by what it is compared with
            return f" That would take about {duration(self.cost)} here, as the full recipe's runs did."
        return f" Such evidence would take {duration(self.cost)} here; what there is took {duration(self.seconds)}."


def what_settles(judgement: Judgement, records: Iterable[Record], folder: Path | None = None) -> Settling:
    """Return what stands between a claim and its verdict, and what it would cost to clear it.

    Args:
        judgement: of ``judge``, from the same ``records`` and ``folder``.
    """
    records, claim = list(records), judgement.claim
    found = GATHER[claim.kind](claim, records, folder)
    seconds = seconds_behind(evidence(claim, records))
    if isinstance(found, Missing):
        factor = 1.0 if claim.arm and found.chapter == claim.chapter else None  # it takes what the full recipe took
        because, takes = f"there is none of {found.what}", f"a run of chapter {found.chapter}"
        return Settling(judgement, Need("a record is missing", takes, factor, because, found.chapter), seconds)
    if judgement.verdict != "not settled":
        return Settling(judgement, nothing_more(found, claim), seconds)
    need = cleared(found, claim) if found.obstacle else MORE[claim.kind](found, claim, evidence(claim, records))
    return Settling(judgement, need, seconds)


def in_miniature(settlings: Iterable[Settling]) -> str:
    """Say what no number of seeds can change about the verdicts in miniature; "" where there are none."""
    found = [one.judgement.claim.title for one in settlings if one.judgement.in_miniature]
    if not found:
        return ""
    which = "This verdict is" if len(found) == 1 else f"These {len(found)} verdicts are"
    turns = (
        "it into one on the paper's own claim" if len(found) == 1 else "them into verdicts on the paper's own claims"
    )
    return (
        f"{which} in miniature: {'; '.join(found)}. No number of seeds turns {turns}: that takes the paper's models "
        "and tasks, in the edition “paper”."
    )


def evidence(claim: Claim, records: Iterable[Record]) -> list[Record]:
    """Return the records that a verdict on ``claim`` rests on, the pre-training behind a student among them."""
    full = [r for r in held_out(records) if r.recipe == "full"]
    if claim.arm:
        arm = [r for r in held_out(records) if r.chapter == claim.chapter and r.recipe == claim.arm]
        seeds = {r.seed for r in full} & {r.seed for r in arm}
        return [r for r in full + arm if not seeds or r.seed in seeds]
    own = [r for r in records if r.chapter == claim.chapter]
    if claim.kind in ("retention", "gap"):
        pair = pair_of(claim, records, None)
        return [r for some in pair.runs.values() for m in PAIR for r in some[m].scored] + full if pair else []
    metric = {"time": "time_ratio", "size": "parameters"}[claim.kind]
    return [r for r in own if r.metric == metric and (claim.kind == "size" or r.task.endswith("at batch 1"))]


def seconds_behind(records: Iterable[Record]) -> float | None:
    """Return the seconds of training and measuring behind ``records``; None where none of them has any.

    A run leaves several records with the same seconds; it is known by whose it is and the folder of its predictions.
    """
    runs = {
        (r.chapter, r.task, r.model, r.recipe, r.seed, r.predictions and PurePath(r.predictions).parent): r.seconds
        for r in records
        if r.seconds
    }
    return sum(runs.values()) if runs else None
