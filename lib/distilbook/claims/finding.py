"""Findings: the measured statistic of a claim with its interval, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from ..core.quantities import POINTS, RATIO, SHARE, Unit
from ..stats.intervals import Interval

#: The unit of each kind of claim.
UNITS = {"size": SHARE, "retention": SHARE, "gap": POINTS, "time": RATIO, "arm": POINTS}


class Obstacle(Enum):
    """Reason why records allow no verdict, whatever the interval; the value is its text."""

    TOO_FEW = "too few seeds or process starts"
    NO_PREDICTIONS = "the predictions files needed for the interval are missing"
    UNEQUAL_TOKENS = "the runs did not see equal numbers of tokens"
    NOISE = "the machine was too noisy: the teacher timed against itself differs from 1 by more than the limit"
    NO_SCORE = "the teacher's score is not above zero"
    NO_LEAD = "the teacher is not significantly better than the majority class, so there is no lead to retain"


@dataclass(frozen=True)
class Missing:
    """Missing records.

    Attributes:
        what: the records, in words.
        of: the recipe or the claim (its id) whose records are missing.
    """

    what: str
    of: str


@dataclass(frozen=True)
class Finding:
    """A measured statistic and the parts of its verdict's sentence.

    Attributes:
        interval: the statistic with its interval, in the unit of the claim's bound.
        n, seeds: number of examples, tokens or pairs, and of seeds (process starts for times).
        in_miniature: whether other models or tasks than the paper's were measured.
        text, basis, paper: statistic, data behind it and the paper's figure, in words.
        margin: distance from the bound that both ends must exceed; ``hurdle`` is its text.
        strict: whether a value at the bound falls short of it.
        obstacle: why there can be no verdict; None when there can.
        remarks: further sentences.
        shares: retained share of the teacher's lead, by baseline.
        over_text: for ablations, the half-width of the interval over held-out text alone.
    """

    interval: Interval
    n: int
    seeds: int
    in_miniature: bool
    text: str
    basis: str
    paper: str
    unit: Unit
    margin: float = 0.0
    hurdle: str = ""
    strict: bool = False
    obstacle: Obstacle | None = None
    remarks: tuple[str, ...] = ()
    shares: dict[str, Interval] = field(default_factory=dict)
    over_text: float = 0.0
