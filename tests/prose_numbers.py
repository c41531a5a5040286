"""Numbers in sentences: finding them, and finding out whether a run's records account for them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

NUMBER = re.compile(r"(?<![\w.,^-])[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:e[-+]?\d+)?(?!\w)")
#: How the HTML of a sentence begins, and that of several.
SAID = tuple(f'<div class="shown mathjax_ignore">{tag}' for tag in ("<p>", "<ul>"))
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
        r"‘.+?’(?=[,.;) ]|$)",
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
    """Yield the sentences that an executed notebook's ``say`` displayed, names before them included."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if data.get("text/html", "").startswith(SAID):
                yield from data["text/plain"].splitlines()


def edition_values(folder: Path, chapter: str, notebook, sentence: str) -> list[float]:
    """Return every number that ``sentence`` of ``chapter`` may state, computed anew from what the run left.

    Args:
        folder: the edition's folder, ``runs/smoke``, that of ``$DISTILBOOK_RUNS``; notebook: the executed chapter.
    """
    from distilbook.core.records import RecordBook

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
        "07_ablations/summary": lambda: list(_summary(folder, records, sentence)),
        "08_sentence_tasks": lambda: list(_tasks(folder, records, sentence)),
        "11_timing": lambda: [*_timing(records, sentence), *_judged(folder, records, _claims_of(chapter))],
        "13_verdict": lambda: list(_verdict(folder, records, sentence)),
    }
    if chapter in made:
        return list(made[chapter]())
    # Any other chapter says its claims' verdicts, and an arm's its changes.
    judged = list(_judged(folder, records, _claims_of(chapter)))
    return [*judged, *_changes(folder, records, chapter)] if chapter.startswith("07_ablations/") else judged


def changed_in_one_digit(sentence: str) -> Iterator[str]:
    """Yield ``sentence`` with the last digit of one of its numbers replaced by each other digit, number by number."""
    for number in numbers_in(sentence):
        mantissa = number.text.partition("e")[0]
        place = number.start + max(i for i, sign in enumerate(mantissa) if sign.isdigit())
        for step in range(1, 10):
            yield f"{sentence[:place]}{(int(sentence[place]) + step) % 10}{sentence[place + 1 :]}"


def names_in_records(folder: Path) -> list[str]:
    """Return the names of models, tasks, claims and reference runs that have numbers in them, the longest first."""
    from distilbook.claims import CLAIMS
    from distilbook.claims.reference import reference_runs
    from distilbook.core.records import RecordBook

    shipped = reference_runs()
    records = [*RecordBook(folder / "records").current(), *(r for run in shipped for r in run.records)]
    names = {part for r in records for name in (r.model, r.task) for part in (name, *name.split(" over "))}
    choices = {r.recipe for r in records if r.chapter == "07_ablations/choices"}
    names |= choices | {name[0].upper() + name[1:] for name in choices}
    names |= {c.title for c in CLAIMS} | {run.provenance.title for run in shipped}
    named = [name for name in names if re.search(r"\d", name)]
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


def _claims_of(chapter: str) -> list:
    from distilbook.claims import CLAIMS

    return [c for c in CLAIMS if c.chapter == chapter]


def _timing(records, sentence: str) -> Iterator[float]:
    """Yield what chapter 11 may state beside its verdicts: of a measurement, of the software, of a pair's parts."""
    own = [r for r in records if r.chapter == "11_timing"]
    if "the first model timed against itself strays" in sentence:
        (found,) = {
            (noise["low"], noise["high"], r.detail["share"], r.detail["threads"])
            for r in own
            if r.metric == "time_ratio" and sentence.startswith(f"{r.task}, {r.split}. ")
            for noise in [r.detail["noise"]]
        }
        low, high, share, threads = found
        yield from (max(abs(low - 1), abs(high - 1)), share, threads, 1)
    elif sentence.startswith("Timed on"):
        yield own[0].hardware["cores"]
        for name in ("torch", "transformers"):
            yield float(".".join(own[0].versions[name].split(".")[:2]))
    elif sentence.startswith("What does not depend on depth"):
        yield from _parts_of_a_pair(own)


def _parts_of_a_pair(own) -> Iterator[float]:
    from distilbook.claims.paper import TABLE_3

    parts = {r.model: r.value for r in own if r.metric == "fastest_latency"}
    depths = {int(name.split()[2]): value for name, value in parts.items() if name.startswith("BERT with ")}
    deep, none, python = depths[max(depths)], parts["BERT without layers"], parts["the tokenizer of 2019, in Python"]
    teacher, student = TABLE_3["BERT-base"]["seconds"], TABLE_3["DistilBERT"]["seconds"]
    yield from ((none + python) / (deep + python), 2 * student / teacher - 1, teacher / student)
    yield (deep + python) / ((deep + none) / 2 + python)
    first = next(r for r in own if r.metric == "time_ratio" and r.task == "sentence pairs at batch 1")
    yield from (first.value, 2019)


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
    from distilbook.stats.intervals import score_interval

    kept = np.load(folder / next(r.predictions for r in records if r.chapter == "03_teacher"))
    found = score_interval(kept["labels"] == kept["predicted"], groups=kept["block"])
    yield from (found.value, found.low, found.high, found.level)
    yield np.unique(kept["labels"], return_counts=True)[1].max() / len(kept["labels"])


def _corpus(folder: Path, notebook) -> Iterator[float]:
    """Yield the counts chapter 02 speaks of, and the rates its chart shows."""
    from distilbook.core.workspace import Workspace
    from distilbook.corpus.corpus import Corpus
    from distilbook.corpus.masking import IGNORED, Masking
    from transformers import AutoTokenizer

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
    from distilbook.core.workspace import Workspace
    from distilbook.distillation.student import LAYER_PARTS, OTHER_PARTS
    from distilbook.models.parameters import count_by_formula

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
    from distilbook.corpus.masking import SHARE

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
        yield from {
            "size": _counted,
            "time": _noise,
            "arm": lambda used: _noises(folder, used),
            "retention": _scored,
            "gap": _scored,
        }[claim.kind](used)


def _accuracies(records) -> dict[str, dict[int, Any]]:
    """Return the held-out masked accuracy's records of each recipe, by seed."""
    found: dict[str, dict[int, Any]] = {}
    for r in records:
        if (r.model, r.task, r.metric) == ("student", "held-out text", "masked_accuracy"):
            found.setdefault(r.recipe, {})[r.seed] = r
    return found


#: One side of a difference: records with their sign, added up seed by seed.
Side = list[tuple[int, list]]


def _ends(folder: Path, *sides: Side) -> Iterator[float]:
    """Yield what a sentence on the first side less the second may state: mean, ends, seeds, level, the noise."""
    from scipy import stats

    values = [sum(sign * np.array([r.value for r in some]) for sign, some in side) for side in sides]
    differences, text = values[0] - values[1], _over_text(folder, *sides)
    n, mean = len(differences), differences.mean()
    yield from (mean, n, 0.95, math.hypot(2 * max(np.ptp(side) for side in values), text))
    if n > 2:
        half = math.hypot(stats.t.ppf(0.975, n - 1) * stats.sem(differences), text)
        yield from (mean - half, mean + half)
    else:
        yield from (differences.min(), differences.max())


def _over_text(folder: Path, *sides: Side) -> float:
    """Return half the width of the interval over blocks of the mean difference, from the predictions themselves."""
    from scipy import stats

    def right(record) -> np.ndarray:
        kept = np.load(folder / record.predictions)
        return (kept["labels"] == kept["predicted"]).astype(float)

    first, second = (sum(sign * np.mean([right(r) for r in some], axis=0) for sign, some in side) for side in sides)
    block = np.load(folder / sides[0][0][1][0].predictions)["block"]
    around = first - second - np.mean(first - second)
    blocks = [around[block == number].sum() for number in np.unique(block)]
    error = math.sqrt(len(blocks) * np.var(blocks, ddof=1)) / len(block)
    return float(stats.t.ppf(0.975, len(blocks) - 1)) * error


def _spent(record) -> float:
    """Return the seconds of a run, times its cores where it had no accelerator."""
    return record.seconds * (record.detail["cores"] if record.hardware["accelerator"] == "none" else 1)


def _changes(folder: Path, records, chapter: str | None = None) -> Iterator[float]:
    """Yield the changes against the full recipe with their ends, and the tokens and costs as multiples of its own."""
    for some, full in _paired(records, chapter).values():
        yield from _ends(folder, [(1, some)], [(1, full)])
        yield from {r.n for r in some}
        yield from _multiples(some, full)


def _multiples(some, full) -> Iterator[float]:
    yield median(r.detail["tokens"] for r in some) / median(r.detail["tokens"] for r in full)
    yield median(map(_spent, some)) / median(map(_spent, full))


def _paired(records, chapter: str | None = None) -> dict[str, tuple[list, list]]:
    """Return each recipe's records and those of the full recipe's same seeds: of all arms, or of a chapter."""
    recipes = _accuracies(records)
    full = recipes.pop("full")
    found = {}
    for name, some in recipes.items():
        own = next(iter(some.values())).chapter
        if own == chapter or (chapter is None and own != "07_ablations/choices"):
            seeds = sorted(full.keys() & some.keys())
            found[name] = [some[s] for s in seeds], [full[s] for s in seeds]
    return found


def _summary(folder: Path, records, sentence: str) -> Iterator[float]:
    """Yield what a sentence of the summary may state: of the 2 x 2, of a budget, of seeds, or of all arms."""
    if sentence.startswith("At equal "):
        yield from _factor(folder, records, sentence)
    elif "times the full recipe's tokens" in sentence:
        for name, (some, full) in _paired(records).items():
            if name.endswith("_equal_seconds"):
                yield from _multiples(some, full)
    elif sentence.startswith(("Over seeds", "A single seed", "Every recipe's")):
        yield from _power(records)
    else:
        pairs = _paired(records).values()
        sides = [_side(folder, *pair) for pair in pairs]
        yield from (len(sides), 0.05 * len(sides), *(sides.count(side) for side in set(sides)))


def _side(folder: Path, some: list, full: list) -> int:
    """Return on which side of zero the differences are: all of their interval, or two of them beyond the noise."""
    mean, n, _, margin, low, high = _ends(folder, [(1, some)], [(1, full)])
    if n < 2:
        return 0
    margin = margin if n == 2 else 0
    return int(low > margin) - int(high < -margin)


def _factor(folder: Path, records, sentence: str) -> Iterator[float]:
    """Yield what outputs add to a start or copying to a loss, or by how much the former differ, with the ends."""
    found = {name: [some[s] for s in sorted(some)] for name, some in _accuracies(records).items()}
    end = "_equal_seconds" if "equal seconds" in sentence else ""
    full, random, mlm, scratch = (
        found[name] for name in ("full", "random_initialisation", f"without_teacher{end}", f"from_scratch{end}")
    )
    pairs = {
        "more to copied layers than": ([(1, full), (-1, mlm)], [(1, random), (-1, scratch)]),
        "to copied layers": ([(1, full)], [(1, mlm)]),
        "to random weights": ([(1, random)], [(1, scratch)]),
        "with the triple loss": ([(1, full)], [(1, random)]),
        "with masked language modelling": ([(1, mlm)], [(1, scratch)]),
    }
    yield from _ends(folder, *next(pair for text, pair in pairs.items() if text in sentence))


def _power(records) -> Iterator[float]:
    """Yield the spread over seeds of all arms, and the differences that some numbers of seeds would find."""
    from scipy import stats

    arms = [s for name, s in _accuracies(records).items() if next(iter(s.values())).chapter != "07_ablations/choices"]
    seeds = len(arms[0])
    spread = math.sqrt(np.mean([np.var([r.value for r in some.values()], ddof=1) for some in arms])) if seeds > 1 else 0
    yield spread
    for n in (seeds, 3, 5, 10):
        yield n
        if n > 1:
            yield (stats.t.ppf(0.975, 2 * n - 2) + stats.t.ppf(0.8, 2 * n - 2)) * spread * math.sqrt(2 / n)


def _counted(used) -> Iterator[float]:
    yield from (r.value for r in used if r.metric == "parameters")


def _noise(used) -> Iterator[float]:
    """Yield what the teacher's ratio to itself would be on a quiet machine, how far it strays, and how far it may."""
    from distilbook.inference.noise import TOO_LOUD
    from distilbook.inference.protocol import PAIRS

    yield from (1, TOO_LOUD)
    ratios = [r for r in used if r.metric == "time_ratio" and r.task == PAIRS]
    yield max(abs(r.detail["noise"][end] - 1) for r in ratios for end in ("low", "high"))


def _noises(folder: Path, used) -> Iterator[float]:
    """Yield what the sentence on an arm may state of any two recipes, the noise of seeds and text among it."""
    arms = _accuracies(used)
    for pair in combinations(arms.values(), 2):
        seeds = sorted(set.intersection(*map(set, pair)))
        if len(seeds) > 1:
            yield from _ends(folder, *([(1, [some[s] for s in seeds])] for some in pair))


def _scored(used) -> Iterator[float]:
    """Yield how many seeds of teacher and student are sound, collapsed or diverged, and on how much they were trained.

    And the paper's figures on the same tasks, where these are some of GLUE's.
    """
    from distilbook.claims import paper

    pair = [r for r in used if (r.model, r.recipe) in (("teacher", None), ("student", "full"))]
    main = [r for r in pair if r.detail.get("main") and r.detail["main_split"]]
    diverged = [(r.model, r.task) for r in pair if r.metric == "diverged_at_step"]
    runs: dict[tuple, list] = {}
    for r in main:
        runs.setdefault((r.model, r.task), []).append(r)
    for key, some in runs.items():
        alike = sum(r.detail["constant"] for r in some)
        yield from (len(some), alike, len(some) - alike, diverged.count(key), len(some) + diverged.count(key))
        yield from (r.detail["train_examples"] for r in some)
        yield len({r.pretraining_seed for r in some})
    tasks = {task for model, task in runs if model == "teacher"} & {task for model, task in runs if model == "student"}
    if tasks < set(paper.TABLE_1["ELMo"]):
        rows = {name: paper.TABLE_1[name] for name in ("BERT-base", "DistilBERT")}
        rows["BERT-base"] = rows["BERT-base"] | {"MNLI": paper.BERT_MNLI_IN_THE_CODE}
        teacher, student = (float(np.mean([row[task] for task in tasks])) for row in rows.values())
        yield from (len(rows["DistilBERT"]) - 1, len(tasks), teacher, student, student / teacher)


def _tasks(folder: Path, records, sentence: str) -> Iterator[float]:
    """Yield what a sentence of chapter 08 may state: of sentence pairs, of submissions, or of the claim on scores."""
    from distilbook.claims import claim

    if sentence.startswith(("The teacher. ", "The student. ")):
        yield from _segments(folder, "teacher" if sentence.startswith("The teacher") else "full")
    elif sentence.startswith("Answers to withheld test sets"):
        yield len({path.parent for path in (folder / "submissions").rglob("*.tsv")})
    else:
        yield from _judged(folder, records, [claim("retention")])


def _segments(folder: Path, model: str) -> Iterator[float]:
    """Yield what can be read in a model's embeddings, after its layers where that is settled, and with token types."""
    read = _readings(folder)[model]
    shares = [read["separator"].accuracy()[0]]
    if "token types" in read:
        shares += [read["token types"].accuracy()[place] for place in (0, -1)]
    yield from (end for one in shares for end in (one.value, one.low, one.high))
    yield from (read["separator"].texts, shares[0].level)
    _, *leads = read["separator"].lead(read["another word piece"])
    more, fewer = ([one for one in leads if side(one)] for side in (lambda o: o.low > 0, lambda o: o.high < 0))
    if more or fewer:
        yield from range(1, len(leads) + 1)
        yield from (abs(end) for some in (more, fewer) for o in some[:1] for end in (o.value, o.low, o.high))


@cache
def _readings(folder: Path):
    """Return what probes read in the states of the teacher and of the full recipe's first student."""
    from distilbook.core.workspace import Workspace
    from distilbook.corpus.corpus import Corpus
    from distilbook.finetuning.token_types import Pairs, read_sentences
    from distilbook.models.loading import load_teacher, load_tokenizer
    from distilbook.pretraining.ablations import published_runs
    from transformers import DistilBertForMaskedLM

    workspace = Workspace(folder.name)
    teacher = workspace.find("teacher", "03_teacher")
    student = published_runs(workspace, "full", "06_pretraining")[0].folder / "model"
    pairs = Pairs.cut(Corpus.open(workspace.find("corpus", "02_corpus")).held_out, load_tokenizer(teacher))
    models = {"teacher": load_teacher(teacher, new_head=False), "full": DistilBertForMaskedLM.from_pretrained(student)}
    return read_sentences(models, pairs)


def _verdict(folder: Path, records, sentence: str) -> Iterator[float]:
    """Yield what a sentence of chapter 13 may state: of a claim, here or in a reference run, of all, of machines."""
    from distilbook.claims import CLAIMS
    from distilbook.claims.reference import reference_runs

    named = [c for c in CLAIMS if sentence.startswith((f"{c.title}. ", f"{c.title} ("))]
    if not named:
        yield from _hardware(records) if sentence.startswith("Measured on") else _counts(folder, records)
    elif sentence.startswith(f"{named[0].title}. "):
        yield from _judged(folder, records, named)
    else:
        run = next(r for r in reference_runs() if sentence.startswith(f"{named[0].title} ({r.provenance.title})"))
        yield from _judged(run.folder, run.records, named)


def _counts(folder: Path, records) -> Iterator[float]:
    """Yield how many claims got each verdict, and how many verdicts are in miniature."""
    from distilbook.claims import CLAIMS, judge

    verdicts = [judge(claim, records, folder=folder) for claim in CLAIMS]
    yield from (len(verdicts), sum(v.in_miniature for v in verdicts))
    for name in ("reproduced", "contradicted", "not settled"):
        yield sum(v.verdict == name for v in verdicts)


def _hardware(records) -> Iterator[float]:
    yield from {r.hardware["cores"] for r in records}
