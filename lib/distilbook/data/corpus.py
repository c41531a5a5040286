"""Raw text to token blocks: packed, split by document, counted, memory-mapped.

Documents are tokenised and made into blocks of ``block_length`` word pieces. In ``full_sentences`` they are
joined with ``[SEP]`` and cut into blocks that begin with ``[CLS]`` and end with ``[SEP]`` (as RoBERTa packs
them), so that no position is padding; in ``one_sequence`` every paragraph is a block of its own (as the original
code has it). The blocks lie in shards, files of some 64 MB. Whole documents are held out, by a hash of their name.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import Field, field_validator

from ..config import Address, BookError, ChapterConfig, Refusal, short_hash
from ..files import sha256, sole
from ..finished import CORPUS_MARKER, begin_again, is_whole, opened, seal
from ..provenance import code_hash
from .blocks import BlockShards, write_blocks
from .packing import Packing, numbers_of
from .preparation import Preparation, State
from .sources import TextSource, fingerprint
from .tokenising import Settings


class CorpusConfig(ChapterConfig):
    """What the blocks are made of."""

    circumstances: ClassVar[frozenset[str]] = ChapterConfig.circumstances | {"processes"}

    texts: tuple[TextSource, ...] = Field(min_length=1)
    tokenizer: Address = Field(description="a model's address: its vocabulary cuts the text")
    block_length: int = Field(ge=8, le=512, description="word pieces a block, [CLS] and [SEP] included")
    packing: Packing = Field(default="full_sentences", description="how documents become blocks")
    held_out_share: float = Field(gt=0, lt=0.5, description="share of the documents no model is trained on")
    held_out_blocks: int = Field(ge=1, le=10**9, description="at most so many held-out blocks are kept, evenly spaced")
    processes: int | None = Field(default=None, ge=1, le=1024, description="that tokenise; by default one a core")

    @field_validator("texts")
    @classmethod
    def _each_once(cls, texts: tuple[TextSource, ...]) -> tuple[TextSource, ...]:
        for number, text in enumerate(texts):
            if any(text.name == other.name for other in texts[:number]):
                raise Refusal("each name once", place=f"[{number}].name", do=f"rename the second {text.name!r}")
            if any(text.same_text(other) for other in texts[:number]):
                raise Refusal("each text once", place=f"[{number}].address", do="take the second out")
        return texts


@dataclass(frozen=True)
class Corpus:
    """Token blocks on disk.

    Attributes:
        train: the training blocks, (number, block_length), memory-mapped.
        held_out: blocks of held-out documents, likewise.
        counts: how often each word piece occurs in the training blocks, (vocabulary,); padding is not counted.
        statistics: a row a source: documents, words, word pieces, blocks, what was left out.
        vocabulary: the hash of the vocabulary that cut the text.
    """

    folder: Path
    train: BlockShards
    held_out: np.ndarray
    counts: np.ndarray
    statistics: list[dict]
    fingerprint: str
    vocabulary: str

    @classmethod
    def open(cls, folder: Path) -> Corpus:
        """Open the corpus that :func:`prepare` left in ``folder``.

        Raises:
            Unfinished: when it is not finished, or a file of it is not as it was then.
        """
        facts = opened(folder / CORPUS_MARKER)
        dtype, length = facts["dtype"], facts["block_length"]
        return cls(
            folder,
            train=BlockShards(shard_paths(folder, "train"), dtype, length),
            held_out=np.memmap(folder / "held_out.bin", mode="r", dtype=dtype).reshape(-1, length),
            counts=np.load(folder / "counts.npy"),
            statistics=facts["statistics"],
            fingerprint=facts["fingerprint"],
            vocabulary=facts["vocabulary"],
        )

    def check_vocabulary(self, tokenizer) -> None:
        """Refuse a tokenizer with another vocabulary than the corpus was cut by, before it becomes an index error.

        Raises:
            BookError: when the word pieces or their numbers differ, or blocks are longer than the model's inputs.
        """
        check_block_length(self.train.shape[1], tokenizer.model_max_length, self.folder)
        if vocabulary_hash(tokenizer) != self.vocabulary:
            raise BookError(
                f"the model's vocabulary of {len(tokenizer)} word pieces is not the one that cut the corpus, "
                f"which has {len(self.counts)}",
                where=self.folder,
                expected="one vocabulary",
                do="give chapter 02 the teacher's tokenizer and run it again",
            )


def check_block_length(block_length: int, positions: int, where: object) -> None:
    """Refuse blocks longer than a model's inputs may be, before that becomes an index error."""
    if block_length > positions:
        raise BookError(
            f"blocks have {block_length} word pieces, and the model has {positions} positions",
            where=where,
            expected=f"block_length of at most {positions}",
            do="lower block_length in chapter 02, or give a model with more positions",
        )


def shard_paths(folder: Path, split: str) -> list[Path]:
    """Return the files of a split's blocks in ``folder``, in the order of the text."""
    return sorted(folder.glob(f"{split}-*.bin"))


def prepare(config: CorpusConfig, tokenizer, root: Path) -> Corpus:
    """Return the corpus that ``config`` describes, made below ``root`` unless it is there already.

    A preparation that was interrupted goes on behind its last shard; until it is whole it lies in a folder
    of its own, ``<key>.unfinished``.

    Args:
        tokenizer: a fast tokenizer of ``transformers``; ``model_max_length`` is the most a block may hold.

    Raises:
        BookError: for blocks longer than the model's inputs, a source that cannot be read or that the vocabulary
            does not know, too little text for one block of either kind, or when another process is preparing
            the same.
    """
    check_block_length(config.block_length, tokenizer.model_max_length, "parameter 'block_length' of chapter 02_corpus")
    key = short_hash(
        [
            config.fingerprint(),
            [fingerprint(text) for text in config.texts],
            vocabulary_hash(tokenizer),
            code_hash("distilbook.data.corpus"),
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


def vocabulary_hash(tokenizer) -> str:
    """Return a hash of the tokenizer's word pieces and their numbers."""
    return short_hash(sorted(tokenizer.get_vocab().items()))


def _make(config: CorpusConfig, tokenizer, unfinished: Path) -> None:
    """Make the corpus in the folder ``corpus`` of ``unfinished``, with its help in ``checkpoint``."""
    folder, checkpoint = unfinished / "corpus", unfinished / "checkpoint"
    settings = Settings.of(tokenizer, config.block_length, config.packing)
    state = Preparation(config, settings, folder, checkpoint).run()
    dtype, length = settings.format.dtype, settings.format.length
    train, held_out = (
        BlockShards(shard_paths(where, split), dtype, length)
        for where, split in ((folder, "train"), (checkpoint, "held_out"))
    )
    # Every source is among those that are kept.
    write_blocks(folder / "held_out.bin", [held_out[evenly_spaced(len(held_out), config.held_out_blocks)]])
    counts, content = _counted(train, numbers_of(tokenizer))
    if config.packing == "one_sequence":
        counts[settings.format.pad_id] = 0
    np.save(folder / "counts.npy", counts)
    facts = _facts(settings, state, tokenizer, [content, sha256(folder / "held_out.bin")])
    seal(folder / CORPUS_MARKER, facts, [*(path.name for path in train.paths), "held_out.bin", "counts.npy"])


def _facts(settings: Settings, state: State, tokenizer, contents: list[str]) -> dict:
    """Return what ``corpus.json`` says; ``contents`` are the hashes of the training and the held-out blocks."""
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
    """Return how often each word piece occurs in ``blocks``, and the SHA-256 of them all."""
    counts, digest = np.zeros(vocabulary, dtype=np.int64), hashlib.sha256()
    for portion in blocks.portions():
        counts += np.bincount(portion.ravel(), minlength=vocabulary)
        digest.update(portion.data)
    return counts, digest.hexdigest()


def evenly_spaced(number: int, most: int) -> np.ndarray:
    """Return at most ``most`` of the numbers below ``number``, evenly spaced, each once."""
    return np.unique(np.linspace(0, number - 1, min(number, most)).astype(int))
