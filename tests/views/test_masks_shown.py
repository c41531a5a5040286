"""Two kinds of held-out masks side by side: every score with its direction, and where the masks decide, that is said."""

from distilbook.book.contents import chapter_of
from distilbook.core.records import HELD_OUT_TEXT, TRAINING_MASKS, Record
from distilbook.views.masks import MASKS, mask_rows, mask_sentences
from held_out_files import kept


def records(task: str, **recipes) -> list[Record]:
    """The scores of students, given as (accuracy, loss) once a seed; under training's masks an arm measures both."""
    measures_both = next(recipe for recipe in recipes if recipe != "full")
    made = [
        Record(
            edition="e",
            chapter=chapter_of(recipe if task == HELD_OUT_TEXT else measures_both),
            model="student",
            recipe=recipe,
            task=task,
            split="held-out",
            metric=metric,
            value=value,
            unit="1",
            n=500,
            seed=seed,
        )
        for recipe, seeds in recipes.items()
        for seed, scores in enumerate(seeds)
        for metric, value in zip(("masked_accuracy", "masked_lm_loss"), scores, strict=True)
    ]
    return kept(made)


UNIFORM = records(HELD_OUT_TEXT, full=[(0.20, 5.0), (0.21, 5.1)], without_teacher=[(0.10, 5.5), (0.11, 5.6)])
#: The arm is better by accuracy and worse by the loss, where it was worse by both under uniform masks.
TURNED = records(TRAINING_MASKS, full=[(0.04, 7.7), (0.041, 7.8)], without_teacher=[(0.07, 8.2), (0.071, 8.35)])


def test_every_score_has_its_change_its_direction_and_what_it_rests_on():
    rows = mask_rows(UNIFORM + TURNED)
    assert [row["verdict"] for row in rows] == ["worse", "better", "worse", "worse"]
    assert rows[0] == {
        "recipe": "copied layers, MLM only",
        "measure": "masked accuracy",
        "masks": "uniform masks",
        "full recipe": "0.205",
        "this recipe": "0.105",
        "change [95% interval]": "-10.0 [-10.0 to -10.0] points",
        "verdict": "worse",
        "seeds": 2,
        "masked tokens": 500,
    }
    assert (
        rows[3]["measure"] == "masked-LM loss (nat)"
        and rows[3]["change [95% interval]"] == "0.525 [0.500 to 0.550] nat"
    )


def test_a_sentence_says_by_which_score_the_masks_decide():
    assert mask_sentences(UNIFORM + TURNED) == [
        "Copied layers, MLM only against the full recipe: by masked accuracy worse under uniform masks and better "
        "under masks drawn as in training; by masked-LM loss worse under uniform masks and worse under masks drawn as in "
        "training. By masked accuracy the kind of masks reverses the answer."
    ]


def test_where_both_masks_agree_they_decide_nothing():
    same = [
        record
        for task in MASKS
        for record in records(task, full=[(0.2, 5.0), (0.2, 5.0)], from_scratch=[(0.1, 6.0), (0.1, 6.0)])
    ]
    (said,) = mask_sentences(same)
    assert said.startswith("Random, MLM only") and said.endswith(". Both kinds of masks give the same answer.")


def test_what_only_one_kind_of_masks_settles_is_no_disagreement():
    unsettled = records(TRAINING_MASKS, full=[(0.20, 5.0), (0.30, 4.0)], without_teacher=[(0.19, 5.1), (0.31, 3.9)])
    (said,) = mask_sentences(UNIFORM + unsettled)
    assert said.endswith(
        "By masked accuracy and masked-LM loss only one kind of masks settles the answer, which is no contradiction."
    )


def test_a_single_seed_settles_nothing_under_any_mask():
    single = [r for r in UNIFORM + TURNED if r.seed == 0]
    assert [row["verdict"] for row in mask_rows(single)] == ["not settled"] * 4
    assert mask_rows(single)[0]["change [95% interval]"].endswith("(no bounds)")
    assert mask_sentences(single)[0].endswith("Both kinds of masks give the same answer.")


def test_a_recipe_measured_under_uniform_masks_alone_is_left_out():
    assert mask_rows(UNIFORM) == [] and mask_sentences(UNIFORM) == []


def test_arms_are_shown_apart_and_each_beside_what_its_own_chapter_measured():
    other = records(TRAINING_MASKS, full=[(0.5, 1.0), (0.5, 1.0)], without_mlm=[(0.3, 3.0), (0.3, 3.0)])
    other += [r for r in records(HELD_OUT_TEXT, full=[], without_mlm=[(0.1, 5.0), (0.1, 5.0)])]
    everything = UNIFORM + TURNED + other
    assert len(mask_rows(everything)) == 8
    assert mask_rows(everything, ["without_teacher"]) == mask_rows(UNIFORM + TURNED)
    (said,) = mask_sentences(everything, ["without_mlm"])
    assert said.startswith("Without masked-LM loss against the full recipe")
    (row,) = [r for r in mask_rows(everything, ["without_mlm"]) if r["masks"] == MASKS[TRAINING_MASKS]][:1]
    assert row["full recipe"] == "0.500" and row["this recipe"] == "0.300"
