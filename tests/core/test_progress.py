import time

import pytest
from distilbook.core.progress import Progress, duration, log_line


def test_a_line_says_how_far_how_fast_and_how_long_still(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("DISTILBOOK_LOG", str(tmp_path / "log"))
    progress = Progress("training", total=100, unit="tokens")
    time.sleep(0.05)
    progress.advance(40, loss=2.0)
    progress.close()
    line = capsys.readouterr().err.strip()
    assert line.startswith("training: 40.0 of 100 tokens (40%), ") and line.endswith("left, loss=2")
    assert " tokens/s, 00:00 gone, " in line
    assert (tmp_path / "log").read_text().split(" ", 1)[1].strip() == line


def test_many_steps_make_few_lines(capsys):
    progress = Progress("training", total=10_000, unit="steps")
    for _ in range(10_000):
        progress.advance(1)
    progress.close()
    assert len(capsys.readouterr().err.splitlines()) <= 2


def test_work_of_unknown_length_says_no_share(capsys):
    progress = Progress("reading", total=None, unit="documents")
    progress.advance(3)
    progress.close()
    assert "%" not in capsys.readouterr().err


def test_without_a_log_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.delenv("DISTILBOOK_LOG", raising=False)
    monkeypatch.chdir(tmp_path)
    log_line("x")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (9.96, "10 s"),
        (59.6, "1 min"),
        (260, "4 min 20 s"),
        (3599.7, "1 h"),
        (12_000, "3 h 20 min"),
        (1e6, "12 days"),
        (1e8, "1,157 days"),
    ],
)
def test_a_duration_is_written_in_the_units_people_use(seconds, text):
    assert duration(seconds) == text
