"""The grid of a fine-tuning chapter, and the command that finishes it or a part of it."""

from types import SimpleNamespace

import pytest
from distilbook.book import finetuning
from distilbook.book.contents import CHAPTERS
from distilbook.book.finetuning import cells_of, chosen, finetune, models_of, settings_for_slurm, shortened_cells
from distilbook.book.parameters import check_parameters
from distilbook.core.errors import BookError
from distilbook.core.workspace import Workspace
from distilbook.finetuning.grid import Cell, Model
from distilbook.tasks import TaskSource
from smoke_inputs import write_inputs

EVERYTHING = {"tasks": None, "models": None, "seeds": None}
ALONE = {"workers": 1, "cluster": "local", "slurm": {}}


@pytest.fixture
def cells(tmp_path):
    """Two tasks, three models, two seeds."""
    return [
        Cell(TaskSource(name=task, address="hub:nyu-mll/glue"), None, Model(model), seed, tmp_path / f"{number}")
        for number, (task, model, seed) in enumerate(
            (task, model, seed)
            for task in ("SST-2", "RTE")
            for model in ("teacher", "full", "majority")
            for seed in (0, 1)
        )
    ]


@pytest.fixture
def smoke(project_copy) -> Workspace:
    """The smoke edition with its inputs and its teacher, before any student."""
    teacher = write_inputs(project_copy / "runs" / "smoke" / "input") / "teacher"
    workspace = Workspace("smoke")
    workspace.publish("teacher", teacher, made_by="03_teacher")
    return workspace


@pytest.fixture
def with_students(smoke, monkeypatch) -> Workspace:
    """The same with two students of every arm, which here are copies of the teacher."""
    teacher = smoke.find("teacher", made_by="03_teacher")
    student = smoke.root / "student" / "model"
    student.mkdir(parents=True)
    for path in teacher.iterdir():
        (student / path.name).write_bytes(path.read_bytes())
    runs = [SimpleNamespace(folder=student.parent, seed=seed) for seed in (7, 8)]
    monkeypatch.setattr(finetuning, "published_runs", lambda workspace, arm, made_by: runs)
    return smoke


def config_of(chapter: str, **changed):
    return check_parameters("smoke", chapter).model_copy(update=changed)


def test_nothing_asked_for_is_everything(cells):
    assert chosen(cells, EVERYTHING) == cells and chosen(cells, {}) == cells


def test_what_is_asked_for_is_all_that_is_left(cells):
    found = chosen(cells, {"tasks": ["RTE"], "models": ["full", "teacher"], "seeds": [1]})
    assert [str(cell) for cell in found] == ["teacher on RTE, seed 1", "full on RTE, seed 1"]
    assert len(chosen(cells, {"seeds": [0]})) == len(cells) / 2


@pytest.mark.parametrize(
    ("only", "what", "advice"),
    [
        ({"tasks": ["SST2"]}, "the chapter has no task 'SST2'", "did you mean 'SST-2'?"),
        ({"models": ["full", "teachr"]}, "the chapter has no model 'teachr'", "did you mean 'teacher'?"),
        ({"seeds": [5]}, "the chapter has no seed 5", "use one of these seeds: 0, 1"),
        ({"models": ["tfidf"]}, "the chapter has no model 'tfidf'", "use one of these models: full, majority, teacher"),
    ],
)
def test_a_name_that_the_grid_does_not_have_is_refused_with_the_nearest(cells, only, what, advice):
    with pytest.raises(BookError) as error:
        chosen(cells, only)
    assert (error.value.what, error.value.do) == (what, advice)


def test_settings_for_slurm_are_numbers_where_they_can_be():
    pairs = ["slurm_partition=gpu", "gpus_per_node=1", "mem_gb=7.5", "slurm_comment=a=b"]
    pairs += ["slurm_exclusive=true", "slurm_time=12:30:00"]
    assert settings_for_slurm(pairs) == {
        "slurm_partition": "gpu",
        "gpus_per_node": 1,
        "mem_gb": 7.5,
        "slurm_comment": "a=b",
        "slurm_exclusive": True,
        "slurm_time": "12:30:00",
    }
    assert settings_for_slurm([]) == {}


def test_a_setting_without_a_value_is_refused():
    with pytest.raises(BookError) as error:
        settings_for_slurm(["gpus_per_node=1", "slurm_partition"])
    assert str(error.value).startswith("'slurm_partition' is no setting.") and "NAME=VALUE" in str(error.value)


def test_without_a_teacher_the_chapter_that_makes_it_is_named(project_copy):
    write_inputs(project_copy / "runs" / "smoke" / "input")
    with pytest.raises(BookError, match="a result of chapter 03_teacher"):
        models_of(config_of("08_sentence_tasks"), Workspace("smoke"))


@pytest.mark.parametrize(
    ("student", "chapter"),
    [
        ("full", "06_pretraining"),
        ("without_cosine", "07_ablations/without_cosine"),
        ("without_teacher_equal_seconds", "07_ablations/without_teacher"),
    ],
)
def test_without_a_student_the_chapter_that_trains_it_is_named(smoke, student, chapter):
    with pytest.raises(BookError) as error:
        models_of(config_of("08_sentence_tasks", students=(student,)), smoke)
    assert error.value.what == f"there is no student of the ablation {student!r}"
    assert error.value.do.endswith(f"distilbook run smoke --chapter {chapter} --needed")


def test_a_grid_has_teacher_students_and_baselines_on_every_task_and_seed(with_students):
    config = config_of("08_sentence_tasks")
    cells = cells_of(config, with_students)
    names = ["teacher", *config.students, "majority", "tfidf"]
    assert list(dict.fromkeys(cell.model.name for cell in cells)) == names
    assert len(cells) == len(names) * len(config.tasks) * len(config.seeds)
    assert {cell.folder.parent for cell in cells} == {with_students.results / "finetuning"}
    assert [c.model.pretraining_seed for c in cells if c.model.name == "full"] == [7, 8] * len(config.tasks)


def test_texts_are_cut_shorter_for_teacher_and_full_recipe_alone(with_students):
    config = config_of("09_long_documents", students=("full", "without_teacher"), shorter=(16, 24))
    cut = shortened_cells(config, with_students)
    assert list(cut) == [16, 24]
    for length, some in cut.items():
        assert {cell.settings.max_length for cell in some} == {length}
        assert {cell.model.name for cell in some} == {"teacher", "full"}
    whole = {cell.folder for cell in cells_of(config, with_students)}
    assert whole.isdisjoint(cell.folder for some in cut.values() for cell in some)


@pytest.mark.parametrize("chapter", ["06_pretraining", "01_claims", "13_verdict"])
def test_a_chapter_that_fine_tunes_nothing_is_refused_with_those_that_do(chapter):
    assert chapter in CHAPTERS
    with pytest.raises(BookError) as error:
        finetune("smoke", chapter, EVERYTHING, **ALONE, dry_run=True)
    assert error.value.what == f"chapter {chapter} fine-tunes nothing"
    assert error.value.expected == "one of 08_sentence_tasks, 09_long_documents"


def test_the_command_finishes_what_it_is_asked_for_and_says_what_is_left(with_students, capsys):
    def said(only, dry_run: bool) -> list[str]:
        finetune("smoke", "08_sentence_tasks", EVERYTHING | only, **ALONE, dry_run=dry_run)
        written = capsys.readouterr()
        assert written.err.startswith("No line of the tasks' files was excluded."), "what was left out is said too"
        return written.out.splitlines()

    majority = {"models": ["majority"], "tasks": ["reviews", "CoLA"]}
    first, *left = said(majority, dry_run=True)
    assert first == "0 of 4 runs are finished"
    assert left == [f"to do: majority on {task}, seed {seed}" for task in ("reviews", "CoLA") for seed in (0, 1)]
    assert said(majority, dry_run=False)[-1] == (
        "all 4 runs are finished; the chapter reads them: distilbook run smoke --chapter 08_sentence_tasks"
    )
    assert said(majority, dry_run=True)[0] == "4 of 4 runs are finished"
    whole = said({}, dry_run=True)
    config = config_of("08_sentence_tasks")
    total = len(config.tasks) * len(config.seeds) * (len(config.students) + 3)
    assert whole[0] == f"4 of {total} runs are finished" and len([line for line in whole if line]) == 1 + total - 4
