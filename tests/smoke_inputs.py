"""The smoke edition's inputs: text, a random teacher with its own vocabulary, and a sentence task.

``python tests/smoke_inputs.py`` writes them below ``runs/smoke/input``; then ``distilbook run smoke`` runs.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

import torch
from tokenizers import BertWordPieceTokenizer
from transformers import BertConfig, BertModel, BertTokenizerFast

SUBJECTS = "the river|a train|the old bridge|our teacher|a small student|the night ferry|the northern line".split("|")
VERBS = "crosses|follows|leaves|remembers|passes|reaches|forgets".split("|")
PLACES = "the valley|the capital|a quiet village|the harbour|the second layer|the long tunnel|every station".split("|")
ENDINGS = "in spring|before noon|without a sound|for three days|with great care|at high water|once again".split("|")
PRAISE = "wonderful|moving|clever|warm".split("|")
BLAME = "dull|clumsy|empty|cold".split("|")


def sentence(draw: random.Random) -> str:
    """Return one made sentence."""
    return " ".join((draw.choice(SUBJECTS), draw.choice(VERBS), draw.choice(PLACES), draw.choice(ENDINGS))) + "."


def documents(number: int, seed: int) -> list[list[str]]:
    """Return ``number`` documents of three paragraphs of four sentences."""
    draw = random.Random(seed)
    return [[" ".join(sentence(draw) for _ in range(4)) for _ in range(3)] for _ in range(number)]


def write_texts(folder: Path) -> list[Path]:
    """Write a text file and a JSON Lines file of documents and return their paths."""
    rivers, trains = folder / "rivers.txt", folder / "trains.jsonl"
    rivers.write_text("\n\n".join("\n".join(paragraphs) for paragraphs in documents(40, seed=1)) + "\n")
    trains.write_text(
        "".join(json.dumps({"text": "\n".join(paragraphs)}) + "\n" for paragraphs in documents(40, seed=2))
    )
    return [rivers, trains]


def write_teacher(folder: Path, texts: list[Path]) -> Path:
    """Write a tiny BERT with random weights, no masked-LM head, and a WordPiece vocabulary of ``texts``."""
    trained = BertWordPieceTokenizer(lowercase=True)
    trained.train([str(path) for path in texts], vocab_size=260, min_frequency=1, show_progress=False)
    tokenizer = BertTokenizerFast(tokenizer_object=trained._tokenizer, do_lower_case=True, model_max_length=64)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=4,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=64,
        pad_token_id=tokenizer.pad_token_id,
    )
    torch.manual_seed(0)
    BertModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def write_task(path: Path) -> Path:
    """Write labelled sentences of twelve groups, eight to train on and four to test on."""
    draw = random.Random(3)
    rows = ["sentence\tlabel\tgroup\tsplit"]
    for number in range(96):
        group, label = number % 12, draw.randint(0, 1)
        text = f"{sentence(draw)} it was {draw.choice(PRAISE if label else BLAME)}."
        rows.append(f"{text}\t{label}\tfilm {group}\t{'train' if group < 8 else 'test'}")
    path.write_text("\n".join(rows) + "\n")
    return path


def write_inputs(folder: Path) -> Path:
    """Write all inputs of the smoke edition below ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    write_teacher(folder / "teacher", write_texts(folder))
    write_task(folder / "reviews.tsv")
    return folder


if __name__ == "__main__":
    print(f"wrote {write_inputs(Path(__file__).parents[1] / 'runs' / 'smoke' / 'input')}")
