"""Recipes beside the full one, from records: rows and sentences that say no more than their intervals do.

Recipes beside the full one under held-out masks of two kinds, and whether both kinds give the same answer.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median

from ..claims.ablation import RECIPES, Comparison, Differences, TwoByTwo, compare, median_cost
from ..claims.finding import NO_PREDICTIONS
from ..claims.paper import TABLE_4
from ..claims.requirements import HOPELESS, seeds_needed
from ..core.progress import duration
from ..core.quantities import NAT, POINTS, counted, listed, quantity, with_ends
from ..core.records import HELD_OUT_TEXT, TRAINING_MASKS, Record
from ..stats.intervals import POWER_FACTOR, detectable_difference, pooled_spread
from .ablations import HELD_OUT
from .sentences import percent, short
from .style import LABELS

#: How a change of the full recipe turned out.
ANSWERS = {"above": "better", "below": "worse", "open": "not settled"}
STARTS = {"copied": "copied layers", "random": "random weights"}
LOSSES = {"triple": "triple loss", "mlm": "MLM only"}


def label(recipe: str) -> str:
    """Return how ``recipe`` is called: an arm by its label, a choice by its name."""
    return LABELS.get(recipe, recipe)


def points(found: Differences) -> str:
    """Return a difference with its ends, in points."""
    interval = found.interval
    return with_ends(interval.value, interval.low, interval.high, 0.0, POINTS)


def _cell(found: Differences) -> str:
    """Return the same for a column that names the unit."""
    return points(found).replace(POINTS.sign, "")


def change_rows(comparisons: Sequence[Comparison], with_paper: bool = True) -> list[dict]:
    """Return a row a recipe: how it changes the full one's masked accuracy, what could have been seen, what it took.

    Args:
        with_paper: whether to show what the paper's Table 4 has for the arm, another quantity.
    """
    return [_change_row(one, with_paper) for one in comparisons]


def _change_row(one: Comparison, with_paper: bool) -> dict:
    paper = TABLE_4.get(one.recipe)
    return {
        "recipe": label(one.recipe),
        "masked accuracy": percent(median(one.accuracies)),
        "change [its ends] (points)": _cell(one.change),
        "which is": ANSWERS[one.change.side],
        "seeds": len(one.other),
        "could have seen (points)": f"{100 * one.detectable:.2f}" if math.isfinite(one.detectable) else "nothing",
        **({"Table 4 (points)": None if paper is None else f"{paper:.2f}"} if with_paper else {}),
        "tokens": round(median(r.detail["tokens"] for r in one.other)),
        unit_of_cost(one): _rounded(median_cost(one.other)),
    }


def unit_of_cost(one: Comparison) -> str:
    """Return what a run's cost is counted in: seconds on an accelerator, else seconds times cores."""
    return "seconds" if one.full[0].hardware.get("accelerator", "none") != "none" else "seconds times cores"


def _rounded(seconds: float | None) -> int | float | None:
    return None if seconds is None else round(seconds) if seconds >= 10 else float(f"{seconds:.2g}")


def change_sentence(one: Comparison) -> str:
    """Say how a recipe's masked accuracy differs from the full one's, and what that settles."""
    return f"{_named(one)}: the masked accuracy changes by {_changed(one)}"


def longer_sentence(one: Comparison) -> str:
    """Say the same of an arm that was trained for as many seconds, and what it has had for them."""
    return f"{budget_sentence(one)} The masked accuracy changes by {_changed(one)}"


def _changed(one: Comparison) -> str:
    tokens = min(r.n for r in (*one.full, *one.other))
    basis = f"{one.change.covered}, {counted(len(one.other), 'seed')}, {counted(tokens, 'masked token')}"
    better, worse = "It is better than the full recipe.", "It is worse than the full recipe."
    return f"{points(one.change)} ({basis}). {_settled(one.change, better, worse, 'Whether it is better or worse')}"


def _settled(found: Differences, above: str, below: str, question: str) -> str:
    """Return what a difference settles by the rule that judges the arms, or why it leaves the question open."""
    if found.side == "open":
        return f"{question} is not settled: {reason(found)}."
    return above if found.side == "above" else below


def reason(found: Differences) -> str:
    """Say why a difference settles nothing."""
    if len(found.values) == 1:
        return "a single seed shows no spread"
    if math.isinf(found.text):
        return NO_PREDICTIONS
    if found.interval.low <= 0 <= found.interval.high:
        return "zero lies within"
    return f"both are on one side, but not by more than the noise of seeds and text, {found.margin * 100:.2f} points"


def _named(one: Comparison) -> str:
    name = label(one.recipe)
    return name[0].upper() + name[1:]


def budget_sentence(one: Comparison) -> str:
    """Say how many tokens a recipe was trained on and what it took, both as multiples of the full recipe's."""
    tokens = median(r.detail["tokens"] for r in one.other) / median(r.detail["tokens"] for r in one.full)
    ours, theirs = median_cost(one.other), median_cost(one.full)
    took = f", for {ours / theirs:.2f} times its {unit_of_cost(one)}" if ours and theirs else ""
    machines = {(r.hardware.get("processor"), r.hardware.get("accelerator")) for r in (*one.full, *one.other)}
    elsewhere = " (on different machines, whose seconds do not compare)" if took and len(machines) > 1 else ""
    return f"{_named(one)}: {tokens:.2f} times the full recipe's tokens{took}{elsewhere}."


def found_sentence(comparisons: Sequence[Comparison]) -> str:
    """Say which recipes are worse than the full one, which better, which cannot be told, and what chance may do."""
    said = {"below": "Worse than the full recipe", "above": "Better than the full recipe", "open": "Not settled"}
    parts = []
    for side, text in said.items():
        names = [label(one.recipe) for one in comparisons if one.change.side == side]
        parts += [f"{text} ({len(names)} of {len(comparisons)}): {'; '.join(names)}."] if names else []
    return " ".join([*parts, *_by_chance(comparisons)])


def _by_chance(comparisons: Sequence[Comparison]) -> list[str]:
    """Return how often chance alone would show a difference somewhere, where the ends are intervals."""
    missed = sum(1 - one.change.interval.level for one in comparisons if len(one.other) > 2)
    if not missed:
        return []
    return [
        f"Were no ingredient worth anything, chance alone would still call one or more of these {len(comparisons)} "
        f"better or worse, in up to {min(missed, 1):.0%} of repetitions."
    ]


def cell_rows(two: TwoByTwo) -> list[dict]:
    """Return the 2 x 2 with what a row and a column add."""
    rows = [
        {"start": name}
        | {LOSSES[loss]: percent(median(two.cells[start, loss].values)) for loss in LOSSES}
        | {"the teacher adds [its ends] (points)": _cell(two.teacher(start))}
        for start, name in STARTS.items()
    ]
    added = {LOSSES[loss]: _cell(two.copying(loss)) for loss in LOSSES}
    return [*rows, {"start": "copying adds [its ends] (points)", **added, "the teacher adds [its ends] (points)": None}]


def factor_sentences(two: TwoByTwo) -> list[str]:
    """Say what the teacher adds to each start, what copying adds to each loss, and whether they need each other."""
    seeds = len(two.interaction.values)
    basis, budget = f"({two.interaction.covered}, {counted(seeds, 'seed')})", f"At equal {two.budget}"
    outputs = [
        f"{budget} the teacher's outputs add {points(two.teacher(start))} to {name} {basis}. "
        + _settled(two.teacher(start), "They help.", "They harm.", "Whether they help")
        for start, name in STARTS.items()
    ]
    copied = [
        f"{budget} copying the layers adds {points(two.copying(loss))} to training with {name} {basis}. "
        + _settled(two.copying(loss), "It helps.", "It harms.", "Whether it helps")
        for loss, name in (("triple", "the triple loss"), ("mlm", "masked language modelling alone"))
    ]
    more = ("Copied layers gain more.", "Random weights gain more.", "Which of the two gain more")
    both = f"{budget} the teacher's outputs add {points(two.interaction)} more to copied layers than to random weights "
    return [*outputs, *copied, f"{both}{basis}. {_settled(two.interaction, *more)}"]


def seed_rows(comparisons: Sequence[Comparison]) -> list[dict]:
    """Return how many seeds each difference would take, at the spread that the paired differences of all have.

    No number of them finds a difference that other text might turn.
    """
    spread = pooled_spread([one.change.values for one in comparisons])
    return [_seed_row(one, spread) for one in comparisons]


def _seed_row(one: Comparison, spread: float) -> dict:
    even = _seeds(one, spread, 1.0, power=0.5)
    likely = _seeds(one, spread, POWER_FACTOR, power=0.8)
    costs = median_cost(one.other), median_cost(one.full)
    return {
        "recipe": label(one.recipe),
        "difference found (points)": f"{100 * abs(one.change.interval.value):.2f}",
        "seeds there": len(one.other),
        "seeds for every second time": even,
        "for four times out of five": likely,
        "which would take": duration(likely * sum(costs)) if isinstance(likely, int) and all(costs) else None,
    }


def _seeds(one: Comparison, spread: float, half_widths: float, power: float) -> int | str | None:
    """Return how many seeds detect the difference with this ``power``, or why no number does; None without a spread.

    Args:
        half_widths: so many times the half-width over text the difference has to exceed, however many the seeds.
    """
    distance, text, most = abs(one.change.interval.value), half_widths * one.change.text, HOPELESS * len(one.other)
    if not spread > 0:
        return None
    if distance <= text:
        return "other text might turn it"
    return seeds_needed(spread, math.sqrt(distance**2 - text**2), most, power) or f"more than {most:,}"


def spread_of(comparisons: Sequence[Comparison]) -> float:
    """Return the standard deviation over seeds of a recipe's masked accuracy that all recipes have in common."""
    full = {r.seed: r.value for one in comparisons for r in one.full}
    return pooled_spread([list(full.values()), *(one.accuracies for one in comparisons)])


def detectable_sentence(spread: float, seeds: int, others: Sequence[int] = (3, 5, 10)) -> str:
    """Say how large a difference has to be to be found four times out of five, with these seeds and with others."""
    if not spread > 0:
        why = "Every recipe's seeds gave the same" if spread == 0 else "A single seed shows no spread"
        return f"{why}, so nothing can be said of how large a difference has to be."
    here = quantity(detectable_difference(spread, seeds, seeds), POINTS, 2)
    more = [f"with {n} from {quantity(detectable_difference(spread, n, n), POINTS, 2)}" for n in others if n != seeds]
    return (
        f"Over seeds a recipe's masked accuracy has a standard deviation of {quantity(spread, POINTS, 2)}. With "
        f"{counted(seeds, 'seed')} of each, a difference is found four times out of five from {here} on; "
        f"{', '.join(more)}."
    )


#: The two tasks, by how their masks were drawn.
MASKS = {HELD_OUT_TEXT: "uniform masks", TRAINING_MASKS: "masks drawn as in training"}
#: The scores that are compared, and what their changes are written in.
UNITS = {"masked_accuracy": POINTS, "masked_lm_loss": NAT}

#: A recipe's comparisons with the full one, by task and score.
Found = dict[tuple[str, str], Comparison]


def mask_rows(records: Iterable[Record], recipes: Iterable[str] = RECIPES, folder: Path | None = None) -> list[dict]:
    """Return a row for each recipe, score and kind of masks: the full recipe's, its own, and the change.

    Recipes that were not measured under both kinds are left out.

    Args:
        folder: what the predictions files are relative to; None is the records' edition's folder.
    """
    return [
        {
            "recipe": label(recipe),
            "measured": HELD_OUT[metric][0],
            "under": MASKS[task],
            label("full"): short(median(r.value for r in one.full)),
            "its own": short(median(r.value for r in one.other)),
            "change [its ends]": _change(one, metric),
            "which is": _answer(one, metric),
            "seeds": len(one.other),
            "masked tokens": min(r.n for r in one.other),
        }
        for recipe, found in _compared(records, recipes, folder).items()
        for (task, metric), one in found.items()
    ]


def mask_sentences(records: Iterable[Record], recipes: Iterable[str] = RECIPES) -> list[str]:
    """Say of each recipe how it compares with the full one by each score, and what the kind of masks decides."""
    return [f"{_answers(recipe, found)} {_decided(found)}" for recipe, found in _compared(records, recipes).items()]


def _compared(records: Iterable[Record], recipes: Iterable[str], folder: Path | None = None) -> dict[str, Found]:
    records = list(records)
    found = {
        recipe: {(task, metric): compare(records, recipe, metric, task, folder) for metric in UNITS for task in MASKS}
        for recipe in recipes
    }
    return {recipe: some for recipe, some in found.items() if all(some.values())}


def _change(one: Comparison, metric: str) -> str:
    interval = one.change.interval
    return with_ends(interval.value, interval.low, interval.high, 0.0, UNITS[metric])


def _answer(one: Comparison, metric: str) -> str:
    """Say whether the recipe is better or worse than the full one, or that this is not settled."""
    side, more_is_better = one.change.side, HELD_OUT[metric][1]
    if side != "open" and not more_is_better:
        side = "below" if side == "above" else "above"
    return ANSWERS[side]


def _answers(recipe: str, found: Found) -> str:
    name = label(recipe)
    said = [f"by {_name(m)} {listed([f'{_answer(found[t, m], m)} under {MASKS[t]}' for t in MASKS])}" for m in UNITS]
    return f"{name[0].upper()}{name[1:]} against the full recipe: {'; '.join(said)}."


def _decided(found: Found) -> str:
    answers = {_name(metric): {_answer(found[task, metric], metric) for task in MASKS} for metric in UNITS}
    turned = [name for name, some in answers.items() if some == {"better", "worse"}]
    once = [name for name, some in answers.items() if len(some) > 1 and name not in turned]
    said = [f"By {listed(turned)} the masks turn the answer."] if turned else []
    said += [f"By {listed(once)} only one kind of masks settles it, which is no disagreement."] if once else []
    return " ".join(said) or "Both kinds of masks say the same."


def _name(metric: str) -> str:
    return HELD_OUT[metric][0].removesuffix(" (nat)")
