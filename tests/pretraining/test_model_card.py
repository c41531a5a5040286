"""Model card, parsed as the Hub does: its numbers are those of the run."""

import json
import re
import shutil
from dataclasses import replace
from itertools import takewhile

import numpy as np
import pytest
from distilbook.core.files import read_json, write_json
from distilbook.pretraining.measures import MEASURES
from distilbook.pretraining.model_card import ROWS, origin, teacher_address, write_model_card
from distilbook.pretraining.pretrain import PretrainConfig, PretrainRun, pretrain
from distilbook.training.log import read_curves
from huggingface_hub import ModelCard


@pytest.fixture(scope="module")
def teacher(teacher_folder, tmp_path_factory):
    """The tiny teacher where chapter 03 would have left it."""
    folder = tmp_path_factory.mktemp("teacher") / "run" / "model"
    shutil.copytree(teacher_folder, folder)
    write_json(folder.parent / "done.json", {"config": {"teacher": "hub:someone/a-teacher"}})
    return folder


@pytest.fixture(scope="module")
def run(corpus, teacher, pretrain_values, tmp_path_factory) -> PretrainRun:
    config = PretrainConfig(**pretrain_values | {"seeds": (0, 1), "evaluations": 6})
    return pretrain(config, "without_mlm", 1, corpus, teacher, tmp_path_factory.mktemp("runs"))


@pytest.fixture
def card(run, corpus, teacher) -> ModelCard:
    return ModelCard.load(write_model_card(run, corpus, teacher))


def table(card: ModelCard, first: str) -> list[list[str]]:
    """Return the rows of the card's table whose first column is called ``first``."""
    lines = card.text.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {first} |"))
    rows = takewhile(lambda line: line.startswith("|"), lines[start + 2 :])
    return [[as_read(cell.strip()) for cell in row.strip("|").split("|")] for row in rows]


def as_read(markdown: str) -> str:
    """Return ``markdown`` without the backslashes before its signs."""
    return re.sub(r"\\(?=[^\w\s])", "", markdown)


def test_the_hub_reads_the_measured_scores_as_they_were_recorded(run, card):
    scores = read_json(run.folder / "done.json")["scores"]
    assert {r.metric_name: r.metric_value for r in card.data.eval_results} == {
        MEASURES[name].label: value for name, value in scores.items()
    }
    assert card.data.library_name == "transformers" and card.data.pipeline_tag == "fill-mask"
    assert card.data.base_model == "someone/a-teacher"


@pytest.mark.parametrize(
    ("arm", "said"),
    [
        ("full", "distilled from it"),
        ("random_initialisation", "distilled from it, initialised at random"),
        ("without_teacher", "initialised with layers of it, trained without it"),
        ("from_scratch", "trained from random weights"),
    ],
)
def test_the_card_claims_no_distillation_where_there_was_none(run, pretrain_values, arm, said):
    config = PretrainConfig(**pretrain_values).for_arm(arm)
    assert origin(replace(run, arm=arm, config=config), "it") == said


def test_student_and_teacher_stand_side_by_side_with_the_number_of_positions(run, corpus, card):
    facts = read_json(run.folder / "done.json")
    shown = {row[0]: row[1:] for row in table(card, "measure")}
    for name, value in facts["scores"].items():
        theirs = facts["teacher_scores"].get(name)
        assert shown[MEASURES[name].label] == [f"{value:.4g}", "" if theirs is None else f"{theirs:.4g}"]
    positions = len(np.load(run.folder / "held_out.npz")["labels"])
    assert f"all {len(corpus.held_out)} held-out blocks, n = {positions} masked" in card.text


def test_every_parameter_stands_in_the_recipe(run, card):
    shown = {row[0]: row[1] for row in table(card, "parameter")}
    assert shown.keys() == PretrainConfig.model_fields.keys() - {"seeds"}
    assert float(shown["masked_lm_weight"]) == 0 and json.loads(shown["layers"]) == list(run.config.layers)
    assert "without masked-LM loss; seed 1" in card.text


def test_the_curve_is_the_metrics_files(run, card):
    measured = read_curves(run.folder)[1]
    rows = table(card, "step")
    assert len(rows) == len(measured) <= ROWS
    for row, line in zip(rows, measured, strict=True):
        assert int(row[0]) == line["step"] and float(row[2]) == float(f"{line['masked_accuracy']:.4g}")
    assert int(rows[-1][1].replace(",", "")) == run.tokens
    assert (run.folder / "model/metrics.jsonl").read_bytes() == (run.folder / "metrics.jsonl").read_bytes()


def test_data_machine_and_code_are_named(run, corpus, card):
    made_with = read_json(run.folder / "done.json")["made_with"]
    for fact in (corpus.fingerprint, corpus.vocabulary, made_with["code"], made_with["machine"]["processor"]):
        assert fact in as_read(card.text)
    assert all(f"{name} {version}" in as_read(card.text) for name, version in made_with["versions"].items())
    assert [row[0] for row in table(card, "source")] == [row["source"] for row in corpus.statistics]
    assert f"{run.tokens} tokens in {run.config.steps} optimiser steps" in card.text


def test_its_lines_load_the_student(run, card):
    lines = card.text.split("```python\n")[1].split("```")[0].replace("path/to/this/folder", str(run.folder / "model"))
    names: dict = {}
    exec(lines, names)
    assert names["model"].config.n_layers == len(run.config.layers)
    assert len(names["tokenizer"]) == names["model"].config.vocab_size


def test_written_again_it_is_the_same(run, corpus, teacher):
    path = write_model_card(run, corpus, teacher)
    before = path.read_bytes()
    assert write_model_card(PretrainRun.open(run.folder), corpus, teacher).read_bytes() == before


def test_the_teachers_address_is_that_of_its_fitting_or_of_the_hubs_cache(tmp_path, teacher):
    snapshot = tmp_path / "models--google-bert--bert-base-uncased" / "snapshots" / "86b5e0934494bd15c9632b12f734a8a67"
    snapshot.mkdir(parents=True)
    assert teacher_address(teacher) == "hub:someone/a-teacher"
    assert teacher_address(snapshot) == "hub:google-bert/bert-base-uncased"
    assert teacher_address(tmp_path) is None
