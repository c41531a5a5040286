"""The rules on scores at their boundaries: what the student keeps of the teacher's, and how far it is behind."""

from __future__ import annotations

import math
import re
import warnings

import numpy as np
import pytest
from distilbook.claims import TABLE_1, Judgement, claim, judge
from distilbook.claims.finding import Obstacle
from distilbook.claims.paper import BERT_MNLI_IN_THE_CODE, GLUE, TRAINING_SETS
from distilbook.claims.task_scores import kept_answers, runs_by_task
from distilbook.core.config import BookError
from distilbook.core.records import Record
from distilbook.stats.metrics import ConstantPredictionWarning
from scored_runs import Task, all_runs
from sklearn.metrics import accuracy_score, matthews_corrcoef


@pytest.fixture
def reviews(tmp_path) -> Task:
    """2,000 reviews of 200 films."""
    return Task(tmp_path, groups=np.repeat(np.arange(200), 10))


@pytest.fixture(autouse=True)
def quiet():
    """A majority baseline's correlation of 0 is meant."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConstantPredictionWarning)
        yield


def retention(task: Task, records: list[Record]) -> Judgement:
    return judge(claim("retention"), records, task.folder)


# ---- one task ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("student", "verdict"), [(0.85, "reproduced"), (0.772, "not settled"), (0.70, "contradicted")])
def test_retention_is_judged_by_its_whole_interval(reviews, student, verdict):
    found = retention(reviews, all_runs(reviews, student=(student, student)))
    assert found.verdict == verdict
    assert found.value == pytest.approx(student / 0.80)
    assert found.low < found.value < found.high


def test_the_sentence_on_retention_says_what_it_rests_on(reviews):
    found = retention(reviews, all_runs(reviews, student=(0.70, 0.70)))
    low, high = (f"{end * 100:.1f}%" for end in (found.low, found.high))
    assert found.sentence.startswith(
        f"Contradicted in miniature: the student keeps 87.5% [{low} to {high}] of the teacher's accuracy on reviews "
        "(95% interval, 2,000 examples, 2 seeds of the student and 2 of the teacher, fine-tuned on 500 examples); the "
        "paper has 97%; the interval is below the threshold of 96.5%."
    )


def test_the_share_of_the_teachers_lead_is_told_beside_it(reviews):
    found = retention(reviews, all_runs(reviews, student=(0.70, 0.70)))
    assert found.shares["majority"].value == pytest.approx((0.70 - 0.55) / (0.80 - 0.55))
    assert found.shares["tfidf"].value == pytest.approx(0)
    assert re.search(r"The student keeps 60\S* \[.*?\] of the teacher's lead over the majority class\.", found.sentence)
    assert re.search(r"The student keeps [^.]*\S* \[.*?\] of the teacher's lead over TF-IDF\.", found.sentence)


def test_a_teacher_without_a_lead_has_no_share_to_keep(reviews):
    found = retention(reviews, all_runs(reviews, tfidf=0.80))
    assert "tfidf" not in found.shares
    assert "The teacher's lead over TF-IDF is not significant" in found.sentence


@pytest.mark.parametrize("teacher", [(0.55, 0.55), (0.80, 0.54)])
def test_a_teacher_that_leads_nothing_settles_nothing_however_well_the_student_does(reviews, teacher):
    found = retention(reviews, all_runs(reviews, teacher=teacher, student=(0.79, 0.79)))
    assert found.verdict == "not settled" and found.value > claim("retention").bound
    assert "the teacher is not significantly better than the majority class" in found.sentence


def test_a_single_seed_of_the_teacher_is_too_few(reviews):
    found = retention(reviews, all_runs(reviews, teacher=(0.80,), student=(0.5, 0.5)))
    assert (found.verdict, found.seeds) == ("not settled", 1)
    assert "2 seeds of the student and 1 of the teacher" in found.sentence


def test_other_recipes_splits_metrics_and_texts_do_not_count(reviews):
    records = all_runs(reviews, student=(0.70, 0.70))
    others = [
        reviews.run("without_teacher", 0.99, 7),
        reviews.run("full", 0.99, 8, split="dev_mismatched", detail={"main_split": False}),
        reviews.run("full", 0.99, 9, metric="f1", detail={"main": False}),
        reviews.run("full", 0.99, 10, detail={"texts": "documents"}),
    ]
    assert retention(reviews, [*records, *others]).value == pytest.approx(0.875)


def test_without_predictions_the_ratio_is_told_and_nothing_settled(reviews):
    records = all_runs(reviews)
    (reviews.folder / records[2].predictions).unlink()
    found = retention(reviews, records)
    assert (found.verdict, found.low, found.high) == ("not settled", -math.inf, math.inf)
    assert "98.8% (no bounds)" in found.sentence
    assert Obstacle.NO_PREDICTIONS.value in found.sentence


def test_a_teacher_that_got_nothing_right_has_nothing_to_retain(reviews):
    found = retention(reviews, all_runs(reviews, teacher=(0.0, 0.0), student=(0.0, 0.0)))
    assert found.verdict == "not settled"
    assert "an undefined share of the teacher's accuracy" in found.sentence
    assert "the teacher's score is not above zero" in found.sentence


def test_predictions_that_were_changed_since_are_refused(reviews):
    records = all_runs(reviews)
    (reviews.folder / records[0].predictions).write_bytes(b"something else")
    with pytest.raises(BookError, match="not the one its record was made from"):
        retention(reviews, records)


def test_models_scored_on_different_examples_are_refused(reviews):
    records = all_runs(reviews)
    reviews.groups = reviews.groups[::-1]
    with pytest.raises(BookError, match="different examples"):
        retention(reviews, [*records, reviews.run("teacher", 0.8, 9)])


def test_predictions_are_looked_for_in_the_editions_folder(reviews, monkeypatch):
    monkeypatch.setenv("DISTILBOOK_RUNS", str(reviews.folder.parent))
    records = [Record(**{**vars(r), "edition": reviews.folder.name}) for r in all_runs(reviews, student=(0.7, 0.7))]
    assert judge(claim("retention"), records).verdict == "contradicted"


# ---- seeds that came to nothing -----------------------------------------------------------------------------------


def test_a_collapsed_seed_is_told_and_left_out(reviews):
    sound = retention(reviews, all_runs(reviews, student=(0.70, 0.72)))
    found = retention(reviews, all_runs(reviews, student=(0.70, 0.72)) + [reviews.run("full", None, 2)])
    assert found.value == pytest.approx(sound.value) and found.seeds == 2
    assert "Excluded for constant predictions: 1 of 3 seeds of the student on reviews." in found.sentence
    assert "2 seeds of the student and 2 of the teacher" in found.sentence


def test_one_seed_that_is_left_beside_a_collapsed_one_is_too_few(reviews):
    found = retention(reviews, all_runs(reviews, student=(0.79, None)))
    assert (found.seeds, found.verdict) == (1, "not settled")
    assert "a verdict needs 2 seeds, there is 1" in found.sentence


def test_where_every_seed_collapsed_that_is_what_is_scored_and_told(reviews):
    found = retention(reviews, all_runs(reviews, student=(None, None)))
    assert found.value == pytest.approx(0.5 / 0.8) and found.verdict == "contradicted"
    assert "All seeds of the student on reviews have constant predictions, and are counted." in found.sentence


def test_a_seed_that_diverged_is_told(reviews):
    diverged = reviews.run("full", 0.5, 2, metric="diverged_at_step", split="train", detail={"main": False})
    found = retention(reviews, [*all_runs(reviews), diverged])
    assert "Diverged: 1 of 3 seeds of the student on reviews." in found.sentence and found.seeds == 2


def test_students_of_fewer_pretrainings_than_seeds_are_said_to_be(reviews):
    records = reviews.runs(teacher=[0.8, 0.8])
    students = [reviews.run("full", 0.7, seed, pretraining_seed=seed % 2) for seed in range(4)]
    assert "4 seeds of the student from 2 pre-trainings and 2 of the" in retention(reviews, records + students).sentence
    assert "pre-training" not in retention(reviews, records + students[:2]).sentence


@pytest.mark.parametrize("lost", [0, 1, 3])
def test_a_seed_that_diverged_on_one_task_leaves_the_others_paired_by_their_numbers(tmp_path, lost):
    """On both tasks a seed of the student is as good as its pre-training; what is left keeps its number."""
    tasks, shares = [Task(tmp_path, "SST-2"), Task(tmp_path, "RTE")], [0.60, 0.70, 0.80, 0.90]
    records = [r for task in tasks for r in task.runs(teacher=[0.9] * 4, full=shares)]
    records = [r for r in records if (r.task, r.recipe, r.seed) != ("RTE", "full", lost)]
    answers = kept_answers(runs_by_task(records), tmp_path)
    assert [seed for seed, _ in answers["RTE"]["full"].seeds] == [seed for seed in range(4) if seed != lost]
    assert set(answers["RTE"]["full"].seeds) < set(answers["SST-2"]["full"].seeds)


def test_a_task_on_which_the_student_has_no_score_is_said_to_be_left_out(tmp_path):
    sst, rte = Task(tmp_path, "SST-2"), Task(tmp_path, "RTE")
    diverged = rte.run("full", 0.5, metric="diverged_at_step", split="train", detail={"main": False})
    found = retention(sst, [*all_runs(sst), rte.run("teacher", 0.9), diverged])
    assert "Excluded, without a score of both teacher and student: RTE." in found.sentence


def test_the_papers_models_in_each_others_place_are_in_miniature(tmp_path):
    assert not judge(claim("retention"), glue(tmp_path), tmp_path).in_miniature
    swapped = glue(tmp_path, kinds=("distilbert", "bert-base"))
    assert judge(claim("retention"), swapped, tmp_path).in_miniature


# ---- several tasks ------------------------------------------------------------------------------------------------


def test_several_tasks_are_judged_by_the_mean_of_their_own_metrics(tmp_path):
    sst, cola = Task(tmp_path, "SST-2"), Task(tmp_path, "CoLA", "matthews_correlation")
    shares = {"teacher": [0.80, 0.82, 0.84], "full": [0.70, 0.74], "majority": [None]}
    records = sst.runs(**shares) + cola.runs(**shares)
    scores = {}
    for model in ("teacher", "full"):
        answers = {task.name: [] for task in (sst, cola)}
        for r in records:
            if model == (r.recipe or r.model):
                kept = np.load(tmp_path / r.predictions)
                peer = {"SST-2": accuracy_score, "CoLA": matthews_corrcoef}[r.task]
                answers[r.task].append(peer(kept["labels"], kept["predictions"]))
        scores[model] = np.mean([np.median(seeds) for seeds in answers.values()])
    found = judge(claim("retention"), records, tmp_path)
    assert found.value == pytest.approx(scores["full"] / scores["teacher"]) and found.n == 4_000
    assert "of the teacher's macro-score over SST-2 and CoLA (" in found.sentence
    assert "2 seeds of the student and 3 of the teacher, fine-tuned on 500 examples a task" in found.sentence


def test_only_tasks_that_both_were_tried_on_count(tmp_path):
    sst, cola = Task(tmp_path, "SST-2"), Task(tmp_path, "CoLA")
    records = all_runs(sst, student=(0.7, 0.7)) + cola.runs(teacher=[0.8, 0.8], majority=[None])
    found = judge(claim("retention"), records, tmp_path)
    assert found.value == pytest.approx(0.875) and "accuracy on SST-2 (" in found.sentence


def test_a_baseline_that_is_not_on_every_task_has_no_share(tmp_path):
    sst, cola = Task(tmp_path, "SST-2"), Task(tmp_path, "CoLA")
    found = judge(claim("retention"), all_runs(sst) + cola.runs(teacher=[0.8] * 2, full=[0.7] * 2), tmp_path)
    assert found.shares == {} and "TF-IDF" not in found.sentence


def test_seeds_that_differ_from_task_to_task_are_said_from_to(tmp_path):
    sst, cola = Task(tmp_path, "SST-2"), Task(tmp_path, "CoLA")
    records = sst.runs(teacher=[0.8] * 3, full=[0.7] * 3) + cola.runs(teacher=[0.8] * 3, full=[0.7, None, 0.7])
    assert "2 to 3 seeds of the student and 3 of the teacher" in judge(claim("retention"), records, tmp_path).sentence


# ---- the paper's own claim ------------------------------------------------------------------------------------------


def glue(folder, tasks=GLUE, kinds=("bert-base", "distilbert"), short=()) -> list[Record]:
    """Return records of both models on ``tasks``, fine-tuned on the whole training sets but those of ``short``."""
    records = []
    for name in tasks:
        task = Task(folder, name, n=200)
        size = {"train_examples": 100 if name in short else TRAINING_SETS[name]}
        for model, kind, right in (("teacher", kinds[0], 0.9), ("full", kinds[1], 0.85)):
            records += [task.run(model, right, seed, kind, detail=size) for seed in range(2)]
    return records


def test_all_of_glue_with_the_papers_models_is_the_papers_claim(tmp_path):
    found = judge(claim("retention"), glue(tmp_path), tmp_path)
    assert not found.in_miniature and "Table 1" not in found.sentence
    assert f"macro-score over {', '.join(GLUE[:-1])} and {GLUE[-1]}" in found.sentence


@pytest.mark.parametrize(
    "change",
    [{"tasks": GLUE[1:]}, {"kinds": ("bert-base", "bert 3 x 384")}, {"kinds": (None, None)}, {"short": ("RTE",)}],
    ids=["a task less", "another student", "models of no known kind", "part of a training set"],
)
def test_anything_else_is_in_miniature(tmp_path, change):
    assert judge(claim("retention"), glue(tmp_path, **change), tmp_path).in_miniature


def test_some_of_glues_tasks_are_held_against_table_1_on_the_same(tmp_path):
    found = judge(claim("retention"), glue(tmp_path, tasks=("SST-2", "RTE", "MNLI")), tmp_path)
    student = np.mean([TABLE_1["DistilBERT"][task] for task in ("SST-2", "RTE", "MNLI")])
    teacher = np.mean([TABLE_1["BERT-base"]["SST-2"], TABLE_1["BERT-base"]["RTE"], BERT_MNLI_IN_THE_CODE])
    assert (
        f"On these 3 of GLUE's 9 tasks Table 1 has {student:.1f} / {teacher:.1f} = "
        f"{student / teacher:.1%}, with BERT-base's MNLI from the original code's README."
    ) in found.sentence
    assert found.in_miniature


# ---- the gap on long documents ------------------------------------------------------------------------------------


def long(folder, name="news-topics", **more) -> Task:
    return Task(folder, name, n=4_000, texts="documents", **more)


def gap(folder, records) -> Judgement:
    return judge(claim("imdb"), records, folder)


@pytest.mark.parametrize(("student", "verdict"), [(0.95, "reproduced"), (0.894, "not settled"), (0.85, "contradicted")])
def test_a_gap_is_judged_by_its_whole_interval(tmp_path, student, verdict):
    found = gap(tmp_path, all_runs(long(tmp_path), teacher=(0.9, 0.9), student=(student, student)))
    assert found.verdict == verdict and found.value == pytest.approx(student - 0.9)
    assert found.low < found.value < found.high


def test_the_sentence_on_the_gap_is_in_points(tmp_path):
    found = gap(tmp_path, all_runs(long(tmp_path), teacher=(0.9, 0.9), student=(0.85, 0.85)))
    low, high = (f"{end * 100:.1f}" for end in (found.low, found.high))
    assert found.sentence.startswith(
        "Contradicted in miniature: the student's accuracy on news-topics minus the teacher's is "
        f"-5.0 [{low} to {high}] points (95% interval, 4,000 examples, 2 seeds of the student and 2 of the teacher, fine-tuned on 500 "
        "examples); the paper has -0.64 points; the interval is below the threshold of -0.65 points. The student keeps "
    )
    assert found.ours == f"-5.0 [{low} to {high}] points" and found.papers == "-0.64 points"


def test_imdb_is_judged_alone_and_with_the_papers_models_and_all_its_reviews_not_in_miniature(tmp_path):
    imdb, other = long(tmp_path, "IMDb"), long(tmp_path)
    whole = {"train_examples": 25_000}
    records = [
        imdb.run(model, 0.9, seed, kind, detail=whole)
        for model, kind in (("teacher", "bert-base"), ("full", "distilbert"))
        for seed in range(2)
    ]
    found = gap(tmp_path, records + all_runs(other))
    assert not found.in_miniature and "accuracy on IMDb minus" in found.sentence and found.n == 4_000
    assert gap(tmp_path, all_runs(other)).in_miniature


def test_texts_cut_shorter_are_another_task_that_no_claim_is_judged_by(tmp_path):
    cut = long(tmp_path, "IMDb cut to 64 word pieces")
    records = [r for r in all_runs(cut) if r.detail.update(main_split=False) is None]
    assert gap(tmp_path, records).value is None


def test_sentence_tasks_say_nothing_about_long_documents(tmp_path):
    assert gap(tmp_path, all_runs(Task(tmp_path))).value is None
