"""The rules at work: from a claim and the records to a verdict and the sentence that states it.

What a rule works on: a finding with its numbers and words, or the lack of one.

A verdict in words, every number of it computed: no more digits than the interval allows, no more said.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ..core.records import Record
from ..stats.intervals import Interval
from .evidence import GATHER
from .finding import UNITS, Finding, Missing, figure, opening, with_ends
from .paper import Claim

Verdict = Literal["reproduced", "contradicted", "not settled"]


@dataclass(frozen=True)
class Judgement:
    """A claim on trial.

    Attributes:
        value, low, high: ours and its interval, in the unit of ``claim.bound``; None without records.
            For two seeds of an arm the ends are the smaller and the larger difference.
        n, seeds: from how many examples, tokens or pairs, and how many seeds (process starts for times).
        in_miniature: whether this was tried on other models or tasks than the paper's, so that the
            verdict is about the claim's counterpart.
        sentence: the verdict in words.
        margin: how far from the bound both ends must lie, for the noise: of times, and of an arm's two seeds.
        shares: for retention and the gap, the share of the teacher's lead over each baseline that the student keeps.
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
        """Ours with its interval, in the claim's unit, as a table shows it; "" where there is none."""
        if self.value is None:
            return ""
        return with_ends(self.value, self.low, self.high, self.claim.bound, UNITS[self.claim.kind])

    @property
    def papers(self) -> str:
        """The paper's figure likewise; an arm's is a change of the GLUE score."""
        if self.claim.paper_value is None:
            return ""
        return figure(self.claim.paper_value, UNITS[self.claim.kind]) + (" of GLUE" if self.claim.arm else "")


def judge(claim: Claim, records: Iterable[Record], folder: Path | None = None) -> Judgement:
    """Judge ``claim`` by the current ``records`` of one edition.

    Args:
        folder: what the records' predictions files are relative to; None is their edition's folder.

    Raises:
        BookError: when a predictions file is not the one its record was made from, or two of them
            hold different examples.
    """
    found = GATHER[claim.kind](claim, list(records), folder)
    if isinstance(found, Missing):
        sentence = f"Not settled: no record of {found.what} is there; a run of {found.chapter} would give one."
        return Judgement(claim, None, None, None, 0, 0, "not settled", False, sentence)
    verdict = decide(found, claim.bound)
    return Judgement(
        claim,
        found.value,
        found.low,
        found.high,
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

    A value at the bound holds, unless the claim is that one thing is better than another: then it must
    be above.
    """
    if found.obstacle:
        return "not settled"
    low, high = found.low - bound, found.high - bound
    if low > found.margin or (low == found.margin and not found.strict):
        return "reproduced"
    return "contradicted" if high < -found.margin else "not settled"


def _sentence(claim: Claim, found: Finding, verdict: Verdict) -> str:
    parts = [
        f"{opening(verdict, found.in_miniature)}: {found.text} ({found.basis})",
        *([] if claim.paper_value is None else [f"the paper's figure is {found.paper}"]),
        found.obstacle or _reason(claim, found, verdict),
    ]
    return "; ".join(parts) + "." + "".join(f" {sentence}." for sentence in found.beside)


def _reason(claim: Claim, found: Finding, verdict: Verdict) -> str:
    bound = figure(claim.bound, found.unit)
    if claim.kind == "arm":
        by = f" by more than the noise of seeds and text, {found.hurdle}" if found.hurdle else ""
        return {
            "reproduced": f"all of that is on the full recipe's side{by}",
            "contradicted": f"all of that is on the arm's side{by}",
            "not settled": f"that is not wholly on one side{by}",
        }[verdict]
    by = f" by more than the noise of {found.hurdle}" if found.hurdle else ""
    return {
        "reproduced": f"the claim holds from {bound}, and all of that is there{by}",
        "contradicted": f"the claim holds from {bound}, and all of that is below{by}",
        "not settled": f"the claim holds from {bound}, and that is not wholly on one side of it{by}",
    }[verdict]
