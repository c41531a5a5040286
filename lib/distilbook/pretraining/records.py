"""The records that the training stages leave: one for each number a later chapter reads."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ..core.config import ChapterConfig, short_hash
from ..core.files import sha256
from ..core.provenance import code_hash
from ..core.records import HELD_OUT_TEXT, Record
from ..core.workspace import Workspace
from ..models.loading import weights_fingerprint
from ..stats.predictions import kept_arrays
from .measures import MEASURES

if TYPE_CHECKING:  # so that a chapter that records one stage does not depend on the code of the others
    from ..corpus.corpus import Corpus
    from .held_out import Predictions
    from .pretrain import PretrainRun


def made_by(config: ChapterConfig, module: str, data: str) -> dict[str, str]:
    """Return what a record says of its origin: hashes of configuration, code and data."""
    return {"config": config.fingerprint(), "code": code_hash(module), "data": data}


def kept_predictions(path: Path, workspace: Workspace) -> dict[str, str]:
    """Return what a record says of the predictions its value was computed from."""
    return {"predictions": os.path.relpath(path, workspace.root), "predictions_hash": sha256(path)}


def teacher_records(
    chapter: str, config: ChapterConfig, corpus: Corpus, made: Predictions, path: Path, seconds: float
) -> list[Record]:
    """Return the teacher's held-out scores; ``path`` is where ``made`` was saved, ``seconds`` what its head took."""
    workspace = Workspace(config.edition)
    return [
        Record(
            edition=config.edition,
            chapter=chapter,
            model="teacher",
            task=HELD_OUT_TEXT,
            split="held-out",
            metric=metric,
            value=value,
            unit=MEASURES[metric].unit,
            n=len(made.labels),
            seconds=seconds,
            fingerprint=weights_fingerprint(workspace.find("teacher", chapter)),
            **made_by(config, "distilbook.pretraining.teacher_head", corpus.fingerprint),
            **kept_predictions(path, workspace),
        )
        for metric, value in made.scores().items()
    ]


def pretraining_records(
    chapter: str,
    edition: str,
    run: PretrainRun,
    corpus: Corpus,
    recipe: str | None = None,
    budget: Literal["tokens", "seconds"] = "tokens",
    config: str | None = None,
    beside: str | None = None,
) -> list[Record]:
    """Return the held-out scores of a finished pre-training run, with what it was trained on and what it took.

    Args:
        recipe: what the records call the recipe; None is the run's arm.
        budget: what it has had as much of as the full recipe. Of a run for as many seconds the number of steps
            is a measurement, not part of what was asked for: it stands in the records' detail.
        config: the fingerprint of what asked for the run, where that is more than its own configuration.
        beside: the fingerprint of the full recipe's configuration, where the run is to be compared with that.
    """
    path = run.folder / "held_out.npz"
    (labels,) = kept_arrays(path, ("labels",))
    origin = made_by(run.config, "distilbook.pretraining.pretrain", corpus.fingerprint)
    detail = {"tokens": run.tokens, "steps": run.config.steps, "cores": run.cores, "budget": budget}
    # To four digits, so that the same teacher is the same on two machines.
    detail["teacher"] = short_hash({name: f"{score:.4g}" for name, score in run.teacher_scores.items()})
    weights = weights_fingerprint(run.folder / "model")
    return [
        Record(
            edition=edition,
            chapter=chapter,
            model="student",
            recipe=recipe or run.arm,
            task=HELD_OUT_TEXT,
            split="held-out",
            metric=metric,
            value=value,
            unit=MEASURES[metric].unit,
            n=len(labels),
            step=run.config.steps if budget == "tokens" else None,
            seed=run.seed,
            fingerprint=weights,
            detail=detail | ({"beside": beside} if beside else {}),
            seconds=run.seconds,
            hardware=run.made_with["machine"],
            versions=run.made_with["versions"],
            **origin | ({"config": config} if config else {}),
            **kept_predictions(path, Workspace(edition)),
        )
        for metric, value in run.scores.items()
    ]
