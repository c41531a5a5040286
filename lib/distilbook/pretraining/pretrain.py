"""Pre-training of a student with the full recipe or an ablation of it."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import torch
from accelerate import PartialState
from transformers import PreTrainedModel

from ..core.config import short_hash
from ..core.files import new_folder
from ..core.finished import MARKER, is_whole, opened, seal, sealed
from ..core.provenance import made_with
from ..core.run_keys import code_hash
from ..corpus.corpus import Corpus
from ..corpus.masking import Masking
from ..distillation.objectives import TripleLoss
from ..distillation.recipe import ARM_LABELS
from ..distillation.student import build_student
from ..models.lm_head import Projection
from ..models.loading import load_model, load_teacher, load_tokenizer, weights_fingerprint
from ..training.batches import Blocks
from ..training.checkpoint import drop_checkpoint
from ..training.log import FILE, read_curves
from ..training.loop import Watch, make_once, train
from ..training.precision import with_precision
from .config import PretrainConfig, PretrainRun
from .export import save_student
from .held_out import HELD_OUT_FILE, HeldOut, Predictions, compare, predictions, projections

#: The marker of a trained student, whose held-out scores :data:`MARKER` adds.
TRAINED = "trained.json"


def pretrain(
    config: PretrainConfig,
    arm: str,
    seed: int,
    corpus: Corpus,
    teacher_folder: Path,
    root: Path,
    watch: Watch = nullcontext,
) -> PretrainRun:
    """Return the run of the ablation ``arm`` with ``seed`` below ``root``, trained unless it is finished there.

    The run's key holds the ablation's configuration, the seed, the text, the teacher and the code, so nothing is
    trained twice and no stale result is used. Held-out scores have their own key: when the measuring code has changed, a
    trained student is measured again.
    """
    own = with_precision(config.for_arm(arm))
    teacher = weights_fingerprint(teacher_folder)
    folder = root / short_hash([own.fingerprint(), seed, corpus.fingerprint, teacher, code_hash("pretraining")])

    def make() -> None:
        if not is_whole(folder / TRAINED):
            _train(own, arm, seed, corpus, teacher_folder, folder)
        _measure(corpus, teacher_folder, folder)

    _drop_old_measurement(folder / MARKER)
    make_once(folder, "this training", watch, make)
    return PretrainRun.open(folder)


def _train(config: PretrainConfig, arm: str, seed: int, corpus: Corpus, teacher_folder: Path, folder: Path) -> None:
    state = PartialState()
    teacher = load_teacher(teacher_folder, new_head=False).requires_grad_(False).to(state.device)
    tokenizer = load_tokenizer(teacher_folder)
    corpus.check_vocabulary(tokenizer)
    student = build_student(teacher, config.recipe, config.dropout, seed).to(state.device)
    masking = Masking.smoothed(corpus.counts, tokenizer)
    along = HeldOut.of(corpus.held_out, masking, config.evaluated_blocks)
    theirs = projections(teacher, along)
    train(
        TripleLoss(student, teacher, config.recipe).train(),
        Blocks(corpus.train, masking, config, seed),
        config,
        folder,
        f"{ARM_LABELS[arm]}, seed {seed}",
        measure=lambda step: measured(student, theirs, along)[1],
        measure_every=-(-config.steps // config.evaluations),
    )
    if state.is_main_process:
        with new_folder(folder / "model") as model:
            save_student(student.eval(), tokenizer, model, along)
        steps = read_curves(folder)[0]
        facts = {"arm": arm, "seed": seed, "config": config.model_dump(mode="json")}
        facts |= {name: sum(line[name] for line in steps) for name in ("tokens", "seconds")}
        facts |= {"cores": torch.get_num_threads(), "made_with": made_with() | {"code": code_hash("pretraining")}}
        seal(folder / TRAINED, facts, ("model", FILE))
        drop_checkpoint(folder / "checkpoint")
    state.wait_for_everyone()


def _measure(corpus: Corpus, teacher_folder: Path, folder: Path) -> None:
    """Measure the trained student in ``folder`` on all held-out text, which finishes the run."""
    state = PartialState()
    if state.is_main_process:
        teacher, student = (
            model.eval().to(state.device)
            for model in (load_teacher(teacher_folder, new_head=False), load_model(folder / "model", "masked_lm"))
        )
        masking = Masking.smoothed(corpus.counts, load_tokenizer(teacher_folder))
        held_out = HeldOut.of(corpus.held_out, masking, len(corpus.held_out))
        theirs = projections(teacher, held_out)
        made, scores = measured(student, theirs, held_out)
        made.save(folder / HELD_OUT_FILE)
        facts = {"scores": scores, "teacher_scores": predictions(theirs, held_out).scores()}
        facts["measured_by"] = code_hash("held_out")
        seal(folder / MARKER, opened(folder / TRAINED) | facts, [*sealed(folder / TRAINED), HELD_OUT_FILE])
    state.wait_for_everyone()


def _drop_old_measurement(marker: Path) -> None:
    """Remove the marker of a finished run that other code has measured, so that it is measured again."""
    if PartialState().is_main_process and is_whole(marker) and opened(marker)["measured_by"] != code_hash("held_out"):
        marker.unlink()
    PartialState().wait_for_everyone()


def measured(
    student: PreTrainedModel, theirs: list[Projection], held_out: HeldOut
) -> tuple[Predictions, dict[str, float]]:
    """Return the student's predictions on ``held_out`` and its scores, also against the teacher's projections."""
    ours = projections(student, held_out)
    made = predictions(ours, held_out)
    return made, made.scores() | compare(ours, theirs)
