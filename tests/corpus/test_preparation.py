"""A corpus is the same for any number of processes and any interruptions."""

import gzip
import os
import random
import signal
import subprocess
import sys

import psutil
import pytest
import smoke_inputs
from damage import damage
from distilbook.core.config import BookError
from distilbook.core.files import read_json
from distilbook.core.finished import Unfinished
from distilbook.core.workspace import Workspace
from distilbook.corpus import checks, pool, preparation
from distilbook.corpus.build import prepare
from distilbook.corpus.corpus import Corpus
from distilbook.corpus.tokenising import Settings, Tokeniser
from distilbook.models.loading import load_tokenizer
from distilbook.runner.status import unneeded
from hypothesis import given, settings
from hypothesis import strategies as st
from test_corpus import config, same, source


@pytest.fixture(scope="module")
def tokenizer(inputs):
    return load_tokenizer(inputs / "teacher")


@pytest.fixture
def small_steps(monkeypatch):
    """Batches of a few documents, a shard after every few of them, and processes for all."""
    monkeypatch.setattr(preparation, "CHARACTERS_AT_ONCE", 1_500)
    monkeypatch.setattr(preparation, "SHARD", 1_000)
    monkeypatch.setattr(pool, "CHARACTERS_HANDED_ON", 1)


def two_sources(inputs, **changes):
    texts = [source("rivers", inputs / "rivers.txt"), source("trains", inputs / "trains.jsonl")]
    return config(inputs, texts=texts, **changes)


def files_of(made) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in made.folder.iterdir()}


@pytest.mark.parametrize("packing", ["full_sentences", "one_sequence"])
def test_one_process_and_three_write_the_same_files(inputs, tokenizer, tmp_path, small_steps, packing):
    one, three = (
        prepare(two_sources(inputs, packing=packing, processes=number), tokenizer, tmp_path / str(number))
        for number in (1, 3)
    )
    assert len(one.train.parts) > 5
    assert files_of(one) == files_of(three) and same(one, three)


class Stop(Exception):
    """Ends a preparation in the middle."""


def interrupted(inputs, tokenizer, root, after: int, **changes) -> bool:
    """Prepare until so many batches have been taken; say whether that was before the end."""
    taken = []

    def counting(self, batch, tokens):
        if len(taken) == after:
            raise Stop
        taken.append(batch)
        return take(self, batch, tokens)

    take = preparation.Preparation._take
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(preparation.Preparation, "_take", counting)
        try:
            prepare(two_sources(inputs, **changes), tokenizer, root)
        except Stop:
            return True
    return False


@pytest.mark.parametrize("packing", ["full_sentences", "one_sequence"])
@settings(max_examples=8, deadline=None)
@given(stops=st.lists(st.integers(0, 25), max_size=4))
def test_an_interrupted_preparation_ends_with_the_files_of_one_that_was_not(
    inputs, tokenizer, tmp_path_factory, packing, stops
):
    root = tmp_path_factory.mktemp("interrupted")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(preparation, "CHARACTERS_AT_ONCE", 1_500)
        patch.setattr(preparation, "SHARD", 1_000)
        wanted = two_sources(inputs, packing=packing, processes=1)
        whole = prepare(wanted, tokenizer, root / "whole")
        for after in stops:
            interrupted(inputs, tokenizer, root / "parts", after, packing=packing, processes=1)
        assert files_of(prepare(wanted, tokenizer, root / "parts")) == files_of(whole)
    assert [path.name for path in (root / "parts").iterdir()] == [whole.folder.name]


def test_finished_shards_are_not_tokenised_again(inputs, tokenizer, tmp_path, small_steps, monkeypatch):
    assert interrupted(inputs, tokenizer, tmp_path, after=20, processes=1)
    (unfinished,) = tmp_path.iterdir()
    shards = len(list((unfinished / "corpus").glob("train-*.bin")))
    assert shards > 5
    handed_on = []
    tokenise = Tokeniser.__call__

    def noting(self, documents):
        handed_on.extend(documents)
        return tokenise(self, documents)

    monkeypatch.setattr(Tokeniser, "__call__", noting)
    made = prepare(two_sources(inputs, processes=1), tokenizer, tmp_path)
    assert len(made.train.parts) > shards
    assert sum(row["documents"] for row in made.statistics) == 80 and 0 < len(handed_on) < 40


@pytest.mark.parametrize("seed", range(8))
def test_a_damaged_corpus_or_preparation_ends_as_one_that_was_not_disturbed(
    inputs, tokenizer, tmp_path, small_steps, seed
):
    wanted = two_sources(inputs, processes=1)
    whole = prepare(wanted, tokenizer, tmp_path / "whole")
    assert interrupted(inputs, tokenizer, tmp_path / "parts", after=20, processes=1)
    (unfinished,) = (tmp_path / "parts").iterdir()
    how = damage(unfinished, random.Random(seed))
    made = prepare(wanted, tokenizer, tmp_path / "parts")
    assert files_of(made) == files_of(whole), how
    how = damage(made.folder, random.Random(seed))
    try:
        assert same(Corpus.open(made.folder), whole), how
    except Unfinished as error:
        assert "a result is not whole" in str(error)
    assert files_of(prepare(wanted, tokenizer, tmp_path / "parts")) == files_of(whole), how


def test_a_preparation_that_stopped_while_it_was_counting_ends_without_reading_again(inputs, tokenizer, tmp_path):
    wanted = two_sources(inputs, processes=1)
    whole = prepare(wanted, tokenizer, tmp_path / "whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("distilbook.corpus.build._counted", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            prepare(wanted, tokenizer, tmp_path / "parts")
    with pytest.MonkeyPatch.context() as patch:
        for module in (checks, preparation):
            patch.setattr(module, "documents", lambda *_: pytest.fail("a source was read"))
        assert files_of(prepare(wanted, tokenizer, tmp_path / "parts")) == files_of(whole)


def test_an_interruption_before_the_first_shard_leaves_nothing_behind(inputs, tokenizer, tmp_path):
    assert interrupted(inputs, tokenizer, tmp_path, after=1, processes=1)
    assert not list(tmp_path.iterdir())


def test_cleaning_keeps_a_stopped_preparation_unless_unfinished_work_is_to_go(inputs, tokenizer, runs, small_steps):
    workspace = Workspace("smoke")
    assert interrupted(inputs, tokenizer, workspace.results / "corpus", after=20, processes=1)
    (unfinished,) = (workspace.results / "corpus").iterdir()
    assert unneeded(workspace) == []
    assert [one.path for one in unneeded(workspace, unfinished=True)] == [unfinished]


def test_shards_survive_a_source_that_breaks_off(inputs, tokenizer, tmp_path, small_steps):
    path = tmp_path / "broken.txt.gz"
    draw = random.Random(0)
    content = gzip.compress("".join(f"{smoke_inputs.sentence(draw)}\n\n" for _ in range(5_000)).encode())
    path.write_bytes(content[:-9])
    texts = [source("rivers", inputs / "rivers.txt"), source("broken", path)]
    for _ in range(2):
        with pytest.raises(BookError, match="compressed file is damaged"):
            prepare(config(inputs, texts=texts, processes=1), tokenizer, tmp_path / "corpus")
        (unfinished,) = (tmp_path / "corpus").iterdir()
        note = read_json(unfinished / "checkpoint" / "progress.json")
        assert note["shards"] > 3 and [row["source"] for row in note["finished"]] == ["rivers"]


def test_an_error_in_a_worker_reaches_its_parent(tokenizer, small_steps):
    batch = pool.Batch([("train", [7])], 7, {}, 0, last=True)
    made = pool.tokenised([batch] * 9, Settings.of(tokenizer, 32, "full_sentences"), 2)
    with pytest.raises(TypeError) as error:
        next(made)
    assert "characters += len(paragraph)" in str(error.value.__cause__)


def test_a_worker_that_is_killed_is_an_error_and_takes_the_others_along(tokenizer, small_steps):
    batches = (pool.Batch([("train", ["the river"])], 9, {}, 0, last=False) for _ in range(10**6))
    made = pool.tokenised(batches, Settings.of(tokenizer, 32, "full_sentences"), 2)
    next(made)
    children = tokenising_processes(psutil.Process())
    children[0].kill()
    with pytest.raises(BookError, match="a tokenising process ended before its work was done"):
        list(made)
    assert children and not any(psutil.pid_exists(child.pid) for child in children)


def tokenising_processes(process: psutil.Process) -> list[psutil.Process]:
    running = [child for child in process.children() if child.status() != psutil.STATUS_ZOMBIE]
    return [child for child in running if any("popen_loky" in word for word in child.cmdline())]


ENDLESS = """
from pathlib import Path
from distilbook.corpus import pool
from distilbook.corpus.tokenising import Settings, Tokeniser
from distilbook.models.loading import load_tokenizer

pool.CHARACTERS_HANDED_ON = 1
batches = iter(lambda: pool.Batch([("train", ["the river"] * 1000)], 9, {}, 0, last=False), None)
made = pool.tokenised(batches, Settings.of(load_tokenizer(Path(%r)), 32, "full_sentences"), 2)
for number, _ in enumerate(made):
    if number == 20:
        print("at work", flush=True)
"""


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT])
def test_no_process_outlives_the_one_that_started_it(inputs, tmp_path, ending):
    """The script has no guard against being imported, as a reader's own would not."""
    script = tmp_path / "script.py"
    script.write_text(ENDLESS % str(inputs / "teacher"))
    process = subprocess.Popen(
        [sys.executable, script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell that starts the tests in the background has them ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout.readline() == "at work\n"
    children = tokenising_processes(psutil.Process(process.pid))
    assert len(children) == 2
    if ending == signal.SIGINT:
        os.killpg(process.pid, ending)  # as a terminal and Jupyter do: the children get it too
        assert process.communicate(timeout=60)[1].count("KeyboardInterrupt") == 1
    else:
        process.kill()
        process.communicate()
    gone, alive = psutil.wait_procs(children, timeout=20)
    assert not alive


def test_a_small_text_starts_no_process(inputs, tokenizer, tmp_path, monkeypatch):
    monkeypatch.setattr(pool.ProcessPoolExecutor, "submit", lambda *_: pytest.fail("a process was started"))
    prepare(two_sources(inputs, processes=4), tokenizer, tmp_path)
