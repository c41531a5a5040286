import pytest
from distilbook.cli import main


def test_an_error_is_explained_and_not_traced(capsys):
    assert main(["site", "laptpo"]) == 1
    assert capsys.readouterr().err.startswith("distilbook: there is no edition 'laptpo'.")


def test_a_command_that_does_not_exist_is_refused(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["rnu"])
    assert stopped.value.code == 2 and "invalid choice" in capsys.readouterr().err


def test_pairs_that_are_current_are_left_alone(capsys):
    assert main(["pairs"]) == 0
    assert capsys.readouterr().out == ""


def test_a_disk_that_is_full_is_explained_and_not_traced(capsys, monkeypatch, runs):
    from distilbook.runner import status

    monkeypatch.setattr(status, "status", lambda edition: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    assert main(["status", "laptop"]) == 1
    assert capsys.readouterr().err == (
        f"distilbook: the output folder cannot be written to (No space left on device).\n  where: {runs}\n"
        "  do: make it writable, make room on its disk, or set DISTILBOOK_RUNS to another folder\n"
    )


def test_any_other_error_of_the_system_is_not_hidden(monkeypatch):
    from distilbook.runner import status

    monkeypatch.setattr(status, "status", lambda edition: open("/no/such/file"))
    with pytest.raises(FileNotFoundError):
        main(["status", "laptop"])


def test_needed_chapters_are_those_of_a_named_one(capsys):
    assert main(["run", "smoke", "--needed"]) != 0
    assert "--needed stands without --chapter" in capsys.readouterr().err
