"""Numbers in words: no more digits than the interval allows, none on the wrong side of a bound."""

from __future__ import annotations

import math

import pytest
from distilbook.core.quantities import POINTS, RATIO, SHARE, counted, figure, listed, with_ends


@pytest.mark.parametrize(
    ("values", "bound", "unit", "text"),
    [
        ((0.9412, 0.9101, 0.9733), 0.965, SHARE, "94.1% [91.0% to 97.3%]"),
        ((0.94123, 0.94101, 0.94153), 0.965, SHARE, "94.12% [94.10% to 94.15%]"),
        ((1.996, 1.994, 1.997), 1.55, RATIO, "1.996 [1.994 to 1.997]"),
        ((1.996, 1.8, 2.2), 1.55, RATIO, "2.00 [1.80 to 2.20]"),
        ((0.05, 0.03, 0.08), 0.0, POINTS, "5.0 [3.0 to 8.0] points"),
        ((-0.012, -0.03, 0.002), -0.0065, POINTS, "-1.2 [-3.0 to 0.2] points"),
    ],
)
def test_the_width_of_the_interval_decides_the_digits(values, bound, unit, text):
    assert with_ends(*values, bound, unit) == text


def test_an_end_just_short_of_the_bound_is_not_rounded_onto_it():
    assert with_ends(0.98, 0.9648, 0.99, 0.965, SHARE) == "98.00% [96.48% to 99.00%]"


def test_what_has_no_bounds_or_no_value_is_called_so():
    assert with_ends(0.9, -math.inf, math.inf, 0.965, SHARE) == "90.0% (no bounds)"
    assert with_ends(math.nan, math.nan, math.nan, 0.965, SHARE) == "an undefined share"


def test_one_is_singular():
    assert (counted(1, "seed"), counted(2, "seed"), counted(1500, "example")) == ("1 seed", "2 seeds", "1,500 examples")


def test_names_are_listed_as_in_a_sentence():
    assert [listed(list(names)) for names in ("A", "AB", "ABC")] == ["A", "A and B", "A, B and C"]


def test_a_typed_figure_keeps_its_digits():
    assert (figure(0.965, SHARE), figure(1.55, RATIO), figure(0.0369, POINTS)) == ("96.5%", "1.55", "3.69 points")
