import pytest

from distilbook.config import BookError
from distilbook.edition import chapter
from distilbook.edition.chapter import open_chapter
from distilbook.edition.parameters import notebook_values


@pytest.fixture
def namespace(monkeypatch):
    """What a notebook's globals hold after its parameters cell."""
    monkeypatch.setattr(chapter, "_opened", set())
    return {"In": ["x"], "Out": {}, "_": "", "pytest": pytest, "exit": print, **notebook_values("06_pretraining")}


def test_a_chapter_takes_its_parameters_from_the_notebook(namespace):
    opened = open_chapter("06_pretraining", namespace | {"temperature": 3.0})
    assert opened.config.temperature == 3.0 and opened.workspace.edition == "laptop"


def test_in_a_fresh_kernel_every_unknown_value_is_refused(namespace):
    with pytest.raises(BookError, match="chapter 06_pretraining has no parameter 'entirely_new'"):
        open_chapter("06_pretraining", namespace | {"entirely_new": 3})


def test_opened_again_only_what_looks_mistyped_is_refused(namespace):
    open_chapter("06_pretraining", namespace)
    open_chapter("06_pretraining", namespace | {"rows": [1], "scores": {}})
    with pytest.raises(BookError, match="did you mean 'temperature'"):
        open_chapter("06_pretraining", namespace | {"temprature": 3.0})


def test_a_missing_value_is_named(namespace):
    del namespace["steps"]
    with pytest.raises(BookError, match="parameter 'steps'"):
        open_chapter("06_pretraining", namespace)
