"""Watching a training: the context is active while it trains, and only then."""

import contextlib

import pytest
from distilbook.core.config import BookError
from distilbook.pretraining.pretrain import PretrainConfig, pretrain
from distilbook.training.log import read_curves


@pytest.fixture
def watched():
    """A watch, and what it has seen: the run's folder with the steps taken before and after."""
    seen = []

    @contextlib.contextmanager
    def watch(folder):
        before = len(read_curves(folder)[0])
        try:
            yield
        finally:
            seen.append((folder, before, len(read_curves(folder)[0])))

    watch.seen = seen
    return watch


def test_a_run_is_watched_in_its_folder_and_a_finished_one_is_not(
    corpus, teacher_folder, pretrain_values, tmp_path, watched
):
    config = PretrainConfig(**pretrain_values)
    run = pretrain(config, "full", 0, corpus, teacher_folder, tmp_path, watched)
    pretrain(config, "full", 0, corpus, teacher_folder, tmp_path, watched)
    assert watched.seen == [(run.folder, 0, config.steps)]


def test_a_run_that_stops_is_watched_until_then(
    corpus, teacher_folder, pretrain_values, tmp_path, watched, monkeypatch
):
    def stop(*_):
        raise BookError("stopped")

    monkeypatch.setattr("distilbook.training.loop.Guard.check", stop)
    with pytest.raises(BookError, match="stopped"):
        pretrain(PretrainConfig(**pretrain_values), "full", 0, corpus, teacher_folder, tmp_path, watched)
    assert [steps for _, *steps in watched.seen] == [[0, 0]]
