"""Masked-LM head of a teacher without one, trained together with the teacher's layers.

MiniLM's published weights end at the hidden states. The word embeddings, which are the head's output matrix, stay
fixed. A teacher that has a head is used as it is: ``steps`` 0.
"""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from accelerate import PartialState
from pydantic import Field
from transformers import PreTrainedModel

from ..core.config import Address, ChapterConfig, Seed, short_hash
from ..core.files import new_folder
from ..core.finished import MARKER, seal
from ..core.run_keys import code_hash
from ..corpus.corpus import Corpus
from ..corpus.masking import Masking
from ..models.family import family_of
from ..models.folder import check_teacher
from ..models.loading import has_head, load_teacher, load_tokenizer, quiet_loading, weights_fingerprint
from ..models.tokenizer import save_tokenizer
from ..training.batches import Blocks
from ..training.checkpoint import drop_checkpoint
from ..training.log import FILE
from ..training.loop import Watch, make_once, train
from ..training.objectives import MaskedLM
from ..training.precision import with_precision
from ..training.schedule import BlocksConfig
from .held_out import HeldOut, predict

#: Gain of a new head's LayerNorm: random logits start small compared with the frequencies, but large enough to learn.
HEAD_GAIN = 0.3
#: Bias of a new head at rows without a token: their probability is 0 in float32.
PADDING_BIAS = -100.0


class TeacherConfig(ChapterConfig, BlocksConfig):
    """The teacher's address and the training of its head."""

    circumstances: ClassVar[frozenset[str]] = ChapterConfig.circumstances | BlocksConfig.circumstances

    teacher: Address = Field(description="the teacher's address: hub:<id>, a folder, or wheel:<name>")
    steps: int = Field(ge=0, le=10**9, description="optimiser steps of the head's training; 0 for a teacher with one")
    mask_share: float = Field(gt=0, lt=1, description="share of the tokens masked while the head is trained")
    evaluated_blocks: int = Field(ge=1, le=10**9, description="held-out blocks of the learning curve")
    seed: Seed


def start_at_word_frequencies(model: PreTrainedModel, counts: np.ndarray) -> None:
    """Set the head's bias to each token's log frequency and its other weights small: the unigram model.

    Args:
        counts: of each token; the model may have further rows, which pad its vocabulary.
    """
    frequencies = (counts + 1.0) / (counts + 1.0).sum()
    with torch.no_grad():
        model.get_submodule(family_of(model.config).head["head_norm"]).weight.fill_(HEAD_GAIN)
        bias = model.get_output_embeddings().bias
        bias.fill_(PADDING_BIAS)
        bias[: len(counts)] = torch.from_numpy(np.log(frequencies)).float()


def fitted_teacher(config: TeacherConfig, source: Path, corpus: Corpus, root: Path, watch: Watch = nullcontext) -> Path:
    """Return the folder of the teacher with a masked-LM head, trained below ``root`` unless it is finished there.

    Args:
        source: the folder of the teacher's published weights.

    Raises:
        BookError: before training, for missing weights, another vocabulary or blocks that are too long.
        Diverged: for a loss that is not finite.
    """
    check_teacher(source, new_head=config.steps > 0)
    corpus.check_vocabulary(load_tokenizer(source))
    if config.steps == 0:
        load_teacher(source, new_head=False)
        return source
    config = with_precision(config)
    weights, code = weights_fingerprint(source), code_hash("teacher_head")
    folder = root / short_hash([config.fingerprint(), weights, corpus.fingerprint, code])
    make_once(folder, "this fitting", watch, lambda: _fit(config, source, corpus, folder))
    return folder / "model"


def _fit(config: TeacherConfig, source: Path, corpus: Corpus, folder: Path) -> None:
    state = PartialState()
    torch.manual_seed(config.seed)
    # The model stays in evaluation mode: less than an epoch is read, so dropout is not needed.
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
