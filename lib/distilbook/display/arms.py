"""What a chapter shows of an arm beside the full recipe: what was changed, curves, scores, seed by seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING

import plotly.graph_objects as go

from ..recipe import ARM_LABELS, Recipe, changes_of
from .curves import held_out_curves
from .figures import learning_curves
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
    return [
        {"changed": name, ARM_LABELS["full"]: getattr(recipe, name), "this arm": value}
        for name, value in changes_of(arm, recipe).items()
    ]


def arm_curves(full: Sequence[PretrainRun], runs: Sequence[PretrainRun], teacher: float) -> go.Figure:
    """Draw the held-out masked accuracy of the full recipe's runs and the arm's, with the teacher's as a line."""
    curves = {some[0].arm: [held_out_curves(run) for run in some] for some in (full, runs)}
    title = "Masked accuracy on held-out text"
    return learning_curves(curves, "masked_accuracy", "masked accuracy", title, teacher)


def run_rows(*arms: Sequence[PretrainRun]) -> list[dict]:
    """Return a row a run: its arm and seed, its held-out scores, the tokens, seconds and cores it took."""
    return [
        {"arm": ARM_LABELS[run.arm], "seed": run.seed}
        | {name: run.scores[metric] for metric, (name, _) in HELD_OUT.items()}
        | {"tokens": run.tokens, "seconds": run.seconds, "cores": run.cores}
        for runs in arms
        for run in runs
    ]


def comparison_rows(full: Sequence[PretrainRun], runs: Sequence[PretrainRun]) -> list[dict]:
    """Return a row a held-out score: both medians, and which of the two is better, seed against the same seed."""
    theirs = {run.seed: run.scores for run in runs}
    pairs = [(run.scores, theirs[run.seed]) for run in full if run.seed in theirs]
    return [
        _comparison(name, [(ours[metric], other[metric]) for ours, other in pairs], more)
        for metric, (name, more) in HELD_OUT.items()
    ]


def _comparison(name: str, pairs: Sequence[tuple[float, float]], more_is_better: bool) -> Mapping[str, str | int]:
    ours, theirs = zip(*pairs, strict=True)
    return {
        "measured": name,
        ARM_LABELS["full"]: short(median(ours)),
        "this arm": short(median(theirs)),
        "seeds": len(pairs),
        "better": better([(a - b) * (1 if more_is_better else -1) for a, b in pairs]),
    }


def better(leads: Sequence[float]) -> str:
    """Say which of two is better, from the first one's lead on each seed."""
    if all(lead > 0 for lead in leads):
        return f"{ARM_LABELS['full']}, on every seed"
    if all(lead < 0 for lead in leads):
        return "this arm, on every seed"
    return "neither: they are equal" if not any(leads) else "depends on the seed"
