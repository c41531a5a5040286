"""Recipes compared by their students' masked accuracy on held-out text, seed against the same seed.

A difference between recipes and what may be said of it: by how much other seeds and other text would change it.

What students scored on held-out text, once a seed, and how far a difference of scores hangs on that text.

All students are measured at the same masked positions, so a difference between two is one at every position. Other
text would have given another difference: what a repetition would draw anew are whole blocks, and the seeds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from statistics import median
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..core.records import HELD_OUT_TEXT, Record
from ..distillation.recipe import ARM_LABELS, AS_LONG, WITHOUT_TEACHER
from ..stats.intervals import (
    POWER_FACTOR,
    Array,
    Interval,
    group_sums,
    half_width_over_groups,
    seed_difference_interval,
    smallest_detectable_difference,
)
from ..stats.predictions import different_examples, kept_arrays
from .finding import NO_PREDICTIONS, POINTS, Finding, Missing, counted, figure, too_few, with_ends
from .paper import PAPER_TASKS, Claim
from .task_scores import check_predictions, predictions_path

FULL = "06_pretraining"
CHOICES = "07_ablations/choices"
#: Two runs had equal tokens when their numbers differ by no more than this share.
EQUAL_TOKENS = 0.01
#: Why there is no verdict where runs had different amounts of text.
UNEQUAL = "the runs did not see equal numbers of tokens"

Budget = Literal["tokens", "seconds"]


def arm(claim: Claim, records: list[Record], folder: Path | None) -> Finding | Missing:
    """Compare the full recipe with an arm by their masked accuracy, seed by seed."""
    one = compare(records, claim.arm, folder=folder)
    if one is None:
        recorded = by_seed(records, claim.arm) and not by_seed(records, "full")
        return Missing(
            f"the same seed of both the full recipe and the arm '{ARM_LABELS[claim.arm]}'",
            FULL if recorded else claim.chapter,
        )
    found, used, seeds = one.lead, (*one.full, *one.other), len(one.full)
    interval, n = found.interval, min(r.n for r in used)
    return Finding(
        interval.value,
        interval.low,
        interval.high,
        n,
        seeds,
        in_miniature=not {r.task for r in used} <= PAPER_TASKS,
        text=f"the full recipe's masked accuracy less that of the arm '{ARM_LABELS[claim.arm]}' is "
        f"{with_ends(interval.value, interval.low, interval.high, claim.bound, POINTS)}",
        basis=f"{found.covered}, {counted(seeds, 'seed')}, {counted(n, 'masked token')} of held-out text",
        paper=f"{figure(claim.paper_value, POINTS)} of GLUE score" if claim.paper_value is not None else "",
        unit=POINTS,
        margin=found.margin,
        hurdle=f"{found.margin * 100:.2f} points" if found.margin else "",
        strict=True,
        obstacle=_obstacle(one, claim),
        over_text=found.text,
    )


def _obstacle(one: Comparison, claim: Claim) -> str | None:
    """Return in words what keeps a comparison from any verdict."""
    if not all(map(_equal_tokens, one.full, one.other)):
        return UNEQUAL
    return too_few(len(one.full), claim.seeds, "seed") or (NO_PREDICTIONS if math.isinf(one.lead.text) else None)


def by_seed(records: Iterable[Record], recipe: str) -> dict[int | None, Record]:
    """Return the last step's masked accuracy of the students of ``recipe``, by seed."""
    return _last_steps(held_out(records), recipe, chapter_of(recipe))


def _last_steps(records: Iterable[Record], recipe: str, chapter: str) -> dict[int | None, Record]:
    wanted = [r for r in records if r.chapter == chapter and r.recipe == recipe]
    return {r.seed: r for r in sorted(wanted, key=lambda r: r.step or 0)}


def beside(full: Mapping[int | None, Record], others: Mapping[int | None, Record]) -> dict[int | None, Record]:
    """Return those of ``others`` that were run beside the ``full`` ones, by seed: same text, teacher, code and recipe.

    Where the full recipe was run anew since, an arm that was not has nothing to be compared with.
    """
    return {seed: one for seed, one in others.items() if seed in full and _same_origin(full[seed], one)}


def _same_origin(full: Record, one: Record) -> bool:
    if full.chapter == one.chapter:  # one execution measured both
        return True
    # Records of format 1 say neither beside what they were run nor with which teacher.
    asked, teacher = one.detail.get("beside", full.config), one.detail.get("teacher")
    return (full.config, full.code, full.data, full.detail.get("teacher")) == (asked, one.code, one.data, teacher)


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
        folder: what their predictions files are relative to; None is their edition's folder.
    """

    recipe: str
    full: tuple[Record, ...]
    other: tuple[Record, ...]
    folder: Path | None = None

    @cached_property
    def change(self) -> Differences:
        """This recipe's masked accuracy, or other score, less the full one's, as in the paper's Table 4."""
        return Differences.between(*self._scores[::-1])

    @cached_property
    def lead(self) -> Differences:
        """The same the other way round, as the claims have it."""
        return Differences.between(*self._scores)

    @cached_property
    def _scores(self) -> tuple[HeldOutScores, HeldOutScores]:
        return HeldOutScores.of(self.full, self.folder), HeldOutScores.of(self.other, self.folder)

    @property
    def detectable(self) -> float:
        """What so many seeds, on so much text, would find four times out of five; infinite of one seed."""
        over_seeds = smallest_detectable_difference([r.value for r in self.full], self.accuracies)
        return math.hypot(over_seeds, POWER_FACTOR * self.change.text)

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


def compared(
    records: Iterable[Record], recipes: Iterable[str] = RECIPES, folder: Path | None = None
) -> list[Comparison]:
    """Return those of ``recipes`` that were run, each beside the full one; ``folder`` as :func:`compare` has it."""
    records = list(records)
    return [found for recipe in recipes if (found := compare(records, recipe, folder=folder))]


def compare(
    records: Iterable[Record],
    recipe: str,
    metric: str = "masked_accuracy",
    task: str = HELD_OUT_TEXT,
    folder: Path | None = None,
) -> Comparison | None:
    """Return ``recipe`` beside the full one by a held-out score; None where they have no seed in common.

    Under the masks of training the recipe's chapter measures both.

    Args:
        folder: what the predictions files are relative to; None is the records' edition's folder.
    """
    records, own = held_out(records, metric, task), chapter_of(recipe)
    full = _last_steps(records, "full", FULL if task == HELD_OUT_TEXT else own)
    other = beside(full, _last_steps(records, recipe, own))
    seeds = sorted(other)
    if not seeds:
        return None
    return Comparison(recipe, tuple(full[s] for s in seeds), tuple(other[s] for s in seeds), folder)


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
    cells: Mapping[tuple[str, str], HeldOutScores]

    def teacher(self, start: str) -> Differences:
        """Return what the terms that look at the teacher add to layers with this ``start``."""
        return Differences.between(self.cells[start, "triple"], self.cells[start, "mlm"])

    def copying(self, loss: str) -> Differences:
        """Return what copied layers add to training with this ``loss``."""
        return Differences.between(self.cells["copied", loss], self.cells["random", loss])

    @property
    def interaction(self) -> Differences:
        """How much more the teacher adds to copied layers than to random ones."""
        copied, random = (self.cells[start, "triple"] - self.cells[start, "mlm"] for start in ("copied", "random"))
        return Differences.between(copied, random)


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
    full = by_seed(records, "full")
    found = {cell: beside(full, by_seed(records, recipe)) for cell, recipe in recipes.items()}
    seeds = sorted(set.intersection(*(set(one) for one in found.values())))
    if not seeds:
        return None
    return TwoByTwo(budget, recipes, {cell: HeldOutScores.of([one[s] for s in seeds]) for cell, one in found.items()})


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


#: Two differences must exceed so many times the spread over seeds. Then equal recipes, whose scores vary normally, are
#: called different in at most one comparison of twenty, as often as by a 95% interval.
SPREADS = 2

Side = Literal["above", "below", "open"]


@dataclass(frozen=True)
class Differences:
    """A difference, once a seed, and what may be said of it by the rule that judges the arms.

    Attributes:
        values: the differences, in the order of the seeds.
        spread: the larger range over the seeds of the two that are compared.
        text: half the width of the 95% interval of their mean over held-out text; infinite where it is not known.
    """

    values: tuple[float, ...]
    spread: float
    text: float = 0.0

    @classmethod
    def between(cls, first: HeldOutScores, second: HeldOutScores) -> Differences:
        """Return ``first`` less ``second``, one value a seed, the same seeds in the same order.

        Raises:
            BookError: when they were measured at different positions.
        """
        less = first - second
        return cls(less.values, max(_range(first.values), _range(second.values)), less.text)

    @cached_property
    def interval(self) -> Interval:
        """The mean with its interval over seeds and text; of two seeds with both differences as ends, of one without.

        Seeds and text vary independently, so the half-widths of both intervals add up as the roots of squares do.
        """
        n, mean = len(self.values), sum(self.values) / len(self.values)
        if n > 2:
            over_seeds = seed_difference_interval(self.values, [0.0] * n)
            half = math.hypot(over_seeds.high - mean, self.text)
            return Interval(mean, mean - half, mean + half, n, over_seeds.level)
        low, high = (min(self.values), max(self.values)) if n > 1 else (-math.inf, math.inf)
        return Interval(mean, low, high, n, 0.95)

    @property
    def margin(self) -> float:
        """How far from zero an end must lie: the noise of seeds and text where there are two seeds, and so no interval.

        That is twice the spread over seeds, and the half-width over text, put together likewise.
        """
        return math.hypot(SPREADS * self.spread, self.text) if len(self.values) == 2 else 0.0

    @property
    def side(self) -> Side:
        """On which side of zero all of it is, beyond the margin; "open" where that is not settled."""
        if self.interval.low > self.margin:
            return "above"
        return "below" if self.interval.high < -self.margin else "open"

    @property
    def covered(self) -> str:
        """What its ends are, in words."""
        if len(self.values) == 1:
            return "a single difference"
        return "95% interval over seeds and text" if len(self.values) > 2 else "smallest to largest difference"


def _range(values: Sequence[float]) -> float:
    return max(values) - min(values)


def held_out(records: Iterable[Record], metric: str = "masked_accuracy", task: str = HELD_OUT_TEXT) -> list[Record]:
    """Return the masked accuracies, or another score, of students on held-out text."""
    return [r for r in records if r.model == "student" and r.task == task and r.metric == metric]


@dataclass(frozen=True, eq=False)
class HeldOutScores:
    """The scores of one recipe's students on held-out text, or the difference of such scores.

    Attributes:
        values: the score, once a seed.
        sums: what the masked positions of each block add up to, the mean over seeds, (blocks,); None where what the
            students predicted is not on this machine.
        sizes: how many masked positions each block has, (blocks,).
        labels: the word pieces that were hidden, (positions,).
    """

    values: tuple[float, ...]
    sums: Array | None = None
    sizes: Array | None = None
    labels: NDArray | None = None

    @classmethod
    def of(cls, records: Sequence[Record], folder: Path | None = None) -> HeldOutScores:
        """Return the scores of ``records``, one a seed, all masked accuracies or all masked-LM losses.

        Args:
            folder: what the predictions files are relative to; None is the records' edition's folder.

        Raises:
            BookError: when a file is not the one its record was made from or lacks an array, or two seeds have
                different positions.
        """
        values = tuple(r.value for r in records)
        paths = [predictions_path(r, folder) for r in records]
        if not all(path and path.is_file() for path in paths):
            return cls(values)
        read = [_blocks(p, check_predictions(p, r), r.metric) for p, r in zip(paths, records, strict=True)]
        _, sizes, labels = read[0]
        for path, (_, _, own_labels) in zip(paths, read, strict=True):
            if not np.array_equal(own_labels, labels):
                raise different_examples("two seeds", path)
        return cls(values, np.mean([sums for sums, _, _ in read], axis=0), sizes, labels)

    def __sub__(self, other: HeldOutScores) -> HeldOutScores:
        values = tuple(a - b for a, b in zip(self.values, other.values, strict=True))
        if self.sums is None or other.sums is None:
            return HeldOutScores(values)
        if not np.array_equal(self.labels, other.labels):
            raise different_examples("two recipes", "held-out text")
        return HeldOutScores(values, self.sums - other.sums, self.sizes, self.labels)

    @cached_property
    def text(self) -> float:
        """Half the width of the 95% interval of the mean over seeds if other blocks were drawn; infinite if unknown."""
        return math.inf if self.sums is None else half_width_over_groups(self.sums, self.sizes)


@lru_cache(maxsize=256)
def _blocks(path: Path, contents: str, metric: str) -> tuple[Array, Array, NDArray]:
    """Return the sums and sizes of the blocks and the labels in the file that has these ``contents``."""
    labels, predicted, loss, numbers = kept_arrays(path, ("labels", "predicted", "loss", "block"))
    scored = {"masked_accuracy": labels == predicted, "masked_lm_loss": loss}[metric]
    return *group_sums(scored.astype(np.float64), numbers), labels
