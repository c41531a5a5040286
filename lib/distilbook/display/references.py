"""Reference runs beside the paper: where they come from, and what their models scored."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..claims import CLAIMS, Judgement, judge
from ..claims.arm_scores import arm_changes
from ..claims.arms import compared
from ..claims.paper import GLUE, TABLE_1, TABLE_2
from ..claims.reference import ReferenceRun
from ..claims.scored import kept_answers, runs_by_task
from ..progress import duration
from .comparisons import change_rows
from .masks import mask_rows
from .rows import arm_change_rows, task_rows

#: The models whose figures the paper prints, and what it calls them.
PUBLISHED = {"teacher": "BERT-base", "full": "DistilBERT"}
#: The chapters whose records are scores on tasks.
CHAPTERS = ("08_sentence_tasks", "09_long_documents")


def reference_rows(runs: Iterable[ReferenceRun]) -> list[dict]:
    """Return a row a fact about each reference run: on what and by what it was made, and what was a subset."""
    return _titled(runs, _facts)


def _titled(runs: Iterable[ReferenceRun], rows: Callable[[ReferenceRun], list[dict]]) -> list[dict]:
    """Return the ``rows`` of all runs, each with its run's title before it."""
    return [{"reference run": run.provenance.title} | row for run in runs for row in rows(run)]


def _facts(run: ReferenceRun) -> list[dict[str, str]]:
    made = run.provenance
    facts = {
        "edition": made.edition,
        "when": made.when,
        "machine": made.machine,
        "text": made.text,
        "pre-training of the full recipe's student": f"{made.tokens:,} word pieces, {duration(made.seconds)}",
        "what was a subset": made.subset,
    }
    return [{"what": name, "how": value} for name, value in facts.items()]


def reference_scores(runs: Iterable[ReferenceRun]) -> list[dict]:
    """Return a row for each task and model of the reference runs, with the paper's figure for that task beside it."""
    return _titled(runs, _scores)


def _scores(run: ReferenceRun) -> list[dict]:
    rows = []
    for chapter in CHAPTERS:
        scored = runs_by_task(run.records, chapter)
        for task, answers in kept_answers(scored, run.folder).items():
            made = zip(answers, task_rows(task, answers), strict=True)
            rows += [{"task": task} | row | {"the paper": published(task, model)} for model, row in made]
    return rows


def reference_recipes(runs: Iterable[ReferenceRun]) -> list[dict]:
    """Return a row for each recipe of the reference runs: its change of the full one's masked accuracy."""
    return _titled(runs, lambda run: change_rows(compared(run.records, folder=run.folder)))


def reference_masks(runs: Iterable[ReferenceRun]) -> list[dict]:
    """Return, of the reference runs that were measured under both kinds of masks, a row for each of either."""
    return _titled(runs, lambda run: mask_rows(run.records, folder=run.folder))


def reference_arms(runs: Iterable[ReferenceRun]) -> list[dict]:
    """Return a row for each recipe of the reference runs: its change of the full one's score on tasks."""
    return _titled(runs, lambda run: arm_change_rows(arm_changes(run.records, run.folder)))


def published(task: str, model: str) -> str | None:
    """Return what the paper prints for a model on a task, as a share like ours; None where it prints nothing."""
    table = TABLE_1 if task in GLUE else TABLE_2
    figure = table[PUBLISHED[model]].get(task) if model in PUBLISHED else None
    return None if figure is None else f"{PUBLISHED[model]} {figure / 100:.3f}"


def reference_verdicts(run: ReferenceRun) -> list[Judgement]:
    """Return the verdicts on all claims that the run has records for."""
    judged = [judge(claim, run.records, run.folder) for claim in CLAIMS]
    return [one for one in judged if one.value is not None]
