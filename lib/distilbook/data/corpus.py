"""Raw text to token blocks: packed, split by document, counted, memory-mapped.

Documents are tokenised, joined with ``[SEP]`` and cut into blocks of ``block_length`` that begin with
``[CLS]`` and end with ``[SEP]`` (full sentences across documents, as RoBERTa packs them), so that no
position is padding. Whole documents are held out, by a hash of their name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from pydantic import Field

from ..config import BookError, ChapterConfig, short_hash
from ..files import new_folder, read_json, sha256, write_json
from ..progress import Progress
from ..provenance import code_hash
from .sources import Document, TextSource, documents, fingerprint

DOCUMENTS_AT_ONCE = 64


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


def _batches(items: Iterable[Document], size: int) -> Iterator[list[Document]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
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
        BookError: for a source that cannot be read, or too little text for one block of either kind.
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
    train_blocks = np.fromfile(folder / "train.bin", dtype=dtype)
    np.save(folder / "counts.npy", np.bincount(train_blocks, minlength=len(tokenizer)))
    facts = {
        "block_length": config.block_length,
        "dtype": dtype.name,
        "statistics": statistics,
        "vocabulary": vocabulary_hash(tokenizer),
        "fingerprint": short_hash([sha256(folder / "train.bin"), sha256(folder / "held_out.bin")]),
    }
    write_json(folder / "corpus.json", facts)


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
    for batch in _batches(documents(text), DOCUMENTS_AT_ONCE):
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
    return {"source": text.name, **row}


def _tokenise(batch: Sequence[Document], tokenizer) -> list[list[int]]:
    """Return each document's word pieces, without special tokens."""
    paragraphs = [paragraph for document in batch for paragraph in document.paragraphs]
    pieces = iter(tokenizer(paragraphs, add_special_tokens=False, verbose=False)["input_ids"])
    return [[token for _ in document.paragraphs for token in next(pieces)] for document in batch]
