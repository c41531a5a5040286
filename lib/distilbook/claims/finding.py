"""finding."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ..stats.intervals import Interval

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


@dataclass(frozen=True)
class Unit:
    """How a quantity is written: times ``scale``, followed by ``sign``; at most ``decimals`` places."""

    scale: float
    sign: str
    decimals: int


SHARE = Unit(100, "%", 2)


POINTS = Unit(100, " points", 2)


RATIO = Unit(1, "", 3)


NAT = Unit(1, " nat", 3)


#: The unit of each kind of claim.
UNITS = {"size": SHARE, "retention": SHARE, "gap": POINTS, "time": RATIO, "arm": POINTS}


def decimals_for(values: Sequence[float], bound: float, unit: Unit) -> int:
    """Return how many places ``values`` (estimate, low, high) deserve.

    Two digits of the interval's width, at least one place; and up to two places more where it takes
    them to round no value to the other side of ``bound``.
    """
    finite = [value * unit.scale for value in values if math.isfinite(value)]
    width = max(finite) - min(finite)
    places = 1 if width == 0 else min(max(1, 1 - math.floor(math.log10(width))), unit.decimals)
    limit = bound * unit.scale
    for more in range(places, places + 3):
        if all((round(value, more) >= limit) == (value >= limit) for value in finite):
            return more
    return places


def quantity(value: float, unit: Unit, places: int) -> str:
    """Return ``value`` as text in ``unit``."""
    return f"{value * unit.scale:.{places}f}{unit.sign}"


def figure(value: float, unit: Unit) -> str:
    """Return a typed figure, such as a bound or the paper's value, with the digits it was typed with."""
    return f"{round(value * unit.scale, 6):g}{unit.sign}"


def with_ends(value: float, low: float, high: float, bound: float, unit: Unit) -> str:
    """Return "value [low to high]", or "value (no bounds)" where nothing bounds it; a NaN is undefined."""
    if not math.isfinite(value):
        return "an undefined share"
    places = decimals_for([value, low, high], bound, unit)
    if not (math.isfinite(low) and math.isfinite(high)):
        return f"{quantity(value, unit, places)} (no bounds)"
    # A percent sign stands at every number; a word is said once, after the bracket.
    plain, word = (replace(unit, sign=""), unit.sign) if unit.sign.startswith(" ") else (unit, "")
    first, left, right = (quantity(number, plain, places) for number in (value, low, high))
    return f"{first} [{left} to {right}]{word}"


def counted(number: int, noun: str) -> str:
    """Return "1 seed", "2 seeds", "1,500 examples"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listed(names: Sequence[str]) -> str:
    """Return "CoLA", "CoLA and RTE", "CoLA, QNLI and RTE"."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def opening(verdict: str, in_miniature: bool) -> str:
    """Return how a verdict's sentence begins."""
    return verdict.capitalize() + (" in miniature" if in_miniature else "")
