"""Pre-training a student: the full recipe, or an arm that takes one thing away from it."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from accelerate import PartialState
from pydantic import Field
from torch import Tensor
from transformers import PreTrainedModel

from ..core.config import ChapterConfig, Seeds, short_hash
from ..core.files import new_folder
from ..core.finished import MARKER, opened, seal
from ..core.provenance import made_with
from ..core.run_keys import code_hash
from ..corpus.corpus import Corpus
from ..corpus.masking import IGNORED, Masking
from ..distillation.losses import cosine_loss, vocabulary_loss
from ..distillation.recipe import ARM_LABELS, Recipe, changes_of
from ..distillation.student import build_student
from ..models.encoder import hidden_states
from ..models.lm_head import Projection
from ..models.loading import load_teacher, load_tokenizer, weights_fingerprint
from ..training.batches import Blocks, MicroBatch
from ..training.checkpoint import drop_checkpoint
from ..training.log import FILE, read_curves
from ..training.loop import Watch, train
from ..training.making import make_once
from ..training.precision import with_precision
from ..training.schedule import LoopConfig
from ..training.step import Objective
from .export import save_student
from .held_out import HeldOut, Predictions, compare, predictions, projections


class PretrainConfig(ChapterConfig, Recipe, LoopConfig):
    """A recipe, and how long it is followed."""

    circumstances: ClassVar[frozenset[str]] = ChapterConfig.circumstances | LoopConfig.circumstances

    seeds: Seeds = Field(description="one run each")
    dropout: float = Field(ge=0, lt=1)
    evaluations: int = Field(ge=1, le=10**6, description="held-out measurements over a run, besides the one before it")
    evaluated_blocks: int = Field(
        ge=1, le=10**9, description="held-out blocks those measurements along the way are taken on"
    )

    @property
    def recipe(self) -> Recipe:
        """The recipe alone."""
        return Recipe(**{name: getattr(self, name) for name in Recipe.model_fields})

    def for_arm(self, arm: str) -> PretrainConfig:
        """Return this configuration with the one change that makes it ``arm``'s.

        Raises:
            BookError: for an arm that changes nothing here, or that leaves nothing to learn.
        """
        return self.parse(self.model_dump() | changes_of(arm, self.recipe), where=f"arm {arm!r} of the recipe")


class TripleLoss(Objective):
    """A student and the three terms it is trained on; the teacher is looked at, never trained."""

    def __init__(self, student: PreTrainedModel, teacher: PreTrainedModel, recipe: Recipe):
        super().__init__()
        self.student, self.recipe = student, recipe
        self.distils_all = recipe.distillation_weight > 0 and recipe.distilled_positions == "all"
        self.normalised_by = {
            "distillation_loss": "tokens" if self.distils_all else "masked",
            "masked_lm_loss": "masked",
            "cosine_loss": "tokens",
        }
        # In a list, so that the teacher is no part of this module: not trained, not saved, not wrapped.
        self._teacher = [teacher]

    def compile_encoders(self) -> None:
        self.student.base_model.compile()
        self._teacher[0].base_model.compile()

    def forward(self, batch: MicroBatch, tokens: int, masked: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of some blocks and the sums of its terms.

        Args:
            tokens, masked: what the whole optimiser step has of either, over all micro-batches and processes.
        """
        recipe, labels = self.recipe, batch.real(batch.labels)
        positions = slice(None) if self.distils_all else labels != IGNORED
        hidden = hidden_states(self.student, batch.input_ids, batch.attention_mask)  # (tokens, width)
        teacher_hidden, target = self._look_up(batch, positions)
        loss, divergence, cross_entropy = vocabulary_loss(
            Projection.of(self.student, hidden[positions]),
            target,
            labels[positions],
            recipe.temperature,
            recipe.distillation_weight / (tokens if self.distils_all else max(masked, 1)),
            recipe.masked_lm_weight / max(masked, 1),
        )
        terms = {"masked_lm_loss": cross_entropy}
        if target is not None:
            terms["distillation_loss"] = divergence
        if recipe.cosine_weight > 0:
            cosine = cosine_loss(hidden, teacher_hidden.clone())
            loss = loss + recipe.cosine_weight / tokens * cosine
            terms["cosine_loss"] = cosine.detach()
        return loss, terms

    @torch.inference_mode()
    def _look_up(self, batch: MicroBatch, positions: Tensor | slice) -> tuple[Tensor | None, Projection | None]:
        """Return the teacher's hidden states and its projection at ``positions``, as far as the recipe uses them."""
        if not self.recipe.uses_teacher:
            return None, None
        hidden = hidden_states(self._teacher[0], batch.input_ids, batch.attention_mask)
        distils = self.recipe.distillation_weight > 0
        return hidden, Projection.of(self._teacher[0], hidden[positions]) if distils else None


@dataclass(frozen=True)
class PretrainRun:
    """A finished run.

    Attributes:
        folder: holds ``model/`` (loaded by ``AutoModelForMaskedLM``), ``metrics.jsonl``, ``held_out.npz``.
        scores: held-out measurements at the last step.
        tokens, seconds: what the optimiser's steps took; measurements are left out.
        cores: how many CPU cores it had; of two arms' seconds those times cores compare.
        teacher_scores: the teacher's own on the same positions.
        made_with: the machine, the versions and the code.
    """

    folder: Path
    arm: str
    seed: int
    config: PretrainConfig
    scores: dict[str, float]
    tokens: int
    seconds: float
    cores: int
    teacher_scores: dict[str, float]
    made_with: dict[str, str | dict]

    @classmethod
    def open(cls, folder: Path) -> PretrainRun:
        """Return the finished run in ``folder``.

        Raises:
            Unfinished: when it is not finished, or a file of it is not as it was then.
        """
        facts = opened(folder / MARKER)
        config = PretrainConfig.parse(facts.pop("config"), where=folder / MARKER)
        return cls(folder=folder, config=config, **facts)


def pretrain(
    config: PretrainConfig,
    arm: str,
    seed: int,
    corpus: Corpus,
    teacher_folder: Path,
    root: Path,
    watch: Watch = nullcontext,
) -> PretrainRun:
    """Return the run of ``arm`` with ``seed`` below ``root``: the finished one if there is one, else trained now.

    The run's key holds the arm's configuration, the seed, the text, the teacher and the code, so
    nothing is trained twice and nothing stale is taken for fresh.

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
            code_hash("pretraining"),
        ]
    )
    folder = root / key

    def make() -> None:
        with watch(folder):
            _train(own, arm, seed, corpus, teacher_folder, folder)

    make_once(folder, "this training", make)
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
    """Return what the run in ``folder`` took, and what it was made with."""
    steps = read_curves(folder)[0]
    spent = {name: sum(line[name] for line in steps) for name in ("tokens", "seconds")}
    made = made_with() | {"code": code_hash("pretraining")}
    return spent | {"cores": torch.get_num_threads(), "made_with": made}


def measured(student, theirs: list[Projection], held_out: HeldOut) -> tuple[Predictions, dict[str, float]]:
    """Return the student's predictions on ``held_out`` and its scores, also against the teacher's projections."""
    ours = projections(student, held_out)
    made = predictions(ours, held_out)
    return made, made.scores() | compare(ours, theirs)
