import pytest
from distilbook.core.config import BookError
from distilbook.finetuning.config import FinetuneConfig, LongDocumentsConfig, Settings

TASK = {"name": "reviews", "address": "wheel:reviews"}


@pytest.fixture
def parse(shared):
    return lambda cls=FinetuneConfig, **values: cls.parse(shared | {"tasks": [TASK]} | values, where="a test")


def test_a_task_has_the_shared_settings_and_its_own_laid_over_them(parse, shared):
    config = parse(tasks=[TASK | {"epochs": 7, "train_examples": 5}])
    assert config.settings(config.tasks[0]) == Settings(
        **{name: shared[name] for name in Settings.model_fields} | {"epochs": 7, "train_examples": 5}
    )


def test_another_task_in_the_list_changes_nothing_about_how_a_task_is_fine_tuned_on(parse):
    alone, beside = parse(), parse(tasks=[TASK, {"name": "news-topics", "address": "wheel:news-topics"}])
    fingerprints = [config.settings(config.tasks[0]).fingerprint() for config in (alone, beside)]
    assert fingerprints[0] == fingerprints[1]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            {"tasks": [TASK, TASK]},
            "parameter 'tasks[1].name' cannot be used.\n  where: a test\n  expected: each task once",
        ),
        ({"students": ["ful"]}, "there is no ful"),
        ({"train_examples": 1}, "greater than or equal to 2 or 'all', got 1"),
        ({"epochs": -1}, "greater than or equal to 0"),
        ({"tasks": [TASK | {"lr": 1}]}, "unknown parameter 'tasks[0].lr'"),
        ({"tasks": [TASK, {"name": "x", "adress": "y"}]}, "unknown parameter 'tasks[1].adress'"),
        ({"tasks": [TASK | {"train_examples": 1}]}, "parameter 'tasks[0].train_examples' cannot be used"),
        ({"tasks": [TASK | {"epochs": -1}]}, "parameter 'tasks[0].epochs' cannot be used"),
        ({"tasks": [TASK | {"batch_size": 0}]}, "parameter 'tasks[0].batch_size' cannot be used"),
        ({"tasks": [TASK | {"learning_rate": 9}]}, "parameter 'tasks[0].learning_rate' cannot be used"),
        ({"tasks": [TASK | {"max_length": 4}]}, "parameter 'tasks[0].max_length' cannot be used"),
        ({"tasks": [{"name": "../x", "address": "a.tsv"}]}, "parameter 'tasks[0].name' cannot be used"),
        ({"seeds": [0, 1, 0]}, "parameter 'seeds[2]' cannot be used"),
        ({"students": ["full", "full"]}, "parameter 'students[1]' cannot be used"),
        ({"tasks": []}, "at least 1 item"),
    ],
)
def test_what_cannot_be_meant_is_refused(parse, wrong, said):
    with pytest.raises(BookError) as error:
        parse(**wrong)
    assert said in str(error.value)


def test_a_shorter_length_is_shorter(parse):
    with pytest.raises(BookError, match="lengths below max_length, which is 48"):
        parse(LongDocumentsConfig, shorter=[48], max_length=48)
    with pytest.raises(BookError, match="lengths below max_length, which is 40"):
        parse(LongDocumentsConfig, shorter=[48], max_length=64, tasks=[TASK | {"max_length": 40}])


def test_a_text_is_cut_to_a_shorter_length_also_where_the_task_has_a_length_of_its_own(parse):
    config = parse(LongDocumentsConfig, shorter=[16], tasks=[TASK | {"max_length": 40, "epochs": 2}])
    cut = config.cut_to(16)
    assert cut.settings(cut.tasks[0]).max_length == 16 and cut.settings(cut.tasks[0]).epochs == 2
    assert cut.students == ("full",)
