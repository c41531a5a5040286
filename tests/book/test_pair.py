"""A pair of the reader's own on trial: two tiny models from folders, on a task from a file."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from distilbook.book import verdict as pair
from distilbook.book.chapter import Chapter
from distilbook.book.verdict import evidence, pair_name
from distilbook.claims import CLAIMS, judge
from distilbook.core.errors import BookError
from distilbook.core.files import read_json
from distilbook.core.finished import MARKER, seal
from distilbook.core.workspace import Workspace
from distilbook.finetuning.config import VerdictConfig
from distilbook.inference.timing import run_timing
from model_folders import changed
from safetensors.torch import load_file, save_file


@pytest.fixture(scope="module")
def student(teacher_folder, pretrain_values, tmp_path_factory):
    from distilbook.distillation.student import build_student
    from distilbook.models.loading import load_teacher, load_tokenizer
    from distilbook.pretraining.pretrain import PretrainConfig

    folder = tmp_path_factory.mktemp("pair") / "student"
    teacher = load_teacher(teacher_folder, new_head=False)
    build_student(teacher, PretrainConfig(**pretrain_values).recipe, dropout=0.0, seed=0).save_pretrained(folder)
    load_tokenizer(teacher_folder).save_pretrained(folder)
    return folder


@pytest.fixture
def values(inputs, teacher_folder, student):
    return {
        "edition": "test",
        "teacher": str(teacher_folder),
        "student": str(student),
        "tasks": [{"name": "reviews", "address": str(inputs / "reviews.tsv")}],
        "train_examples": 32,
        "epochs": 1,
        "batch_size": 8,
        "learning_rate": 1e-3,
        "warmup_share": 0.1,
        "dropout": 0.0,
        "max_length": 32,
        "precision": "float32",
        "weight_decay": 0.01,
        "checkpoint_every": 1000,
        "trackers": (),
        "seeds": [0, 1],
    }


@pytest.fixture(autouse=True)
def _briefly(monkeypatch):
    monkeypatch.setattr(pair, "TIMED", pair.TIMED | {"pairs": 4, "noise_pairs": 2, "threads": [1], "warm_up": 0})
    monkeypatch.setattr(pair, "TOO_LOUD", 100.0)  # so few passes are never quiet


def opened(values) -> Chapter:
    config = VerdictConfig.parse(values, where="a test")
    return Chapter("13_verdict", config, Workspace(config.edition))


def test_a_pair_is_fine_tuned_counted_and_judged_and_nothing_is_trained_again(values, runs, student, capsys):
    chapter = opened(values)
    records, claims = evidence(chapter)
    assert "No line of the tasks' files was excluded." in capsys.readouterr().err
    assert [claim.id for claim in claims] == [claim.id for claim in CLAIMS if not claim.arm]
    verdicts = {claim.id: judge(claim, records) for claim in claims}
    retention = verdicts["retention"]
    kept = {
        model: [np.load(chapter.workspace.root / r.predictions) for r in records if r.model == model]
        for model in ("teacher", "student")
    }
    counted = {model: [k for k in some if len(set(k["predictions"])) > 1] or some for model, some in kept.items()}
    accuracy = {m: np.median([(k["labels"] == k["predictions"]).mean() for k in some]) for m, some in counted.items()}
    assert retention.value == pytest.approx(accuracy["student"] / accuracy["teacher"])
    assert retention.in_miniature and retention.seeds == 2
    sizes = {r.detail["role"]: r.value for r in records if r.metric == "parameters"}
    assert verdicts["smaller"].value == pytest.approx(1 - sizes["student"] / sizes["teacher"])
    (times,) = [r for r in records if r.metric == "time_ratio"]
    assert verdicts["faster"].value == times.value and times.model == "bert 4 x 32 over distilbert 2 x 32"
    assert verdicts["faster"].in_miniature and verdicts["imdb"].value is None
    made = {path: path.stat().st_mtime_ns for path in chapter.workspace.root.rglob("*") if path.is_file()}
    assert evidence(chapter)[0] == records
    assert {path: path.stat().st_mtime_ns for path in made} == made


def test_the_parameters_of_a_pair_are_those_of_its_models_without_heads(values, runs, teacher_folder, student):
    from transformers import BertModel, DistilBertModel

    records, _ = evidence(opened(values))
    sizes = {r.detail["role"]: r.value for r in records if r.metric == "parameters"}
    for role, cls, folder in (("teacher", BertModel, teacher_folder), ("student", DistilBertModel, student)):
        assert sizes[role] == sum(p.numel() for p in cls.from_pretrained(folder).parameters())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"student": ""}, "both teacher and student, or neither"),
        ({"tasks": []}, "at least one task on which the pair is compared"),
        ({"teacher": "/nowhere/at/all"}, "a model's folder does not exist"),
    ],
)
def test_half_a_pair_is_refused(values, runs, change, said):
    with pytest.raises(BookError, match=said):
        evidence(opened(values | change))


def test_without_a_pair_the_editions_own_records_are_judged(values, runs):
    assert evidence(opened(values | {"teacher": "", "student": "", "tasks": []})) == ([], CLAIMS)


@pytest.fixture
def copied(student, tmp_path):
    """Return a function that copies the student to a path, with other weights where a seed is given."""

    def copy(place: str, seed: int | None = None) -> str:
        folder = tmp_path / place
        shutil.copytree(student, folder, dirs_exist_ok=True)
        if seed is not None:
            torch.manual_seed(seed)
            weights = load_file(folder / "model.safetensors")
            noisy = {name: value + 0.1 * torch.randn_like(value) for name, value in weights.items()}
            save_file(noisy, folder / "model.safetensors", metadata={"format": "pt"})
        return str(folder)

    return copy


def judged(values) -> tuple[list, dict]:
    records, claims = evidence(opened(values))
    return records, {claim.id: judge(claim, records) for claim in claims}


def test_a_pair_is_known_by_its_models_weights_wherever_they_lie(copied, teacher_folder):
    first, again, other = copied("a/model"), copied("c/copy"), copied("b/model", seed=1)
    names = [pair_name([teacher_folder, Path(folder)]) for folder in (first, again, other)]
    assert names[0] == names[1] != names[2]
    copied("a/model", seed=2)
    assert pair_name([teacher_folder, Path(first)]) not in names


def test_a_verdict_counts_the_pair_the_tasks_and_the_seeds_that_are_asked_for_and_no_others(
    values, runs, inputs, copied, monkeypatch
):
    monkeypatch.setattr(pair, "TIMED", pair.TIMED | {"starts": 1})
    pairs = {"name": "pairs", "address": str(inputs / "pairs.tsv")}
    whole = values | {"student": copied("a/model"), "tasks": [*values["tasks"], pairs], "seeds": [0, 5]}
    records, verdicts = judged(whole)
    assert verdicts["retention"].seeds == 2 and "reviews and pairs" in verdicts["retention"].sentence
    fewer, less = judged(whole | {"seeds": [5], "tasks": [pairs]})
    assert {(r.task, r.seed) for r in fewer if r.seed is not None} == {("pairs", 5)}
    assert less["retention"].seeds == 1 and "reviews" not in less["retention"].sentence
    other, verdict = judged(whole | {"student": copied("b/model", seed=1), "seeds": [0]})
    assert {r.seed for r in other} == {0, None} and verdict["retention"].seeds == 1
    replaced, _ = judged(whole | {"student": copied("a/model", seed=2), "seeds": [0]})
    assert {r.seed for r in replaced} == {0, None}
    weights = {some[0].fingerprint for some in ([r for r in x if r.recipe] for x in (records, other, replaced))}
    assert len(weights) == 3
    copied("a/model")
    assert judged(whole) == (records, verdicts)


def test_two_models_of_one_name_are_counted_and_timed_side_by_side(values, runs, copied):
    records, verdicts = judged(values | {"teacher": copied("x", seed=1), "student": copied("y", seed=2), "seeds": [0]})
    assert verdicts["smaller"].value == 0 and verdicts["smaller"].in_miniature
    names = {r.model for r in records if r.metric == "median_latency"}
    assert names == {"distilbert 2 x 32 (teacher)", "distilbert 2 x 32 (student)"}


def test_times_of_too_loud_a_machine_are_taken_again(values, runs, monkeypatch):
    took = []
    monkeypatch.setattr(pair, "run_timing", lambda orders: took.append(orders) or run_timing(orders))
    for loud in (-1.0, -1.0, 100.0, 100.0):
        monkeypatch.setattr(pair, "TOO_LOUD", loud)
        evidence(opened(values))
    assert len(took) == 2


@pytest.mark.parametrize("role", ["teacher", "student"])
@pytest.mark.parametrize("kind", ["gpt2", "albert", "deberta-v2", "mobilebert", "electra", "xlm-roberta"])
def test_another_family_is_refused_at_the_start_with_the_families_that_are_known(
    values, runs, student, tmp_path, role, kind
):
    other = shutil.copytree(student, tmp_path / "other")
    changed(other, model_type=kind)
    with pytest.raises(BookError, match=f"the model is an? {kind}(?s:.)*bert, distilbert"):
        evidence(opened(values | {role: str(other)}))
    assert not list(runs.rglob("done.json"))


def test_a_head_in_another_order_is_said_with_what_the_right_order_would_give(
    values, runs, teacher_folder, tmp_path, capfd
):
    from distilbook.finetuning.classifier import new_classifier
    from distilbook.finetuning.grid import Model, grid, run_grid, task_of
    from distilbook.models.loading import load_tokenizer
    from distilbook.models.tokenizer import save_tokenizer

    config = VerdictConfig(**values | {"epochs": 0, "seeds": [0]})
    task = task_of(config.tasks[0].source)
    torch.manual_seed(0)
    head = new_classifier(teacher_folder, task)
    folder = tmp_path / "tuned"
    with torch.no_grad():
        head.classifier.weight.zero_()
        head.classifier.bias.copy_(torch.tensor([0.0, 1.0]))
    head.save_pretrained(folder)
    save_tokenizer(load_tokenizer(teacher_folder), folder)
    cells = grid(config, {"teacher": [Model("teacher", folder)]}, tmp_path / "runs")
    run_grid(cells, tmp_path / "runs", workers=1)
    assert "far below" not in "".join(capfd.readouterr())  # a constant answer is no sign of another order
    path = cells[0].open().predictions("test")
    with np.load(path) as kept:
        arrays = dict(kept)
    np.savez(path, **arrays | {"predictions": 1 - arrays["labels"]})
    marker = cells[0].folder / MARKER
    facts = {name: value for name, value in read_json(marker).items() if name != "manifest"}
    seal(marker, facts, [f"{split}.npz" for split in task.evaluation])
    run_grid(cells, tmp_path / "runs", workers=1)
    said = "".join(capfd.readouterr())
    assert (
        "teacher on reviews, seed 0: accuracy 0.000 is far below" in said
        and "in the order 1, 0 it would be 1.000" in said
    )
