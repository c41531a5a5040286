"""Text to blocks on disk: read, tokenised by several processes, packed, written, and resumed after a stop.

The blocks do not depend on how many processes there were, nor on whether the work was interrupted: the text is
read by one, batches come back in its order, and what is written down after every shard is exactly what is
needed to go on behind it.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.config import BookError
from ..core.files import sha256
from ..core.finished import Unfinished, opened, seal
from ..core.progress import Progress, tell
from ..core.provenance import usable_cores
from ..text.reading import Reading
from ..text.sources import TextSource, documents, left_out, size_on_disk, told_apart
from .corpus import write_blocks
from .packing import PACKINGS, FullSentences, OneSequence
from .tokenising import SPLITS, Settings, SplitDocument, Tokenised, Tokeniser
from .workers import tokenised

if TYPE_CHECKING:
    from .config import CorpusConfig

#: So much text is handed to a process at a time.
CHARACTERS_AT_ONCE = 1_000_000

#: A shard is written when so many bytes of blocks have come together: half a minute's work of two cores, at most
#: that is lost when the work is interrupted, and a bound on the memory.
SHARD = 64 * 2**20

#: A source with a larger share of [UNK] among its word pieces is refused: little could be learnt from it. Cut by
#: the English vocabulary of ``wheel:minilm-l6``, Wikipedia's articles have one in 8,000 and the worst of them one
#: in 160; of a few sentences each, formulas have one in six, Japanese one in three, Chinese two in three, and Thai
#: nothing else.
MOST_UNKNOWN = 0.2

#: So many word pieces of every source are looked at before the first is worked on: some thousand words, a
#: fraction of a second.
WORD_PIECES_LOOKED_AT = 20_000


#: Markup, which is read as text. Where more than this share of a source's first paragraphs hold some, that is said.
MARKUP = re.compile(r"<[/!?]?[A-Za-z][^<>]*>|\[\[[^\[\]]+\]\]|\{\{|&(?:amp|lt|gt|quot|nbsp|#\d+);")
MOST_MARKUP = 0.1

#: A file of more lines than this without a blank one may well have been meant as many documents.
LINES_OF_A_DOCUMENT = 100


def in_held_out(document: str, share: float) -> bool:
    """Whether the document named ``document`` is held out: decided by its name alone, on every machine alike."""
    draw = int.from_bytes(hashlib.sha256(document.encode()).digest()[:8]) / 2**64
    return draw < share


@dataclass
class Batch:
    """Documents of one source that are tokenised together, and how far the source had been read behind them.

    Attributes:
        place: the reading's state; bytes_read: of its files, as they lie on disk.
        last: nothing of the source comes after it.
    """

    documents: list[SplitDocument]
    characters: int
    place: dict[str, Any]
    bytes_read: int
    last: bool


@dataclass
class State:
    """What is needed to go on behind the last shard.

    Attributes:
        finished: the statistics of the sources that are done; row: those of the one at work.
        place, bytes_read: how far that one has been read.
        waiting: the word pieces of each split that fill no block yet.
        shards: how many were written; sums: the SHA-256 of their files.
        named: the first lines of each source that could not be read, in words.
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
    """The making of a corpus's blocks.

    Args:
        shards: the folder that shards of training blocks are written to.
        checkpoint: the folder of what is needed along the way: held-out blocks and how far the work is.
    """

    def __init__(self, config: CorpusConfig, settings: Settings, shards: Path, checkpoint: Path):
        self.config, self.settings = config, settings
        self.folders = {"train": shards, "held_out": checkpoint}
        self.note = checkpoint / "progress.json"
        self.state = self._as_it_was()
        self.blocks: dict[str, list[np.ndarray]] = {split: [] for split in SPLITS}
        self.packers: dict[str, FullSentences | OneSequence] = {}

    def _as_it_was(self) -> State:
        """Return the state to go on from: a new one where nothing is noted, or what was noted is damaged."""
        state = State()
        with contextlib.suppress(Unfinished):
            state = State(**opened(self.note))
        there = {path.name: path for split, folder in self.folders.items() for path in folder.glob(f"{split}-*.bin")}
        if any(name not in there or sha256(there[name]) != digest for name, digest in state.sums.items()):
            state = State()
        if self.note.exists() and not state.shards:
            tell(f"the preparation of the corpus starts again: what is in {self.note.parent.parent} is damaged")
            self.note.unlink()
        for name in there.keys() - state.sums.keys():
            there[name].unlink()
        return state

    def run(self) -> State:
        """Make what is still missing and return the final state, its ``finished`` the statistics of all sources.

        Raises:
            BookError: for a source that cannot be read or that the vocabulary does not know, or too little
                text for one block of either split.
        """
        for text in self.config.texts[len(self.state.finished) :]:
            look_at(text, self.settings)
        self._begin_source()
        processes = self.config.processes or len(usable_cores())
        # Closed also where an error keeps this frame alive, as in a notebook: the processes must not wait on.
        with contextlib.closing(tokenised(self._batches(), self.settings, processes)) as made:
            for batch, tokens in made:
                self._take(batch, tokens)
                if sum(part.nbytes for split in SPLITS for part in self.blocks[split]) >= SHARD:
                    self._save()
        self._refuse_nothing()
        self._save()
        return self.state

    def _batches(self) -> Iterator[Batch]:
        reading, texts = Reading(**self.state.place), self.config.texts
        for text, prefix in list(zip(texts, told_apart(texts), strict=True))[len(self.state.finished) :]:
            yield from self._batches_of(text, reading, prefix)
            reading = Reading()

    def _batches_of(self, text: TextSource, reading: Reading, prefix: str) -> Iterator[Batch]:
        """Yield a source's documents, about a megabyte at a time, each ended by the one that brings it there.

        Args:
            prefix: what is put before a document's name to decide whether it is held out.
        """
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
        """Set up what goes with the next source: its row, its packers and its progress line, as they were or anew."""
        if len(self.state.finished) == len(self.config.texts):
            return
        counted = ("documents", "words", "word_pieces", "unknown", "train_blocks", "held_out_blocks")
        self.state.row = self.state.row or dict.fromkeys(counted, 0)
        packing, waiting = PACKINGS[self.config.packing], self.state.waiting
        self.packers = {split: packing(self.settings.format, waiting.get(split, [])) for split in SPLITS}
        self.progress = self._progress(self.config.texts[len(self.state.finished)])

    def _progress(self, text: TextSource) -> Progress:
        """Return a progress line in bytes where the source's number of documents is unknown and that of bytes is not."""
        size = None if text.limit else size_on_disk(text)
        self.in_bytes = size is not None
        progress = Progress(f"tokenising {text.name}", size or text.limit, "bytes" if self.in_bytes else "documents")
        progress.n = progress.initial = self._done()
        return progress

    def _done(self) -> int:
        return self.state.bytes_read if self.in_bytes else self.state.row["documents"]

    def _take(self, batch: Batch, tokens: Tokenised) -> None:
        """Pack what came back of a batch and count it."""
        row = self.state.row
        for split, packer in self.packers.items():
            blocks = packer.cut(tokens.streams[split])
            self.blocks[split].append(blocks)
            row[f"{split}_blocks"] += len(blocks)
        row["documents"] += len(batch.documents)
        row["words"] += tokens.words
        row["word_pieces"] += tokens.word_pieces
        row["unknown"] += tokens.unknown
        row["lines_left_out"] = batch.place["left_out"]
        if self.config.packing == "one_sequence":
            row["sequences_dropped"] = row.get("sequences_dropped", 0) + tokens.dropped
        self.state.place, self.state.bytes_read = batch.place, batch.bytes_read
        self.progress.advance(self._done() - self.progress.n)
        if batch.last:
            self._end_source(self.config.texts[len(self.state.finished)])

    def _end_source(self, text: TextSource) -> None:
        """Close the row of a source that has been read.

        Raises:
            BookError: when the vocabulary does not know it.
        """
        self.progress.close()
        state = self.state
        refuse_unknown(text, state.row["unknown"], state.row["word_pieces"])
        _say_left_out(text, state.row["documents"], state.place)
        state.finished.append({"source": text.name, **state.row})
        state.named[text.name] = state.place["named"]
        state.row, state.place, state.bytes_read, state.waiting = {}, {}, 0, {}
        self.packers = {}
        self._begin_source()

    def _refuse_nothing(self) -> None:
        for split in SPLITS:
            if not sum(row[f"{split}_blocks"] for row in self.state.finished):
                raise BookError(
                    f"no block of {self.config.block_length} word pieces came out of the {split} text",
                    where=[text.address for text in self.config.texts],
                    expected="at least one block; documents are held out whole, and there are "
                    f"{sum(row['documents'] for row in self.state.finished):,}",
                    do="add text, put blank lines between documents, shorten block_length, or change held_out_share",
                )

    def _save(self) -> None:
        """Write the blocks that have come together, a file a split, and then how far the work is."""
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


def _say_left_out(text: TextSource, documents: int, place: dict[str, Any]) -> None:
    """Say how many lines of a source could not be read, the first by name, and where it has fewer documents than asked."""
    if place["left_out"]:
        more = "; …" if place["left_out"] > len(place["named"]) else ""
        tell(f"left out {place['left_out']:,} lines of {text.name}: {'; '.join(place['named'])}{more}")
    if text.limit and documents < text.limit:
        tell(f"{text.name} has {documents:,} documents, its limit is {text.limit:,}")


def look_at(text: TextSource, settings: Settings) -> None:
    """Read a source's beginning, so that one that is of no use is found before another is worked on for hours.

    What is read otherwise than may have been meant is said.

    Raises:
        BookError: when it cannot be read, or too many of its word pieces are unknown.
    """
    tokeniser, reading = Tokeniser(settings), Reading()
    seen: list[str] = []

    def paragraphs() -> Iterator[str]:
        for document in documents(text, reading):
            seen.extend(document.paragraphs)
            yield from document.paragraphs

    pieces = unknown = 0
    for tokens in tokeniser.word_pieces(paragraphs(), at_once=WORD_PIECES_LOOKED_AT):
        pieces += len(tokens)
        unknown += np.count_nonzero(tokens == settings.format.unk_id)
        if pieces >= WORD_PIECES_LOOKED_AT:
            break
    refuse_unknown(text, unknown, pieces)
    for remark in remarks(text, reading, seen):
        tell(f"{text.name}: {remark}")


def remarks(text: TextSource, reading: Reading, seen: Sequence[str]) -> Iterator[str]:
    """Yield what should be said of a source whose first paragraphs ``reading`` has ``seen``."""
    if others := left_out(text):
        yield f"not read: {others}"
    if reading.tags:
        yield "lines that are one tag, such as <doc ...>, are taken for ends of documents and not for text"
    marked = [found[0] for found in map(MARKUP.search, seen) if found]
    if len(marked) > MOST_MARKUP * len(seen):
        yield (
            f"{len(marked) / len(seen):.0%} of the first {len(seen):,} paragraphs hold markup, such as {marked[0]!r},"
            + (" which is read as text; remove it, or name another column")
        )
    if reading.entries == 1 and reading.unmarked > LINES_OF_A_DOCUMENT:
        yield f"{reading.unmarked:,} lines and no blank one among them: they are one document. A blank line ends a" + (
            " document; where each line is one, put a blank line after each"
        )


def refuse_unknown(text: TextSource, unknown: int, pieces: int) -> None:
    """Raise a BookError when too many of a source's word pieces are unknown."""
    if unknown > MOST_UNKNOWN * pieces:
        raise BookError(
            f"{unknown / pieces:.0%} of {pieces:,} word pieces are unknown: the vocabulary is not one for this text",
            where=f"the source {text.name!r}, {text.address}",
            expected=f"at most {MOST_UNKNOWN:.0%} [UNK]; text in the vocabulary's language has under 1%",
            do="set the tokenizer to that of a model for this language, or give other text",
        )
