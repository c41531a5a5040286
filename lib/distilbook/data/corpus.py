"""Raw text to token blocks: packed, split by document, counted, memory-mapped.

Documents are tokenised, joined with ``[SEP]`` and cut into blocks of ``block_length`` that begin with
``[CLS]`` and end with ``[SEP]`` (full sentences across documents, as RoBERTa packs them), so that no
position is padding. Whole documents are held out, by a hash of their name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from ..config import BookError, ChapterConfig, short_hash
from ..files import new_folder, read_json, sha256, write_json
from ..progress import Progress
from ..provenance import code_hash
from .sources import Document, TextSource, documents, fingerprint

#: So much text is tokenised, and so many word pieces are counted, at a time: enough to keep every core busy, and a
#: bound on the memory.
CHARACTERS_AT_ONCE = 1_000_000
COUNTED_AT_ONCE = 4_000_000

#: A source with a larger share of [UNK] among its word pieces is refused: little could be learnt from it. Cut by
#: the English vocabulary of ``wheel:minilm-l6``, Wikipedia's articles have one in 8,000 and the worst of them one
#: in 160; of a few sentences each, formulas have one in six, Japanese one in three, Chinese two in three, and Thai
#: nothing else.
MOST_UNKNOWN = 0.2

#: So many word pieces of every source are looked at before the first is worked on: some thousand words, a
#: fraction of a second.
WORD_PIECES_LOOKED_AT = 20_000


class CorpusConfig(ChapterConfig):
    """What the blocks are made of."""

    texts: tuple[TextSource, ...] = Field(min_length=1)
    tokenizer: str = Field(description="a model's address: its vocabulary cuts the text")
    block_length: int = Field(ge=8, le=512, description="word pieces a block, [CLS] and [SEP] included")
    held_out_share: float = Field(gt=0, lt=0.5, description="share of the documents no model is trained on")
    held_out_blocks: int = Field(ge=1, description="at most so many held-out blocks are kept, evenly spaced")


@dataclass(frozen=True)
class Corpus:
    """Token blocks on disk.

    Attributes:
        train: the training blocks, (number, block_length), memory-mapped.
        held_out: blocks of held-out documents, likewise.
        counts: how often each word piece occurs in the training blocks, (vocabulary,).
        statistics: a row a source: documents, words, word pieces, blocks.
        vocabulary: the hash of the vocabulary that cut the text.
    """

    folder: Path
    train: np.ndarray
    held_out: np.ndarray
    counts: np.ndarray
    statistics: list[dict]
    fingerprint: str
    vocabulary: str

    @classmethod
    def open(cls, folder: Path) -> Corpus:
        """Open the corpus that :func:`prepare` left in ``folder``."""
        facts = read_json(folder / "corpus.json")
        arrays = {
            name: np.memmap(folder / f"{name}.bin", mode="r", dtype=facts["dtype"]).reshape(-1, facts["block_length"])
            for name in ("train", "held_out")
        }
        counts = np.load(folder / "counts.npy")
        return cls(
            folder,
            **arrays,
            counts=counts,
            statistics=facts["statistics"],
            fingerprint=facts["fingerprint"],
            vocabulary=facts["vocabulary"],
        )

    def check_vocabulary(self, tokenizer) -> None:
        """Refuse a tokenizer with another vocabulary than the corpus was cut by, before it becomes an index error.

        Raises:
            BookError: when the word pieces or their numbers differ.
        """
        if vocabulary_hash(tokenizer) != self.vocabulary:
            raise BookError(
                f"the model's vocabulary of {len(tokenizer)} word pieces is not the one that cut the corpus, "
                f"which has {len(self.counts)}",
                where=self.folder,
                expected="one vocabulary",
                do="give chapter 02 the teacher's tokenizer and run it again",
            )


def _batches(items: Iterable[Any], size: Callable[[Any], int], most: int) -> Iterator[list[Any]]:
    """Yield ``items`` in lists, each ended by the item that brings its size to ``most``."""
    batch, filled = [], 0
    for item in items:
        batch.append(item)
        filled += size(item)
        if filled >= most:
            yield batch
            batch, filled = [], 0
    if batch:
        yield batch


def in_held_out(document: str, share: float) -> bool:
    """Whether the document named ``document`` is held out: decided by its name alone, on every machine alike."""
    draw = int.from_bytes(hashlib.sha256(document.encode()).digest()[:8]) / 2**64
    return draw < share


class Packer:
    """Joins documents with ``[SEP]`` and cuts them into blocks of ``length``."""

    def __init__(self, length: int, cls_id: int, sep_id: int):
        self.length, self.cls_id, self.sep_id = length, cls_id, sep_id
        self.waiting: list[int] = []

    def add(self, tokens: list[int]) -> list[list[int]]:
        """Take one document's word pieces and return the blocks that are now whole.

        What does not fill a block waits for the next document; after the last one it is dropped.
        """
        self.waiting += [*tokens, self.sep_id]
        size = self.length - 2
        cuts = range(0, len(self.waiting) - size + 1, size)
        blocks = [[self.cls_id, *self.waiting[cut : cut + size], self.sep_id] for cut in cuts]
        del self.waiting[: len(blocks) * size]
        return blocks


def prepare(config: CorpusConfig, tokenizer, root: Path) -> Corpus:
    """Return the corpus that ``config`` describes, made below ``root`` unless it is there already.

    Args:
        tokenizer: a fast tokenizer of ``transformers``.

    Raises:
        BookError: for a source that cannot be read or that the vocabulary does not know, or too little
            text for one block of either kind.
    """
    key = short_hash(
        [
            config.fingerprint(),
            [fingerprint(text) for text in config.texts],
            vocabulary_hash(tokenizer),
            code_hash("distilbook.data.corpus"),
        ]
    )
    folder = root / key
    if not (folder / "corpus.json").exists():
        with new_folder(folder) as unfinished:
            _write(config, tokenizer, unfinished)
    return Corpus.open(folder)


def vocabulary_hash(tokenizer) -> str:
    """Return a hash of the tokenizer's word pieces and their numbers."""
    return short_hash(sorted(tokenizer.get_vocab().items()))


def _write(config: CorpusConfig, tokenizer, folder: Path) -> None:
    dtype = np.dtype("uint16" if len(tokenizer) <= 2**16 else "uint32")
    statistics = []
    for text in config.texts:
        look_at(text, tokenizer)
    with (folder / "train.bin").open("wb") as train, (folder / "held_out.bin").open("wb") as held_out:
        for text in config.texts:
            statistics.append(_write_source(text, config, tokenizer, {"train": train, "held_out": held_out}, dtype))
    for split in ("train", "held_out"):
        if not sum(row[f"{split}_blocks"] for row in statistics):
            raise BookError(
                f"no block of {config.block_length} word pieces came out of the {split} text",
                where=[text.address for text in config.texts],
                expected="at least one block",
                do="add text, shorten block_length, or change held_out_share",
            )
    _thin_out(folder / "held_out.bin", dtype, config)
    np.save(folder / "counts.npy", _counts(folder / "train.bin", dtype, len(tokenizer)))
    facts = {
        "block_length": config.block_length,
        "dtype": dtype.name,
        "statistics": statistics,
        "vocabulary": vocabulary_hash(tokenizer),
        "fingerprint": short_hash([sha256(folder / "train.bin"), sha256(folder / "held_out.bin")]),
    }
    write_json(folder / "corpus.json", facts)


def _counts(path: Path, dtype: np.dtype, vocabulary: int) -> np.ndarray:
    """Return how often each word piece occurs in ``path``; a part of the file at a time is in memory."""
    tokens = np.memmap(path, mode="r", dtype=dtype)
    parts = (tokens[start : start + COUNTED_AT_ONCE] for start in range(0, len(tokens), COUNTED_AT_ONCE))
    return sum(np.bincount(part, minlength=vocabulary) for part in parts)


def _thin_out(path: Path, dtype: np.dtype, config: CorpusConfig) -> None:
    """Keep at most ``held_out_blocks`` of the blocks in ``path``, evenly spaced so that every source is among them."""
    blocks = np.fromfile(path, dtype=dtype).reshape(-1, config.block_length)
    blocks[evenly_spaced(len(blocks), config.held_out_blocks)].tofile(path)


def evenly_spaced(number: int, most: int) -> np.ndarray:
    """Return at most ``most`` of the numbers below ``number``, evenly spaced, each once."""
    return np.unique(np.linspace(0, number - 1, min(number, most)).astype(int))


def _write_source(text: TextSource, config: CorpusConfig, tokenizer, files: dict, dtype: np.dtype) -> dict:
    """Append one source's blocks to ``files`` and return its row of statistics."""
    row = dict.fromkeys(("documents", "words", "word_pieces", "unknown", "train_blocks", "held_out_blocks"), 0)
    ends = (config.block_length, tokenizer.cls_token_id, tokenizer.sep_token_id)
    packers = {split: Packer(*ends) for split in files}
    progress = Progress(f"tokenising {text.name}", total=text.limit, unit="documents")
    for batch in _batches(documents(text), _characters, CHARACTERS_AT_ONCE):
        for document, tokens in zip(batch, _tokenise(batch, tokenizer), strict=True):
            split = "held_out" if in_held_out(document.id, config.held_out_share) else "train"
            blocks = packers[split].add(tokens)
            np.asarray(blocks, dtype=dtype).tofile(files[split])
            row["documents"] += 1
            row["words"] += sum(len(paragraph.split()) for paragraph in document.paragraphs)
            row["word_pieces"] += len(tokens)
            row["unknown"] += tokens.count(tokenizer.unk_token_id)
            row[f"{split}_blocks"] += len(blocks)
        progress.advance(len(batch))
    progress.close()
    _refuse_unknown(text, row["unknown"], row["word_pieces"])
    return {"source": text.name, **row}


def _characters(document: Document) -> int:
    return sum(map(len, document.paragraphs))


def _tokenise(batch: Sequence[Document], tokenizer) -> list[list[int]]:
    """Return each document's word pieces, without special tokens."""
    pieces = _word_pieces((paragraph for document in batch for paragraph in document.paragraphs), tokenizer)
    return [[token for _ in document.paragraphs for token in next(pieces)] for document in batch]


def _word_pieces(paragraphs: Iterable[str], tokenizer, at_once: int = CHARACTERS_AT_ONCE) -> Iterator[list[int]]:
    """Yield each paragraph's word pieces."""
    for batch in _batches(paragraphs, len, at_once):
        yield from tokenizer(batch, add_special_tokens=False, verbose=False)["input_ids"]


def look_at(text: TextSource, tokenizer) -> None:
    """Read a source's beginning, so that one that is of no use is found before another is worked on for hours.

    Raises:
        BookError: when it cannot be read, or too many of its word pieces are unknown.
    """
    paragraphs = (paragraph for document in documents(text) for paragraph in document.paragraphs)
    pieces = unknown = 0
    for tokens in _word_pieces(paragraphs, tokenizer, at_once=WORD_PIECES_LOOKED_AT):
        pieces += len(tokens)
        unknown += tokens.count(tokenizer.unk_token_id)
        if pieces >= WORD_PIECES_LOOKED_AT:
            break
    _refuse_unknown(text, unknown, pieces)


def _refuse_unknown(text: TextSource, unknown: int, pieces: int) -> None:
    if unknown > MOST_UNKNOWN * pieces:
        raise BookError(
            f"{unknown / pieces:.0%} of {pieces:,} word pieces are unknown: the vocabulary is not one for this text",
            where=f"the source {text.name!r}, {text.address}",
            expected=f"at most {MOST_UNKNOWN:.0%} [UNK]; text in the vocabulary's language has under 1%",
            do="set the tokenizer to that of a model for this language, or give other text",
        )
