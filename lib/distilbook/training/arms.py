"""The arms of the trial, run with what the full recipe was run with."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

from ..config import BookError
from ..data.corpus import Corpus
from ..workspace import Workspace
from .loop import Watch
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
        raise BookError(
            f"there is no student of arm {arm!r}",
            where=workspace.root,
            expected=f"what chapter {made_by} trains",
            do=f"run that chapter first: distilbook run {workspace.edition} --chapter {made_by}",
        )
    return sorted((PretrainRun.open(workspace.find(name, made_by)) for name in names), key=lambda run: run.seed)


def run_arm(
    arm: str, full: list[PretrainRun], corpus: Corpus, teacher: Path, watch: Watch = nullcontext
) -> list[PretrainRun]:
    """Return the runs of ``arm`` that pair with the ``full`` ones: same configuration but one change, same seeds.

    Args:
        watch: makes, of a run's folder, a context in which it is trained.
    """
    runs = [pretrain(run.config, arm, run.seed, corpus, teacher, run.folder.parent, watch) for run in full]
    for run in runs:
        write_model_card(run, corpus, teacher)
    return runs
