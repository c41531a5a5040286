"""Run keys: a hash of the code that decides a stage's numbers, and of nothing else.

A finished result is found again by its key, which holds its configuration, seed, inputs and this hash. The code that
counts is listed here: the definitions reachable from a stage's entry points within the stage's modules. Error
messages, docstrings, comments, type hints, log lines, and definitions that the entry points do not use, such as a
new statistic or plot, change no key. A changed loss, mask, schedule or order of blocks does.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .syntax import bare, text_of


@dataclass(frozen=True)
class Stage:
    """The code of a stage.

    Attributes:
        entries: names of the functions and classes that compute the stage's numbers.
        modules: modules below ``distilbook`` in which the entries, and what they use, are looked for.
    """

    entries: tuple[str, ...]
    modules: tuple[str, ...]


#: One optimiser step and the data it reads, common to every stage that trains.
STEP = Stage(
    entries=("accumulate", "adamw", "learning_rate_at", "accelerator_for", "take_step", "Optimisation"),
    modules=("training.loop", "training.step", "training.schedule", "training.precision"),
)
#: Names and places of a model's parts.
FAMILIES = Stage(
    entries=("BERT", "DISTILBERT", "ROBERTA"),
    modules=("models.family", *(f"models.families.{name}" for name in ("bert", "distilbert", "roberta"))),
)
#: Loading of weights.
LOADING = Stage(entries=("load_model", *FAMILIES.entries), modules=("models.loading", *FAMILIES.modules))
#: Encoder and LM head.
MODEL = Stage(
    entries=("hidden_states", "Projection", *LOADING.entries),
    modules=("models.encoder", "models.lm_head", *LOADING.modules),
)
#: Blocks, masks and model, common to the teacher's head and the students.
MASKED_BLOCKS = Stage(
    entries=("Blocks", "Masking", *MODEL.entries),
    modules=("training.batches", "corpus.masking", *MODEL.modules),
)
STAGES = {
    "corpus": Stage(
        entries=("_make",),
        modules=(
            *(f"corpus.{name}" for name in ("build", "preparation", "tokenising", "packing")),
            *(
                f"text.{name}"
                for name in ("sources", "readers", "rows", "lines", "film_reviews", "wikipedia", "wiki_templates")
            ),
        ),
    ),
    "teacher_head": Stage(
        entries=("MaskedLM", "start_at_word_frequencies", *STEP.entries, *MASKED_BLOCKS.entries),
        modules=("pretraining.teacher_head", "training.objectives", *STEP.modules, *MASKED_BLOCKS.modules),
    ),
    "pretraining": Stage(
        entries=("TripleLoss", "build_student", *STEP.entries, *MASKED_BLOCKS.entries),
        modules=(
            "distillation.losses",
            "distillation.objectives",
            "distillation.student",
            *STEP.modules,
            *MASKED_BLOCKS.modules,
        ),
    ),
    "held_out": Stage(
        entries=("HeldOut", "projections", "predictions", "compare", *MODEL.entries),
        modules=("pretraining.held_out", "corpus.masking", *MODEL.modules),
    ),
    "finetuning": Stage(
        entries=(
            "LabelledExamples",
            "ClassHead",
            "ValueHead",
            "predict",
            "new_classifier",
            "finished_classifier",
            "set_dropout",
            "baseline",
            "FinetuneLoop",
            "Examples",
            *STEP.entries,
            *LOADING.entries,
        ),
        modules=(
            *(f"finetuning.{name}" for name in ("batches", "run", "heads", "classifier", "baselines")),
            "training.objectives",
            "training.batches",
            "finetuning.config",
            "tasks.task",
            *STEP.modules,
            *LOADING.modules,
        ),
    ),
    "timing": Stage(
        entries=("measure", "run_timing"),
        modules=tuple(f"inference.{name}" for name in ("models", "worker", "timing")),
    ),
    "sizes": Stage(entries=("parameters_of_timed", "model_of"), modules=("inference.models", "models.parameters")),
    "breakdown": Stage(entries=("layer_times", "tokenisation_times"), modules=("inference.breakdown",)),
}


@functools.cache
def code_hash(*stages: str) -> str:
    """Return the hash of the code that decides the numbers of ``stages``; the same from every version of Python."""
    digest = hashlib.sha256()
    for stage in stages:
        for name, text in sorted(deciding_code(stage).items()):
            digest.update(f"{name}\0{text}\0".encode())
    return digest.hexdigest()[:16]


def deciding_code(stage: str) -> dict[str, str]:
    """Return the definitions that a stage's key covers, as text without messages and documentation, by name."""
    found = STAGES[stage]
    return reachable(found.entries, [_source(module) for module in found.modules])


def reachable(entries: Iterable[str], sources: Iterable[str]) -> dict[str, str]:
    """Return the definitions in ``sources`` that ``entries`` use, directly or through others, as text by name.

    Names are followed by spelling, wherever they are defined among ``sources``, so rather too much counts than too
    little. For a name from outside the package, its origin counts.

    Raises:
        LookupError: for an entry that no source defines.
    """
    definitions, origins = _definitions(sources)
    if missing := set(entries) - definitions.keys():
        raise LookupError(f"no listed module defines {', '.join(sorted(missing))}")
    waiting, made = list(entries), {}
    while waiting:
        name = waiting.pop()
        if name in made:
            continue
        made[name] = " ".join(text_of(node) for node in definitions[name])
        used = {word for node in definitions[name] for word in _names(node)}
        made[name] += "".join(f" {word}={origins[word]}" for word in sorted(used & origins.keys()))
        waiting += used & definitions.keys()
    return made


def _definitions(sources: Iterable[str]) -> tuple[dict[str, list[ast.stmt]], dict[str, str]]:
    """Return the top-level definitions of ``sources`` by name, and the origins of names imported from elsewhere."""
    definitions: dict[str, list[ast.stmt]] = {}
    origins: dict[str, str] = {}
    for source in sources:
        for node in bare(source).body:
            for name in _defined(node):
                definitions.setdefault(name, []).append(node)
        for part in ast.walk(ast.parse(source)):
            if isinstance(part, ast.Import):
                origins |= {name.asname or name.name: name.name for name in part.names}
            elif isinstance(part, ast.ImportFrom) and not part.level:
                origins |= {name.asname or name.name: f"{part.module}.{name.name}" for name in part.names}
    return definitions, origins


def _defined(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        yield from (name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name))
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):  # such as a registration
        yield from {word for argument in node.value.args for word in _names(argument)}


def _names(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            yield part.id
        elif isinstance(part, ast.Attribute):
            yield part.attr


def _source(module: str) -> str:
    found = importlib.util.find_spec(f"distilbook.{module}")
    if found is None or found.origin is None:
        raise LookupError(f"there is no module distilbook.{module}")
    return Path(found.origin).read_text(encoding="utf-8")
