"""The arms of the trial, run with what the full recipe was run with: for as many tokens, or for as many seconds."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from statistics import median

from ..data.corpus import Corpus
from ..workspace import Workspace
from .loop import Watch
from .metrics import read_curves
from .model_card import write_model_card
from .pretrain import PretrainRun, pretrain


def full_runs(workspace: Workspace) -> list[PretrainRun]:
    """Return the finished runs of the full recipe, by seed.

    Raises:
        BookError: when chapter 06 has not published any.
    """
    return published_runs(workspace, "full", made_by="06_pretraining")


def published_runs(workspace: Workspace, arm: str, made_by: str) -> list[PretrainRun]:
    """Return the runs of ``arm`` that chapter ``made_by`` published last, by seed.

    Raises:
        BookError: when there are none.
    """
    names = [name for name in workspace.published_by(made_by) if name.startswith(f"student/{arm}/")]
    if not names:
        raise workspace.missing(f"there is no student of arm {arm!r}", made_by)
    return sorted((PretrainRun.open(workspace.find(name, made_by)) for name in names), key=lambda run: run.seed)


def run_arm(
    arm: str,
    full: Sequence[PretrainRun],
    corpus: Corpus,
    teacher: Path,
    watch: Watch = nullcontext,
    steps: int | None = None,
) -> list[PretrainRun]:
    """Return the runs of ``arm`` that pair with the ``full`` ones: same configuration but one change, same seeds.

    Args:
        watch: makes, of a run's folder, a context in which it is trained.
        steps: how many optimiser steps, where it is not to be as many as the full recipe's.
    """
    longer = {} if steps is None else {"steps": steps}
    runs = [
        pretrain(run.config.model_copy(update=longer), arm, run.seed, corpus, teacher, run.folder.parent, watch)
        for run in full
    ]
    for run in runs:
        write_model_card(run, corpus, teacher)
    return runs


def cost_of_a_step(runs: Sequence[PretrainRun]) -> float:
    """Return what an optimiser step of ``runs`` cost: seconds on an accelerator, seconds times cores without one.

    It is the median over all steps, so that a moment in which the machine was busy does not count. Cores
    count because arms may be trained side by side, each on some of them.
    """
    return median(line["seconds"] * _counted_cores(run) for run in runs for line in read_curves(run.folder)[0])


def _counted_cores(run: PretrainRun) -> int:
    return run.cores if run.made_with["machine"]["accelerator"] == "none" else 1


def equal_seconds_steps(full: Sequence[PretrainRun], runs: Sequence[PretrainRun]) -> int:
    """Return how many steps of an arm's ``runs`` the seconds of the ``full`` ones would have paid for.

    They are taken from what finished runs have noted, so the answer stays what it is, and with it the key of
    a run that has so many steps. An arm that is no cheaper keeps the full recipe's steps.
    """
    steps = full[0].config.steps
    return max(steps, round(steps * cost_of_a_step(full) / cost_of_a_step(runs)))
