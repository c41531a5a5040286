"""Ablations: recipes compared with the full one by their students' held-out scores, paired by seed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Literal

from ..core.quantities import POINTS, counted, figure
from ..core.records import HELD_OUT_TEXT, Record
from ..distillation.recipe import ARM_LABELS, AS_LONG, WITHOUT_TEACHER
from ..stats.intervals import POWER_FACTOR, detectable_difference, pooled_spread
from .differences import Differences, HeldOutScores, held_out
from .finding import Finding, Missing, Obstacle
from .paper import PAPER_TASKS, Claim

#: Largest relative difference of two runs' tokens that counts as equal.
EQUAL_TOKENS = 0.01
#: The recipes compared with the full one, in the order of the book; those without a teacher also at equal seconds.
RECIPES = (*(arm for arm in ARM_LABELS if arm != "full"), *(f"{arm}{AS_LONG}" for arm in WITHOUT_TEACHER))

Budget = Literal["tokens", "seconds"]


def arm(claim: Claim, records: list[Record], folder: Path | None) -> Finding | Missing:
    """Return the masked accuracy of the full recipe minus that of the claim's ablation, paired by seed."""
    assert claim.arm is not None
    label = ARM_LABELS[claim.arm]
    one = compare(records, claim.arm, folder=folder)
    if one is None:
        recorded = by_seed(records, claim.arm) and not by_seed(records, "full")
        return Missing(
            f"the full recipe and the ablation '{label}' with the same seed", "full" if recorded else claim.arm
        )
    found, used, seeds = one.lead, (*one.full, *one.other), len(one.full)
    interval, n = found.interval, min(r.n for r in used)
    return Finding(
        interval,
        n,
        seeds,
        in_miniature=not {r.task for r in used} <= PAPER_TASKS,
        text="the masked accuracy of the full recipe minus that of the ablation "
        f"'{label}' is {interval.text(POINTS, claim.bound)}",
        basis=f"{found.covered}, {counted(seeds, 'seed')}, {counted(n, 'masked token')} of held-out text",
        paper=f"{figure(claim.paper_value, POINTS)} of GLUE score" if claim.paper_value is not None else "",
        unit=POINTS,
        margin=found.margin,
        hurdle=f"{found.margin * 100:.2f} points" if found.margin else "",
        strict=True,
        obstacle=_obstacle(one, claim),
        over_text=found.text,
    )


def _obstacle(one: Comparison, claim: Claim) -> Obstacle | None:
    if not all(map(_equal_tokens, one.full, one.other)):
        return Obstacle.UNEQUAL_TOKENS
    if len(one.full) < claim.seeds:
        return Obstacle.TOO_FEW
    return Obstacle.NO_PREDICTIONS if math.isinf(one.lead.text) else None


def _equal_tokens(first: Record, second: Record) -> bool:
    a, b = first.detail.get("tokens") or 0, second.detail.get("tokens") or 0
    return bool(a and b) and abs(a - b) <= EQUAL_TOKENS * max(a, b)


def by_seed(
    records: Iterable[Record], recipe: str, metric: str = "masked_accuracy", task: str = HELD_OUT_TEXT
) -> dict[int | None, Record]:
    """Return the score after the last step of the students of ``recipe``, by seed."""
    own = [r for r in held_out(records, metric, task) if r.recipe == recipe]
    return {r.seed: r for r in sorted(own, key=lambda r: r.step or 0)}


def _number(seed: int | None) -> int:
    return -1 if seed is None else seed


def beside(full: Mapping[int | None, Record], others: Mapping[int | None, Record]) -> dict[int | None, Record]:
    """Return those of ``others`` with the same text, teacher, code and base recipe as the ``full`` one of their seed.

    An ablation that is older than the full recipe's last run has no counterpart.
    """
    return {seed: one for seed, one in others.items() if seed in full and _same_origin(full[seed], one)}


def _same_origin(full: Record, one: Record) -> bool:
    if full.chapter == one.chapter:  # one execution measured both
        return True
    # Records of format 1 name neither the full recipe's configuration nor the teacher.
    asked, teacher = one.detail.get("beside", full.config), one.detail.get("teacher")
    return (full.config, full.code, full.data, full.detail.get("teacher")) == (asked, one.code, one.data, teacher)


def starts_at_random(recipe: str) -> bool:
    """Return whether the students of ``recipe`` start from random weights."""
    return recipe.removesuffix(AS_LONG) in ("random_initialisation", "from_scratch")


def choices_in(records: Iterable[Record]) -> list[str]:
    """Return the recorded recipes that are neither the full one nor an ablation, in the order they were recorded."""
    recipes = dict.fromkeys(r.recipe for r in held_out(records) if r.recipe)
    return [recipe for recipe in recipes if recipe.removesuffix(AS_LONG) not in ARM_LABELS]


@dataclass(frozen=True)
class Comparison:
    """A recipe and the full one: the records of ``full`` and ``other``, paired by seed."""

    recipe: str
    full: tuple[Record, ...]
    other: tuple[Record, ...]
    folder: Path | None = None

    @cached_property
    def change(self) -> Differences:
        """This recipe's score minus the full one's, the sign of the paper's Table 4."""
        return Differences.between(*self._scores[::-1])

    @cached_property
    def lead(self) -> Differences:
        """The full recipe's score minus this one's, the sign of the claims."""
        return Differences.between(*self._scores)

    @cached_property
    def _scores(self) -> tuple[HeldOutScores, HeldOutScores]:
        return HeldOutScores.of(self.full, self.folder), HeldOutScores.of(self.other, self.folder)

    @property
    def detectable(self) -> float:
        """Smallest difference detected with 80% power by these seeds on this text; infinite for one seed."""
        spread = pooled_spread([[r.value for r in self.full], self.accuracies])
        over_seeds = detectable_difference(spread, len(self.full), len(self.other))
        return math.hypot(over_seeds, POWER_FACTOR * self.change.text)

    @property
    def as_long(self) -> bool:
        """Whether the recipe was trained for as many seconds as the full one instead of as many tokens."""
        return self.recipe.endswith(AS_LONG)

    @property
    def accuracies(self) -> list[float]:
        """This recipe's scores by seed."""
        return [r.value for r in self.other]


def compared(
    records: Iterable[Record], recipes: Iterable[str] = RECIPES, folder: Path | None = None
) -> list[Comparison]:
    """Return the comparisons of those ``recipes`` that were run; ``folder`` as in :func:`compare`."""
    records = list(records)
    return [found for recipe in recipes if (found := compare(records, recipe, folder=folder))]


def compare(
    records: Sequence[Record],
    recipe: str,
    metric: str = "masked_accuracy",
    task: str = HELD_OUT_TEXT,
    folder: Path | None = None,
) -> Comparison | None:
    """Return the comparison of ``recipe`` with the full one by a held-out score; None without a common seed.

    Where the chapter of ``recipe`` measured the full recipe as well, as under training masks, its own measurement counts.

    Args:
        folder: base of the predictions files' paths; None is the folder of the records' edition.
    """
    last = by_seed(records, recipe, metric, task)
    chapters = {r.chapter for r in last.values()}
    same = [r for r in records if r.chapter in chapters]
    full = by_seed(same, "full", metric, task) or by_seed(records, "full", metric, task)
    other = beside(full, last)
    seeds = sorted(other, key=_number)
    if not seeds:
        return None
    return Comparison(recipe, tuple(full[s] for s in seeds), tuple(other[s] for s in seeds), folder)


@dataclass(frozen=True)
class TwoByTwo:
    """Factorial design: copied or random layers, with the triple loss or masked language modelling alone.

    Attributes:
        budget: the quantity that is equal for all four recipes.
        recipes: the recipe's name by (start, loss); ``("copied", "triple")`` is the full one.
        cells: masked accuracy by (start, loss) on the seeds that all four have.
    """

    budget: Budget
    recipes: Mapping[tuple[str, str], str]
    cells: Mapping[tuple[str, str], HeldOutScores]

    def teacher(self, start: str) -> Differences:
        """Return the effect of the teacher's loss terms for layers with this ``start``."""
        return Differences.between(self.cells[start, "triple"], self.cells[start, "mlm"])

    def copying(self, loss: str) -> Differences:
        """Return the effect of copying layers for training with this ``loss``."""
        return Differences.between(self.cells["copied", loss], self.cells["random", loss])

    @property
    def interaction(self) -> Differences:
        """Interaction: effect of the teacher with copied layers minus its effect with random ones."""
        copied, random = (self.cells[start, "triple"] - self.cells[start, "mlm"] for start in ("copied", "random"))
        return Differences.between(copied, random)


def two_by_two(records: Iterable[Record], budget: Budget) -> TwoByTwo | None:
    """Return the four recipes at an equal ``budget``; None without a common seed.

    At equal seconds the recipes with a teacher are the same runs as at equal tokens: they set the budget.
    """
    records, longer = list(records), AS_LONG if budget == "seconds" else ""
    recipes = {
        ("copied", "triple"): "full",
        ("random", "triple"): "random_initialisation",
        ("copied", "mlm"): f"without_teacher{longer}",
        ("random", "mlm"): f"from_scratch{longer}",
    }
    full = by_seed(records, "full")
    found = {cell: beside(full, by_seed(records, recipe)) for cell, recipe in recipes.items()}
    seeds = sorted(set.intersection(*(set(one) for one in found.values())), key=_number)
    if not seeds:
        return None
    return TwoByTwo(budget, recipes, {cell: HeldOutScores.of([one[s] for s in seeds]) for cell, one in found.items()})


def cost(record: Record) -> float | None:
    """Return a run's seconds, on a CPU times its cores; None if not recorded."""
    if record.hardware.get("accelerator", "none") != "none":
        return record.seconds
    cores = record.detail.get("cores")
    return record.seconds * cores if record.seconds and cores else None


def median_cost(records: Iterable[Record]) -> float | None:
    """Return the median cost of runs; None if no run has one."""
    known = [spent for spent in map(cost, records) if spent]
    return median(known) if known else None
