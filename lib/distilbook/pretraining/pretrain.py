"""Pre-training of a student with the full recipe or an ablation of it."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import torch
from accelerate import PartialState
from transformers import DistilBertForMaskedLM

from ..core.config import short_hash
from ..core.files import new_folder
from ..core.finished import MARKER, seal
from ..core.provenance import code_hash, made_with
from ..corpus.corpus import Corpus
from ..corpus.masking import Masking
from ..distillation.objectives import TripleLoss
from ..distillation.recipe import ARM_LABELS
from ..distillation.student import build_student
from ..models.lm_head import Projection
from ..models.loading import load_teacher, load_tokenizer, weights_fingerprint
from ..training.batches import Blocks
from ..training.checkpoint import drop_checkpoint
from ..training.log import FILE, read_curves
from ..training.loop import Watch, make_once, train
from ..training.precision import with_precision
from .config import PretrainConfig, PretrainRun
from .export import save_student
from .held_out import HeldOut, Predictions, compare, predictions, projections


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

    The run's key holds the ablation's configuration, the seed, the text, the teacher and the code, so
    nothing is trained twice and no stale result is used.

    Args:
        watch: makes, of the run's folder, a context in which it is trained, such as a live figure.
    """
    own = with_precision(config.for_arm(arm))
    key = short_hash(
        [
            own.fingerprint(),
            seed,
            corpus.fingerprint,
            weights_fingerprint(teacher_folder),
            code_hash("distilbook.pretraining.pretrain"),
        ]
    )
    folder = root / key
    make_once(folder, "this training", watch, lambda: _train(own, arm, seed, corpus, teacher_folder, folder))
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
        everything = HeldOut.of(corpus.held_out, masking, len(corpus.held_out))
        with new_folder(folder / "model") as model:
            save_student(student.eval(), tokenizer, model, everything)
        theirs = projections(teacher, everything)
        made, scores = measured(student, theirs, everything)
        made.save(folder / "held_out.npz")
        facts = {"arm": arm, "seed": seed, "config": config.model_dump(mode="json"), "scores": scores}
        facts |= {"teacher_scores": predictions(theirs, everything).scores()}
        seal(folder / MARKER, facts | _circumstances(folder), ("model", "held_out.npz", FILE))
        drop_checkpoint(folder / "checkpoint")
    state.wait_for_everyone()


def _circumstances(folder: Path) -> dict:
    """Return the tokens, seconds and cores of the run in ``folder``, the machine, the versions and the code."""
    steps = read_curves(folder)[0]
    spent = {name: sum(line[name] for line in steps) for name in ("tokens", "seconds")}
    made = made_with() | {"code": code_hash("distilbook.pretraining.pretrain")}
    return spent | {"cores": torch.get_num_threads(), "made_with": made}


def measured(
    student: DistilBertForMaskedLM, theirs: list[Projection], held_out: HeldOut
) -> tuple[Predictions, dict[str, float]]:
    """Return the student's predictions on ``held_out`` and its scores, also against the teacher's projections."""
    ours = projections(student, held_out)
    made = predictions(ours, held_out)
    return made, made.scores() | compare(ours, theirs)
