"""Templates of displayed sentences and the notation of their quantities: counts, shares, losses, intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from string import Formatter
from typing import Any

from ..core.quantities import POINTS, Unit, counted, listed, with_ends
from ..stats.intervals import Interval


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


def with_interval(interval: Interval, unit: Unit, bound: float = 0.0) -> str:
    """Return an estimate and its interval, with enough digits to show on which side of ``bound`` each number lies."""
    return with_ends(interval.value, interval.low, interval.high, bound, unit)


def capitalised(text: str) -> str:
    """Return ``text`` with its first letter in upper case, the others as they are."""
    return text[:1].upper() + text[1:]


#: The notation of each kind of quantity.
KINDS: Mapping[str, Callable[[Any], str]] = {
    "count": "{:,}".format,
    "whole": "{:,.0f}".format,
    "percent": percent,
    "whole percent": "{:.0%}".format,
    "short": short,
    "general": "{:g}".format,
    "times": "{:.2f}".format,
    "quoted": quoted,
    "list": listed,
    "capitalised": capitalised,
    "interval in points": lambda interval: with_interval(interval, POINTS),
}


class _Notation(Formatter):
    def format_field(self, value: Any, kind: str) -> str:
        if kind.startswith("count of "):
            return counted(value, kind.removeprefix("count of "))
        return KINDS[kind](value) if kind else str(value)


class Template(str):
    """A displayed sentence whose gaps name their kind: ``{share:percent}``, ``{seeds:count of seed}``.

    A template contains no digits: every displayed number is a quantity that was measured or counted.
    """

    def filled(self, **quantities: Any) -> str:
        """Return the sentence with ``quantities`` in its gaps.

        Raises:
            KeyError: for a gap without a quantity, or a kind that :data:`KINDS` does not list.
        """
        return _Notation().vformat(self, (), quantities)
