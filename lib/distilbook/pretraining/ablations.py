"""Ablations and variants of the full recipe: same text and seeds, equal tokens or equal seconds."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from pydantic import Field, ValidationError, field_validator

from ..core.config import BookError, ChapterConfig, Refusal, Seeds, each_once, first_refusal
from ..core.files import read_json
from ..core.progress import log_line
from ..core.workspace import Workspace
from ..corpus.corpus import Corpus
from ..distillation.recipe import ARM_LABELS, ARMS, ORIGINAL, Recipe
from ..training.log import read_curves
from ..training.loop import Watch
from .config import PretrainRun
from .model_card import write_model_card
from .pretrain import pretrain


def published_runs(workspace: Workspace, arm: str, made_by: str) -> list[PretrainRun]:
    """Return the runs of the ablation ``arm`` that chapter ``made_by`` published last, by seed.

    Raises:
        BookError: when there are none.
    """
    names = [name for name in workspace.published_by(made_by) if name.startswith(f"student/{arm}/")]
    if not names:
        raise workspace.missing(f"there is no student of the ablation {arm!r}", made_by)
    return sorted((PretrainRun.open(workspace.find(name, made_by)) for name in names), key=lambda run: run.seed)


def run_arm(
    arm: str,
    full: Sequence[PretrainRun],
    corpus: Corpus,
    teacher: Path,
    watch: Watch = nullcontext,
    steps: int | None = None,
) -> list[PretrainRun]:
    """Return the runs of the ablation ``arm``, one for each of the ``full`` ones, with its seed.

    Args:
        steps: optimiser steps, where they are not the full recipe's.
    """
    return _paired(full, {} if steps is None else {"steps": steps}, arm, corpus, teacher, watch)


def cost_of_a_step(runs: Sequence[PretrainRun]) -> float:
    """Return the median cost of an optimiser step of ``runs``: seconds on an accelerator, seconds times cores without.

    Cores count because ablations may be trained in parallel, each on some of them.
    """
    cores = [run.cores if run.made_with["machine"]["accelerator"] == "none" else 1 for run in runs]
    pairs = zip(runs, cores, strict=True)
    return median(line["seconds"] * own for run, own in pairs for line in read_curves(run.folder)[0])


def equal_seconds_steps(full: Sequence[PretrainRun], runs: Sequence[PretrainRun]) -> int:
    """Return the number of steps of an ablation's ``runs`` that take as long as the ``full`` ones.

    The cost is read from finished runs, so the number and the run's key are stable. An ablation that is no cheaper
    keeps the full recipe's steps.
    """
    steps = full[0].config.steps
    return max(steps, round(steps * cost_of_a_step(full) / cost_of_a_step(runs)))


WHERE = "parameter 'choices'"


class ChoicesConfig(ChapterConfig):
    """Changes of the full recipe, a run per change and seed."""

    seeds: Seeds = Field(description="some of the full recipe's seeds")
    choices: tuple[dict[str, Any], ...] = Field(min_length=1, description="fields of the recipe with other values")

    @field_validator("choices")
    @classmethod
    def _can_be_put_into_a_recipe(cls, choices: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
        return each_once(tuple(_checked(choice, f"[{number}]") for number, choice in enumerate(choices)))


def _checked(choice: Mapping[str, Any], place: str) -> dict[str, Any]:
    """Return the fields of ``choice`` as a recipe has them."""
    if not choice:
        raise Refusal("at least one field of the recipe in every choice", place=place)
    try:
        recipe = Recipe.model_validate(ORIGINAL.model_dump() | dict(choice))
    except ValidationError as error:
        first = first_refusal(Recipe, error)
        raise Refusal(str(first), place=f"{place}.{first.place}", do=first.do, unknown=first.unknown) from None
    return {name: getattr(recipe, name) for name in choice}


@dataclass(frozen=True)
class Choice:
    """A variant of the full recipe.

    Attributes:
        changes: the changed fields of the recipe with their values.
    """

    changes: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Its name in records and figures: ``layers 0, 1, 2`` or ``temperature 4``."""
        words = {name: name.replace("masked_lm", "masked-LM").replace("_", " ") for name in self.changes}
        return " and ".join(f"{words[name]} {_value(value)}" for name, value in self.changes.items())

    @property
    def file_name(self) -> str:
        """The name under which its students are published, safe for file systems."""
        return re.sub(r"[^\w.]+", "-", self.name)


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def choices_of(config: ChoicesConfig, full: Sequence[PretrainRun], teacher: Path) -> list[Choice]:
    """Return the choices of ``config`` after checking that each can be compared with the ``full`` runs.

    Raises:
        BookError: for a choice that is the full recipe or one of its ablations, or that gives no valid recipe, or
            with layers that the teacher does not have.
    """
    choices = [Choice(changes) for changes in config.choices]
    depth = read_json(teacher / "config.json")["num_hidden_layers"]
    for choice in choices:
        check_choice(choice, full[0].config.recipe)
        layers = choice.changes.get("layers", ())
        if layers and layers[-1] >= depth:
            raise BookError(
                f"the teacher has no layer {layers[-1]}",
                where=f"{WHERE}, {choice.name}",
                expected=f"layers from 0 to {depth - 1}",
            )
    return choices


def check_choice(choice: Choice, full: Recipe) -> None:
    """Refuse a choice that gives no valid recipe, the ``full`` one, or one of its ablations."""
    where = f"{WHERE}, {choice.name}"
    recipe = Recipe.parse(full.model_dump() | dict(choice.changes), where=where)
    ours = full.model_dump()
    same = next((arm for arm, changes in ARMS.items() if ours | changes(full) == recipe.model_dump()), None)
    if same:
        raise BookError(
            "a choice equals " + ("the full recipe" if same == "full" else f"the ablation '{ARM_LABELS[same]}'"),
            where=where,
            expected="a recipe that is not run already",
            do="take it out, or change it",
        )


def paired_with(seeds: Sequence[int], full: Sequence[PretrainRun]) -> list[PretrainRun]:
    """Return the ``full`` runs with these ``seeds``.

    Raises:
        BookError: when one of them was not run.
    """
    by_seed = {run.seed: run for run in full}
    check_seeds(seeds, list(by_seed))
    return [by_seed[seed] for seed in seeds]


def check_seeds(seeds: Sequence[int], full: Sequence[int]) -> None:
    """Refuse ``seeds`` that are not among those of the ``full`` recipe's runs."""
    if missing := [seed for seed in seeds if seed not in full]:
        raise BookError(
            f"the full recipe was not run with seed {', '.join(map(str, missing))}",
            where="parameter 'seeds'",
            expected=f"seeds among {', '.join(map(str, full))}",
            do="remove it here, or add it to the seeds of the full recipe",
        )


def run_choice(
    choice: Choice, full: Sequence[PretrainRun], corpus: Corpus, teacher: Path, watch: Watch = nullcontext
) -> list[PretrainRun]:
    """Return the runs of the full recipe with ``choice`` that pair with the ``full`` ones."""
    log_line(f"the full recipe with {choice.name}:")  # progress lines name a run by its ablation
    return _paired(full, choice.changes, "full", corpus, teacher, watch, label=choice.name)


def _paired(
    full: Sequence[PretrainRun],
    changes: Mapping[str, Any],
    arm: str,
    corpus: Corpus,
    teacher: Path,
    watch: Watch,
    label: str | None = None,
) -> list[PretrainRun]:
    """Return a run for each of the ``full`` ones, with the same seed and ``changes`` of its configuration."""
    runs = []
    for run in full:
        config = run.config.model_copy(update=dict(changes))
        runs.append(pretrain(config, arm, run.seed, corpus, teacher, run.folder.parent, watch))
        write_model_card(runs[-1], corpus, teacher, label=label)
    return runs
