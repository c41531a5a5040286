"""Recipes beside the full one under held-out masks of two kinds, and whether both kinds give the same answer."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING

from ..claims.arms import Differences
from ..claims.wording import NAT, POINTS, listed, with_ends
from .comparisons import label
from .sentences import short

if TYPE_CHECKING:
    from ..training.draws import ScoresByDraw

#: How the held-out masks were drawn.
DRAWS = {"uniform": "uniform masks", "smoothed": "masks drawn as in training"}
#: The scores: what each is called, what it is written in, and what more of it makes of the recipe that has it.
SCORES = {
    "masked_accuracy": ("masked accuracy", POINTS, "better", "worse"),
    "masked_lm_loss": ("masked-LM loss (nat)", NAT, "worse", "better"),
}


def draw_rows(draws: Sequence[ScoresByDraw]) -> list[dict]:
    """Return a row for each draw, score and recipe: the teacher's, the full recipe's, its own and what changed."""
    return [
        {
            "held-out text under": DRAWS[scores.draw],
            "measured": SCORES[metric][0],
            "teacher": short(scores.teacher[metric]),
            label("full"): short(median(_values(scores, "full", metric))),
            "recipe": label(recipe),
            "its own": short(median(_values(scores, recipe, metric))),
            "change [its ends]": _ends(change(scores, recipe, metric), metric),
            "which is": which_is(scores, recipe, metric),
        }
        for scores in draws
        for metric in SCORES
        for recipe in scores.students
        if recipe != "full"
    ]


def change(scores: ScoresByDraw, recipe: str, metric: str) -> Differences:
    """Return a score of ``recipe`` less the full recipe's, seed by seed."""
    return Differences.between(_values(scores, recipe, metric), _values(scores, "full", metric))


def which_is(scores: ScoresByDraw, recipe: str, metric: str) -> str:
    """Say whether ``recipe`` is better or worse than the full one by a score, or that this is not settled."""
    more, less = SCORES[metric][2:]
    return {"above": more, "below": less, "open": "not settled"}[change(scores, recipe, metric).side]


def draws_sentence(draws: Sequence[ScoresByDraw], recipe: str) -> str:
    """Say what becomes of ``recipe`` beside the full one by each score under each draw, and what the draw decides."""
    name = label(recipe)
    said = "; ".join(_by_score(draws, recipe, metric) for metric in SCORES)
    return f"{name[0].upper()}{name[1:]} against the full recipe: {said}. {_decided(draws, recipe)}"


def _by_score(draws: Sequence[ScoresByDraw], recipe: str, metric: str) -> str:
    sides = [f"{which_is(scores, recipe, metric)} under {DRAWS[scores.draw]}" for scores in draws]
    return f"by {_name(metric)} {listed(sides)}"


def _decided(draws: Sequence[ScoresByDraw], recipe: str) -> str:
    answers = {metric: {which_is(scores, recipe, metric) for scores in draws} for metric in SCORES}
    turned = [_name(metric) for metric, some in answers.items() if {"better", "worse"} <= some]
    once = [_name(metric) for metric, some in answers.items() if len(some) > 1 and "not settled" in some]
    said = [f"By {listed(turned)} the masks turn the answer."] if turned else []
    said += [f"By {listed(once)} only one kind of masks settles it, which is no disagreement."] if once else []
    return " ".join(said) or "Both kinds of masks say the same."


def _name(metric: str) -> str:
    return SCORES[metric][0].removesuffix(" (nat)")


def _values(scores: ScoresByDraw, recipe: str, metric: str) -> list[float]:
    return [one[metric] for one in scores.students[recipe]]


def _ends(found: Differences, metric: str) -> str:
    interval = found.interval
    return with_ends(interval.value, interval.low, interval.high, 0.0, SCORES[metric][1])
