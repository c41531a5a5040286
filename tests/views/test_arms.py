"""An ablation beside the full recipe: one difference, seed against the same seed, no conclusion the seeds do not share."""

from types import SimpleNamespace

import pytest
from distilbook.core.config import BookError
from distilbook.distillation.recipe import ARMS, ORIGINAL
from distilbook.views import ablations as arms
from distilbook.views.pretraining import run_rows

RECIPE = ORIGINAL.model_copy(update={"layers": (0, 2)})


def run(arm, seed, accuracy, loss):
    scores = {"masked_accuracy": accuracy, "masked_lm_loss": loss, "perplexity": 2 * loss}
    scores |= {"kl_to_teacher": loss, "top1_agreement": accuracy}
    return SimpleNamespace(arm=arm, seed=seed, scores=scores, tokens=768, seconds=0.5, cores=2)


@pytest.mark.parametrize("arm", [name for name in ARMS if name != "full"])
def test_every_arm_shows_what_it_changes(arm):
    rows = arms.changed_rows(arm, RECIPE)
    assert rows and all(row["full recipe"] == getattr(RECIPE, row["changed"]) != row["this ablation"] for row in rows)


def test_an_arm_that_does_not_exist_is_refused():
    with pytest.raises(BookError, match="there is no ablation"):
        arms.changed_rows("without_anything", RECIPE)


def test_every_choice_shows_what_it_changes_and_from_what():
    rows = arms.choice_rows({"temperature 4": {"temperature": 4.0}}, RECIPE)
    assert rows == [{"choice": "temperature 4", "changed": "temperature", "full recipe": 2.0, "this choice": 4.0}]


def test_every_run_has_its_row_with_all_scores():
    own = {"without_cosine": [run("without_cosine", 0, 0.2, 3.0)], "temperature 4": [run("full", 1, 0.1, 3.0)]}
    rows = run_rows({"full": [run("full", 0, 0.3, 2.0)], **own})
    assert [row["recipe"] for row in rows] == ["full recipe", "without cosine loss", "temperature 4"]
    assert rows[1] == {
        "recipe": "without cosine loss",
        "seed": 0,
        "masked accuracy": 0.2,
        "masked-LM loss (nat)": 3.0,
        "perplexity": 6.0,
        "unsoftened distillation loss (nat)": 3.0,
        "top-1 agreement with the teacher": 0.2,
        "tokens": 768,
        "seconds": 0.5,
        "cores": 2,
    }


def test_seeds_are_compared_with_the_same_seed_and_less_loss_is_better():
    full = [run("full", 0, 0.30, 2.0), run("full", 1, 0.40, 2.0), run("full", 7, 0.0, 9.0)]
    others = [run("without_mlm", 1, 0.39, 1.5), run("without_mlm", 0, 0.31, 1.0)]
    rows = {row["measure"]: row for row in arms.comparison_rows(full, others)}
    assert rows["masked accuracy"]["better"] == "depends on the seed"
    assert rows["masked-LM loss (nat)"] == {
        "measure": "masked-LM loss (nat)",
        "full recipe": "2",
        "this ablation": "1.25",
        "seeds": 2,
        "better": "this ablation, on every seed",
    }


@pytest.mark.parametrize(
    ("leads", "said"),
    [
        ([0.1, 0.2], "full recipe, on every seed"),
        ([-0.1], "this ablation, on every seed"),
        ([0.1, -0.2], "depends on the seed"),
        ([0.1, 0.0], "depends on the seed"),
        ([0.0, 0.0], "neither: they are equal"),
    ],
)
def test_one_is_better_only_on_every_seed(leads, said):
    assert arms.better(leads) == said


def test_the_other_recipe_is_called_what_the_table_calls_it():
    rows = arms.comparison_rows([run("full", 0, 0.1, 2.0)], [run("full", 0, 0.3, 2.0)], "longer")
    assert rows[0]["longer"] == "0.300" and rows[0]["better"] == "longer, on every seed"


def test_curves_of_any_recipe_are_drawn_beside_the_full_recipes(tmp_path):
    lines = '{"step": 0, "masked_accuracy": 0.1}\n{"step": 6, "masked_accuracy": 0.2}\n'
    (tmp_path / "metrics.jsonl").write_text(lines)
    runs = {}
    for recipe in ("full", "without_distillation", "temperature 4"):
        runs[recipe] = [run("full", 0, 0.2, 1.0)]
        runs[recipe][0].folder, runs[recipe][0].config = tmp_path, SimpleNamespace(steps=6)
    made = arms.accuracy_curves(runs, 0.3)
    assert [trace.name for trace in made.data] == ["full recipe", "without distillation loss", "temperature 4"]
    assert made.data[1].x == (0, 768) and made.data[1].y == (0.1, 0.2) and made.layout.shapes[0].y0 == 0.3
