"""What a rule works on: a finding with its numbers and words, or the lack of one."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..statistics import Interval
from .wording import Unit, counted


#: Why there is no verdict where records came without the files behind them.
NO_PREDICTIONS = "the predictions that would bound it are not there"


@dataclass(frozen=True)
class Missing:
    """No record of ``what`` is there; ``chapter`` would write it."""

    what: str
    chapter: str


@dataclass(frozen=True)
class Finding:
    """What was found: numbers as in ``Judgement``, and the parts of its sentence.

    Attributes:
        text, basis, paper: what was found, on what, and the paper's figure, in words.
        margin: how far beyond the bound an end must lie; ``hurdle`` says it in words.
        strict: whether a value at the bound falls short of it.
        obstacle: why there can be no verdict, in words; None when there can.
        beside: further sentences.
        over_text: for arms, half the width of the interval over held-out text alone.
    """

    value: float
    low: float
    high: float
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
    obstacle: str | None = None
    beside: tuple[str, ...] = ()
    shares: dict[str, Interval] = field(default_factory=dict)
    over_text: float = 0.0


def too_few(there: int, needed: int, noun: str) -> str | None:
    """Return in words that fewer than ``needed`` seeds or starts are there; None where they suffice."""
    return None if there >= needed else f"a verdict takes {counted(needed, noun)}, and there is {there}"
