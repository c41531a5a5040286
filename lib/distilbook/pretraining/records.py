"""Records of the training stages: held-out scores with their origin."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from ..core.config import ChapterConfig, short_hash
from ..core.files import new_folder
from ..core.finished import MARKER, Unfinished, begin_again, opened, seal
from ..core.records import HELD_OUT_TEXT, TRAINING_MASKS, Record, kept_predictions
from ..core.run_keys import code_hash
from ..core.workspace import Workspace
from ..corpus.corpus import Corpus
from ..corpus.masking import Masking
from ..models.loading import load_model, load_tokenizer, weights_fingerprint
from ..stats.predictions import kept_arrays
from .config import PretrainRun
from .held_out import HELD_OUT_FILE, HeldOut, Predictions, predict
from .measures import MEASURES


def made_by(config: ChapterConfig, stage: str, data: str) -> dict[str, Any]:
    """Return a record's fields on its origin: hashes of configuration, code and data."""
    return {"config": config.fingerprint(), "code": code_hash(stage), "data": data}


def teacher_records(
    chapter: str, config: ChapterConfig, corpus: Corpus, made: Predictions, path: Path, seconds: float
) -> list[Record]:
    """Return the teacher's held-out scores.

    Args:
        path: the file of ``made``.
        seconds: the training time of its head.
    """
    workspace = Workspace(config.edition)
    return _held_out_records(
        made.scores(),
        edition=config.edition,
        chapter=chapter,
        model="teacher",
        n=len(made.labels),
        seconds=seconds,
        fingerprint=weights_fingerprint(workspace.find("teacher", chapter)),
        **made_by(config, "teacher_head", corpus.fingerprint),
        **kept_predictions(path, workspace),
    )


def _held_out_records(scores: dict[str, float], **common: Any) -> list[Record]:
    return [
        Record(task=HELD_OUT_TEXT, split="held-out", metric=metric, value=value, unit=MEASURES[metric].unit, **common)
        for metric, value in scores.items()
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
    """Return the held-out scores of a finished pre-training run, with its budget, text and time.

    Args:
        recipe: the recipe's name in the records; None is the run's ablation.
        budget: the quantity that is the same as the full recipe's. For equal seconds the number of steps is a
            measurement and is stored in the records' detail.
        config: the fingerprint of the chapter's configuration, if it holds more than the run's.
        beside: the fingerprint of the full recipe's configuration, if the run is compared with it.
    """
    path = run.folder / HELD_OUT_FILE
    (labels,) = kept_arrays(path, ("labels",))
    origin = made_by(run.config, "pretraining", corpus.fingerprint)
    detail: dict[str, Any] = {"tokens": run.tokens, "steps": run.config.steps, "cores": run.cores, "budget": budget}
    # To four digits, so that the same teacher is the same on two machines.
    detail["teacher"] = short_hash({name: f"{score:.4g}" for name, score in run.teacher_scores.items()})
    return _held_out_records(
        run.scores,
        edition=edition,
        chapter=chapter,
        model="student",
        recipe=recipe or run.arm,
        n=len(labels),
        step=run.config.steps if budget == "tokens" else None,
        seed=run.seed,
        fingerprint=weights_fingerprint(run.folder / "model"),
        detail=detail | ({"beside": beside} if beside else {}),
        seconds=run.seconds,
        hardware=run.made_with["machine"],
        versions=run.made_with["versions"],
        **origin | ({"config": config} if config else {}),
        **kept_predictions(path, Workspace(edition)),
    )


def training_mask_records(uniform: Iterable[Record], run: PretrainRun, corpus: Corpus) -> list[Record]:
    """Return the masked accuracy, loss and perplexity of a finished run on all held-out blocks, masked as in training.

    A model learns the frequencies of the masked tokens, which differ between uniform and smoothed masks. A student that
    was trained with smoothed masks alone is therefore measured under its own distribution, too.

    Args:
        uniform: the run's records under uniform masks, for the other fields.
    """
    path = _predicted(run, corpus)
    made = Predictions.open(path)
    scores = made.scores()
    return [
        replace(
            record,
            task=TRAINING_MASKS,
            value=scores[record.metric],
            n=len(made.labels),
            **kept_predictions(path, Workspace(record.edition)),
        )
        for record in uniform
        if record.metric in scores
    ]


def _predicted(run: PretrainRun, corpus: Corpus) -> Path:
    """Return the file of the student's predictions under training masks, written once."""
    folder = run.folder / "training_masks"
    facts = {"weights": weights_fingerprint(run.folder / "model"), "measured_by": code_hash("held_out")}
    with contextlib.suppress(Unfinished):
        if opened(folder / MARKER) == facts:
            return folder / HELD_OUT_FILE
    begin_again(folder / MARKER, "the measurement under training masks")
    masking = Masking.smoothed(corpus.counts, load_tokenizer(run.folder / "model"))
    held_out = HeldOut.of(corpus.held_out, masking, len(corpus.held_out), draw="smoothed")
    student = load_model(run.folder / "model", "masked_lm")
    with new_folder(folder) as new:
        predict(student, held_out).save(new / HELD_OUT_FILE)
        seal(new / MARKER, facts, [HELD_OUT_FILE])
    return folder / HELD_OUT_FILE
