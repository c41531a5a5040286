"""What a chapter shows of an arm beside the full recipe: what was changed, curves, scores, seed by seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from ..claims.arms import Differences
from ..claims.wording import NAT, with_ends
from ..recipe import ARM_LABELS, Recipe, changes_of
from .curves import held_out_curves
from .figures import learning_curves
from .palette import LABELS
from .sentences import short

if TYPE_CHECKING:
    from ..training.draws import ScoresByDraw
    from ..training.pretrain import PretrainRun

#: The held-out scores: how each is called, and whether more of it is better.
HELD_OUT = {
    "masked_accuracy": ("masked accuracy", True),
    "masked_lm_loss": ("masked-LM loss (nat)", False),
    "perplexity": ("perplexity", False),
    "kl_to_teacher": ("divergence from the teacher (nat)", False),
    "top1_agreement": ("same first choice as the teacher", True),
}

#: How the held-out masks were drawn, in words.
DRAWS = {"uniform": "uniform, as everywhere in the book", "smoothed": "drawn as training draws them"}
#: What a difference of losses says of the recipe whose loss stands first.
SIDES_OF_LOSS = {"above": "worse", "below": "better", "open": "not settled"}


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


def draw_rows(draws: Sequence[ScoresByDraw]) -> list[dict]:
    """Return a row a draw of the held-out masks and model: its scores, and a recipe's loss less the full one's."""
    return [
        {"held-out masks": DRAWS[scores.draw], "model": LABELS.get(name, name)}
        | {HELD_OUT[metric][0]: median(one[metric] for one in some) for metric in ("masked_accuracy", "masked_lm_loss")}
        | _lead(scores, name)
        for scores in draws
        for name, some in {"teacher": [scores.teacher], **scores.students}.items()
    ]


def _lead(scores: ScoresByDraw, recipe: str) -> dict[str, str | None]:
    """Return how far the loss of ``recipe`` is from the full one's, seed by seed, and which is better."""
    known = recipe in scores.students and recipe != "full"
    found = more_loss(scores, recipe) if known else None
    ends = found and with_ends(found.interval.value, found.interval.low, found.interval.high, 0.0, NAT)
    return {"loss less the full recipe's [its ends]": ends, "which is": found and SIDES_OF_LOSS[found.side]}


def more_loss(scores: ScoresByDraw, recipe: str) -> Differences:
    """Return the masked-LM loss of ``recipe`` less the full recipe's, seed by seed, in nat."""
    losses = {name: [one["masked_lm_loss"] for one in scores.students[name]] for name in (recipe, "full")}
    return Differences.between(losses[recipe], losses["full"])


def draws_sentence(draws: Sequence[ScoresByDraw], recipe: str) -> str:
    """Say whether ``recipe`` is better or worse than the full one by its loss, under each draw of the masks."""
    sides = {scores.draw: SIDES_OF_LOSS[more_loss(scores, recipe).side] for scores in draws}
    said = "; ".join(f"under masks that are {DRAWS[draw]}: {side}" for draw, side in sides.items())
    end = "Both masks say the same" if len(set(sides.values())) == 1 else "So the answer depends on the masks"
    name = LABELS.get(recipe, recipe)
    return f"{name[0].upper()}{name[1:]} against the full recipe, by the loss, {said}. {end}."


def better(leads: Sequence[float], other: str = "this arm") -> str:
    """Say which of two is better, the full recipe or the ``other``, from the first one's lead on each seed."""
    if all(lead > 0 for lead in leads):
        return f"{ARM_LABELS['full']}, on every seed"
    if all(lead < 0 for lead in leads):
        return f"{other}, on every seed"
    return "neither: they are equal" if not any(leads) else "depends on the seed"
