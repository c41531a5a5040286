from distilbook.edition.display import BookDisplay, expected_seconds, minutes
from distilbook.edition.parameters import CHAPTERS
from distilbook.edition.run import Outcome
from distilbook.workspace import Workspace


def test_every_chapter_has_an_expected_time():
    assert expected_seconds().keys() == CHAPTERS.keys()


def test_the_time_left_follows_how_this_machine_compares(runs):
    with BookDisplay(Workspace("test"), ["02_corpus", "03_teacher"]) as display:
        display.expected = {"02_corpus": 10.0, "03_teacher": 100.0}
        assert display.time_left() == 110
        display.settled(Outcome("02_corpus", "executed", seconds=20.0))
        assert display.time_left() == 200


def test_what_chapters_log_is_printed_and_kept(runs, capsys):
    from distilbook.progress import log_line

    with BookDisplay(Workspace("test"), ["02_corpus"]) as display:
        display.starts("02_corpus")
        log_line("tokenising: 3 documents")
    printed = capsys.readouterr().out
    assert "[1/1] 02_corpus" in printed and "tokenising: 3 documents" in printed
    assert display.log.read_text() == printed


def test_durations_read_well():
    assert [minutes(seconds) for seconds in (0.4, 59.4, 60, 125)] == ["0 s", "59 s", "1 min 0 s", "2 min 5 s"]
