"""Variants of the full recipe: each is checked before anything runs, and changes only the named fields."""

import re

import pytest
from distilbook.core.config import BookError
from distilbook.distillation.recipe import ARM_LABELS, ARMS
from distilbook.pretraining.ablations import Choice, ChoicesConfig, choices_of, paired_with, run_choice
from distilbook.pretraining.pretrain import PretrainConfig, pretrain
from huggingface_hub import ModelCard


def config(*choices, seeds=(0,)) -> ChoicesConfig:
    return ChoicesConfig.parse({"edition": "test", "seeds": seeds, "choices": choices}, where="here")


@pytest.fixture
def full(corpus, teacher_folder, pretrain_values, runs):
    whole = PretrainConfig(**pretrain_values)
    return [pretrain(whole, "full", seed, corpus, teacher_folder, runs / "pretraining") for seed in (0, 1)]


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"temprature": 4.0}, "unknown parameter 'choices[1].temprature'"),
        ({"steps": 4}, "unknown parameter 'choices[1].steps'"),
        ({}, "at least one field of the recipe in every choice"),
        ({"temperature": 0}, "expected: greater than or equal to 0.01, got 0"),
        ({"temperature": "hot"}, "expected: a number, got 'hot'"),
        ({"layers": [2, 0]}, "layers in rising order, none twice, none negative, got (2, 0)"),
        ({"distilled_positions": "some"}, "expected: 'all' or 'masked', got 'some'"),
    ],
)
def test_a_wrong_choice_is_explained_before_there_is_any_run(choice, said):
    with pytest.raises(BookError, match=re.escape(said)) as error:
        config({"temperature": 3.0}, choice)
    assert "parameter 'choices[1]" in str(error.value) and "here" in str(error.value)


def test_the_same_choice_twice_is_refused():
    with pytest.raises(BookError, match=r"'choices\[1\]' cannot be used.*\n.*\n  expected: each value once"):
        config({"layers": [0, 1]}, {"layers": (0, 1)})


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"temperature": 2.0}, "a choice equals the full recipe"),
        ({"temperature": 2, "layers": [0, 3]}, "a choice equals the full recipe"),
        ({"layers": [0, 4]}, "the teacher has no layer 4"),
    ],
)
def test_a_choice_that_cannot_be_compared_with_the_full_recipe_is_refused(full, teacher_folder, choice, said):
    with pytest.raises(BookError, match=said) as error:
        choices_of(config({"temperature": 3.0}, choice), full, teacher_folder)
    assert f"parameter 'choices', {Choice(config(choice).choices[0]).name}" in str(error.value)


@pytest.mark.parametrize("arm", [name for name in ARMS if name != "full"])
def test_a_choice_that_is_an_ablation_is_refused(full, teacher_folder, arm):
    changes = ARMS[arm](full[0].config.recipe)
    with pytest.raises(BookError, match=f"equals the ablation '{ARM_LABELS[arm]}'"):
        choices_of(config(changes), full, teacher_folder)


def test_a_choice_that_makes_no_recipe_of_this_full_one_is_refused(full, teacher_folder):
    both = {"distillation_weight": 0.0, "masked_lm_weight": 0.0}
    without = [full[0]]
    object.__setattr__(without[0], "config", without[0].config.model_copy(update={"masked_lm_weight": 0.0}))
    with pytest.raises(BookError, match="a positive distillation_weight or masked_lm_weight"):
        choices_of(config({"distillation_weight": 0.0, "temperature": 3.0}), without, teacher_folder)
    with pytest.raises(BookError, match="a positive distillation_weight or masked_lm_weight"):
        config(both)


@pytest.mark.parametrize(
    ("changes", "name", "file_name"),
    [
        ({"layers": (0, 1, 2)}, "layers 0, 1, 2", "layers-0-1-2"),
        ({"temperature": 4.0}, "temperature 4", "temperature-4"),
        ({"temperature": 0.5}, "temperature 0.5", "temperature-0.5"),
        ({"distilled_positions": "masked"}, "distilled positions masked", "distilled-positions-masked"),
        (
            {"distillation_weight": 1.0, "masked_lm_weight": 1.0},
            "distillation weight 1 and masked-LM weight 1",
            "distillation-weight-1-and-masked-LM-weight-1",
        ),
    ],
)
def test_a_choice_is_called_by_what_it_changes(changes, name, file_name):
    assert Choice(changes).name == name and Choice(changes).file_name == file_name


def test_a_choice_is_run_with_what_it_changes_and_all_else_as_the_full_recipe(full, corpus, teacher_folder):
    (choice,) = choices_of(config({"layers": [2, 3], "temperature": 4}), full, teacher_folder)
    (run,) = run_choice(choice, full[1:], corpus, teacher_folder)
    ours, theirs = run.config.model_dump(), full[1].config.model_dump()
    assert {name: ours[name] for name in ours if ours[name] != theirs[name]} == {"layers": (2, 3), "temperature": 4.0}
    assert run.seed == 1 and run.tokens == full[1].tokens and run.folder != full[1].folder


def test_the_model_card_of_a_choice_does_not_call_it_the_full_recipe(full, corpus, teacher_folder):
    (run,) = run_choice(Choice({"temperature": 4.0}), full[:1], corpus, teacher_folder)
    card = ModelCard.load(run.folder / "model" / "README.md")
    assert "Recipe: temperature 4; seed 0." in card.text and "full recipe" not in card.content


def test_a_seed_the_full_recipe_was_not_run_with_is_refused(full):
    assert [run.seed for run in paired_with((1, 0), full)] == [1, 0]
    with pytest.raises(BookError, match="the full recipe was not run with seed 2") as error:
        paired_with((0, 2), full)
    assert "seeds among 0, 1" in str(error.value)
