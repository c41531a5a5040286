"""Text of quantities: shares, losses and intervals in their units, counts, lists of names."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Unit:
    """Format of a quantity: multiplied by ``scale``, followed by ``sign``, with at most ``decimals`` decimal places."""

    scale: float
    sign: str
    decimals: int


SHARE = Unit(100, "%", 2)
POINTS = Unit(100, " points", 2)
RATIO = Unit(1, "", 3)
NAT = Unit(1, " nat", 3)


def decimals_for(values: Sequence[float], bound: float, unit: Unit) -> int:
    """Return the number of decimal places for ``values`` (estimate, low, high).

    Two significant digits of the interval's width, at least one place; up to two places more where rounding
    would otherwise move a value to the other side of ``bound``.
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
    """Return a constant, such as a threshold or the paper's value, with the digits it was typed with."""
    return f"{round(value * unit.scale, 6):g}{unit.sign}"


def with_ends(value: float, low: float, high: float, bound: float, unit: Unit) -> str:
    """Return "value [low to high]", or "value (no bounds)" for infinite ends; a NaN is "an undefined share"."""
    if not math.isfinite(value):
        return "an undefined share"
    places = decimals_for([value, low, high], bound, unit)
    if not (math.isfinite(low) and math.isfinite(high)):
        return f"{quantity(value, unit, places)} (no bounds)"
    # A percent sign follows every number, a unit that is a word only the bracket.
    plain, word = (replace(unit, sign=""), unit.sign) if unit.sign.startswith(" ") else (unit, "")
    first, left, right = (quantity(number, plain, places) for number in (value, low, high))
    return f"{first} [{left} to {right}]{word}"


def counted(number: int, noun: str) -> str:
    """Return "1 seed", "2 seeds", "1,500 examples"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listed(names: Sequence[str]) -> str:
    """Return "CoLA", "CoLA and RTE", "CoLA, QNLI and RTE"."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def short(value: float) -> str:
    """Return ``value`` with three digits; as a whole number, thousands separated, if it is one or at least 100."""
    return f"{value:,.0f}" if abs(value) >= 100 or float(value).is_integer() else f"{value:#.3g}"


def percent(value: float) -> str:
    """Return a share in percent."""
    return f"{value:.1%}"


def nat(value: float) -> str:
    """Return a loss with its unit."""
    return f"{short(value)} nat"


def quoted(names: Iterable[str]) -> str:
    """Return tokens or names in quotes, so that none is read as a part of the sentence."""
    return ", ".join(f"‘{name}’" for name in names)


def capitalised(text: str) -> str:
    """Return ``text`` with its first letter in upper case, the others as they are."""
    return text[:1].upper() + text[1:]
