"""Two kinds of held-out masks side by side: every score with its direction, and where the masks decide, that is said."""

from distilbook.display import draws
from distilbook.training.draws import ScoresByDraw

TEACHER = {"masked_accuracy": 0.25, "masked_lm_loss": 4.0}


def by_draw(draw, **students):
    """The scores of students, given as (accuracy, loss) once a seed."""
    scores = {
        recipe: [{"masked_accuracy": accuracy, "masked_lm_loss": loss} for accuracy, loss in seeds]
        for recipe, seeds in students.items()
    }
    return ScoresByDraw(draw, TEACHER, scores)


#: Under uniform masks the arm is worse by both scores, under training's better by accuracy alone.
MIXED = [
    by_draw("uniform", full=[(0.20, 5.0), (0.21, 5.1)], without_teacher=[(0.10, 5.5), (0.11, 5.6)]),
    by_draw("smoothed", full=[(0.04, 7.7), (0.041, 7.8)], without_teacher=[(0.07, 8.2), (0.071, 8.35)]),
]


def test_every_score_has_its_change_and_its_direction():
    rows = draws.draw_rows(MIXED)
    assert [row["which is"] for row in rows] == ["worse", "worse", "better", "worse"]
    assert rows[0] == {
        "held-out text under": "uniform masks",
        "measured": "masked accuracy",
        "teacher": "0.250",
        "full recipe": "0.205",
        "recipe": "copied layers, MLM only",
        "its own": "0.105",
        "change [its ends]": "-10.0 [-10.0 to -10.0] points",
        "which is": "worse",
    }
    assert rows[3]["measured"] == "masked-LM loss (nat)" and rows[3]["change [its ends]"] == "0.525 [0.500 to 0.550] nat"


def test_a_sentence_says_by_which_score_the_masks_decide():
    assert draws.draws_sentence(MIXED, "without_teacher") == (
        "Copied layers, MLM only against the full recipe: by masked accuracy worse under uniform masks and better "
        "under masks drawn as in training; by masked-LM loss worse under uniform masks and worse under masks drawn as in "
        "training. By masked accuracy the masks turn the answer."
    )


def test_where_both_masks_agree_they_decide_nothing():
    same = [by_draw(draw, full=[(0.2, 5.0), (0.2, 5.0)], from_scratch=[(0.1, 6.0), (0.1, 6.0)]) for draw in draws.DRAWS]
    assert draws.draws_sentence(same, "from_scratch").endswith(". Both kinds of masks say the same.")


def test_what_only_one_kind_of_masks_settles_is_no_disagreement():
    open_ones = [(0.20, 5.0), (0.30, 4.0)]
    draws_of = [MIXED[0], by_draw("smoothed", full=open_ones, without_teacher=[(0.19, 5.1), (0.31, 3.9)])]
    said = draws.draws_sentence(draws_of, "without_teacher")
    assert said.endswith(
        "By masked accuracy and masked-LM loss only one kind of masks settles it, which is no disagreement."
    )


def test_a_single_seed_settles_nothing_under_any_mask():
    single = [by_draw(draw, full=[(0.2, 5.0)], without_teacher=[(0.1, 5.5)]) for draw in draws.DRAWS]
    assert [row["which is"] for row in draws.draw_rows(single)] == ["not settled"] * 4
    assert draws.draws_sentence(single, "without_teacher").endswith("Both kinds of masks say the same.")
    assert draws.draw_rows(single)[0]["change [its ends]"].endswith("(no bounds)")
