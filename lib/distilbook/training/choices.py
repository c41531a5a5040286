"""Other choices than the full recipe's, by parameter: which layers, which temperature, which weights."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, field_validator

from ..config import BookError, ChapterConfig, Seed, nearest
from ..data.corpus import Corpus
from ..files import read_json
from ..progress import log_line
from ..recipe import ARM_LABELS, ARMS, Recipe
from .loop import Watch
from .model_card import write_model_card
from .pretrain import PretrainRun, pretrain

WHERE = "parameter 'choices'"
#: A valid recipe to put a choice into, so that wrong values are seen before there is a full recipe's run.
ANY = Recipe(
    distillation_weight=1.0,
    masked_lm_weight=1.0,
    cosine_weight=1.0,
    temperature=1.0,
    distilled_positions="all",
    initialisation="copied",
    layers=(0,),
)


class ChoicesConfig(ChapterConfig):
    """What is changed in the full recipe, one run a change and a seed."""

    seeds: tuple[Seed, ...] = Field(min_length=1, description="some of the full recipe's seeds")
    choices: tuple[dict[str, Any], ...] = Field(min_length=1, description="fields of the recipe with other values")

    @field_validator("choices")
    @classmethod
    def _can_be_put_into_a_recipe(cls, choices: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
        checked = tuple(_checked(choice) for choice in choices)
        if any(choice in checked[:number] for number, choice in enumerate(checked)):
            raise ValueError("choices that differ from each other")
        return checked


def _checked(choice: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of ``choice`` as a recipe has them."""
    if not choice:
        raise ValueError("at least one field of the recipe in every choice")
    for name in choice:
        if name not in Recipe.model_fields:
            advice = nearest(name, list(Recipe.model_fields), "fields")
            raise ValueError(f"fields of the recipe; {name!r} is none: {advice}")
    try:
        recipe = ANY.changed(**choice)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        reason = first["msg"].removeprefix("Value error, ")
        raise ValueError(f"{field + ': ' if field else ''}{reason}, in {dict(choice)}") from None
    return {name: getattr(recipe, name) for name in choice}


@dataclass(frozen=True)
class Choice:
    """One change of the full recipe.

    Attributes:
        changes: the fields of the recipe that it changes, with their values.
    """

    changes: Mapping[str, Any]

    @property
    def name(self) -> str:
        """What records and figures call it: ``layers 0, 1, 2`` or ``temperature 4``."""
        return " and ".join(f"{_words(name)} {_value(value)}" for name, value in self.changes.items())

    @property
    def file_name(self) -> str:
        """The name that its students are published under, without signs that a file system may not take."""
        return re.sub(r"[^\w.]+", "-", self.name)


def _words(field: str) -> str:
    return field.replace("masked_lm", "masked-LM").replace("_", " ")


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def choices_of(config: ChoicesConfig, full: Sequence[PretrainRun], teacher: Path) -> list[Choice]:
    """Return the choices of ``config``, each found to be one that can be run beside the ``full`` runs.

    Args:
        teacher: the teacher's folder.

    Raises:
        BookError: for a choice that is the full recipe or one of its arms, that makes no recipe, or that takes
            layers the teacher does not have.
    """
    choices = [Choice(changes) for changes in config.choices]
    depth = read_json(teacher / "config.json")["num_hidden_layers"]
    for choice in choices:
        _check(choice, full[0].config.recipe, depth)
    return choices


def _check(choice: Choice, full: Recipe, depth: int) -> None:
    where = f"{WHERE}, {choice.name}"
    recipe = Recipe.parse(full.model_dump() | dict(choice.changes), where=where)
    ours = full.model_dump()
    same = next((arm for arm, changes in ARMS.items() if ours | changes(full) == recipe.model_dump()), None)
    if same == "full":
        raise BookError(
            "a choice is what the full recipe has already",
            where=where,
            expected="another value than chapter 06 was run with",
            do="take it out, or change it",
        )
    if same:
        raise BookError(
            f"a choice is the arm '{ARM_LABELS[same]}'",
            where=where,
            expected="a change that has no chapter yet",
            do=f"take it out: chapter 07_ablations/{same} runs it",
        )
    if recipe.layers[-1] >= depth:
        raise BookError(
            f"the teacher has no layer {recipe.layers[-1]}", where=where, expected=f"layers from 0 to {depth - 1}"
        )


def paired_with(seeds: Sequence[int], full: Sequence[PretrainRun]) -> list[PretrainRun]:
    """Return the ``full`` runs with these ``seeds``.

    Raises:
        BookError: when one of them was not run.
    """
    by_seed = {run.seed: run for run in full}
    if missing := [seed for seed in seeds if seed not in by_seed]:
        raise BookError(
            f"the full recipe was not run with seed {', '.join(map(str, missing))}",
            where="parameter 'seeds'",
            expected=f"seeds among {', '.join(map(str, by_seed))}",
            do="take it out here, or add it to chapter 06",
        )
    return [by_seed[seed] for seed in seeds]


def run_choice(
    choice: Choice, full: Sequence[PretrainRun], corpus: Corpus, teacher: Path, watch: Watch = nullcontext
) -> list[PretrainRun]:
    """Return the runs of the full recipe with ``choice`` that pair with the ``full`` ones."""
    log_line(f"the full recipe with {choice.name}:")  # progress lines call a run by its arm
    runs = []
    for run in full:
        config = run.config.model_copy(update=dict(choice.changes))
        runs.append(pretrain(config, "full", run.seed, corpus, teacher, run.folder.parent, watch))
        write_model_card(runs[-1], corpus, teacher, label=choice.name)
    return runs
