"""Recipes beside the full one under held-out masks of two kinds, and whether both kinds give the same answer."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from statistics import median

from ..claims.arms import RECIPES, Comparison, compare
from ..claims.wording import NAT, POINTS, listed, with_ends
from ..records import HELD_OUT_TEXT, TRAINING_MASKS, Record
from .arms import HELD_OUT
from .comparisons import ANSWERS, label
from .sentences import short

#: The two tasks, by how their masks were drawn.
MASKS = {HELD_OUT_TEXT: "uniform masks", TRAINING_MASKS: "masks drawn as in training"}
#: The scores that are compared, and what their changes are written in.
UNITS = {"masked_accuracy": POINTS, "masked_lm_loss": NAT}

#: A recipe's comparisons with the full one, by task and score.
Found = dict[tuple[str, str], Comparison]


def mask_rows(
    records: Iterable[Record], recipes: Iterable[str] = RECIPES, folder: Path | None = None
) -> list[dict]:
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
