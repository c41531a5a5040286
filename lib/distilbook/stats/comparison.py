"""Models compared on the same examples of the same tasks: macro-scores, differences, and what a student keeps.

The macro-score is the paper's (Table 1): the mean over tasks of the median over seeds of each task's metric. A seed
is known by its number in all tasks: a student pre-trained once and fine-tuned on each of them owes something to that
pre-training in all of them, so the seeds drawn in a resample are the same for all tasks. Of a handful of seeds a
bootstrap shows too little of how much seeds vary, of one nothing; so what it shows is widened where they are few.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..core.config import BookError, nearest
from .bootstrap import resampled_scores, units_of
from .intervals import Array, Bootstrap, Interval, median_of_drawn
from .metrics import OF_VALUES
from .predictions import Answers, SeedId, different_examples

#: Answers by task and model, such as ``tasks["RTE"]["teacher"]``; rows on several tasks belong together by their seeds.
Tasks = Mapping[str, Mapping[str, Answers]]

#: By the number of seeds, so many times as far from the median of all is that of the drawn ones taken to be. Then equal
#: models are called different in about one comparison of twenty at most, however much of the scatter is the seeds'.
#: From five on that is so by itself.
WIDENED = {2: 3.0, 3: 1.3, 4: 1.2}


@dataclass(frozen=True, eq=False)
class Comparison:
    """Macro-scores of several models, as they are and in resamples that all of them share.

    Attributes:
        tasks: the tasks' names.
        found: the macro-score by model.
        resampled: the macro-score in each resample by model, (resamples,).
        n: examples of all tasks together.
        units: of the task that has fewest, the units that are drawn.
        how: the level, and how it was resampled.
    """

    tasks: tuple[str, ...]
    found: dict[str, float]
    resampled: dict[str, Array]
    n: int
    units: int
    how: Bootstrap

    def score(self, model: str) -> Interval:
        """Return the macro-score of ``model``."""
        return self._interval(lambda score: score, model)

    def difference(self, model: str, other: str) -> Interval:
        """Return score - other score."""
        return self._interval(lambda score, less: score - less, model, other)

    def retention(self, model: str, reference: str) -> Interval:
        """Return score / reference score: the share of it that ``model`` retains.

        A share of nothing or less has no meaning: NaN where the reference is not above zero, and no bounds where it
        is not in some resample.
        """
        return self._interval(lambda score, whole: score / np.where(whole > 0, whole, np.nan), model, reference)

    def share_of_lead(self, model: str, reference: str, baseline: str) -> Interval:
        """Return (score - baseline) / (reference - baseline): the share of the reference's lead that is kept."""
        return self._interval(lambda score, whole, base: (score - base) / (whole - base), model, reference, baseline)

    def _interval(self, statistic: Callable[..., Array], *models: str) -> Interval:
        with np.errstate(divide="ignore", invalid="ignore"):
            value = statistic(*(np.float64(self.found[model]) for model in models))
            resampled = statistic(*(self.resampled[model] for model in models))
        return self.how.interval(value, resampled, self.n, self.units)


def compare(tasks: Tasks, models: Sequence[str], how: Bootstrap = Bootstrap()) -> Comparison:
    """Resample examples and seeds of all ``tasks``, once for all ``models``.

    Raises:
        BookError: without tasks, when a model has no answers to one, or two were scored on different examples.
    """
    if not tasks:
        raise BookError("there is no task to compare on", expected="at least one", do="run chapter 08_sentence_tasks")
    models = list(dict.fromkeys(models))
    chosen = {task: _answers(task, tasks[task], models) for task in tasks}
    seeds = {model: all_seeds(answers[model] for answers in chosen.values()) for model in models}
    drawn = {model: _drawn_seeds(model, len(seeds[model]), how) for model in models}
    resampled = {model: np.zeros(how.resamples) for model in models}
    for task, answers in chosen.items():
        parts = _resampled(task, tuple(answers.values()), how)
        for (model, one), scores in zip(answers.items(), parts, strict=True):
            rng = _random(how, f"seeds of {model} on {task}")
            places = counted_seeds(drawn[model], is_counted(one, seeds[model]), rng)
            resampled[model] += drawn_score(scores, places) / len(chosen)
    groups = [answers[models[0]].groups for answers in chosen.values()]
    found = {model: float(np.mean([answers[model].score for answers in chosen.values()])) for model in models}
    return Comparison(tuple(chosen), found, resampled, sum(map(len, groups)), min(map(units_of, groups)), how)


def compare_in_common(
    tasks: Tasks, questions: Iterable[tuple[str, ...]], how: Bootstrap = Bootstrap()
) -> dict[tuple[str, ...], Comparison]:
    """Return for each question, the models that are to be compared, a comparison on the tasks that all of them have.

    Questions about the same tasks share their resamples; one whose models have no task in common is left out.
    """
    by_tasks: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
    for question in questions:
        common = tuple(task for task, answers in tasks.items() if all(model in answers for model in question))
        by_tasks.setdefault(common, []).append(question)
    found = {}
    for names, some in by_tasks.items():
        if names:
            models = [model for question in some for model in question]
            found |= dict.fromkeys(some, compare({task: tasks[task] for task in names}, models, how))
    return found


def scores_on_one_task(task: str, answers: Mapping[str, Answers], how: Bootstrap = Bootstrap()) -> dict[str, Interval]:
    """Return the score of each model on the one ``task`` that all of ``answers`` are to."""
    compared = compare({task: answers}, list(answers), how)
    return {model: compared.score(model) for model in answers}


def macro_score(tasks: Tasks, model: str, how: Bootstrap = Bootstrap()) -> Interval:
    """Return the mean over ``tasks`` of the median over seeds, with its interval over examples and seeds."""
    return compare(tasks, [model], how).score(model)


def difference(tasks: Tasks, model: str, other: str, how: Bootstrap = Bootstrap()) -> Interval:
    """Return by how much the macro-score of ``model`` exceeds that of ``other`` on the same examples."""
    return compare(tasks, [model, other], how).difference(model, other)


def retention(tasks: Tasks, model: str, reference: str, how: Bootstrap = Bootstrap()) -> Interval:
    """Return the share of the macro-score of ``reference`` that ``model`` retains on the same examples."""
    return compare(tasks, [model, reference], how).retention(model, reference)


def share_of_lead(tasks: Tasks, model: str, reference: str, baseline: str, how: Bootstrap = Bootstrap()) -> Interval:
    """Return the share of the lead of ``reference`` over ``baseline`` that ``model`` keeps on the same examples."""
    return compare(tasks, [model, reference, baseline], how).share_of_lead(model, reference, baseline)


def _answers(task: str, answers: Mapping[str, Answers], models: Sequence[str]) -> dict[str, Answers]:
    """Return the answers of ``models`` to ``task``, all to the same examples."""
    for model in models:
        if model not in answers:
            do = nearest(model, list(answers), "models")
            raise BookError(f"{model!r} has no answers", where=task, expected="every model on every task", do=do)
    chosen = {model: answers[model] for model in models}
    first = chosen[models[0]]
    for one in chosen.values():
        same = np.array_equal(one.labels, first.labels) and np.array_equal(one.groups, first.groups)
        if not same:
            raise different_examples("two models", task)
        if one.metric != first.metric:
            raise BookError(
                f"two models were scored by {first.metric} and by {one.metric}",
                where=task,
                expected="the task's official metric for all",
                do="read all answers with the same metric",
            )
    return chosen


def _random(how: Bootstrap, what: str) -> np.random.Generator:
    """Return the random numbers for ``what``, the same whatever else is compared."""
    return np.random.default_rng([how.seed, zlib.crc32(what.encode())])


def all_seeds(answers: Iterable[Answers]) -> list[SeedId]:
    """Return the seeds that any of a model's ``answers`` has, in rising order."""
    return sorted({seed for one in answers for seed in one.seeds})


def is_counted(answers: Answers, seeds: Sequence[SeedId]) -> NDArray[np.bool_]:
    """Return for each of ``seeds`` whether ``answers`` have it and count it, (seeds,)."""
    counted = dict(zip(answers.seeds, answers.counted, strict=True))
    return np.array([counted.get(seed, False) for seed in seeds])


def _drawn_seeds(model: str, seeds: int, how: Bootstrap) -> NDArray[np.int64]:
    """Return the places of the seeds of ``model`` that each resample draws for all tasks, (resamples, seeds)."""
    return _random(how, f"seeds of {model}").integers(seeds, size=(how.resamples, seeds))


def _resampled(task: str, answers: tuple[Answers, ...], how: Bootstrap) -> list[Array]:
    """Return the score of every counted seed in every resample of a task's examples, (resamples, seeds) a model.

    Classes are counted for all models at once. Values are not: there each model is resampled by itself, over the same
    drawn examples, and serves every question it occurs in.
    """
    if answers[0].metric not in OF_VALUES:
        return _resampled_at_once(task, answers, how)
    return [scores for one in answers for scores in _resampled_at_once(task, (one,), how)]


@lru_cache(maxsize=128)
def _resampled_at_once(task: str, answers: tuple[Answers, ...], how: Bootstrap) -> list[Array]:
    """Return the same of models that are resampled together.

    Tables, figures and verdicts ask for the same ones over and over, so the last ones are kept.
    """
    first, predicted = answers[0], [one.predicted[one.counted] for one in answers]
    scores = resampled_scores(
        first.metric,
        first.labels,
        np.concatenate(predicted),
        first.groups,
        _random(how, f"examples of {task}"),
        how.resamples,
        np.concatenate([one.example_scores[one.counted] for one in answers]),
    )
    return np.split(scores, np.cumsum([len(rows) for rows in predicted])[:-1], axis=1)


def drawn_score(scores: Array, drawn: NDArray[np.int64]) -> Array:
    """Return the median of the ``drawn`` seeds' ``scores`` in each resample, widened where the seeds are few.

    Args:
        scores, drawn: (resamples, seeds); no score is above 1 or below -1, and none is taken to be.
    """
    middle, widened = np.median(scores, axis=1), WIDENED.get(scores.shape[1], 1.0)
    return np.clip(middle + widened * (median_of_drawn(scores, drawn) - middle), -1.0, 1.0)


def counted_seeds(drawn: NDArray[np.int64], counted: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return which of the counted seeds are drawn in each resample, shape ``(resamples, counted seeds)``.

    These are the seeds ``drawn`` for all tasks, (resamples, seeds); one that this task lacks or does not count is
    replaced by any that it counts, so that each is drawn equally often.

    Args:
        counted: of all seeds whether this task has and counts them, (seeds,).
    """
    places = np.full(drawn.shape[1], -1)
    places[np.flatnonzero(counted)] = np.arange(counted.sum())
    wanted = places[drawn[:, : counted.sum()]]
    return np.where(wanted >= 0, wanted, rng.integers(counted.sum(), size=wanted.shape))
