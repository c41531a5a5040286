"""GLUE's tasks in miniature, written in the official layout and in the Hub's."""

from __future__ import annotations

import json
from pathlib import Path

ENTAILMENT = ("entailment", "not_entailment")
PARSES = "sentence1_binary_parse sentence2_binary_parse sentence1_parse sentence2_parse"
STS = "index genre filename year old_index source1 source2 sentence1 sentence2"
MNLI = f"index promptID pairID genre {PARSES} sentence1 sentence2"
MRPC = "#1 ID|#2 ID|#1 String|#2 String"

#: The headers of the official files: of the training set, of the development sets, of the test sets; "" for none.
HEADERS = {
    "CoLA": ("", "", "index sentence"),
    "SST-2": ("sentence label", "sentence label", "index sentence"),
    "MRPC": (f"Quality|{MRPC}", f"Quality|{MRPC}", f"index|{MRPC}"),
    "STS-B": (f"{STS} score", f"{STS} score", STS),
    "QQP": (*["id qid1 qid2 question1 question2 is_duplicate"] * 2, "id question1 question2"),
    "MNLI": (f"{MNLI} label1 gold_label", f"{MNLI} label1 label2 label3 label4 label5 gold_label", MNLI),
    "QNLI": (*["index question sentence label"] * 2, "index question sentence"),
    "RTE": (*["index sentence1 sentence2 label"] * 2, "index sentence1 sentence2"),
    "WNLI": (*["index sentence1 sentence2 label"] * 2, "index sentence1 sentence2"),
}
SUBSETS = {name: name.lower().replace("-", "") for name in HEADERS}
CLASSES = {name: ("0", "1") for name in HEADERS} | {
    "MNLI": ("entailment", "neutral", "contradiction"),
    "QNLI": ENTAILMENT,
    "RTE": ENTAILMENT,
    "STS-B": (),
}
#: The official and the Hub's columns of the two texts.
TEXTS = {name: ("sentence1 sentence2", "sentence1 sentence2") for name in HEADERS} | {
    "CoLA": ("sentence", "sentence"),
    "SST-2": ("sentence", "sentence"),
    "MRPC": ("#1 String|#2 String", "sentence1 sentence2"),
    "QQP": ("question1 question2", "question1 question2"),
    "MNLI": ("sentence1 sentence2", "premise hypothesis"),
    "QNLI": ("question sentence", "question sentence"),
}
SPLITS = ("train", "dev", "test")
MNLI_SPLITS = ("train", "dev_matched", "dev_mismatched", "test_matched", "test_mismatched", "diagnostic")
WITHHELD = ("test", "diagnostic")

#: What breaks readers that split lines or unquote: all of it is text.
ODD = ('a "quoted beginning', "next\u0085line", "a\rreturn", "two\u2028lines", '"', "caf\xe9 \u4e2d", "")


def splits(name: str) -> tuple[str, ...]:
    """Return the official splits of a task."""
    return MNLI_SPLITS if name == "MNLI" else SPLITS


def examples(name: str, split: str) -> list[tuple[str, str, float]]:
    """Return (first, second, label) of the examples of a split, odd texts among them; seven times the classes."""
    kinds = len(CLASSES[name]) or 5
    label = (lambda n: n % kinds) if CLASSES[name] else (lambda n: round(n % 5 + 0.2 * (n % 4), 3))
    made = [(f"{split} {n} {odd}".strip(), f"{odd} of {n}", label(n)) for n in range(kinds) for odd in ODD]
    return [(first, second, label(n)) for n, (first, second, _) in enumerate(made)]


def names(header: str) -> list[str]:
    """Return the columns that a header written above stands for."""
    return header.split("|" if "|" in header else None)


def header_of(name: str, split: str) -> list[str]:
    """Return the columns of a split's official file; none where it does not name them."""
    if split == "diagnostic":
        return ["index", "sentence1", "sentence2"]
    return names(HEADERS[name][SPLITS.index(split.partition("_")[0])])


def official_file(folder: Path, name: str, split: str) -> Path:
    """Return where a split lies; GLUE's diagnostic set, which MNLI's models answer, in a folder of its own."""
    return folder / ("diagnostic" if split == "diagnostic" else name) / f"{split}.tsv"


def official_line(name: str, split: str, number: int, example: tuple[str, str, float]) -> str:
    """Return an example as a line of the official file."""
    first, second, label = example
    written = CLASSES[name][int(label)] if CLASSES[name] else f"{label:.3f}"
    if name == "CoLA" and not split.startswith("test"):
        return "\t".join(("gj04", written, "" if label else "*", first))
    header = header_of(name, split)
    values = dict(zip(names(TEXTS[name][0]), (first, second), strict=False))
    values |= {column: written for column in ("label", "score", "gold_label", "is_duplicate", "Quality")}
    values |= {"index": str(number), "id": str(number), "#1 ID": f"1{number}", "#2 ID": f"2{number}"}
    return "\t".join(values.get(column, "x") for column in header)


def write_official(folder: Path, name: str, *, without: tuple[str, ...] = ()) -> Path:
    """Write the task's official files below ``folder`` and return the task's own folder."""
    for split in splits(name):
        if split in without:
            continue
        header, path = header_of(name, split), official_file(folder, name, split)
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [official_line(name, split, n, example) for n, example in enumerate(examples(name, split))]
        text = "".join(f"{line}\n" for line in ["\t".join(header), *lines][not header :])
        path.write_text(text, encoding="utf-8", newline="")
    return folder / name


def hub_place(name: str, split: str) -> tuple[str, str]:
    """Return the subset that has a split on the Hub, and what the split is called there."""
    return ("ax", "test") if split == "diagnostic" else (SUBSETS[name], split.replace("dev", "validation"))


def hub_rows(name: str, split: str) -> list[dict]:
    """Return the split's rows as the Hub has them; its test sets have the label -1."""
    texts = names(TEXTS[name][1])
    return [
        dict(zip(texts, example, strict=False)) | {"label": -1 if split.startswith(WITHHELD) else example[2], "idx": n}
        for n, example in enumerate(examples(name, split))
    ]


def write_hub(folder: Path, name: str, form: str) -> Path:
    """Write the task in the Hub's layout below ``folder``, as ``parquet`` or ``jsonl``."""
    for split in splits(name):
        subset, called = hub_place(name, split)
        rows, path = hub_rows(name, split), folder / subset / f"{called}-00000-of-00001.{form}"
        path.parent.mkdir(parents=True, exist_ok=True)
        if form == "jsonl":
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        else:
            write_parquet(path, rows, is_regression=not CLASSES[name])
    return folder


def write_parquet(path: Path, rows: list[dict], is_regression: bool = False) -> None:
    """Write rows as parquet, their labels as the Hub's: 64-bit whole numbers, 32-bit scores."""
    import pyarrow
    import pyarrow.parquet

    columns = {column: [row[column] for row in rows] for column in rows[0]}
    columns["label"] = pyarrow.array(columns["label"], pyarrow.float32() if is_regression else pyarrow.int64())
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
