"""Rows and sentences about recipes compared with the full one, from records: changes, factors of the 2 x 2, power."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from ..claims.ablation import Comparison, Differences, TwoByTwo, median_cost
from ..claims.finding import Obstacle
from ..claims.paper import TABLE_4
from ..claims.requirements import HOPELESS, seeds_needed
from ..core.progress import duration
from ..core.quantities import POINTS, capitalised, percent, quantity
from ..stats.intervals import POWER_FACTOR, detectable_difference, pooled_spread
from .ablations import LOSSES, STARTS
from .style import label
from .templates import Template

#: The answer by the side of zero on which a change lies.
ANSWERS = {"above": "better", "below": "worse", "open": "not settled"}
CHANGE = Template("{recipe:capitalised}: {changed}")
CHANGED = Template(
    "the masked accuracy changes by {change:interval in points} ({basis}, {tokens:count of masked token}). {answer}"
)
BETTER_OR_WORSE = (
    "It is better than the full recipe.",
    "It is worse than the full recipe.",
    "Whether it is better or worse",
)
NOT_SETTLED = Template("{question} is not settled: {reason}.")
BELOW_NOISE = Template("the interval excludes zero, but by less than the noise of seeds and text, {margin}")
BUDGET = Template("{recipe:capitalised}: {tokens:times} times the full recipe's tokens{cost}.")
COST = Template(", for {ratio:times} times its {unit}{caveat}")
OTHER_MACHINES = " (on different machines, whose seconds do not compare)"
FOUND = Template("{answer} ({number} of {all}): {recipes}.")
FOUND_ANSWERS = {"below": "Worse than the full recipe", "above": "Better than the full recipe", "open": "Not settled"}
BY_CHANCE = Template(
    "If no ingredient had an effect, chance alone would still call one or more of these {number} better or worse in "
    "up to {share:whole percent} of repetitions."
)
TEACHER_ADDS = Template(
    "At equal {budget} the teacher's outputs add {change:interval in points} to {start} ({basis}). {answer}"
)
COPYING_ADDS = Template(
    "At equal {budget} copying the layers adds {change:interval in points} to training with {loss} ({basis}). {answer}"
)
INTERACTION = Template(
    "At equal {budget} the teacher's outputs add {change:interval in points} more to copied layers than to random "
    "weights ({basis}). {answer}"
)
BASIS = Template("{covered}, {seeds:count of seed}")
DETECTABLE = Template(
    "Over seeds a recipe's masked accuracy has a standard deviation of {spread}. With {seeds:count of seed} of each, "
    "the smallest difference detected in four of five repetitions is {here}; {others}."
)
DETECTABLE_WITH = Template("with {seeds} it is {difference}")
NO_SPREAD = Template("{why}, so the smallest detectable difference is unknown.")
TEACHER_COLUMN = "the teacher adds [95% interval] (points)"


def _in_points(found: Differences) -> str:
    """Return a difference with its interval, for a column whose heading names the unit."""
    return found.interval.text(POINTS).replace(POINTS.sign, "")


def change_rows(comparisons: Sequence[Comparison], with_paper: bool = True) -> list[dict]:
    """Return a row per recipe: its change of the full recipe's masked accuracy, and its cost.

    Args:
        with_paper: whether to show the change of the GLUE score in the paper's Table 4.
    """
    papers = {recipe: f"{change:.2f}" for recipe, change in TABLE_4.items()}
    return [
        {
            "recipe": label(one.recipe),
            "masked accuracy": percent(median(one.accuracies)),
            "change [95% interval] (points)": _in_points(one.change),
            "verdict": ANSWERS[one.change.side],
            "seeds": len(one.other),
            "smallest detectable (points)": f"{100 * one.detectable:.2f}"
            if math.isfinite(one.detectable)
            else "unknown",
            **({"Table 4 (points)": papers.get(one.recipe)} if with_paper else {}),
            "tokens": round(median(r.detail["tokens"] for r in one.other)),
            unit_of_cost(one): _rounded(median_cost(one.other)),
        }
        for one in comparisons
    ]


def unit_of_cost(one: Comparison) -> str:
    """Return the unit of a run's cost: seconds on an accelerator, else seconds times cores."""
    return "seconds" if one.full[0].hardware.get("accelerator", "none") != "none" else "seconds times cores"


def _rounded(seconds: float | None) -> int | float | None:
    return None if seconds is None else round(seconds) if seconds >= 10 else float(f"{seconds:.2g}")


def change_sentence(one: Comparison) -> str:
    """Return the change of the full recipe's masked accuracy, and whether it is settled."""
    return CHANGE.filled(recipe=label(one.recipe), changed=_changed(one))


def longer_sentence(one: Comparison) -> str:
    """Return the same for an ablation at equal seconds, after its tokens and cost."""
    return f"{budget_sentence(one)} {capitalised(_changed(one))}"


def _changed(one: Comparison) -> str:
    return CHANGED.filled(
        change=one.change.interval,
        basis=BASIS.filled(covered=one.change.covered, seeds=len(one.other)),
        tokens=min(r.n for r in (*one.full, *one.other)),
        answer=_settled(one.change, *BETTER_OR_WORSE),
    )


def _settled(found: Differences, above: str, below: str, question: str) -> str:
    """Return the answer that a difference settles by the rule of the claims, or why it is open."""
    if found.side == "open":
        return NOT_SETTLED.filled(question=question, reason=reason(found))
    return above if found.side == "above" else below


def reason(found: Differences) -> str:
    """Return why a difference settles nothing."""
    if len(found.values) == 1:
        return "a single seed shows no spread"
    if math.isinf(found.text):
        return Obstacle.NO_PREDICTIONS.value
    if found.interval.low <= 0 <= found.interval.high:
        return "zero lies inside the interval"
    return BELOW_NOISE.filled(margin=quantity(found.margin, POINTS, 2))


def budget_sentence(one: Comparison) -> str:
    """Return a recipe's tokens and cost as multiples of the full recipe's."""
    tokens = median(r.detail["tokens"] for r in one.other) / median(r.detail["tokens"] for r in one.full)
    ours, theirs = median_cost(one.other), median_cost(one.full)
    machines = {(r.hardware.get("processor"), r.hardware.get("accelerator")) for r in (*one.full, *one.other)}
    cost = ""
    if ours and theirs:
        caveat = OTHER_MACHINES if len(machines) > 1 else ""
        cost = COST.filled(ratio=ours / theirs, unit=unit_of_cost(one), caveat=caveat)
    return BUDGET.filled(recipe=label(one.recipe), tokens=tokens, cost=cost)


def found_sentence(comparisons: Sequence[Comparison]) -> str:
    """Return the recipes that are worse, better and not settled, and the false positive rate of such a list."""
    parts = []
    for side, answer in FOUND_ANSWERS.items():
        names = [label(one.recipe) for one in comparisons if one.change.side == side]
        if names:
            parts.append(FOUND.filled(answer=answer, number=len(names), all=len(comparisons), recipes="; ".join(names)))
    # Two seeds give no interval, and one no spread.
    missed = sum(1 - one.change.interval.level for one in comparisons if len(one.other) > 2)
    if missed:
        parts.append(BY_CHANCE.filled(number=len(comparisons), share=min(missed, 1)))
    return " ".join(parts)


def cell_rows(two: TwoByTwo) -> list[dict]:
    """Return the 2 x 2 of start and loss, with the effects of its rows and columns."""
    losses = {loss: LOSSES[loss] for loss in reversed(LOSSES)}
    rows = [
        {"start": name}
        | {loss_name: percent(median(two.cells[start, loss].values)) for loss, loss_name in losses.items()}
        | {TEACHER_COLUMN: _in_points(two.teacher(start))}
        for start, name in STARTS.items()
    ]
    added = {loss_name: _in_points(two.copying(loss)) for loss, loss_name in losses.items()}
    return [*rows, {"start": "copying adds [95% interval] (points)", **added, TEACHER_COLUMN: None}]


def factor_sentences(two: TwoByTwo) -> list[str]:
    """Return the effect of the teacher by start, that of copying by loss, and their interaction."""
    basis = BASIS.filled(covered=two.interaction.covered, seeds=len(two.interaction.values))
    outputs = [
        TEACHER_ADDS.filled(
            budget=two.budget,
            change=(found := two.teacher(start)).interval,
            start=name,
            basis=basis,
            answer=_settled(found, "They help.", "They harm.", "Whether they help"),
        )
        for start, name in STARTS.items()
    ]
    copied = [
        COPYING_ADDS.filled(
            budget=two.budget,
            change=(found := two.copying(loss)).interval,
            loss=name,
            basis=basis,
            answer=_settled(found, "It helps.", "It harms.", "Whether it helps"),
        )
        for loss, name in (("triple", "the triple loss"), ("mlm", "masked language modelling alone"))
    ]
    gain = ("Copied layers gain more.", "Random weights gain more.", "Which of the two gain more")
    answer = _settled(two.interaction, *gain)
    change = two.interaction.interval
    return [*outputs, *copied, INTERACTION.filled(budget=two.budget, change=change, basis=basis, answer=answer)]


def seed_rows(comparisons: Sequence[Comparison]) -> list[dict]:
    """Return the number of seeds that each difference needs, at the pooled spread of all paired differences.

    No number of seeds suffices where the sampling error of the held-out text exceeds the difference.
    """
    spread = pooled_spread([one.change.values for one in comparisons])
    return [_seed_row(one, spread) for one in comparisons]


def _seed_row(one: Comparison, spread: float) -> dict:
    likely = _seeds(one, spread, POWER_FACTOR, power=0.8)
    ours, theirs = median_cost(one.other), median_cost(one.full)
    return {
        "recipe": label(one.recipe),
        "difference (points)": f"{100 * abs(one.change.interval.value):.2f}",
        "seeds": len(one.other),
        "seeds at 50% power": _seeds(one, spread, 1.0, power=0.5),
        "seeds at 80% power": likely,
        "time at 80% power": duration(likely * (ours + theirs))
        if isinstance(likely, int) and ours and theirs
        else None,
    }


def _seeds(one: Comparison, spread: float, half_widths: float, power: float) -> int | str | None:
    """Return the number of seeds that detect the difference with this ``power``, or why no number does.

    Args:
        half_widths: minimum of the difference in half-widths over text, for any number of seeds.
    """
    distance, text, most = abs(one.change.interval.value), half_widths * one.change.text, HOPELESS * len(one.other)
    if not spread > 0:
        return None
    if distance <= text:
        return "more text needed"
    return seeds_needed(spread, math.sqrt(distance**2 - text**2), most, power) or f"more than {most:,}"


def spread_of(comparisons: Sequence[Comparison]) -> float:
    """Return the pooled standard deviation over seeds of all recipes' masked accuracy."""
    full = {r.seed: r.value for one in comparisons for r in one.full}
    return pooled_spread([list(full.values()), *(one.accuracies for one in comparisons)])


def detectable_sentence(spread: float, seeds: int, others: Sequence[int] = (3, 5, 10)) -> str:
    """Return the smallest difference that is detected at a power of 80%, with these seeds and with ``others``."""
    if not spread > 0:
        why = "All seeds of a recipe have the same value" if spread == 0 else "A single seed shows no spread"
        return NO_SPREAD.filled(why=why)
    smallest = {n: quantity(detectable_difference(spread, n, n), POINTS, 2) for n in (seeds, *others)}
    more = [DETECTABLE_WITH.filled(seeds=n, difference=smallest[n]) for n in others if n != seeds]
    return DETECTABLE.filled(
        spread=quantity(spread, POINTS, 2), seeds=seeds, here=smallest[seeds], others=", ".join(more)
    )
