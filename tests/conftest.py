"""Fixtures that the tests share, and the order in which tests are distributed over workers."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from distilbook.core.errors import BookError
from hypothesis import settings

# Before torch is imported: test workers share the cores, and threads that wait for each other would take them.
os.environ.setdefault("OMP_NUM_THREADS", "1")

#: A busy machine is no failed test.
settings.register_profile("without a deadline", deadline=None)
settings.load_profile("without a deadline")


#: The test that has the smoke edition executed; the others that need it follow it at the end.
EXECUTES = "test_the_edition_is_executed_to_its_end"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--families", default="bert", help="families of models whose smoke editions are executed: a,b")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "family" in metafunc.fixturenames:
        from smoke_inputs import TEACHERS

        families = metafunc.config.getoption("families").split(",")
        if unknown := set(families) - TEACHERS.keys():
            raise pytest.UsageError(f"--families: unknown {sorted(unknown)}; one or more of {', '.join(TEACHERS)}")
        metafunc.parametrize("family", families, scope="session")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have the smoke edition executed first, and what reads it last: it is there by then, and no worker waits for it."""
    items.sort(
        key=lambda item: (
            0 if getattr(item, "originalname", "") == EXECUTES else 1 + ("family" in getattr(item, "fixturenames", ()))
        )
    )


@pytest.fixture(scope="session")
def edition(family, project, tmp_path_factory) -> Path:
    """A copy of the project with the smoke edition executed in it, which all workers share: to be read only."""
    from smoke_edition import edition_of

    own = tmp_path_factory.getbasetemp()
    return edition_of(family, own.parent if "PYTEST_XDIST_WORKER" in os.environ else own, project)


@pytest.fixture
def edition_copy(edition, tmp_path) -> Path:
    """A copy of the executed smoke edition that a test may change."""
    return Path(shutil.copytree(edition, tmp_path / "project"))


@pytest.fixture(scope="session")
def project() -> Path:
    """The project's root."""
    return Path(__file__).resolve().parents[1]


@pytest.fixture
def message():
    """Return the whole text of the error that a call ends with."""

    def of(call, *arguments, **named) -> str:
        with pytest.raises(BookError) as error:
            call(*arguments, **named)
        return str(error.value)

    return of


@pytest.fixture
def runs(tmp_path, monkeypatch) -> Path:
    """An empty folder that stands for runs/ during one test."""
    folder = tmp_path / "runs"
    monkeypatch.setenv("DISTILBOOK_RUNS", str(folder))
    return folder


@pytest.fixture
def project_copy(project, tmp_path, monkeypatch) -> Path:
    """A copy of the book's scripts and parameters that stands for the project during one test, without results."""
    for name in ("book", "parameters"):
        shutil.copytree(project / name, tmp_path / name)
    monkeypatch.setenv("DISTILBOOK_ROOT", str(tmp_path))
    monkeypatch.delenv("DISTILBOOK_RUNS", raising=False)
    return tmp_path


@pytest.fixture(scope="session")
def inputs(tmp_path_factory) -> Path:
    """The smoke edition's inputs: texts, a tiny teacher, a task."""
    from smoke_inputs import write_inputs

    return write_inputs(tmp_path_factory.mktemp("inputs"))


@pytest.fixture(scope="session")
def corpus(inputs):
    """A small corpus cut by the tiny teacher's vocabulary."""
    from distilbook.corpus.build import prepare
    from distilbook.corpus.config import CorpusConfig
    from distilbook.models.loading import load_tokenizer

    config = CorpusConfig(
        edition="test",
        texts=[{"name": "rivers", "address": str(inputs / "rivers.txt")}],
        tokenizer="-",
        block_length=32,
        held_out_share=0.2,
        held_out_blocks=6,
    )
    return prepare(config, load_tokenizer(inputs / "teacher"), inputs / "corpus")


@pytest.fixture(scope="session")
def padded_corpus(inputs):
    """A small corpus of one sequence a block, padded, cut by the tiny teacher's vocabulary."""
    from distilbook.corpus.build import prepare
    from distilbook.corpus.config import CorpusConfig
    from distilbook.models.loading import load_tokenizer

    # Every other paragraph cut short, so that lengths differ.
    lines = [line for line in (inputs / "rivers.txt").read_text().splitlines() if line]
    text = "\n".join(line if number % 2 else line[: 40 + number] for number, line in enumerate(lines))
    (inputs / "short.txt").write_text("\n\n".join(text.splitlines()))
    config = CorpusConfig(
        edition="test",
        texts=[{"name": "short", "address": str(inputs / "short.txt")}],
        tokenizer="-",
        packing="one_sequence",
        block_length=32,
        held_out_share=0.2,
        held_out_blocks=6,
    )
    return prepare(config, load_tokenizer(inputs / "teacher"), inputs / "corpus")


@pytest.fixture(scope="session")
def teacher_folder(inputs) -> Path:
    """The tiny teacher with a masked-LM head of random weights."""
    from distilbook.models.loading import load_teacher, load_tokenizer
    from transformers import BertForMaskedLM

    folder = inputs / "teacher-with-head"
    model: BertForMaskedLM = load_teacher(inputs / "teacher", new_head=True)
    model.save_pretrained(folder)
    load_tokenizer(inputs / "teacher").save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def pretrain_values() -> dict:
    """A small pre-training configuration, as a chapter's parameters would give it."""
    return {
        "edition": "test",
        "seeds": (0,),
        "distillation_weight": 5.0,
        "masked_lm_weight": 2.0,
        "cosine_weight": 1.0,
        "temperature": 2.0,
        "distilled_positions": "all",
        "initialisation": "copied",
        "layers": (0, 3),
        "dropout": 0.1,
        "steps": 6,
        "blocks_per_step": 4,
        "micro_batch": 2,
        "learning_rate": 5e-4,
        "warmup_share": 0.2,
        "checkpoint_every": 2,
        "precision": "float32",
        "compile": False,
        "trackers": (),
        "evaluations": 2,
        "evaluated_blocks": 3,
    }
