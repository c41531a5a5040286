"""Templates of displayed sentences, whose gaps name the notation of the quantities that fill them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from string import Formatter
from typing import Any

from ..core.quantities import POINTS, capitalised, counted, listed, percent, quoted, short

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
    "interval in points": lambda interval: interval.text(POINTS),
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
