"""Verdicts: the decision rule applied to a claim's finding, and the sentence that states the result."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ..core.quantities import counted, figure
from ..core.records import Record
from ..stats.intervals import Interval
from .evidence import GATHER
from .finding import UNITS, Finding, Missing, Obstacle
from .paper import Claim

Verdict = Literal["reproduced", "contradicted", "not settled"]


@dataclass(frozen=True)
class Judgement:
    """A judged claim.

    Attributes:
        value, low, high: the statistic and its interval, in the unit of ``claim.bound``; None without records. For
            two seeds of an ablation the ends are the smaller and the larger difference.
        n, seeds: number of examples, tokens or pairs, and of seeds (process starts for times).
        in_miniature: whether other models or tasks than the paper's were measured.
        sentence: the verdict in words.
        margin: distance from the bound that both ends must exceed: the noise of times, and of two seeds.
        shares: for retention and gap, the share of the teacher's lead over each baseline that the student keeps.
    """

    claim: Claim
    value: float | None
    low: float | None
    high: float | None
    n: int
    seeds: int
    verdict: Verdict
    in_miniature: bool
    sentence: str
    margin: float = 0.0
    shares: dict[str, Interval] = field(default_factory=dict)

    @property
    def ours(self) -> str:
        """The statistic with its interval, in the claim's unit; "" without records."""
        if self.value is None or self.low is None or self.high is None:
            return ""
        return Interval(self.value, self.low, self.high, self.n, 0.95).text(UNITS[self.claim.kind], self.claim.bound)

    @property
    def papers(self) -> str:
        """The paper's figure; of an ablation it is a change of the GLUE score."""
        if self.claim.paper_value is None:
            return ""
        return figure(self.claim.paper_value, UNITS[self.claim.kind]) + (" of GLUE" if self.claim.arm else "")


def judge(claim: Claim, records: Iterable[Record], folder: Path | None = None) -> Judgement:
    """Judge ``claim`` by the current ``records`` of one edition; ``folder`` as in :func:`.task_scores.kept_answers`.

    Raises:
        BookError: when a predictions file is not the one its record was made from, or examples differ.
    """
    return judgement_of(claim, GATHER[claim.kind](claim, list(records), folder))


def judgement_of(claim: Claim, found: Finding | Missing) -> Judgement:
    """Return the judgement on ``claim`` for what was ``found``."""
    if isinstance(found, Missing):
        sentence = f"Not settled: no records of {found.what}."
        return Judgement(claim, None, None, None, 0, 0, "not settled", False, sentence)
    verdict = decide(found, claim.bound)
    return Judgement(
        claim,
        found.interval.value,
        found.interval.low,
        found.interval.high,
        found.n,
        found.seeds,
        verdict,
        found.in_miniature,
        _sentence(claim, found, verdict),
        found.margin,
        found.shares,
    )


def decide(found: Finding, bound: float) -> Verdict:
    """Return the verdict: both ends of the interval must lie on one side of ``bound``, beyond the margin.

    A value at the bound reproduces the claim, unless the claim is strict: that one thing is better than another.
    """
    if found.obstacle:
        return "not settled"
    low, high = found.interval.low - bound, found.interval.high - bound
    if low > found.margin or (low == found.margin and not found.strict):
        return "reproduced"
    return "contradicted" if high < -found.margin else "not settled"


def _sentence(claim: Claim, found: Finding, verdict: Verdict) -> str:
    parts = [
        f"{verdict.capitalize()}{' in miniature' if found.in_miniature else ''}: {found.text} ({found.basis})",
        *([] if claim.paper_value is None else [f"the paper has {found.paper}"]),
        obstacle_of(claim, found) or _reason(claim, found, verdict),
    ]
    return "; ".join(parts) + "." + "".join(f" {remark}." for remark in found.remarks)


def obstacle_of(claim: Claim, found: Finding) -> str:
    """Return the obstacle to any verdict, in words; "" if there is none."""
    if found.obstacle is Obstacle.TOO_FEW:
        needed = counted(claim.seeds, "process start" if claim.kind == "time" else "seed")
        return f"a verdict needs {needed}, there is {found.seeds}"
    return found.obstacle.value if found.obstacle else ""


def _reason(claim: Claim, found: Finding, verdict: Verdict) -> str:
    two_seeds = claim.kind == "arm" and found.margin > 0
    what = "the value is" if claim.kind == "size" else "both differences are" if two_seeds else "the interval is"
    beyond = f" by more than the noise of {found.hurdle}" if found.hurdle else ""
    threshold = "zero" if claim.kind == "arm" else f"the threshold of {figure(claim.bound, found.unit)}"
    if verdict == "not settled":
        inside = found.interval.low < claim.bound <= found.interval.high and what == "the interval is"
        return f"{threshold} lies inside the interval" if inside else f"{what} not on one side of {threshold}{beyond}"
    above = "above" if found.interval.low > claim.bound + found.margin else "not below"
    return f"{what} {'below' if verdict == 'contradicted' else above} {threshold}{beyond}"
