import pytest
from distilbook.book.chapter import Chapter, open_chapter
from distilbook.book.parameters import notebook_values
from distilbook.core.config import ChapterConfig
from distilbook.core.errors import BookError
from distilbook.core.records import Record
from distilbook.core.workspace import Workspace


@pytest.fixture
def namespace():
    """What a notebook's globals hold after its parameters cell."""
    return {"In": ["x"], "Out": {}, "_": "", "pytest": pytest, "exit": print, **notebook_values("06_pretraining")}


def test_a_chapter_takes_its_parameters_from_the_notebook(namespace):
    opened = open_chapter("06_pretraining", namespace | {"temperature": 3.0})
    assert opened.config.temperature == 3.0 and opened.workspace.edition == "laptop"


def test_in_a_fresh_kernel_every_unknown_value_is_refused(namespace):
    with pytest.raises(BookError, match="chapter 06_pretraining has no parameter 'entirely_new'"):
        open_chapter("06_pretraining", namespace | {"entirely_new": 3})


PARAMETERS, OPEN = "edition: str = 'laptop'\nsteps: int = 20", "chapter = open_chapter('06_pretraining', globals())"


def test_opened_again_a_chapter_takes_its_other_variables_for_what_they_are(namespace):
    history = ["", PARAMETERS, OPEN, "temperatures = [1, 2]\nseed = 3", PARAMETERS, OPEN]
    again = namespace | {"temperatures": [1, 2], "seed": 3}
    for _ in range(3):
        open_chapter("06_pretraining", again | {"In": history})
        history = [*history, "temperatures = [1, 2]\nseed = 3", PARAMETERS, OPEN]
    open_chapter("06_pretraining", again | {"In": [*history, "rows = [temperatures]", OPEN], "rows": [[1]]})


def test_a_name_that_has_been_corrected_is_no_mistake_any_more(namespace):
    wrong = PARAMETERS + "\ntemprature = 3.0"
    with pytest.raises(BookError, match="did you mean 'temperature'"):
        open_chapter("06_pretraining", namespace | {"temprature": 3.0, "In": ["", wrong, OPEN]})
    open_chapter("06_pretraining", namespace | {"temprature": 3.0, "In": ["", wrong, OPEN, PARAMETERS, OPEN]})


@pytest.mark.parametrize("injected", ["temprature = 3.0", "edition = 'laptop'\ntemprature = 3.0"])
def test_what_papermill_puts_behind_the_parameters_cell_is_looked_at(namespace, injected):
    with pytest.raises(BookError, match="did you mean 'temperature'"):
        cells = ["", PARAMETERS, f"# Parameters\n{injected}", OPEN]
        open_chapter("06_pretraining", namespace | {"temprature": 3.0, "In": cells})


def test_a_mistake_in_the_parameters_cell_is_seen_behind_what_papermill_puts_there(namespace):
    with pytest.raises(BookError, match="did you mean 'temperature'"):
        cells = ["", PARAMETERS + "\ntemprature = 3.0", "# Parameters\nedition = 'laptop'", OPEN]
        open_chapter("06_pretraining", namespace | {"temprature": 3.0, "In": cells})


def test_what_a_chapter_opened_alone_would_stop_at_is_said_at_once(namespace):
    with pytest.raises(BookError, match="there is nothing at 'nowhere.txt'"):
        values = notebook_values("02_corpus") | {"texts": [{"name": "x", "address": "nowhere.txt"}]}
        open_chapter("02_corpus", values)


def test_a_missing_value_is_named(namespace):
    del namespace["steps"]
    with pytest.raises(BookError, match="parameter 'steps'"):
        open_chapter("06_pretraining", namespace)


def test_what_a_chapter_recorded_before_it_was_opened_and_not_again_does_not_count(runs):
    """Three seeds, then one: the others count nowhere, while what another part recorded stays."""

    def recorded(*seeds: int, part: str = "") -> list[tuple[str, int]]:
        chapter = Chapter("06_pretraining", ChapterConfig(edition="test"), Workspace("test"))
        for seed in seeds:  # a call a seed is as good as one for all
            chapter.record([_record(seed, part or "held-out text")], part)
        return sorted((r.task, r.seed) for r in chapter.records.current())

    assert recorded(0, 1, 2) == [("held-out text", seed) for seed in (0, 1, 2)]
    recorded(0, 1, part="masks")
    assert recorded(1) == [("held-out text", 1), ("masks", 0), ("masks", 1)]
    assert recorded(2, 1) == [("held-out text", 1), ("held-out text", 2), ("masks", 0), ("masks", 1)]


def _record(seed: int, task: str) -> Record:
    return Record("test", "06_pretraining", "student", task, "held-out", "masked_accuracy", 0.1, "1", 9, seed=seed)
