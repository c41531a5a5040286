"""What a chapter shows of an arm beside the full recipe: what was changed, curves, scores, seed by seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from ..recipe import ARM_LABELS, Recipe, changes_of
from .curves import held_out_curves
from .figures import learning_curves
from .palette import LABELS
from .sentences import short

if TYPE_CHECKING:
    from ..training.pretrain import PretrainRun

#: The held-out scores: how each is called, and whether more of it is better.
HELD_OUT = {
    "masked_accuracy": ("masked accuracy", True),
    "masked_lm_loss": ("masked-LM loss (nat)", False),
    "perplexity": ("perplexity", False),
    "kl_to_teacher": ("divergence from the teacher (nat)", False),
    "top1_agreement": ("same first choice as the teacher", True),
}


def changed_rows(arm: str, recipe: Recipe) -> list[dict]:
    """Return a row for each field in which ``arm`` differs from ``recipe``, the full one."""
    return _changes(changes_of(arm, recipe), recipe, "this arm")


def choice_rows(choices: Mapping[str, Mapping[str, Any]], recipe: Recipe) -> list[dict]:
    """Return a row for each field that a choice changes in ``recipe``, the full one.

    Args:
        choices: by each choice's name the fields it changes, with their values.
    """
    return [
        {"choice": name} | row for name, changes in choices.items() for row in _changes(changes, recipe, "this choice")
    ]


def _changes(changes: Mapping[str, Any], recipe: Recipe, whose: str) -> list[dict]:
    return [
        {"changed": name, ARM_LABELS["full"]: getattr(recipe, name), whose: value} for name, value in changes.items()
    ]


def arm_curves(runs: Mapping[str, Sequence[PretrainRun]], teacher: float) -> go.Figure:
    """Draw the held-out masked accuracy of some recipes' runs, by the recipe's name, with the teacher's as a line."""
    curves = {recipe: [held_out_curves(run) for run in some] for recipe, some in runs.items()}
    title = "Masked accuracy on held-out text"
    return learning_curves(curves, "masked_accuracy", "masked accuracy", title, teacher)


def run_rows(runs: Mapping[str, Sequence[PretrainRun]]) -> list[dict]:
    """Return a row a run: its recipe and seed, its held-out scores, the tokens, seconds and cores it took."""
    return [
        {"recipe": LABELS.get(recipe, recipe), "seed": run.seed}
        | {name: run.scores[metric] for metric, (name, _) in HELD_OUT.items()}
        | {"tokens": run.tokens, "seconds": run.seconds, "cores": run.cores}
        for recipe, some in runs.items()
        for run in some
    ]


def comparison_rows(
    full: Sequence[PretrainRun], runs: Sequence[PretrainRun], other: str = "this arm"
) -> list[dict]:
    """Return a row a held-out score: both medians, and which of the two is better, seed against the same seed.

    Args:
        other: what the table calls ``runs``.
    """
    theirs = {run.seed: run.scores for run in runs}
    pairs = [(run.scores, theirs[run.seed]) for run in full if run.seed in theirs]
    return [
        _comparison(name, [(ours[metric], scores[metric]) for ours, scores in pairs], more, other)
        for metric, (name, more) in HELD_OUT.items()
    ]


def _comparison(
    name: str, pairs: Sequence[tuple[float, float]], more_is_better: bool, other: str
) -> Mapping[str, str | int]:
    ours, theirs = zip(*pairs, strict=True)
    return {
        "measured": name,
        ARM_LABELS["full"]: short(median(ours)),
        other: short(median(theirs)),
        "seeds": len(pairs),
        "better": better([(a - b) * (1 if more_is_better else -1) for a, b in pairs], other),
    }


def better(leads: Sequence[float], other: str = "this arm") -> str:
    """Say which of two is better, the full recipe or the ``other``, from the first one's lead on each seed."""
    if all(lead > 0 for lead in leads):
        return f"{ARM_LABELS['full']}, on every seed"
    if all(lead < 0 for lead in leads):
        return f"{other}, on every seed"
    return "neither: they are equal" if not any(leads) else "depends on the seed"
