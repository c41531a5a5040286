"""Noise of recorded times, and the limit above which they allow no verdict; imports no model code."""

from collections.abc import Iterable

from ..core.records import Record

#: Largest deviation from 1 of the teacher timed against itself with which times allow a verdict.
TOO_LOUD = 0.10


def stray_of(ratios: Iterable[Record]) -> float:
    """Return the largest deviation from 1 of a model timed against itself, as recorded with the ``ratios``."""
    return max(abs(ratio.detail["noise"][end] - 1) for ratio in ratios for end in ("low", "high"))
