"""Rows and sentences about recipes compared with the full one under two kinds of held-out masks."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from statistics import median

from ..claims.ablation import RECIPES, Comparison, compare
from ..core.quantities import NAT, POINTS, short
from ..core.records import HELD_OUT_TEXT, TRAINING_MASKS, Record
from ..pretraining.measures import MEASURES
from .comparisons import ANSWERS
from .style import label
from .templates import Template

MASKS_AGAINST_FULL = Template("{recipe:capitalised} against the full recipe: {answers}. {decided}")
ANSWERS_BY = Template("by {measure} {answers:list}")
REVERSED_BY_MASKS = Template("By {measures:list} the kind of masks reverses the answer.")
SETTLED_BY_ONE = Template("By {measures:list} only one kind of masks settles the answer, which is no contradiction.")
#: The kinds of held-out masks, by the records' task.
MASKS = {HELD_OUT_TEXT: "uniform masks", TRAINING_MASKS: "masks drawn as in training"}
#: The scores that are compared under both, with the units of their changes.
UNITS = {"masked_accuracy": POINTS, "masked_lm_loss": NAT}

#: A recipe's comparisons with the full one, by task and score.
Found = dict[tuple[str, str], Comparison]


def mask_rows(records: Iterable[Record], recipes: Iterable[str] = RECIPES, folder: Path | None = None) -> list[dict]:
    """Return a row per recipe, score and kind of masks, for recipes that were measured under both kinds.

    Args:
        folder: base of the predictions files' paths; None is the folder of the records' edition.
    """
    return [
        {
            "recipe": label(recipe),
            "measure": MEASURES[metric].label,
            "masks": MASKS[task],
            label("full"): short(median(r.value for r in one.full)),
            "this recipe": short(median(r.value for r in one.other)),
            "change [95% interval]": one.change.interval.text(UNITS[metric]),
            "verdict": _answer(one, metric),
            "seeds": len(one.other),
            "masked tokens": min(r.n for r in one.other),
        }
        for recipe, found in _compared(records, recipes, folder).items()
        for (task, metric), one in found.items()
    ]


def mask_sentences(records: Iterable[Record], recipes: Iterable[str] = RECIPES) -> list[str]:
    """Return, per recipe, the answer by each score and kind of masks, and whether the masks decide it."""
    return [
        MASKS_AGAINST_FULL.filled(recipe=label(recipe), answers=_answers(found), decided=_decided(found))
        for recipe, found in _compared(records, recipes).items()
    ]


def _compared(records: Iterable[Record], recipes: Iterable[str], folder: Path | None = None) -> dict[str, Found]:
    records, cases = list(records), [(task, metric) for metric in UNITS for task in MASKS]
    everything: dict[str, Found] = {}
    for recipe in recipes:
        found = {(task, metric): compare(records, recipe, metric, task, folder) for task, metric in cases}
        there = {case: one for case, one in found.items() if one is not None}
        if len(there) == len(cases):
            everything[recipe] = there
    return everything


def _answer(one: Comparison, metric: str) -> str:
    """Return whether the recipe is better or worse than the full one, or that this is not settled."""
    side = one.change.side
    if side != "open" and not MEASURES[metric].more_is_better:
        side = "below" if side == "above" else "above"
    return ANSWERS[side]


def _answers(found: Found) -> str:
    return "; ".join(
        ANSWERS_BY.filled(
            measure=MEASURES[m].name, answers=[f"{_answer(found[t, m], m)} under {MASKS[t]}" for t in MASKS]
        )
        for m in UNITS
    )


def _decided(found: Found) -> str:
    answers = {MEASURES[m].name: {_answer(found[task, m], m) for task in MASKS} for m in UNITS}
    turned = [name for name, some in answers.items() if some == {"better", "worse"}]
    once = [name for name, some in answers.items() if len(some) > 1 and name not in turned]
    parts = [REVERSED_BY_MASKS.filled(measures=turned)] if turned else []
    parts += [SETTLED_BY_ONE.filled(measures=once)] if once else []
    return " ".join(parts) or "Both kinds of masks give the same answer."
