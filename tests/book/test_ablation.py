"""The chapters of the ablations: what each trains, publishes and records, on the smallest models."""

import shutil
from dataclasses import replace

import pytest
from distilbook.book import ablation
from distilbook.book.ablation import Ablation, Choices
from distilbook.book.chapter import Chapter
from distilbook.book.contents import ARM_CHAPTERS, CHAPTERS
from distilbook.core.errors import BookError
from distilbook.core.records import HELD_OUT_TEXT, TRAINING_MASKS
from distilbook.core.workspace import Workspace
from distilbook.corpus.corpus import Corpus
from distilbook.distillation.recipe import changes_of
from distilbook.pretraining.ablations import ChoicesConfig
from distilbook.pretraining.pretrain import PretrainConfig, pretrain
from distilbook.pretraining.records import pretraining_records


def chapter(id: str, **values) -> Chapter:
    config = CHAPTERS[id].config_class(**{"edition": "test"} | values)
    return Chapter(id, config, Workspace("test"))


@pytest.fixture(scope="session")
def trained(corpus, teacher_folder, pretrain_values, tmp_path_factory):
    """A folder with the full recipe's runs, which every test takes a copy of."""
    folder = tmp_path_factory.mktemp("trained")
    for seed in (0, 1):
        pretrain(PretrainConfig(**pretrain_values), "full", seed, corpus, teacher_folder, folder)
    return folder


@pytest.fixture
def full(trained, corpus, teacher_folder, pretrain_values, runs, monkeypatch):
    """The full recipe's runs, published and recorded as chapter 06 does; text and teacher where chapters look."""
    workspace = Workspace("test")
    monkeypatch.setattr(Corpus, "open", classmethod(lambda cls, folder: corpus))
    workspace.publish("corpus", runs, made_by="02_corpus")
    workspace.publish("teacher", teacher_folder, made_by="03_teacher")
    first, root = chapter("06_pretraining", **pretrain_values | {"seeds": (0, 1)}), workspace.results / "pretraining"
    whole = PretrainConfig(**pretrain_values)
    shutil.copytree(trained, root)
    made = [pretrain(whole, "full", seed, corpus, teacher_folder, root) for seed in (0, 1)]
    for run in made:
        first.publish(f"student/full/seed{run.seed}", run.folder)
        first.record(pretraining_records(first.id, "test", run, corpus))
    return made


@pytest.fixture
def three_times_as_cheap(monkeypatch):
    """Every arm costs a third of the full recipe, on any machine."""
    monkeypatch.setattr(ablation, "equal_seconds_steps", lambda full, runs: 3 * full[0].config.steps)


def published(id: str) -> set[str]:
    return set(Workspace("test").published_by(id))


@pytest.mark.parametrize("id", ARM_CHAPTERS)
def test_a_chapter_runs_the_arm_it_is_named_after_with_one_difference(full, id):
    arm = id.rpartition("/")[2]
    opened = Ablation.open(chapter(id))
    opened.run()
    ours, theirs = opened.runs[arm][0].config.model_dump(), full[0].config.model_dump()
    changed = {name: ours[name] for name in ours if ours[name] != theirs[name]}
    assert changed == changes_of(arm, full[0].config.recipe)
    assert {row["changed"] for row in opened.changed()} == changed.keys()
    assert published(id) == {f"student/{arm}/seed0", f"student/{arm}/seed1"}
    records = opened.chapter.records.current(chapter=id)
    assert {r.recipe for r in records} == {arm} and {r.seed for r in records} == {0, 1}
    assert {r.step for r in records} == {full[0].config.steps} and {r.detail["budget"] for r in records} == {"tokens"}


def test_the_records_of_both_budgets_stand_side_by_side(full, three_times_as_cheap):
    opened = Ablation.open(chapter("07_ablations/without_teacher"))
    opened.run()
    opened.run_as_long()
    records = opened.chapter.records.current(chapter=opened.chapter.id, metric="masked_accuracy")
    tokens = {(r.recipe, r.seed): r.detail["tokens"] for r in records}
    once = full[0].tokens
    assert tokens == {
        ("without_teacher", 0): once,
        ("without_teacher", 1): once,
        ("without_teacher_equal_seconds", 0): 3 * once,
        ("without_teacher_equal_seconds", 1): 3 * once,
    }
    assert {r.detail["budget"] for r in records if r.detail["tokens"] > once} == {"seconds"}
    assert {name for name in published(opened.chapter.id) if "equal_seconds" in name} == {
        "student/without_teacher_equal_seconds/seed0",
        "student/without_teacher_equal_seconds/seed1",
    }


def test_executed_again_a_chapter_records_nothing_new(full, three_times_as_cheap):
    kept = []
    for _ in range(2):
        opened = Ablation.open(chapter("07_ablations/from_scratch"))
        opened.run()
        opened.run_as_long()
        kept.append((opened.chapter.workspace.records / "07_ablations.from_scratch.jsonl").read_bytes())
    assert kept[0] == kept[1] != b""


def test_other_steps_at_equal_seconds_replace_those_before(full, monkeypatch):
    for times in (3, 2):
        monkeypatch.setattr(ablation, "equal_seconds_steps", lambda full, runs, times=times: times * 6)
        opened = Ablation.open(chapter("07_ablations/from_scratch"))
        opened.run()
        opened.run_as_long()
    records = opened.chapter.records.current(recipe="from_scratch_equal_seconds", metric="masked_accuracy", seed=0)
    assert [r.detail["steps"] for r in records] == [12]


def test_what_a_step_costs_has_to_be_known_first(full):
    with pytest.raises(BookError, match="the cost of a step of this ablation is not known"):
        Ablation.open(chapter("07_ablations/without_teacher")).run_as_long()


def test_a_chapter_shows_runs_scores_and_its_verdict(full, three_times_as_cheap):
    opened = Ablation.open(chapter("07_ablations/without_teacher"))
    opened.run()
    opened.run_as_long()
    names = ["full recipe", "copied layers, MLM only", "copied layers, MLM only, equal seconds"]
    assert [row["recipe"] for row in opened.rows()] == [name for name in names for _ in range(2)]
    assert opened.comparison()[0]["seeds"] == opened.comparison_as_long()[0]["seeds"] == 2
    assert "this ablation, equal seconds" in opened.comparison_as_long()[0]
    assert "the ablation 'copied layers, MLM only'" in opened.verdict()
    assert opened.verdict_as_long().startswith("Copied layers, MLM only, equal seconds: 3.00 times the full recipe's")


def test_the_curves_of_all_runs_are_drawn_with_the_teachers_accuracy(full):
    opened = Ablation.open(chapter("07_ablations/without_mlm"))
    record = opened.chapter.records.current(metric="masked_accuracy")[0]
    opened.chapter.records.add([replace(record, chapter="03_teacher", model="teacher", recipe=None, value=0.75)])
    opened.run()
    made = opened.curves()
    assert [trace.name for trace in made.data] == ["full recipe"] * 2 + ["without masked-LM loss"] * 2
    assert made.layout.shapes[0].y0 == 0.75


def test_an_arm_of_which_nothing_is_claimed_is_compared_by_the_same_rule(full):
    opened = Ablation.open(chapter("07_ablations/from_scratch"))
    opened.run()
    assert opened.verdict().startswith("Random, MLM only: the masked accuracy changes by ")


def test_choices_are_published_and_recorded_by_their_names(full):
    id = "07_ablations/choices"
    opened = Choices.open(chapter(id, seeds=(1,), choices=({"layers": [2, 3]}, {"temperature": 4.0})))
    assert [row["choice"] for row in opened.changed()] == ["layers 2, 3", "temperature 4"]
    opened.run()
    assert published(id) == {"student/layers-2-3/seed1", "student/temperature-4/seed1"}
    current = opened.chapter.records.current(chapter=id, metric="masked_accuracy")
    assert [(r.recipe, r.seed) for r in current] == [("layers 2, 3", 1), ("temperature 4", 1)]
    assert opened.sentence("temperature 4").startswith("Temperature 4: the masked accuracy changes by ")
    assert [row["recipe"] for row in opened.rows()] == ["full recipe", "layers 2, 3", "temperature 4"]


def test_a_choice_that_was_taken_out_does_not_stand_any_more(full):
    id = "07_ablations/choices"
    for choices in (({"layers": [2, 3]}, {"temperature": 4.0}), ({"temperature": 4.0},)):
        opened = Choices.open(chapter(id, seeds=(0,), choices=choices))
        opened.run()
    assert {r.recipe for r in opened.chapter.records.current(chapter=id)} == {"temperature 4"}


def test_a_wrong_choice_stops_the_chapter_before_anything_runs(full):
    config = ChoicesConfig(edition="test", seeds=(0,), choices=({"temperature": 4.0}, {"layers": [0, 9]}))
    with pytest.raises(BookError, match="the teacher has no layer 9"):
        Choices.open(Chapter("07_ablations/choices", config, Workspace("test")))
    assert published("07_ablations/choices") == set()


def test_students_are_measured_under_the_masks_of_training_and_recorded_beside_each_other(full, three_times_as_cheap):
    opened = Ablation.open(chapter("07_ablations/without_teacher"))
    opened.run()
    opened.run_as_long()
    before = opened.chapter.records.current(task=HELD_OUT_TEXT)
    opened.measure_under_training_masks()
    records = opened.chapter.records.current(task=TRAINING_MASKS, metric="masked_accuracy")
    names = ("full", "without_teacher", "without_teacher_equal_seconds")
    assert sorted((r.recipe, r.seed) for r in records) == [(name, seed) for name in names for seed in (0, 1)]
    assert opened.chapter.records.current(task=HELD_OUT_TEXT) == before
