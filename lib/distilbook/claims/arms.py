"""Recipes compared by their students' masked accuracy on held-out text, seed against the same seed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Literal

from ..recipe import ARM_LABELS, AS_LONG, WITHOUT_TEACHER
from ..records import HELD_OUT_TEXT, Record
from ..statistics import Interval, seed_difference_interval
from .finding import Finding, Missing, too_few
from .paper import PAPER_TASKS, Claim
from .wording import POINTS, counted, figure, with_ends

FULL = "06_pretraining"
CHOICES = "07_ablations/choices"
#: Two runs had equal tokens when their numbers differ by no more than this share.
EQUAL_TOKENS = 0.01

#: Two differences must exceed so many times the spread over seeds. Then equal recipes, whose scores vary normally, are
#: called different in at most one comparison of twenty, as often as by a 95% interval.
SPREADS = 2

Side = Literal["above", "below", "open"]
Budget = Literal["tokens", "seconds"]


@dataclass(frozen=True)
class Differences:
    """A difference, once a seed, and what may be said of it by the rule that judges the arms.

    Attributes:
        values: the differences, in the order of the seeds.
        spread: the larger range over the seeds of the two that are compared.
    """

    values: tuple[float, ...]
    spread: float

    @classmethod
    def between(cls, first: Sequence[float], second: Sequence[float]) -> Differences:
        """Return ``first`` less ``second``, one value a seed, the same seeds in the same order."""
        values = tuple(a - b for a, b in zip(first, second, strict=True))
        return cls(values, max(max(one) - min(one) for one in (first, second)))

    @cached_property
    def interval(self) -> Interval:
        """The mean with Student's interval; of two seeds with both differences as ends, of one without ends."""
        if len(self.values) > 2:
            return seed_difference_interval(self.values, [0.0] * len(self.values))
        low, high = (min(self.values), max(self.values)) if len(self.values) > 1 else (-math.inf, math.inf)
        return Interval(sum(self.values) / len(self.values), low, high, len(self.values), 0.95)

    @property
    def margin(self) -> float:
        """How far from zero an end must lie: twice the spread where there are two seeds, and so no interval."""
        return SPREADS * self.spread if len(self.values) == 2 else 0.0

    @property
    def side(self) -> Side:
        """On which side of zero all of it is, beyond the margin; "open" where the seeds do not settle that."""
        if self.interval.low > self.margin:
            return "above"
        return "below" if self.interval.high < -self.margin else "open"

    @property
    def covered(self) -> str:
        """What its ends are, in words."""
        if len(self.values) == 1:
            return "a single difference"
        return "95% interval" if len(self.values) > 2 else "smallest to largest difference"


def arm(claim: Claim, records: list[Record], folder: Path | None) -> Finding | Missing:
    """Compare the full recipe with an arm by their masked accuracy, seed by seed."""
    full, other = by_seed(records, "full"), by_seed(records, claim.arm)
    seeds = sorted(full.keys() & other.keys())
    if not seeds:
        return Missing(
            f"the same seed of both the full recipe and the arm '{ARM_LABELS[claim.arm]}'",
            claim.chapter if full or not other else FULL,
        )
    found = Differences.between([full[s].value for s in seeds], [other[s].value for s in seeds])
    interval, used = found.interval, [arm[s] for arm in (full, other) for s in seeds]
    n = min(r.n for r in used)
    unequal = [s for s in seeds if not _equal_tokens(full[s], other[s])]
    return Finding(
        interval.value,
        interval.low,
        interval.high,
        n,
        len(seeds),
        in_miniature=not {r.task for r in used} <= PAPER_TASKS,
        text=f"the full recipe's masked accuracy less that of the arm '{ARM_LABELS[claim.arm]}' is "
        f"{with_ends(interval.value, interval.low, interval.high, claim.bound, POINTS)}",
        basis=f"{found.covered}, {counted(len(seeds), 'seed')}, {counted(n, 'masked token')} of held-out text",
        paper=f"{figure(claim.paper_value, POINTS)} of GLUE score" if claim.paper_value is not None else "",
        unit=POINTS,
        margin=found.margin,
        hurdle=f"{found.margin * 100:.2f} points" if found.margin else "",
        strict=True,
        obstacle="the runs did not see equal numbers of tokens"
        if unequal
        else too_few(len(seeds), claim.seeds, "seed"),
    )


def by_seed(records: Iterable[Record], recipe: str) -> dict[int | None, Record]:
    """Return the last step's masked accuracy of the students of ``recipe``, by seed."""
    return _last_steps(held_out(records), recipe, chapter_of(recipe))


def _last_steps(records: Iterable[Record], recipe: str, chapter: str) -> dict[int | None, Record]:
    wanted = [r for r in records if r.chapter == chapter and r.recipe == recipe]
    return {r.seed: r for r in sorted(wanted, key=lambda r: r.step or 0)}


def held_out(records: Iterable[Record], metric: str = "masked_accuracy", task: str = HELD_OUT_TEXT) -> list[Record]:
    """Return the masked accuracies, or another score, of students on held-out text."""
    return [r for r in records if r.model == "student" and r.task == task and r.metric == metric]


def chapter_of(recipe: str) -> str:
    """Return the chapter that trains the students of ``recipe``: an arm's own, or that of the choices."""
    if recipe == "full":
        return FULL
    arm = recipe.removesuffix(AS_LONG)
    return f"07_ablations/{arm}" if arm in ARM_LABELS else CHOICES


def starts_at_random(recipe: str) -> bool:
    """Whether the students of an arm begin with random weights: most of its distance from the full recipe."""
    return recipe.removesuffix(AS_LONG) in ("random_initialisation", "from_scratch")


def choices_in(records: Iterable[Record]) -> list[str]:
    """Return the recipe names of the choices that were tried, in the order they were recorded."""
    return list(dict.fromkeys(r.recipe for r in held_out(records) if r.chapter == CHOICES))


@dataclass(frozen=True)
class Comparison:
    """A recipe beside the full one, on the seeds that both have.

    Attributes:
        recipe: its name.
        full, other: the records of the full recipe and of this one, paired by seed.
    """

    recipe: str
    full: tuple[Record, ...]
    other: tuple[Record, ...]

    @cached_property
    def change(self) -> Differences:
        """This recipe's masked accuracy, or other score, less the full one's, as in the paper's Table 4."""
        return Differences.between([r.value for r in self.other], [r.value for r in self.full])

    @property
    def as_long(self) -> bool:
        """Whether the recipe was trained for as many seconds as the full one, not on as many tokens."""
        return self.recipe.endswith(AS_LONG)

    @property
    def accuracies(self) -> list[float]:
        """This recipe's masked accuracy, once a seed."""
        return [r.value for r in self.other]


#: What is compared with the full recipe, in the order of the book; arms without a teacher a second time.
RECIPES = (*(arm for arm in ARM_LABELS if arm != "full"), *(f"{arm}{AS_LONG}" for arm in WITHOUT_TEACHER))


def compared(records: Iterable[Record], recipes: Iterable[str] = RECIPES) -> list[Comparison]:
    """Return those of ``recipes`` that were run, each beside the full one."""
    records = list(records)
    return [found for recipe in recipes if (found := compare(records, recipe))]


def compare(
    records: Iterable[Record], recipe: str, metric: str = "masked_accuracy", task: str = HELD_OUT_TEXT
) -> Comparison | None:
    """Return ``recipe`` beside the full one by a held-out score; None where they have no seed in common.

    Under the masks of training the recipe's chapter measures both.
    """
    records, own = held_out(records, metric, task), chapter_of(recipe)
    full = _last_steps(records, "full", FULL if task == HELD_OUT_TEXT else own)
    other = _last_steps(records, recipe, own)
    seeds = sorted(full.keys() & other.keys())
    if not seeds:
        return None
    return Comparison(recipe, tuple(full[s] for s in seeds), tuple(other[s] for s in seeds))


@dataclass(frozen=True)
class TwoByTwo:
    """Copied or random layers, each with the triple loss and with masked language modelling alone.

    Attributes:
        budget: what the four have had equally much of.
        recipes: by (start, loss) the recipe's name: ``("copied", "triple")`` is the full one.
        cells: by the same, the masked accuracy once a seed, the seeds that all four have.
    """

    budget: Budget
    recipes: Mapping[tuple[str, str], str]
    cells: Mapping[tuple[str, str], Sequence[float]]

    def teacher(self, start: str) -> Differences:
        """Return what the terms that look at the teacher add to layers with this ``start``."""
        return Differences.between(self.cells[start, "triple"], self.cells[start, "mlm"])

    def copying(self, loss: str) -> Differences:
        """Return what copied layers add to training with this ``loss``."""
        return Differences.between(self.cells["copied", loss], self.cells["random", loss])

    @property
    def interaction(self) -> Differences:
        """How much more the teacher adds to copied layers than to random ones."""
        return Differences.between(self.teacher("copied").values, self.teacher("random").values)


def two_by_two(records: Iterable[Record], budget: Budget) -> TwoByTwo | None:
    """Return the four recipes at an equal ``budget``; None where they have no seed in common.

    At equal seconds those that look at the teacher are the same runs as at equal tokens: they set the budget.
    """
    records, longer = list(records), AS_LONG if budget == "seconds" else ""
    recipes = {
        ("copied", "triple"): "full",
        ("random", "triple"): "random_initialisation",
        ("copied", "mlm"): f"without_teacher{longer}",
        ("random", "mlm"): f"from_scratch{longer}",
    }
    found = {cell: by_seed(records, recipe) for cell, recipe in recipes.items()}
    seeds = sorted(set.intersection(*(set(one) for one in found.values())))
    if not seeds:
        return None
    return TwoByTwo(budget, recipes, {cell: [one[s].value for s in seeds] for cell, one in found.items()})


def seeds_for_power(spread: float, distance: float, at_most: int) -> int | None:
    """Return how many seeds, three or more, find a mean paired difference four times out of five.

    Args:
        spread: the standard deviation over seeds of the paired differences; distance: their mean from zero.
        at_most: return None where it takes more than that.
    """
    from scipy import stats

    if distance <= 0:
        return None
    normal = ((stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) * spread / distance) ** 2
    seeds = max(3, math.floor(min(normal, at_most + 1)))
    while seeds <= at_most:
        quantiles = stats.t.ppf(0.975, seeds - 1) + stats.t.ppf(0.8, seeds - 1)
        if quantiles * spread / math.sqrt(seeds) <= distance:
            return seeds
        seeds += 1
    return None


def cost(record: Record) -> float | None:
    """Return the seconds a run took, times its cores where it had no accelerator; None where they are not noted."""
    if record.hardware.get("accelerator", "none") != "none":
        return record.seconds
    cores = record.detail.get("cores")
    return record.seconds * cores if record.seconds and cores else None


def median_cost(records: Iterable[Record]) -> float | None:
    """Return the median cost of some runs; None where none is noted."""
    known = [spent for spent in map(cost, records) if spent]
    return median(known) if known else None


def _equal_tokens(first: Record, second: Record) -> bool:
    a, b = first.detail.get("tokens"), second.detail.get("tokens")
    return bool(a and b) and abs(a - b) <= EQUAL_TOKENS * max(a, b)
