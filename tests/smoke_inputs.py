"""The smoke edition's inputs: text, a random teacher with its own vocabulary, and tasks of every kind.

``python tests/smoke_inputs.py`` writes them below ``runs/smoke/input``, with the kind of teacher named,
if one is; then ``distilbook run smoke`` runs.
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

import torch
from tokenizers import AddedToken, BertWordPieceTokenizer, ByteLevelBPETokenizer
from tokenizers.processors import RobertaProcessing
from transformers import AutoConfig, AutoModel, BertTokenizerFast, PreTrainedTokenizerFast

SUBJECTS = [
    "the river",
    "a train",
    "the old bridge",
    "our teacher",
    "a small student",
    "the night ferry",
    "the northern line",
]
VERBS = ["crosses", "follows", "leaves", "remembers", "passes", "reaches", "forgets"]
PLACES = [
    "the valley",
    "the capital",
    "a quiet village",
    "the harbour",
    "the second layer",
    "the long tunnel",
    "every station",
]
ENDINGS = [
    "in spring",
    "before noon",
    "without a sound",
    "for three days",
    "with great care",
    "at high water",
    "once again",
]
PRAISE = ["wonderful", "moving", "clever", "warm"]
BLAME = ["dull", "clumsy", "empty", "cold"]


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


def wordpiece(texts: list[Path], lowercase: bool) -> PreTrainedTokenizerFast:
    """Return a WordPiece tokenizer of ``texts``, as BERT's: uncased, or cased as the multilingual one is."""
    trained = BertWordPieceTokenizer(lowercase=lowercase)
    trained.train([str(path) for path in texts], vocab_size=260, min_frequency=1, show_progress=False)
    return BertTokenizerFast(tokenizer_object=trained._tokenizer, do_lower_case=lowercase, model_max_length=64)


def byte_pairs(texts: list[Path]) -> PreTrainedTokenizerFast:
    """Return a byte-level BPE tokenizer of ``texts``, as RoBERTa's: its mask takes the space before it along."""
    trained = ByteLevelBPETokenizer()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trained.train(
        [str(path) for path in texts], vocab_size=360, min_frequency=1, show_progress=False, special_tokens=special
    )
    backend = trained._tokenizer
    backend.add_special_tokens([AddedToken("<mask>", lstrip=True)])
    backend.post_processor = RobertaProcessing(("</s>", 2), ("<s>", 0))
    names = {"cls_token": "<s>", "sep_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    names |= {"bos_token": "<s>", "eos_token": "</s>", "mask_token": AddedToken("<mask>", lstrip=True)}
    return PreTrainedTokenizerFast(tokenizer_object=backend, model_max_length=64, **names)


#: Kinds of teachers: the family, the tokenizer of some texts, further settings of the configuration.
TEACHERS = {
    "bert": ("bert", lambda texts: wordpiece(texts, lowercase=True), {}),
    "bert cased": ("bert", lambda texts: wordpiece(texts, lowercase=False), {}),
    "roberta": (
        "roberta",
        byte_pairs,
        {
            "max_position_embeddings": 66,
            "type_vocab_size": 1,
            "layer_norm_eps": 1e-5,
            "bos_token_id": 0,
            "eos_token_id": 2,
        },
    ),
}


def write_teacher(folder: Path, texts: list[Path], kind: str = "bert") -> Path:
    """Write a tiny encoder with random weights, no masked-LM head, and a vocabulary of ``texts``."""
    family, tokenizer_of, further = TEACHERS[kind]
    tokenizer = tokenizer_of(texts)
    config = AutoConfig.for_model(
        family,
        **{
            "vocab_size": len(tokenizer),
            "hidden_size": 32,
            "num_hidden_layers": 4,
            "num_attention_heads": 4,
            "intermediate_size": 64,
            "max_position_embeddings": 64,
            "pad_token_id": tokenizer.pad_token_id,
        }
        | further,
    )
    torch.manual_seed(0)
    AutoModel.from_config(config).save_pretrained(folder)
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


def write_pairs(path: Path) -> Path:
    """Write pairs of sentences with a score: how many of their four parts are the same."""
    draw = random.Random(4)
    rows = ["sentence\tsentence2\tscore\tgroup\tsplit"]
    for number in range(96):
        parts = [draw.sample(possible, 2) for possible in (SUBJECTS, VERBS, PLACES, ENDINGS)]
        same = [place < number % 5 for place in draw.sample(range(4), 4)]
        first = " ".join(one for one, _ in parts)
        second = " ".join(one if kept else other for (one, other), kept in zip(parts, same, strict=True))
        rows.append(f"{first}.\t{second}.\t{sum(same)}\tpair {number}\t{'train' if number < 64 else 'test'}")
    path.write_text("\n".join(rows) + "\n")
    return path


def write_table(path: Path, rows: list[dict], columns: str = "") -> None:
    """Write ``rows`` as a tab-separated table with all the named ``columns``, empty where a row has nothing to say."""
    names = columns.split() or list(rows[0])
    lines = [names, *([str(row.get(name, "")) for name in names] for row in rows)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join("\t".join(line) for line in lines) + "\n")


def write_mnli(folder: Path) -> Path:
    """Write pairs of three classes as MNLI's official files are, and GLUE's diagnostic set beside its folder."""
    draw = random.Random(5)
    common = "index promptID pairID genre sentence1_binary_parse sentence2_binary_parse sentence1_parse sentence2_parse"

    def pair(number: int) -> dict:
        parts = [draw.choice(possible) for possible in (SUBJECTS, VERBS, PLACES, ENDINGS)]
        label = ("entailment", "neutral", "contradiction")[number % 3]
        says = f"{parts[0]} {parts[1]} {parts[2]}"
        second = {
            "entailment": f"{says}.",
            "neutral": f"it was {draw.choice(PRAISE)}.",
            "contradiction": f"nobody ever {parts[1]} {parts[2]}.",
        }[label]
        first = " ".join(parts) + "."
        return {"index": number, "sentence1": first, "sentence2": second, "label1": label, "gold_label": label}

    annotators = " ".join(f"label{number}" for number in range(1, 6))
    for split, number, labels in (
        ("train", 60, "label1 gold_label"),
        ("dev_matched", 24, f"{annotators} gold_label"),
        ("dev_mismatched", 24, f"{annotators} gold_label"),
        ("test_matched", 6, ""),
        ("test_mismatched", 6, ""),
    ):
        rows = [pair(place) for place in range(number)]
        write_table(folder / f"{split}.tsv", rows, f"{common} sentence1 sentence2 {labels}")
    diagnostic = [pair(place) for place in range(6)]
    write_table(folder.parent / "diagnostic" / "diagnostic.tsv", diagnostic, "index sentence1 sentence2")
    return folder


def write_cola(folder: Path) -> Path:
    """Write sentences in order or backwards as CoLA's official files are: without a header where there are labels."""
    draw = random.Random(6)

    def text(label: int) -> str:
        words = sentence(draw).removesuffix(".").split()
        return " ".join(words if label else reversed(words)) + "."

    folder.mkdir(parents=True, exist_ok=True)
    for split, number in (("train", 40), ("dev", 20)):
        lines = [f"made\t{place % 2}\t{'' if place % 2 else '*'}\t{text(place % 2)}\n" for place in range(number)]
        (folder / f"{split}.tsv").write_text("".join(lines))
    write_table(folder / "test.tsv", [{"index": place, "sentence": text(place % 2)} for place in range(6)])
    return folder


def write_imdb(folder: Path) -> Path:
    """Write reviews of twelve sentences as IMDb's official folder is: a file a review, two reviews a film."""
    draw = random.Random(7)
    for split, number in (("train", 16), ("test", 8)):
        for name, words, stars in (("pos", PRAISE, 9), ("neg", BLAME, 2)):
            place = folder / split / name
            place.mkdir(parents=True, exist_ok=True)
            for review in range(number):
                parts = [f"{sentence(draw)} it was {draw.choice(words)}." for _ in range(6)]
                (place / f"{review}_{stars}.txt").write_text("<br /><br />".join(parts))
            first = 0 if split == "train" else 100
            films = [f"http://www.imdb.com/title/tt{first + review // 2:07}/usercomments" for review in range(number)]
            (folder / split / f"urls_{name}.txt").write_text("\n".join(films) + "\n")
    return folder


def write_inputs(folder: Path, teacher: str = "bert") -> Path:
    """Write all inputs of the smoke edition below ``folder``, with a ``teacher`` of a kind in :data:`TEACHERS`."""
    folder.mkdir(parents=True, exist_ok=True)
    write_teacher(folder / "teacher", write_texts(folder), teacher)
    write_task(folder / "reviews.tsv")
    write_pairs(folder / "pairs.tsv")
    write_mnli(folder / "glue" / "MNLI")
    write_cola(folder / "glue" / "CoLA")
    write_imdb(folder / "aclImdb")
    return folder


if __name__ == "__main__":
    folder = Path(__file__).parents[1] / "runs" / "smoke" / "input"
    print(f"wrote {write_inputs(folder, *sys.argv[1:])}")
