"""The records that the training stages leave: one for each number a later chapter reads."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from ..config import ChapterConfig
from ..data.corpus import Corpus
from ..files import sha256
from ..provenance import code_hash
from ..records import Record
from ..workspace import Workspace
from .finetune import FinetuneRun
from .held_out import Predictions
from .pretrain import PretrainRun

#: The unit of each held-out score: shares have unit 1.
UNITS = {
    "masked_accuracy": "1",
    "masked_lm_loss": "nat",
    "perplexity": "1",
    "kl_to_teacher": "nat",
    "top1_agreement": "1",
}


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
            task="held-out text",
            split="held-out",
            metric=metric,
            value=value,
            unit=UNITS[metric],
            n=len(made.labels),
            seconds=seconds,
            **made_by(config, "distilbook.training.teacher_head", corpus.fingerprint),
            **kept_predictions(path, workspace),
        )
        for metric, value in made.scores().items()
    ]


def pretraining_records(chapter: str, edition: str, run: PretrainRun, corpus: Corpus) -> list[Record]:
    """Return the held-out scores of a finished pre-training run, with the tokens it was trained on."""
    path = run.folder / "held_out.npz"
    positions = len(np.load(path)["labels"])
    return [
        Record(
            edition=edition,
            chapter=chapter,
            model="student",
            recipe=run.arm,
            task="held-out text",
            split="held-out",
            metric=metric,
            value=value,
            unit=UNITS[metric],
            n=positions,
            step=run.config.steps,
            seed=run.seed,
            detail={"tokens": run.tokens},
            seconds=run.seconds,
            **made_by(run.config, "distilbook.training.pretrain", corpus.fingerprint),
            **kept_predictions(path, Workspace(edition)),
        )
        for metric, value in run.scores.items()
    ]


def finetuning_record(
    chapter: str,
    config: ChapterConfig,
    run: FinetuneRun,
    task: Any,
    model: str,
    recipe: str | None = None,
    pretraining_seed: int | None = None,
) -> Record:
    """Return the test accuracy of a finished fine-tuning run, or of a baseline."""
    return Record(
        edition=config.edition,
        chapter=chapter,
        model=model,
        recipe=recipe,
        task=task.name,
        split="test",
        metric="accuracy",
        value=run.accuracy,
        unit="1",
        n=run.n,
        seed=run.seed,
        pretraining_seed=pretraining_seed,
        seconds=run.seconds,
        **made_by(config, "distilbook.training.finetune", task.fingerprint),
        **kept_predictions(run.predictions, Workspace(config.edition)),
    )
