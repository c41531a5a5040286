"""Preparation of a corpus: made once per key, resumed after an interruption."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from ..core.config import short_hash
from ..core.files import sha256, sole
from ..core.finished import CORPUS_MARKER, begin_again, is_whole, seal
from ..core.run_keys import code_hash
from ..text.sources import fingerprint
from .config import CorpusConfig
from .corpus import (
    BlockShards,
    Corpus,
    check_block_length,
    evenly_spaced,
    shard_paths,
    vocabulary_hash,
    write_blocks,
)
from .packing import vocabulary_size
from .preparation import Preparation, State
from .tokenising import Settings


def prepare(config: CorpusConfig, tokenizer: Any, root: Path) -> Corpus:
    """Return the corpus that ``config`` describes, made below ``root`` unless it is there already.

    An interrupted preparation resumes after its last shard; until the corpus is whole it lies in the folder
    ``<key>.unfinished``.

    Args:
        tokenizer: a fast tokenizer of ``transformers``; ``model_max_length`` bounds the length of a block.

    Raises:
        BookError: for blocks longer than the model's inputs, a tokenizer without the special tokens that blocks
            need, a source that cannot be read or is mostly unknown tokens, too little text for one block of
            either split, or when another process is preparing the same corpus.
    """
    check_block_length(config.block_length, tokenizer.model_max_length, "parameter 'block_length' of the corpus")
    key = short_hash(
        [
            config.fingerprint(),
            [fingerprint(text) for text in config.texts],
            vocabulary_hash(tokenizer),
            code_hash("corpus"),
        ]
    )
    folder, unfinished = root / key, root / f"{key}.unfinished"
    if not is_whole(folder / CORPUS_MARKER):
        with sole(unfinished / "lock", "the preparation of this corpus"):
            try:
                if not is_whole(folder / CORPUS_MARKER):  # another process may have made it just now
                    begin_again(folder / CORPUS_MARKER, "the corpus")
                    _make(config, tokenizer, unfinished)
                    shutil.rmtree(folder, ignore_errors=True)
                    os.replace(unfinished / "corpus", folder)
            except BaseException:
                if not (unfinished / "checkpoint").exists():  # nothing to go on from
                    shutil.rmtree(unfinished)
                raise
            shutil.rmtree(unfinished)
    return Corpus.open(folder)


def _make(config: CorpusConfig, tokenizer: Any, unfinished: Path) -> None:
    """Make the corpus in the folder ``corpus`` of ``unfinished``, with intermediate files in ``checkpoint``."""
    folder, checkpoint = unfinished / "corpus", unfinished / "checkpoint"
    settings = Settings.of(tokenizer, config.block_length, config.packing)
    state = Preparation(config, settings, folder, checkpoint).run()
    dtype, length = settings.format.dtype, settings.format.length
    train, held_out = (
        BlockShards(shard_paths(where, split), dtype, length)
        for where, split in ((folder, "train"), (checkpoint, "held_out"))
    )
    # Evenly spaced, so that every source is among the held-out blocks that are kept.
    write_blocks(folder / "held_out.bin", [held_out[evenly_spaced(len(held_out), config.held_out_blocks)]])
    counts, content = _counted(train, vocabulary_size(tokenizer))
    if settings.packing == "one_sequence":
        counts[settings.format.pad_id] = 0
    np.save(folder / "counts.npy", counts)
    facts = _facts(settings, state, tokenizer, [content, sha256(folder / "held_out.bin")])
    seal(folder / CORPUS_MARKER, facts, [*(path.name for path in train.paths), "held_out.bin", "counts.npy"])


def _facts(settings: Settings, state: State, tokenizer: Any, contents: list[str]) -> dict:
    """Return the content of ``corpus.json``; ``contents`` are the hashes of the training and the held-out blocks."""
    return {
        "block_length": settings.format.length,
        "dtype": settings.format.dtype,
        "packing": settings.packing,
        "statistics": state.finished,
        "first_lines_left_out": state.named,
        "vocabulary": vocabulary_hash(tokenizer),
        "fingerprint": short_hash(contents),
    }


def _counted(blocks: BlockShards, vocabulary: int) -> tuple[np.ndarray, str]:
    """Return the number of occurrences of each token in ``blocks``, and the SHA-256 of all blocks."""
    counts: np.ndarray = np.zeros(vocabulary, dtype=np.int64)
    digest = hashlib.sha256()
    for portion in blocks.portions():
        counts += np.bincount(portion.ravel(), minlength=vocabulary)
        digest.update(portion.data)
    return counts, digest.hexdigest()
