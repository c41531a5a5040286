"""Numbers in sentences: finding them, and finding out whether a run's records account for them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

NUMBER = re.compile(r"(?<![\w.,^-])[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:e[-+]?\d+)?(?!\w)")
#: What follows a number that is said in points, also inside "1.2 [0.8 to 1.6] points".
IN_POINTS = re.compile(r"[\s\[\]\d.,+-]*(?:to[\s\d.,+-]*)?\]?\s*points?\b")
#: From here on a number may be shown rounded to a whole one; below, a whole number has to be exact.
ROUNDED_FROM = 100


@dataclass(frozen=True)
class Number:
    """A number in a text: how it is written, where it begins, its value, its decimals, its scale (100 for percent)."""

    text: str
    start: int
    value: float
    decimals: int
    scale: int

    def is_rounding_of(self, value: float) -> bool:
        """Whether ``value`` is shown like this with these digits; small whole numbers must be exact."""
        shown = value * self.scale
        if self.decimals == 0 and abs(self.value) < ROUNDED_FROM:
            return math.isclose(shown, self.value, rel_tol=1e-6, abs_tol=1e-9)
        return abs(shown - self.value) <= 0.5 * 10.0**-self.decimals * (1 + 1e-6)


def without_code(text: str) -> str:
    """Return ``text`` with what is no prose blanked, lengths kept: code, formulas, sources, targets of links, HTML."""
    patterns = (
        r"(?s)<details>.*?</details>",
        r"(?s)```.*?```",
        r"(?s)\{[a-z:]+\}`[^`]*`",
        r"``.*?``",
        r"`[^`]*`",
        r"(?s)\$\$.*?\$\$",
        r"(?s)\$[^$]*\$",
        r"(?<=\])\([^)\s]*\)",
    )
    for pattern in patterns:
        text = re.sub(pattern, lambda found: " " * len(found.group()), text)
    return text


def numbers_in(text: str) -> Iterator[Number]:
    """Yield the numbers that stand in the prose of ``text``."""
    prose = without_code(text)
    for found in NUMBER.finditer(prose):
        written, after = found.group(), prose[found.end() :]
        plain = written.replace(",", "")
        digits, _, power = plain.partition("e")
        decimals = len(digits.partition(".")[2]) - int(power or 0)
        scale = 100 if after.startswith("%") or IN_POINTS.match(after) else 1
        yield Number(written, found.start(), float(plain), decimals, scale)


def unaccounted(text: str, values: Iterable[float]) -> list[str]:
    """Return the numbers in a displayed sentence that are no rounding of any of ``values``.

    A percentage and a number of points are a value times 100; thousands may be separated; as many
    digits count as are shown.
    """
    known = [float(value) for value in values if math.isfinite(value)]
    return [n.text for n in numbers_in(text) if not any(n.is_rounding_of(value) for value in known)]


def sentences(notebook) -> Iterator[str]:
    """Yield the lines an executed notebook's ``say`` displayed: Markdown that is not the library's source."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            text = output.get("data", {}).get("text/markdown", "")
            if text and not text.startswith("<details>"):
                yield from text.splitlines()


def edition_values(folder: Path, chapter: str, notebook, sentence: str) -> list[float]:
    """Return every number that ``sentence`` of ``chapter`` may state, computed anew from what the run left.

    Args:
        folder: the edition's folder, ``runs/smoke``, that of ``$DISTILBOOK_RUNS``; notebook: the executed chapter.
    """
    from distilbook.claims import CLAIMS
    from distilbook.records import RecordBook

    records = RecordBook(folder / "records").current()
    made = {
        "01_claims": lambda: [*_paper(), *_claims()],
        "02_corpus": lambda: _corpus(folder, notebook),
        "03_teacher": lambda: [*_records(records, chapter), *_teacher(folder, records)],
        "04_student": lambda: _sizes(folder, notebook),
        "05_triple_loss": lambda: _gradients(notebook),
        "06_pretraining": lambda: [
            *_records(records, "03_teacher", chapter),
            *_curves(folder, records),
            *_steps(folder, records),
        ],
        "13_verdict": lambda: [*_counts(folder, records), *_hardware(records)],
    }
    # The last chapter names the claim; any other chapter without measurements of its own says its claims' verdicts.
    told = [c for c in CLAIMS if f"**{c.title}.**" in sentence] if chapter == "13_verdict" else []
    if told or chapter not in made:
        return list(_judged(folder, records, told or [c for c in CLAIMS if c.chapter == chapter]))
    return list(made[chapter]())


def changed_in_one_digit(sentence: str) -> Iterator[str]:
    """Yield ``sentence`` with the last digit of one of its numbers replaced by each other digit, number by number."""
    for number in numbers_in(sentence):
        mantissa = number.text.partition("e")[0]
        place = number.start + max(i for i, sign in enumerate(mantissa) if sign.isdigit())
        for step in range(1, 10):
            yield f"{sentence[:place]}{(int(sentence[place]) + step) % 10}{sentence[place + 1 :]}"


def names_in_records(folder: Path) -> list[str]:
    """Return the names of models, tasks and claims that have numbers in them, the longest first."""
    from distilbook.claims import CLAIMS
    from distilbook.records import RecordBook

    records = RecordBook(folder / "records").current()
    names = {part for r in records for name in (r.model, r.task) for part in (name, *name.split(" over "))}
    named = [name for name in names | {c.title for c in CLAIMS} if re.search(r"\d", name)]
    return sorted(named, key=len, reverse=True)


def without_names(text: str, names: Iterable[str]) -> str:
    """Return ``text`` with ``names`` blanked."""
    for name in names:
        text = text.replace(name, " " * len(name))
    return text


def _numbers_of(value: Any) -> Iterator[float]:
    """Yield every number inside ``value``, however deep."""
    if isinstance(value, dict | list | tuple):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _numbers_of(part)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield value


def _paper() -> Iterator[float]:
    from distilbook.claims import paper

    row = paper.TABLE_1["BERT-base"]
    yield from (row["Score"], row["MNLI"], paper.BERT_MNLI_IN_THE_CODE)


def _claims() -> Iterator[float]:
    from distilbook.claims import CLAIMS

    yield from (len(CLAIMS), sum(c.kind == "arm" for c in CLAIMS), sum(c.kind != "arm" for c in CLAIMS))


def _records(records, *chapters: str) -> Iterator[float]:
    """Yield the numbers of the chapters' records, and over the seeds of each measurement median, ends and number."""
    groups: dict[tuple, list[float]] = {}
    for r in (r for r in records if r.chapter in chapters):
        yield from _numbers_of([r.value, r.n, r.detail])
        groups.setdefault((r.chapter, r.model, r.recipe, r.task, r.metric), []).append(r.value)
    for values in groups.values():
        yield from (median(values), min(values), max(values), len(values))


def _teacher(folder: Path, records) -> Iterator[float]:
    """Yield the accuracy's interval over blocks and the best that one fixed guess could reach."""
    from distilbook.statistics import score_interval

    kept = np.load(folder / next(r.predictions for r in records if r.chapter == "03_teacher"))
    found = score_interval(kept["labels"] == kept["predicted"], groups=kept["block"])
    yield from (found.value, found.low, found.high, found.level)
    yield np.unique(kept["labels"], return_counts=True)[1].max() / len(kept["labels"])


def _corpus(folder: Path, notebook) -> Iterator[float]:
    """Yield the counts chapter 02 speaks of, and the rates its chart shows."""
    from transformers import AutoTokenizer

    from distilbook.data.corpus import Corpus
    from distilbook.data.masking import IGNORED, Masking
    from distilbook.workspace import Workspace

    corpus = Corpus.open(Workspace(folder.name).find("corpus", "02_corpus"))
    tokenizer = AutoTokenizer.from_pretrained(Workspace(folder.name).find("teacher", "03_teacher"))
    ordinary = np.setdiff1d(np.arange(len(corpus.counts)), tokenizer.all_special_ids)
    falling = np.sort(corpus.counts[ordinary])[::-1]
    yield next(k for k in range(1, len(falling) + 1) if 2 * falling[:k].sum() >= falling.sum())
    yield np.count_nonzero(falling)
    blocks = corpus.train[:12, :64]
    labels = Masking.smoothed(corpus.counts, tokenizer)(blocks, range(len(blocks)), 0, 0)[1]
    yield np.median(corpus.counts[labels[labels != IGNORED]])
    yield np.median(corpus.counts[blocks[np.isin(blocks, ordinary)]])
    bars = _traces(notebook, "Share of word pieces drawn, by how often they occur")[0]
    yield from bars["y"]
    yield from (float(end.replace(",", "")) for name in bars["x"] for end in name.split(" to "))


def _sizes(folder: Path, notebook) -> Iterator[float]:
    """Yield sizes in closed form: the published pair's, this edition's, what is saved, and the share of embeddings."""
    from distilbook.model.sizes import count_by_formula
    from distilbook.model.student import LAYER_PARTS, OTHER_PARTS
    from distilbook.workspace import Workspace

    layers = notebook.metadata.papermill.parameters["layers"]
    yield len(LAYER_PARTS) * len(layers) + len(OTHER_PARTS)
    facts = json.loads((Workspace(folder.name).find("teacher", "03_teacher") / "config.json").read_text())
    own = [facts[f"{name}_size"] for name in ("hidden", "intermediate", "vocab")]
    own += [facts["max_position_embeddings"], facts["num_hidden_layers"], len(layers)]
    for width, inner, vocabulary, positions, deep, shallow in ([768, 3072, 30522, 512, 12, 6], own):
        shape = {"width": width, "feed_forward": inner, "vocabulary": vocabulary, "positions": positions}
        whole = count_by_formula(layers=deep, token_types=2, pooler=True, **shape)
        small = count_by_formula(layers=shallow, token_types=0, pooler=False, **shape)
        before, after = (count_by_formula(layers=0, token_types=n, pooler=False, **shape) for n in (2, 0))
        yield from (whole, small, 1 - small / whole, before, before / whole, before - after)
        yield whole - small - before + after


def _gradients(notebook) -> Iterator[float]:
    """Yield the ends of the temperature's axis, each curve's largest over its smallest value, and the tolerance."""
    for trace in _traces(notebook, "Size of the distillation gradient"):
        x, y = np.asarray(trace["x"]), np.asarray(trace["y"])
        yield from (x[0], x[-1], y.max() / y.min())
    yield 1e-9


def _traces(notebook, title: str) -> list[dict]:
    """Return the traces of the figure called ``title``."""
    kind = "application/vnd.plotly.v1+json"
    figures = [o.data[kind] for c in notebook.cells for o in c.get("outputs", []) if kind in o.get("data", {})]
    return next(f["data"] for f in figures if f["layout"].get("title", {}).get("text") == title)


def _runs(folder: Path, records) -> list[Path]:
    """Return the folders of the full recipe's runs."""
    return sorted({(folder / r.predictions).parent for r in records if r.chapter == "06_pretraining"})


def _curves(folder: Path, records) -> Iterator[float]:
    """Yield the medians over seeds of the two scores chapter 06 follows, before training and at its end."""
    files = [run / "metrics.jsonl" for run in _runs(folder, records)]
    lines = [[line for line in map(json.loads, f.read_text().splitlines()) if "masked_accuracy" in line] for f in files]
    for metric in ("masked_accuracy", "kl_to_teacher"):
        yield from (median(run[place][metric] for run in lines) for place in (0, -1))


def _steps(folder: Path, records) -> Iterator[float]:
    """Yield the positions of an optimiser step, how many are masked, the ratio of both, and the vocabulary's size."""
    from distilbook.data.masking import SHARE

    run = _runs(folder, records)[0]
    done = json.loads((run / "done.json").read_text())
    positions = done["tokens"] / done["config"]["steps"]
    yield from (positions, round(SHARE * positions), 1 / SHARE)
    yield json.loads((run / "model" / "config.json").read_text())["vocab_size"]


def _judged(folder: Path, records, claims) -> Iterator[float]:
    """Yield what the verdicts of ``claims`` rest on: ours, the paper's, the bound, the hurdle."""
    from distilbook.claims import judge

    for claim in claims:
        one = judge(claim, records, folder=folder)
        if one.value is None:
            continue
        used = [r for r in records if r.chapter in (claim.chapter, "06_pretraining" if claim.arm else "")]
        yield from (one.value, one.low, one.high, one.n, one.seeds, claim.bound, claim.seeds, 0.95)
        yield from ([] if claim.paper_value is None else [claim.paper_value])
        yield from (end for s in one.shares.values() for end in (s.value, s.low, s.high))
        yield from {"size": _counted, "time": _noise, "arm": _spread, "retention": _seeds}[claim.kind](used)


def _counted(used) -> Iterator[float]:
    yield from (r.value for r in used if r.metric == "parameters")


def _noise(used) -> Iterator[float]:
    """Yield what the teacher's ratio to itself would be on a quiet machine, and how far it strays from that."""
    yield 1
    ends = [r.detail["noise"][end] for r in used if r.metric == "time_ratio" for end in ("low", "high")]
    yield max(abs(end - 1) for end in ends)


def _spread(used) -> Iterator[float]:
    """Yield the larger range over seeds of the two arms."""
    arms: dict[str, list[float]] = {}
    for r in (r for r in used if r.metric == "masked_accuracy" and r.model == "student"):
        arms.setdefault(r.recipe, []).append(r.value)
    yield from (max(max(values) - min(values) for values in pair) for pair in combinations(arms.values(), 2))


def _seeds(used) -> Iterator[float]:
    """Yield how many seeds each model has."""
    models = [(r.model, r.recipe) for r in used if r.metric == "accuracy"]
    yield from {models.count(model) for model in models}


def _counts(folder: Path, records) -> Iterator[float]:
    """Yield how many claims got each verdict, and how many verdicts are in miniature."""
    from distilbook.claims import CLAIMS, judge

    verdicts = [judge(claim, records, folder=folder) for claim in CLAIMS]
    yield from (len(verdicts), sum(v.in_miniature for v in verdicts))
    for name in ("reproduced", "contradicted", "not settled"):
        yield sum(v.verdict == name for v in verdicts)


def _hardware(records) -> Iterator[float]:
    yield from {r.hardware["cores"] for r in records}
