"""Students measured once more on held-out text, with the masks drawn as training draws them.

Uniform and smoothed masks ask for different words, and a model learns how often it is asked for each. So a
student that only ever saw smoothed masks is measured on another question than the one it was trained on, while
the student of a teacher that was trained on uniform masks hears of these, too.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from ..data.corpus import Corpus
from ..data.masking import Masking
from ..files import new_folder
from ..finished import MARKER, Unfinished, begin_again, opened, seal
from ..model.loading import load_model, load_tokenizer
from ..model.teacher import weights_fingerprint
from ..records import TRAINING_MASKS, Record
from ..workspace import Workspace
from .held_out import HeldOut, Predictions, predict
from .measurements import kept_predictions
from .pretrain import PretrainRun

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
