"""Bootstrap comparison of models on the same examples: macro-scores, differences, retention, shares of a lead.

The macro-score is the paper's (Table 1): the mean over tasks of the median over seeds of each task's metric. A resample
draws the examples of each task, the same for all models, and the seeds of each model, the same for all tasks: a student
pre-trained once and fine-tuned on several tasks has an effect of its pre-training in common on all of them. For fewer
than five seeds a bootstrap underestimates their variance, which widening factors correct.
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
from .intervals import Array, Bootstrap, Interval
from .metrics import OF_VALUES
from .predictions import Answers, SeedId, different_examples

#: Predictions by task and model, such as ``tasks["RTE"]["teacher"]``, matched between tasks by their seeds.
Tasks = Mapping[str, Mapping[str, Answers]]

#: Widening factor by number of seeds, applied to the bootstrap deviation from the median of all seeds. With it the false
#: positive rate for equal models is about 5% at most, whatever the share of the seeds in the variance; five seeds need
#: none.
WIDENED = {2: 3.0, 3: 1.3, 4: 1.2}


@dataclass(frozen=True, eq=False)
class Comparison:
    """Macro-scores of several models with their resamples, paired over models.

    Attributes:
        tasks: the tasks' names.
        found: macro-score by model.
        resampled: macro-score in each resample by model, (resamples,).
        n: number of examples of all tasks.
        units: smallest number of sampling units (examples or clusters) of a task.
        how: settings of the bootstrap.
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
        """Return the macro-score of ``model`` minus that of ``other``."""
        return self._interval(lambda score, less: score - less, model, other)

    def retention(self, model: str, reference: str) -> Interval:
        """Return the macro-score of ``model`` as a share of that of ``reference``.

        NaN if the reference is not above zero; without bounds if it is not in some resample.
        """
        return self._interval(lambda score, whole: score / np.where(whole > 0, whole, np.nan), model, reference)

    def share_of_lead(self, model: str, reference: str, baseline: str) -> Interval:
        """Return (score - baseline) / (reference - baseline), the share of the reference's lead."""
        return self._interval(lambda score, whole, base: (score - base) / (whole - base), model, reference, baseline)

    def _interval(self, statistic: Callable[..., Array], *models: str) -> Interval:
        with np.errstate(divide="ignore", invalid="ignore"):
            value = statistic(*(np.float64(self.found[model]) for model in models))
            resampled = statistic(*(self.resampled[model] for model in models))
        return self.how.interval(value, resampled, self.n, self.units)


def compare(tasks: Tasks, models: Sequence[str], how: Bootstrap = Bootstrap()) -> Comparison:
    """Resample examples and seeds of all ``tasks``, once for all ``models``.

    Raises:
        BookError: without tasks, for a model without predictions on one, or different examples.
    """
    if not tasks:
        raise BookError(
            "there is no task to compare on", expected="at least one", do="run the chapter that fine-tunes on tasks"
        )
    models = list(dict.fromkeys(models))
    chosen = {task: _answers(task, tasks[task], models) for task in tasks}
    seeds = {model: sorted({seed for some in chosen.values() for seed in some[model].seeds}) for model in models}
    drawn = {  # indices of the seeds that each resample draws for all tasks, (resamples, seeds)
        model: _random(how, f"seeds of {model}").integers(len(own), size=(how.resamples, len(own)))
        for model, own in seeds.items()
    }
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
    """Return a comparison for each question (a tuple of models), on the tasks that all its models have.

    Questions on the same tasks share their resamples; a question without a common task is excluded.
    """
    by_tasks: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
    for question in questions:
        common = tuple(task for task, answers in tasks.items() if all(model in answers for model in question))
        by_tasks.setdefault(common, []).append(question)
    found: dict[tuple[str, ...], Comparison] = {}
    for names, some in by_tasks.items():
        if names:
            models = [model for question in some for model in question]
            found |= dict.fromkeys(some, compare({task: tasks[task] for task in names}, models, how))
    return found


def scores_on_one_task(task: str, answers: Mapping[str, Answers], how: Bootstrap = Bootstrap()) -> dict[str, Interval]:
    """Return the score of each model on one ``task``."""
    compared = compare({task: answers}, list(answers), how)
    return {model: compared.score(model) for model in answers}


def difference(tasks: Tasks, model: str, other: str, how: Bootstrap = Bootstrap()) -> Interval:
    """Return the macro-score of ``model`` minus that of ``other`` on the same examples."""
    return compare(tasks, [model, other], how).difference(model, other)


def _answers(task: str, answers: Mapping[str, Answers], models: Sequence[str]) -> dict[str, Answers]:
    """Return the predictions of ``models`` on ``task``, checked to be on the same examples."""
    for model in models:
        if model not in answers:
            do = nearest(model, list(answers), "models")
            raise BookError(f"{model!r} has no predictions", where=task, expected="every model on every task", do=do)
    chosen = {model: answers[model] for model in models}
    first = chosen[models[0]]
    for one in chosen.values():
        if not (np.array_equal(one.labels, first.labels) and np.array_equal(one.groups, first.groups)):
            raise different_examples("two models", task)
        if one.metric != first.metric:
            raise BookError(
                f"two models were scored by {first.metric} and by {one.metric}",
                where=task,
                expected="the task's official metric for all",
                do="read all predictions with the same metric",
            )
    return chosen


def _random(how: Bootstrap, what: str) -> np.random.Generator:
    """Return the random generator for ``what``, independent of what else is compared."""
    return np.random.default_rng([how.seed, zlib.crc32(what.encode())])


def is_counted(answers: Answers, seeds: Sequence[SeedId]) -> NDArray[np.bool_]:
    """Return for each of ``seeds`` whether it has counted predictions, (seeds,)."""
    counted = dict(zip(answers.seeds, answers.counted, strict=True))
    return np.array([counted.get(seed, False) for seed in seeds])


def _resampled(task: str, answers: tuple[Answers, ...], how: Bootstrap) -> list[Array]:
    """Return the scores of the counted seeds in each resample of a task's examples, (resamples, seeds) for each model.

    Classifications are resampled for all models at once, regressions for each model alone over the same drawn
    examples, so that the cached result serves every question.
    """
    if answers[0].metric not in OF_VALUES:
        return _resampled_at_once(task, answers, how)
    return [scores for one in answers for scores in _resampled_at_once(task, (one,), how)]


@lru_cache(maxsize=128)
def _resampled_at_once(task: str, answers: tuple[Answers, ...], how: Bootstrap) -> list[Array]:
    """Return the resampled scores of models that are resampled together, cached for tables, figures and verdicts."""
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
    """Return the median of the ``drawn`` seeds' ``scores`` in each resample, with the widening factor for few seeds.

    Args:
        scores, drawn: (resamples, seeds); the result is clipped to the range of scores, -1 to 1.
    """
    middle, widened = np.median(scores, axis=1), WIDENED.get(scores.shape[1], 1.0)
    resampled = np.median(np.take_along_axis(scores, drawn, axis=1), axis=1)
    return np.clip(middle + widened * (resampled - middle), -1.0, 1.0)


def counted_seeds(drawn: NDArray[np.int64], counted: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the indices of the counted seeds drawn in each resample, shape ``(resamples, counted seeds)``.

    A seed that this task lacks is replaced by a random counted one, so that each is drawn equally often.

    Args:
        drawn: seeds drawn for all tasks, (resamples, seeds); counted: whether this task counts each seed, (seeds,).
    """
    places = np.full(drawn.shape[1], -1)
    places[np.flatnonzero(counted)] = np.arange(counted.sum())
    wanted = places[drawn[:, : counted.sum()]]
    return np.where(wanted >= 0, wanted, rng.integers(counted.sum(), size=wanted.shape))
