"""The recipe of a student and its ablations, each with one change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from ..core.config import BookError, Config, Refusal, nearest

Weight = Annotated[float, Field(ge=0, le=1000)]
#: Below, divided logits leave the range of narrow types; above, the divergence is rounding.
Temperature = Annotated[float, Field(ge=0.01, le=100)]


def _in_order(layers: tuple[int, ...]) -> tuple[int, ...]:
    if list(layers) != sorted(set(layers)):
        raise Refusal("layers in rising order, none twice, none negative")
    return layers


#: Some of a teacher's layers, counted from 0.
Layers = Annotated[tuple[Annotated[int, Field(ge=0, lt=1000)], ...], Field(min_length=1), AfterValidator(_in_order)]


class Recipe(Config):
    """Initialisation and loss of a student (Sanh et al. 2019, section 3).

    The loss is ``distillation_weight * L_ce + masked_lm_weight * L_mlm + cosine_weight * L_cos``;
    the paper leaves the weights open, the original code has 5, 2 and 1, with temperature 2.
    """

    distillation_weight: Weight = Field(description="weight of L_ce, the softened Kullback-Leibler divergence")
    masked_lm_weight: Weight = Field(description="weight of L_mlm, masked language modelling")
    cosine_weight: Weight = Field(description="weight of L_cos, between last hidden states")
    temperature: Temperature = Field(description="T, softens both distributions of L_ce")
    distilled_positions: Literal["all", "masked"] = Field(description="where L_ce is taken; L_cos is taken everywhere")
    initialisation: Literal["copied", "random"]
    layers: Layers = Field(description="the teacher's layers the student copies, from 0")

    @model_validator(mode="after")
    def _something_is_learnt(self) -> Self:
        if self.distillation_weight + self.masked_lm_weight == 0:
            raise Refusal(
                "a positive distillation_weight or masked_lm_weight: L_cos alone trains no vocabulary",
                place=".distillation_weight",
                do="set one of the two weights above 0",
            )
        return self

    @property
    def uses_teacher(self) -> bool:
        """Whether training needs the teacher's outputs."""
        return self.distillation_weight > 0 or self.cosine_weight > 0

    def changed(self, **changes: Any) -> Self:
        """Return the recipe with ``changes``, validated like any other."""
        return type(self)(**(self.model_dump() | changes))


#: The recipe of the original repository's training command, for a teacher of twelve layers.
ORIGINAL = Recipe(
    distillation_weight=5.0,
    masked_lm_weight=2.0,
    cosine_weight=1.0,
    temperature=2.0,
    distilled_positions="all",
    initialisation="copied",
    layers=(0, 2, 4, 7, 9, 11),
)

#: The ablations by name, with their changes of the full recipe (Table 4, and controls that the paper lacks).
ARMS: dict[str, Callable[[Recipe], dict[str, Any]]] = {
    "full": lambda recipe: {},
    "without_distillation": lambda recipe: {"distillation_weight": 0.0},
    "without_cosine": lambda recipe: {"cosine_weight": 0.0},
    "without_mlm": lambda recipe: {"masked_lm_weight": 0.0},
    "random_initialisation": lambda recipe: {"initialisation": "random"},
    "without_teacher": lambda recipe: {"distillation_weight": 0.0, "cosine_weight": 0.0},
    "from_scratch": lambda recipe: {"distillation_weight": 0.0, "cosine_weight": 0.0, "initialisation": "random"},
}

#: Suffix of an ablation that was trained for as many seconds as the full recipe instead of as many tokens.
AS_LONG = "_equal_seconds"
#: The ablations with such runs: without a teacher's forward pass a step is cheaper.
WITHOUT_TEACHER = ("without_teacher", "from_scratch")

#: Names of the ablations in figures and sentences.
ARM_LABELS = {
    "full": "full recipe",
    "without_distillation": "without distillation loss",
    "without_cosine": "without cosine loss",
    "without_mlm": "without masked-LM loss",
    "random_initialisation": "random initialisation",
    "without_teacher": "copied layers, MLM only",
    "from_scratch": "random, MLM only",
}


def changes_of(arm: str, recipe: Recipe) -> dict[str, Any]:
    """Return the fields that the ablation ``arm`` changes in ``recipe``.

    Raises:
        BookError: for an unknown ablation, or one that changes nothing in ``recipe`` (a weight that is zero already).
    """
    if arm not in ARMS:
        raise BookError(f"there is no ablation {arm!r}", do=nearest(arm, list(ARMS), "ablations"))
    changes = ARMS[arm](recipe)
    same = [name for name, value in changes.items() if getattr(recipe, name) == value]
    if same:
        raise BookError(
            f"ablation {arm!r} changes nothing in {', '.join(same)}",
            expected="a full recipe with other values there",
            do="start from the full recipe",
        )
    return changes
