"""Held-out scores by how the masks were drawn: uniformly, as the book measures, or smoothed, as it trains.

The two ask for different words, and a model learns how often it is asked for each. So a student that only
ever saw smoothed masks is measured on another question than the one it was trained on, while a student of a
teacher that was trained on uniform masks hears of these, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from transformers import AutoModelForMaskedLM

from ..data.corpus import Corpus
from ..data.masking import Masking
from ..model.teacher import load_teacher, load_tokenizer
from .held_out import Draw, HeldOut, predict
from .pretrain import PretrainRun


@dataclass(frozen=True)
class ScoresByDraw:
    """Held-out scores (as of ``Predictions.scores``) under masks of one draw.

    Attributes:
        teacher: the teacher's.
        students: by recipe those of its runs, in the order of their seeds.
    """

    draw: Draw
    teacher: dict[str, float]
    students: dict[str, list[dict[str, float]]]


def scores_by_draw(
    runs: Mapping[str, Sequence[PretrainRun]], corpus: Corpus, teacher_folder: Path
) -> list[ScoresByDraw]:
    """Return the scores of ``runs``, by the recipe's name, and of their teacher under both draws.

    Those under uniform masks are the ones the runs have noted; the others are computed now.
    """
    noted = {recipe: [run.scores for run in some] for recipe, some in runs.items()}
    of_teacher = next(run.teacher_scores for some in runs.values() for run in some)
    masking = Masking.smoothed(corpus.counts, load_tokenizer(teacher_folder))
    smoothed = HeldOut.of(corpus.held_out, masking, len(corpus.held_out), draw="smoothed")

    def scored(folder: Path) -> dict[str, float]:
        return predict(AutoModelForMaskedLM.from_pretrained(folder, local_files_only=True), smoothed).scores()

    return [
        ScoresByDraw("uniform", of_teacher, noted),
        ScoresByDraw(
            "smoothed",
            predict(load_teacher(teacher_folder, new_head=False), smoothed).scores(),
            {recipe: [scored(run.folder / "model") for run in some] for recipe, some in runs.items()},
        ),
    ]
