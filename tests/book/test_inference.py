"""``distilbook bench inference``: the chapter's measurement as a command, whose records the verdict reads."""

import json

import pytest
from distilbook import cli
from distilbook.book import inference
from distilbook.claims import claim, judge
from distilbook.core.record_book import RecordBook
from distilbook.core.workspace import Workspace
from distilbook.inference.protocol import OWN, PAIRS


@pytest.fixture
def published(runs, teacher_folder):
    """An edition in which a teacher has been fitted."""
    workspace = Workspace("smoke")
    workspace.publish("teacher", teacher_folder, "03_teacher")
    return workspace


def test_the_editions_own_models_are_its_teacher_and_the_student_that_is_made_of_it(published, teacher_folder):
    teacher, student = inference.own_models(published)
    wanted = json.loads((teacher_folder / "config.json").read_text())
    assert teacher.config == wanted
    layers = inference.check_parameters("smoke", "04_student").layers
    assert student.name == f"distilbert {len(layers)} x {wanted['hidden_size']}"
    assert student.config["vocab_size"] == wanted["vocab_size"]


def test_before_a_teacher_is_there_only_the_published_dimensions_are_timed(runs):
    assert inference.own_models(Workspace("smoke")) == ()


def test_the_command_prints_keeps_and_judges_the_same_numbers(published, capsys):
    assert cli.main(["bench", "inference", "smoke", "--claim-only", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {row["task"] for row in found["rows"]} == {PAIRS, OWN}
    current = RecordBook(published.records).current()
    assert {r.chapter for r in current} == {"11_timing"}
    for row in found["rows"]:
        same = [r for r in current if (r.task, r.split, r.model) == (row["task"], row["on"], row["model"])]
        assert {r.metric: r.value for r in same}["median_latency"] == row["median_ms"]
    (ratio,) = {r.value for r in current if r.metric == "time_ratio" and r.task == PAIRS and r.detail["threads"] == 1}
    assert ratio in [row["ratio"] for row in found["rows"]]
    assert found["verdicts"] == [judge(claim(one), current).sentence for one in ("smaller", "faster")]


def test_lines_name_every_model_and_how_far_to_trust_them():
    row = {"task": "t", "on": "cpu", "model": "m", "median_ms": 1.5, "p95_ms": 2.0, "pairs_a_second": 10.0}
    found = {
        "machine": {"processor": "P", "cores": 2},
        "rows": [
            row | {"ratio": None, "ratio_low": None, "ratio_high": None},
            row | {"ratio": 2.0, "ratio_low": 1.9, "ratio_high": 2.1},
        ],
        "trust": ["Quiet."],
        "verdicts": ["Reproduced."],
    }
    lines = inference.printed(found)
    assert lines[:2] == ["P, 2 cores", "t, cpu"] and lines[-2:] == ["Quiet.", "Reproduced."]
    assert "first / this" not in lines[2] and lines[3].endswith("first / this 2.00 [1.90 to 2.10]")


def test_an_edition_that_is_none_is_refused_before_anything_is_timed(capsys):
    assert cli.main(["bench", "inference", "latpop"]) == 1
    assert "did you mean 'laptop'" in capsys.readouterr().err
