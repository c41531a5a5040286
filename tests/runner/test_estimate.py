"""How long is left, and what it is said from."""

import pytest
from distilbook.book.contents import CHAPTERS
from distilbook.runner import resources as module
from distilbook.runner.freshness import Condition, Execution
from distilbook.runner.resources import Estimate, Machine, shipped_seconds

MACHINE = Machine((0, 1), (), 2)


def took(longest: float) -> Condition:
    return Condition("x", "stale", last=Execution("executed", {}, 1.0, 2, longest, "2026-01-01"))


@pytest.fixture
def shipped(monkeypatch):
    monkeypatch.setattr(
        module, "shipped_seconds", lambda edition: {"02_corpus": 10.0, "03_teacher": 100.0, "01_claims": 5.0}
    )


def test_the_shipped_times_are_those_of_chapters_of_the_book():
    assert shipped_seconds("laptop").keys() == CHAPTERS.keys() and min(shipped_seconds("laptop").values()) > 0
    assert shipped_seconds("an edition nobody measured") == {}


def test_a_chapters_own_longest_execution_counts_before_what_another_machine_took(shipped):
    estimate = Estimate("laptop", {"03_teacher": took(50.0)}, MACHINE)
    assert estimate.left(["02_corpus", "03_teacher"], {}) == "up to 1 min left"


def test_a_slower_machine_is_learnt_from_what_it_has_done(shipped):
    estimate = Estimate("laptop", {}, MACHINE)
    assert estimate.left(["02_corpus", "03_teacher"], {}) == "up to 1 min 50 s left"
    estimate.learn("02_corpus", 20.0)
    assert estimate.left(["03_teacher"], {}) == "up to 3 min 20 s left"


def test_what_is_not_known_is_not_guessed(shipped):
    assert Estimate("laptop", {}, MACHINE).left(["06_pretraining"], {}) == "time left not known before the first run"
    assert Estimate("laptop", {}, MACHINE).left(["02_corpus", "06_pretraining"], {}) == (
        "up to 10 s left, and 1 chapter of which no time is known"
    )
    assert Estimate("laptop", {}, MACHINE).left([], {}) == "nothing left"
