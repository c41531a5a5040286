"""Sentences about results, each chosen by a rule from the values it states: none is typed where it depends on a run.

A function takes values that a chapter has at hand and returns the sentence for the case they make:
it rises, it falls, it cannot be told. What a sentence concludes is therefore true of whatever edition
is executed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import median

import numpy as np

from ..claims import Claim, Judgement
from ..core.quantities import SHARE, counted, listed, with_ends
from ..core.records import Record
from ..stats.intervals import Interval, median_and_range


def short(value: float) -> str:
    """Return ``value`` with three digits; as a whole number, thousands separated, if it is one or from a hundred on."""
    return f"{value:,.0f}" if abs(value) >= 100 or float(value).is_integer() else f"{value:#.3g}"


def percent(value: float) -> str:
    """Return a share in percent."""
    return f"{value:.1%}"


def nat(value: float) -> str:
    """Return a divergence or a loss with its unit."""
    return f"{short(value)} nat"


def quoted(pieces: Iterable[str]) -> str:
    """Return word pieces or names as a list in quotes, so that none is taken for a word or a number of ours."""
    return ", ".join(f"‘{piece}’" for piece in pieces)


def on_trial(claims: Sequence[Claim]) -> str:
    """Say how many of the claims name a figure and how many a direction."""
    directions = sum(claim.kind == "arm" for claim in claims)
    return f"On trial are {counted(len(claims) - directions, 'figure')} and {counted(directions, 'direction')}."


def half_of_text(counts: np.ndarray, labels: Sequence[str]) -> str:
    """Say how few word pieces make up half of the text, and which the first are.

    Args:
        counts: how often each word piece occurs, (vocabulary,); labels: the word pieces.
    """
    order = np.argsort(-counts, kind="stable")
    needed = int(np.searchsorted(np.cumsum(counts[order]), counts.sum() / 2)) + 1
    return (
        f"Half of the training text is made of {needed:,} of the {(counts > 0).sum():,} word pieces that occur in it. "
        f"The most frequent are {quoted(labels[i] for i in order[: min(needed, 5)])}."
    )


def drawn_against_all(drawn: np.ndarray, every: np.ndarray) -> str:
    """Say whether the word pieces drawn are rarer than the word pieces around them.

    Args:
        drawn, every: how often each drawn word piece, and each word piece, occurs in the training text.
    """
    ours, all_of_them = float(np.median(drawn)), float(np.median(every))
    how = "rarer than" if ours < all_of_them else "more frequent than" if ours > all_of_them else "as frequent as"
    return (
        f"Half of the drawn word pieces occur at most {short(ours)} times in the training text; of all the word pieces "
        f"in these blocks half occur at most {short(all_of_them)} times. The drawn ones are {how} the rest of the text."
    )


def rates_by_frequency(rates: Mapping[str, float]) -> str:
    """Say how the share drawn changes from the rarest group of word pieces to the most frequent.

    Args:
        rates: the share drawn, by how often the group's word pieces occur (``10 to 99``), the rarest first.
    """
    names, steps = list(rates), np.diff(list(rates.values()))
    first, last = rates[names[0]], rates[names[-1]]
    if len(names) == 1:
        return f"All word pieces occur {names[0]} times; of these {first:.1%} are drawn."
    way = "falls" if (steps < 0).all() else "rises" if (steps > 0).all() else "neither falls nor rises throughout"
    return (
        f"Of word pieces that occur {names[0]} times {first:.1%} are drawn, of those that occur {names[-1]} times "
        f"{last:.1%}; from group to group the share {way}."
    )


def teacher_score(accuracy: Interval, perplexity: float, best_constant: float) -> str:
    """Say how much of the hidden text the teacher guesses, and whether that is more than one fixed guess gives."""
    if accuracy.low > best_constant:
        against = "which is less"
    elif accuracy.high < best_constant:
        against = "which is more"
    else:
        against = "which the interval does not exclude"
    guessed = with_ends(accuracy.value, accuracy.low, accuracy.high, best_constant, SHARE)
    return (
        f"The teacher guesses {guessed} of the hidden "
        f"word pieces ({accuracy.level:.0%} interval over blocks, n = {accuracy.n:,}), with a perplexity of "
        f"{short(perplexity)}. Always guessing the same word piece would give {best_constant:.1%} at best, {against}."
    )


def copies(same: Sequence[bool]) -> str:
    """Say whether every copied module equals its source."""
    if all(same):
        return f"All of {counted(len(same), 'copied module')} equal their source, number for number."
    return f"Of {counted(len(same), 'copied module')} only {sum(same)} equal their source, number for number."


def published_sizes(teacher: Mapping[str, int], student: Mapping[str, int]) -> str:
    """Say how much smaller DistilBERT is than BERT-base, and how much of that the embeddings give.

    Args:
        teacher, student: parameters by part; a part of the embeddings has that word in its name.
    """
    whole, smaller = sum(teacher.values()), sum(student.values())
    before, after = embeddings_of(teacher), embeddings_of(student)
    return (
        f"From {whole:,} to {smaller:,} parameters: {1 - smaller / whole:.1%} smaller. Of BERT-base "
        f"{before / whole:.1%} are embeddings, and DistilBERT saves {before - after:,} of these {before:,}; all the "
        f"rest of the saving, {whole - smaller - before + after:,}, comes from layers and pooler."
    )


def embeddings_of(parts: Mapping[str, int]) -> int:
    """Return how many parameters are in parts with ``embedding`` in their name."""
    return sum(count for part, count in parts.items() if "embedding" in part)


def own_sizes(own: Sequence[Mapping[str, int]], published: Sequence[Mapping[str, int]]) -> str:
    """Say how much smaller this edition's student is, beside the published pair.

    Args:
        own, published: of teacher and student the parameters by part.
    """
    pairs = own, published
    ours, papers = (round(1 - sum(student.values()) / sum(teacher.values()), 3) for teacher, student in pairs)
    here, there = (embeddings_of(teacher) / sum(teacher.values()) for teacher, _ in pairs)
    how = "less than" if ours < papers else "more than" if ours > papers else "as much as"
    return (
        f"Here the student is {ours:.1%} smaller, {how} the published pair's {papers:.1%}. Embeddings are "
        f"{here:.1%} of this teacher's parameters and {there:.1%} of BERT-base's."
    )


def gradient_sizes(temperatures: Sequence[float], plain: Sequence[float], scaled: Sequence[float]) -> str:
    """Say by what factor the gradient's norm changes over ``temperatures``, with and without the square."""
    without, with_square = (max(norms) / min(norms) for norms in (plain, scaled))
    how = "less than" if with_square < without else "no less than"
    return (
        f"Between T = {temperatures[0]:g} and T = {temperatures[-1]:g} the largest norm is {short(with_square)} times "
        f"the smallest with the square and {short(without)} times without it: with the square it changes {how} without."
    )


def agreement(differences: Mapping[str, float], tolerance: float = 1e-9) -> str:
    """Say whether library and formula agree, given by name how far apart they are."""
    apart = [name for name, difference in differences.items() if not difference <= tolerance]
    if apart:
        return f"Library and formula differ by more than {tolerance:g} in {', '.join(apart)}."
    return f"Library and formula agree to within {tolerance:g} in all of {', '.join(differences)}."


def projected_positions(where: str, positions: int, share: float, vocabulary: int) -> str:
    """Say at how many positions of an optimiser step both networks are projected onto the vocabulary.

    Args:
        where: the recipe's ``distilled_positions``, ``all`` or ``masked``.
        positions: word pieces in a step; share: of them masked.
    """
    masked, more = f"about {round(share * positions):,}", f"{short(1 / share)} times as many"
    here = f"every position, {positions:,} in a step" if where == "all" else f"the masked positions, {masked} in a step"
    other = f"every position would be {positions:,}, {more}"
    if where == "all":
        other = f"the masked positions alone would be {masked}, and these are {more}"
    pieces = f"each projected onto {vocabulary:,} word pieces in both networks"
    return f"This edition takes the distillation loss at {here}, {pieces}; {other}."


def final_accuracy(seeds: Sequence[float], teacher: float, positions: int) -> str:
    """Say where the students' masked accuracies end, and on which side of the teacher's."""
    summary = median_and_range(seeds)
    if summary.high < teacher:
        side = "below"
    elif summary.low > teacher:
        side = "above"
    elif summary.low == summary.high:
        side = "level with"
    else:
        side = "not on one side of"
    return (
        f"Over {counted(summary.n, 'seed')} the student ends at a masked accuracy of {summary.median:.1%} (from "
        f"{summary.low:.1%} to {summary.high:.1%}, n = {positions:,} positions), {side} the teacher's {teacher:.1%}."
    )


def course(what: str, curves: Sequence[Sequence[Mapping]], metric: str, form: Callable[[float], str]) -> str:
    """Say whether ``metric`` rises or falls on every seed, from before the training to its end.

    Args:
        curves: for each seed its held-out measurements, the first of them before training.
        form: writes a value, such as :func:`percent` or :func:`nat`.
    """
    first, last = ([lines[place][metric] for lines in curves] for place in (0, -1))
    ways = {"rises" if b > a else "falls" if b < a else "stays" for a, b in zip(first, last, strict=True)}
    if len(ways) > 1:
        way = "does not go the same way on every seed"
    elif ways == {"stays"}:
        way = "ends where it began on every seed"
    else:
        way = f"{ways.pop()} on every seed"
    return (
        f"On the blocks measured along the way the {what} {way}: from {form(median(first))} before training to "
        f"{form(median(last))} at its end (medians, {counted(len(curves), 'seed')})."
    )


def verdict_counts(verdicts: Sequence[Judgement]) -> str:
    """Say how many claims got which verdict."""
    got = Counter(one.verdict for one in verdicts)
    return (
        f"Of {counted(len(verdicts), 'claim')} this edition reproduced {got['reproduced']}, contradicted "
        f"{got['contradicted']} and left {got['not settled']} unsettled. Verdicts in miniature: "
        f"{sum(one.in_miniature for one in verdicts)}."
    )


def machines(records: Iterable[Record], aside: Iterable[tuple[Record, str]] = ()) -> str:
    """Say on which machines ``records`` were measured.

    Args:
        aside: records of other machines that do not count beside these, each with what it differs in.
    """
    found = {
        f"{quoted([r.hardware['processor']])}, {counted(r.hardware['cores'], 'core')}, "
        f"accelerator: {r.hardware['accelerator']}"
        for r in records
    }
    said = f"Measured on: {'; '.join(sorted(found))}." if found else "There are no records yet."
    numbers = Counter((record.chapter, differs) for record, differs in aside)
    parts = [f"{counted(number, 'record')} of `{chapter}` (other {why})" for (chapter, why), number in numbers.items()]
    return said + (f" Not counted beside these: {listed(parts)}." if parts else "")
