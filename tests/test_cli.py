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
