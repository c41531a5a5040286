"""A masked-LM head for a teacher that has none, fitted together with the teacher's layers.

MiniLM's published weights end at the hidden states. A head is fitted to them by masked language
modelling; the word embeddings stay as they are (and are the head's output matrix), the layers move
with the head. A teacher that comes with a head is used as it is: ``steps`` 0.
"""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from accelerate import PartialState
from pydantic import Field
from torch import Tensor
from transformers import PreTrainedModel

from ..core.config import Address, ChapterConfig, Seed, short_hash
from ..core.files import new_folder
from ..core.finished import MARKER, seal
from ..core.run_keys import code_hash
from ..corpus.corpus import Corpus
from ..corpus.masking import IGNORED, Masking
from ..models.encoder import hidden_states
from ..models.family import family_of
from ..models.folder import check_teacher
from ..models.lm_head import Projection
from ..models.loading import has_head, load_teacher, load_tokenizer, quiet_loading, weights_fingerprint
from ..models.tokenizer import save_tokenizer
from ..training.batches import Blocks, MicroBatch
from ..training.checkpoint import drop_checkpoint
from ..training.log import FILE
from ..training.loop import Watch, train
from ..training.making import make_once
from ..training.precision import with_precision
from ..training.schedule import LoopConfig
from ..training.step import Objective
from .held_out import HeldOut, predict

#: The gain of a new head's LayerNorm: random logits start small beside the frequencies, yet large enough to learn.
HEAD_GAIN = 0.3
#: The bias of a new head at rows that no word piece has: their probability is 0 in float32.
PADDING_BIAS = -100.0


class TeacherConfig(ChapterConfig, LoopConfig):
    """Which teacher, and how long its head is fitted."""

    circumstances: ClassVar[frozenset[str]] = ChapterConfig.circumstances | LoopConfig.circumstances

    teacher: Address = Field(description="the teacher's address: hub:<id>, a folder, or wheel:<name>")
    steps: int = Field(
        ge=0, le=10**9, description="optimiser steps of the head's fitting; 0 for a teacher that has one"
    )
    mask_share: float = Field(gt=0, lt=1, description="share of the word pieces hidden while the head is fitted")
    evaluated_blocks: int = Field(ge=1, le=10**9, description="held-out blocks the learning curve is measured on")
    seed: Seed


class MaskedLM(Objective):
    """Masked language modelling of a teacher whose word embeddings stay fixed."""

    def __init__(self, model: PreTrainedModel):
        super().__init__()
        self.model = model
        self.normalised_by = {"masked_lm_loss": "masked"}
        model.get_input_embeddings().weight.requires_grad_(False)

    def compile_encoders(self) -> None:
        self.model.base_model.compile()

    def forward(self, batch: MicroBatch, tokens: int, masked: int) -> tuple[Tensor, dict[str, Tensor]]:
        labels = batch.real(batch.labels)
        positions = labels != IGNORED
        hidden = hidden_states(self.model, batch.input_ids, batch.attention_mask)
        logits = Projection.of(self.model, hidden[positions]).logits()
        total = F.cross_entropy(logits, labels[positions], reduction="sum")
        return total / max(masked, 1), {"masked_lm_loss": total.detach()}


def start_at_word_frequencies(model: PreTrainedModel, counts: np.ndarray) -> None:
    """Set the head's bias to each word piece's log frequency and keep the rest small: the unigram model.

    Args:
        counts: of each word piece; the model may have further rows, which pad its vocabulary.
    """
    frequencies = (counts + 1.0) / (counts + 1.0).sum()
    with torch.no_grad():
        model.get_submodule(family_of(model.config).head["head_norm"]).weight.fill_(HEAD_GAIN)
        bias = model.get_output_embeddings().bias
        bias.fill_(PADDING_BIAS)
        bias[: len(counts)] = torch.from_numpy(np.log(frequencies)).float()


def fitted_teacher(config: TeacherConfig, source: Path, corpus: Corpus, root: Path, watch: Watch = nullcontext) -> Path:
    """Return the folder of the teacher with a masked-LM head, fitted below ``root`` unless that was done.

    Args:
        source: the folder of the teacher's published weights.
        watch: makes, of the run's folder, a context in which it is trained.

    Raises:
        BookError: for weights that are missing, a vocabulary that does not match or blocks that are too long, before
            anything is trained; for a loss that is not finite.
    """
    check_teacher(source, new_head=config.steps > 0)
    corpus.check_vocabulary(load_tokenizer(source))
    if config.steps == 0:
        load_teacher(source, new_head=False)
        return source
    config = with_precision(config)
    key = short_hash(
        [
            config.fingerprint(),
            weights_fingerprint(source),
            corpus.fingerprint,
            code_hash("teacher_head"),
        ]
    )
    folder = root / key

    def make() -> None:
        with watch(folder):
            _fit(config, source, corpus, folder)

    make_once(folder, "this fitting", make)
    return folder / "model"


def _fit(config: TeacherConfig, source: Path, corpus: Corpus, folder: Path) -> None:
    state = PartialState()
    torch.manual_seed(config.seed)
    # The model stays in evaluation mode: less than an epoch is read, so there is nothing for dropout to prevent.
    model = load_teacher(source, new_head=True).to(state.device)
    if not has_head(source):
        start_at_word_frequencies(model, corpus.counts)
    tokenizer = load_tokenizer(source)
    masking = Masking.smoothed(corpus.counts, tokenizer)
    held_out = HeldOut.of(corpus.held_out, masking, config.evaluated_blocks)
    train(
        MaskedLM(model),
        Blocks(corpus.train, masking.weighing_alike(config.mask_share), config, config.seed),
        config,
        folder,
        "fitting the teacher's head",
        measure=lambda step: predict(model, held_out).scores(),
        measure_every=max(1, config.steps // 6),
    )
    if state.is_main_process:
        with new_folder(folder / "model") as made, quiet_loading():
            model.save_pretrained(made)
            save_tokenizer(tokenizer, made)
        seal(folder / MARKER, {"config": config.model_dump(mode="json")}, ("model", FILE))
        drop_checkpoint(folder / "checkpoint")
    state.wait_for_everyone()
