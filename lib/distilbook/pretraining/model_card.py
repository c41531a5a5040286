"""Model card of a student: the README of its folder, in the Hub's format, with numbers from the finished run."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from ..core.files import read_json, write_text
from ..core.markup import markdown, visible
from ..corpus.corpus import Corpus, evenly_spaced
from ..distillation.recipe import ARM_LABELS
from ..models.folder import look_at
from ..stats.predictions import kept_arrays
from ..training.log import FILE, read_curves
from .measures import MEASURES
from .pretrain import PretrainRun

#: Rows of the table of measurements during training.
ROWS = 12
CARD = """
# {title}

A DistilBERT of {layers} layers, {origin}.
Recipe: {arm}; seed {seed}.

## How to load it

```python
from transformers import AutoModelForMaskedLM, AutoTokenizer
model = AutoModelForMaskedLM.from_pretrained("path/to/this/folder")
tokenizer = AutoTokenizer.from_pretrained("path/to/this/folder")
```

## Use and limits

It predicts masked tokens and can be fine-tuned on text like its training text. It was evaluated only on held-out text
of the sources below. It may repeat mistakes and prejudices of its teacher and of these sources, whose licences apply.

## Results

On all {blocks} held-out blocks, n = {n} masked positions, the same for student and teacher.

{results}

During training, on some of these blocks; `metrics.jsonl` in this folder has every step.

{curve}

## Training

{tokens} tokens in {steps} optimiser steps took {seconds} s (CPU cores: {cores}), without measurements.

{recipe}

## Data

Fingerprint of the token blocks: `{fingerprint}`; of the vocabulary: `{vocabulary}`.
{train_blocks} training blocks of {block_length} tokens.

{sources}

## Made with

{made_with}
"""


def write_model_card(run: PretrainRun, corpus: Corpus, teacher_folder: Path, label: str | None = None) -> Path:
    """Write ``README.md`` and a copy of the metrics into the model's folder of ``run``; return the card's path.

    Args:
        label: the recipe's name where it is no ablation.
    """
    folder = run.folder / "model"
    shutil.copyfile(run.folder / FILE, folder / FILE)
    write_text(folder / "README.md", str(model_card(run, corpus, teacher_folder, label)))
    return folder / "README.md"


def model_card(run: PretrainRun, corpus: Corpus, teacher_folder: Path, label: str | None = None) -> ModelCard:
    """Return the card of a finished ``run``, on ``corpus``, with the teacher in ``teacher_folder``."""
    recipe = visible(label or ARM_LABELS[run.arm])
    positions = len(kept_arrays(run.folder / "held_out.npz", ("labels",))[0])
    teacher = teacher_address(teacher_folder)
    title = f"DistilBERT in {len(run.config.layers)} layers ({recipe}, seed {run.seed})"
    results = [(MEASURES[name].label, value, run.teacher_scores.get(name)) for name, value in run.scores.items()]
    text = CARD.format(
        title=markdown(title),
        origin=origin(run, markdown(teacher) if teacher else "a teacher whose address is not known"),
        layers=len(run.config.layers),
        arm=markdown(recipe),
        seed=run.seed,
        blocks=f"{len(corpus.held_out):,}",
        n=f"{positions:,}",
        results=_rows(["measure", "student", "teacher"], results),
        curve=_curve(run),
        tokens=f"{run.tokens:,}",
        steps=f"{run.config.steps:,}",
        seconds=f"{run.seconds:,.0f}",
        cores=run.cores,
        recipe=_rows(["parameter", "value"], run.config.model_dump(mode="json", exclude={"seeds"}).items()),
        fingerprint=corpus.fingerprint,
        vocabulary=corpus.vocabulary,
        train_blocks=f"{len(corpus.train):,}",
        block_length=corpus.train.shape[1],
        sources=_rows(list(corpus.statistics[0]), (row.values() for row in corpus.statistics)),
        made_with=_rows(["what", "which"], run.made_with.items()),
    )
    return ModelCard(f"---\n{_metadata(run, corpus, teacher, title).to_yaml()}\n---\n{text}")


def origin(run: PretrainRun, teacher: str) -> str:
    """Return the origin of the student of ``run``, such as "distilled from" its ``teacher``."""
    copied = run.config.initialisation == "copied"
    if run.config.uses_teacher:
        return f"distilled from {teacher}" + ("" if copied else ", initialised at random")
    return f"initialised with layers of {teacher}, trained without it" if copied else "trained from random weights"


def teacher_address(folder: Path) -> str | None:
    """Return the address of the teacher in ``folder``, from its head's training or the Hub's cache."""
    fitted = folder.parent / "done.json"
    if fitted.exists():
        return read_json(fitted)["config"]["teacher"]
    cached = re.search(r"models--([^/]+)/snapshots/\w+$", folder.resolve().as_posix())
    return f"hub:{cached[1].replace('--', '/')}" if cached else None


def _metadata(run: PretrainRun, corpus: Corpus, teacher: str | None, title: str) -> ModelCardData:
    return ModelCardData(
        library_name="transformers",
        pipeline_tag="fill-mask",
        tags=[look_at(run.folder / "model").family.model_type, "knowledge-distillation"],
        base_model=visible(teacher).removeprefix("hub:") if teacher and teacher.startswith("hub:") else None,
        model_name=title,
        eval_results=[
            EvalResult(
                task_type="fill-mask",
                dataset_type="text",
                dataset_name=f"held-out blocks of corpus {corpus.fingerprint}",
                metric_type=MEASURES[name].on_hub,
                metric_name=MEASURES[name].label,
                metric_value=value,
            )
            for name, value in run.scores.items()
        ],
    )


def _curve(run: PretrainRun) -> str:
    lines = read_curves(run.folder)[1]
    shown = [lines[number] for number in evenly_spaced(len(lines), ROWS)]
    each = run.tokens / run.config.steps
    rows = [(line["step"], round(line["step"] * each), *(line[name] for name in run.scores)) for line in shown]
    return _rows(["step", "tokens", *(MEASURES[name].label for name in run.scores)], rows)


def _rows(names: Sequence[str], rows: Iterable[Iterable[Any]]) -> str:
    """Return a table in Markdown."""
    cells = [[markdown(_cell(value)) for value in row] for row in rows]
    lines = [[*map(markdown, names)], ["---"] * len(names), *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: Any) -> str:
    if isinstance(value, bool | str) or value is None:
        return "" if value is None else str(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {part}" for name, part in value.items())
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else json.dumps(value)
