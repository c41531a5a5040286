import pytest
from distilbook.core.config import BookError
from distilbook.distillation.recipe import ARM_LABELS, ARMS, ORIGINAL, Recipe, changes_of

FULL = ORIGINAL.model_copy(update={"layers": (0, 2, 4)})
#: What each arm is allowed to differ in, written down a second time on purpose.
DIFFERENCES = {
    "full": {},
    "without_distillation": {"distillation_weight": 0.0},
    "without_cosine": {"cosine_weight": 0.0},
    "without_mlm": {"masked_lm_weight": 0.0},
    "random_initialisation": {"initialisation": "random"},
    "without_teacher": {"distillation_weight": 0.0, "cosine_weight": 0.0},
    "from_scratch": {"distillation_weight": 0.0, "cosine_weight": 0.0, "initialisation": "random"},
}


@pytest.mark.parametrize("arm", ARMS)
def test_an_arm_differs_from_the_full_recipe_in_what_it_is_named_for_and_in_nothing_else(arm):
    changed = FULL.changed(**changes_of(arm, FULL)).model_dump()
    assert {name: value for name, value in changed.items() if value != FULL.model_dump()[name]} == DIFFERENCES[arm]


def test_every_arm_has_a_label_of_its_own():
    assert ARM_LABELS.keys() == ARMS.keys() and len(set(ARM_LABELS.values())) == len(ARMS)


def test_only_arms_that_look_at_the_teacher_use_it():
    uses = {arm for arm in ARMS if FULL.changed(**changes_of(arm, FULL)).uses_teacher}
    assert uses == ARMS.keys() - {"without_teacher", "from_scratch"}


def test_an_arm_that_would_change_nothing_is_refused():
    with pytest.raises(BookError, match="ablation 'without_cosine' changes nothing in cosine_weight"):
        changes_of("without_cosine", FULL.changed(cosine_weight=0.0))


def test_an_unknown_arm_is_refused_with_the_nearest():
    with pytest.raises(BookError, match="did you mean 'without_cosine'"):
        changes_of("without_cosin", FULL)


@pytest.mark.parametrize(
    "bad",
    [
        {"layers": (2, 0)},
        {"layers": (0, 0)},
        {"layers": (-1,)},
        {"temperature": 0},
        {"distillation_weight": 0, "masked_lm_weight": 0},
        {"cosine_weight": float("nan")},
    ],
)
def test_an_impossible_recipe_is_refused(bad):
    with pytest.raises(BookError):
        Recipe.parse(FULL.model_dump() | bad, where="x")


def test_the_paper_edition_trains_the_originals_recipe():
    from distilbook.book.parameters import check_parameters
    from distilbook.pretraining.config import PretrainConfig

    assert check_parameters("paper", "06_pretraining", PretrainConfig).recipe == ORIGINAL
