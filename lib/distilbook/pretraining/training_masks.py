"""training_masks."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from ..core.files import new_folder
from ..core.finished import MARKER, Unfinished, begin_again, opened, seal
from ..core.records import TRAINING_MASKS, Record
from ..core.workspace import Workspace
from ..corpus.corpus import Corpus
from ..corpus.masking import Masking
from ..models.loading import load_model, load_tokenizer, weights_fingerprint
from .held_out import HeldOut, Predictions, predict
from .pretrain import PretrainRun
from .records import kept_predictions

FILE = "held_out.npz"


def training_mask_records(uniform: Iterable[Record], run: PretrainRun, corpus: Corpus) -> list[Record]:
    """Return the masked accuracy, loss and perplexity of a finished run on all held-out blocks, masked as in training.

    Args:
        uniform: the run's held-out records under uniform masks, which say who is measured and for whom.
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
    """Return the file of what the student predicts; it is written once."""
    folder = run.folder / "training_masks"
    facts = {"weights": weights_fingerprint(run.folder / "model")}
    with contextlib.suppress(Unfinished):
        if opened(folder / MARKER) == facts:
            return folder / FILE
    begin_again(folder / MARKER, "the measurement under training masks")
    masking = Masking.smoothed(corpus.counts, load_tokenizer(run.folder / "model"))
    held_out = HeldOut.of(corpus.held_out, masking, len(corpus.held_out), draw="smoothed")
    student = load_model(run.folder / "model", "masked_lm")
    with new_folder(folder) as new:
        predict(student, held_out).save(new / FILE)
        seal(new / MARKER, facts, [FILE])
    return folder / FILE
