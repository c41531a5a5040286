"""What a larger budget would settle: for each claim what its verdict takes, and at what cost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePath

from ..progress import duration
from ..records import Record
from .evidence import GATHER
from .finding import Missing
from .held_out_scores import held_out
from .judging import Judgement
from .needs import MORE, Need, cleared, nothing_more
from .paper import Claim
from .retention import PAIR, pair_of


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
