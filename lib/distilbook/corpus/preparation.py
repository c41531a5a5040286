"""Text to blocks on disk: read, tokenised by several processes, packed, written in shards, resumed after a stop.

The blocks depend neither on the number of processes nor on interruptions: one process reads the text, batches come
back in its order, and the state to resume from is written after every shard.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..core.config import BookError
from ..core.files import sha256
from ..core.finished import Unfinished, opened, seal
from ..core.machine import usable_cores
from ..core.progress import Progress, tell
from ..text.lines import Reading
from ..text.sources import TextSource, documents, name_prefixes, size_on_disk
from .checks import check_beginning, refuse_unknown, report_left_out
from .config import CorpusConfig
from .corpus import write_blocks
from .packing import PACKINGS, FullSentences, OneSequence
from .pool import Batch, tokenised
from .tokenising import SPLITS, Settings, SplitDocument, Tokenised

#: Characters per batch, the unit of work of a process.
CHARACTERS_AT_ONCE = 1_000_000

#: Bytes of blocks per shard: half a minute's work of two cores, which an interruption may lose.
SHARD = 64 * 2**20


def in_held_out(document: str, share: float) -> bool:
    """Whether the document is held out, by a hash of its name."""
    draw = int.from_bytes(hashlib.sha256(document.encode()).digest()[:8]) / 2**64
    return draw < share


@dataclass
class State:
    """State after the last shard, from which the work can be resumed.

    Attributes:
        finished, row: the statistics of finished sources, and of the current one.
        place, bytes_read: progress in the current source.
        waiting: the tokens of each split that do not fill a block yet.
        shards, sums: number of shards written, and the SHA-256 of their files.
        named: the first unreadable lines of each source, with the reason.
    """

    finished: list[dict[str, Any]] = field(default_factory=list)
    row: dict[str, Any] = field(default_factory=dict)
    place: dict[str, Any] = field(default_factory=dict)
    bytes_read: int = 0
    waiting: dict[str, list[int]] = field(default_factory=dict)
    shards: int = 0
    sums: dict[str, str] = field(default_factory=dict)
    named: dict[str, list[str]] = field(default_factory=dict)


class Preparation:
    """The preparation of a corpus's blocks.

    Args:
        shards: the folder for shards of training blocks.
        checkpoint: the folder for held-out blocks and the state of the work.
    """

    def __init__(self, config: CorpusConfig, settings: Settings, shards: Path, checkpoint: Path):
        self.config, self.settings = config, settings
        self.folders = {"train": shards, "held_out": checkpoint}
        self.note = checkpoint / "progress.json"
        self.state = self._saved_state()
        self.blocks: dict[str, list[np.ndarray]] = {split: [] for split in SPLITS}
        self.packers: dict[str, FullSentences | OneSequence] = {}

    def _saved_state(self) -> State:
        """Return the state to resume from: a new one without one, or with a damaged shard."""
        state = State()
        with contextlib.suppress(Unfinished):
            state = State(**opened(self.note))
        there = {path.name: path for split, folder in self.folders.items() for path in folder.glob(f"{split}-*.bin")}
        if any(name not in there or sha256(there[name]) != digest for name, digest in state.sums.items()):
            state = State()
        if self.note.exists() and not state.shards:
            tell(f"the preparation of the corpus starts again: {self.note.parent.parent} is damaged")
            self.note.unlink()
        for name in there.keys() - state.sums.keys():
            there[name].unlink()
        return state

    def run(self) -> State:
        """Do the remaining work and return the final state, with the statistics of all sources in ``finished``.

        Raises:
            BookError: for a source that cannot be read or is mostly unknown tokens, or too little text for one
                block of either split.
        """
        for text in self.config.texts[len(self.state.finished) :]:
            check_beginning(text, self.settings)
        self._begin_source()
        processes = self.config.processes or len(usable_cores())
        # An error in a notebook keeps this frame alive; closing ends the processes nevertheless.
        with contextlib.closing(tokenised(self._batches(), self.settings, processes)) as made:
            for batch, tokens in made:
                self._take(batch, tokens)
                if sum(part.nbytes for split in SPLITS for part in self.blocks[split]) >= SHARD:
                    self._save()
        self._check_blocks()
        self._save()
        return self.state

    def _batches(self) -> Iterator[Batch]:
        reading, texts = Reading(**self.state.place), self.config.texts
        for text, prefix in list(zip(texts, name_prefixes(texts), strict=True))[len(self.state.finished) :]:
            yield from self._batches_of(text, reading, prefix)
            reading = Reading()

    def _batches_of(self, text: TextSource, reading: Reading, prefix: str) -> Iterator[Batch]:
        """Yield a source's documents, about a megabyte at a time; names with ``prefix`` decide on the split."""
        batch: list[SplitDocument] = []
        characters = 0
        for document in documents(text, reading):
            held_out = in_held_out(prefix + document.id, self.config.held_out_share)
            batch.append(("held_out" if held_out else "train", document.paragraphs))
            characters += sum(map(len, document.paragraphs))
            if characters >= CHARACTERS_AT_ONCE:
                yield Batch(batch, characters, reading.state(), reading.bytes_read, last=False)
                batch, characters = [], 0
        yield Batch(batch, characters, reading.state(), reading.bytes_read, last=True)

    def _begin_source(self) -> None:
        """Set up row, packers and progress line of the next source, from the state if it was interrupted."""
        if len(self.state.finished) == len(self.config.texts):
            return
        counted = ("documents", "words", "tokens", "unknown", "train_blocks", "held_out_blocks")
        self.state.row = self.state.row or dict.fromkeys(counted, 0)
        packing, waiting = PACKINGS[self.config.packing], self.state.waiting
        self.packers = {split: packing(self.settings.format, waiting.get(split, [])) for split in SPLITS}
        self.progress = self._progress(self.config.texts[len(self.state.finished)])

    def _progress(self, text: TextSource) -> Progress:
        """Return a progress line, in bytes where only these are known beforehand."""
        size = None if text.limit else size_on_disk(text)
        self.in_bytes = size is not None
        progress = Progress(f"tokenising {text.name}", size or text.limit, "bytes" if self.in_bytes else "documents")
        progress.n = progress.initial = self._done()
        return progress

    def _done(self) -> int:
        return self.state.bytes_read if self.in_bytes else self.state.row["documents"]

    def _take(self, batch: Batch, tokens: Tokenised) -> None:
        """Pack a tokenised batch and count it."""
        row = self.state.row
        for split, packer in self.packers.items():
            blocks = packer.cut(tokens.streams[split])
            self.blocks[split].append(blocks)
            row[f"{split}_blocks"] += len(blocks)
        row["documents"] += len(batch.documents)
        row["words"] += tokens.words
        row["tokens"] += tokens.tokens
        row["unknown"] += tokens.unknown
        row["lines_left_out"] = batch.place["left_out"]
        if self.config.packing == "one_sequence":
            row["sequences_dropped"] = row.get("sequences_dropped", 0) + tokens.dropped
        self.state.place, self.state.bytes_read = batch.place, batch.bytes_read
        self.progress.advance(self._done() - self.progress.n)
        if batch.last:
            self._end_source(self.config.texts[len(self.state.finished)])

    def _end_source(self, text: TextSource) -> None:
        """Close the row of a source; a BookError when too many of its tokens are unknown."""
        self.progress.close()
        state = self.state
        refuse_unknown(text, state.row["unknown"], state.row["tokens"])
        report_left_out(text, state.row["documents"], state.place)
        state.finished.append({"source": text.name, **state.row})
        state.named[text.name] = state.place["named"]
        state.row, state.place, state.bytes_read, state.waiting = {}, {}, 0, {}
        self.packers = {}
        self._begin_source()

    def _check_blocks(self) -> None:
        for split in SPLITS:
            if not sum(row[f"{split}_blocks"] for row in self.state.finished):
                total = sum(row["documents"] for row in self.state.finished)
                raise BookError(
                    f"no block of {self.config.block_length} tokens came out of the {split} text",
                    where=[text.address for text in self.config.texts],
                    expected=f"at least one block; documents are held out whole, and there are {total:,}",
                    do="add text, put blank lines between documents, shorten block_length, or change held_out_share",
                )

    def _save(self) -> None:
        """Write the collected blocks, a file per split, and then the state."""
        for split, folder in self.folders.items():
            folder.mkdir(parents=True, exist_ok=True)
            if any(map(len, self.blocks[split])):
                path = folder / f"{split}-{self.state.shards:05}.bin"
                write_blocks(path, self.blocks[split])
                self.state.sums[path.name] = sha256(path)
            self.blocks[split] = []
        self.state.shards += 1
        self.state.waiting = {split: packer.waiting for split, packer in self.packers.items()}
        seal(self.note, asdict(self.state), [])
