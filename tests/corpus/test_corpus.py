"""A corpus holds the text of its sources, in blocks, counted, with whole documents held out."""

import gzip

import numpy as np
import pytest
from distilbook.core.config import BookError
from distilbook.core.files import sole
from distilbook.corpus import checks, preparation
from distilbook.corpus import corpus as blocks
from distilbook.corpus.build import prepare
from distilbook.corpus.config import CorpusConfig
from distilbook.corpus.corpus import Corpus, evenly_spaced
from distilbook.corpus.preparation import in_held_out
from distilbook.corpus.tokenising import Settings
from distilbook.models.loading import load_tokenizer
from distilbook.text.sources import Document, TextSource
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError


def config(inputs, **changes) -> CorpusConfig:
    values = {
        "edition": "test",
        "texts": [{"name": "rivers", "address": str(inputs / "rivers.txt")}],
        "tokenizer": "-",
        "block_length": 32,
        "held_out_share": 0.2,
        "held_out_blocks": 1000,
    }
    return CorpusConfig(**values | changes)


def test_the_corpus_holds_the_documents_text(inputs, tmp_path):
    tokenizer = load_tokenizer(inputs / "teacher")
    made = prepare(config(inputs), tokenizer, tmp_path)
    text = (inputs / "rivers.txt").read_text()
    inner = np.concatenate([block[1:-1] for block in made.train[:2]])
    pieces = [token for token in inner if token != tokenizer.sep_token_id]
    assert tokenizer.decode(pieces[:15]).replace(" .", ".") in " ".join(text.split())
    row = made.statistics[0]
    assert row["documents"] == 40 and row["words"] == len(text.split())
    assert row["train_blocks"] == len(made.train) and row["held_out_blocks"] == len(made.held_out)
    assert row["lines_left_out"] == 0


def test_counts_are_those_of_the_training_blocks(inputs, tmp_path):
    tokenizer = load_tokenizer(inputs / "teacher")
    made = prepare(config(inputs), tokenizer, tmp_path)
    assert made.counts.sum() == made.train.size and len(made.counts) == len(tokenizer)
    assert made.counts[tokenizer.cls_token_id] == len(made.train)
    assert made.counts.tolist() == np.bincount(made.train[:].ravel(), minlength=len(tokenizer)).tolist()


def test_a_sequence_a_block_is_padded_and_its_padding_not_counted(inputs, tmp_path):
    tokenizer = load_tokenizer(inputs / "teacher")
    made = prepare(config(inputs, packing="one_sequence", block_length=15), tokenizer, tmp_path)
    sequences = made.train[:]
    lengths = (sequences != tokenizer.pad_token_id).sum(axis=1)
    assert lengths.min() >= 12 and lengths.min() < lengths.max() == 15
    assert (sequences[:, 0] == tokenizer.cls_token_id).all()
    assert (sequences[np.arange(len(sequences)), lengths - 1] == tokenizer.sep_token_id).all()
    assert made.counts[tokenizer.pad_token_id] == 0 and made.counts.sum() == lengths.sum()
    row = made.statistics[0]
    assert row["sequences_dropped"] > 0
    cut = -(-row["tokens"] // 13)
    assert row["train_blocks"] + row["held_out_blocks"] + row["sequences_dropped"] >= cut
    with (inputs / "rivers.txt").open() as file:
        paragraph = next(file).strip()
    assert any(paragraph.lower().startswith(tokenizer.decode(s[1:12]).replace(" .", ".")) for s in sequences)


def test_a_second_preparation_opens_the_first(inputs, tmp_path):
    tokenizer = load_tokenizer(inputs / "teacher")
    first = prepare(config(inputs), tokenizer, tmp_path)
    stamp = (first.folder / "train-00000.bin").stat().st_mtime_ns
    again = prepare(config(inputs), tokenizer, tmp_path)
    assert again.folder == first.folder and (first.folder / "train-00000.bin").stat().st_mtime_ns == stamp
    other = prepare(config(inputs, block_length=16), tokenizer, tmp_path)
    assert other.folder != first.folder and other.train.shape[1] == 16


def test_two_sources_of_one_name_are_refused(inputs):
    text = {"name": "rivers", "address": str(inputs / "rivers.txt")}
    with pytest.raises(ValidationError, match="each name once"):
        config(inputs, texts=[text, text | {"address": "elsewhere.txt"}])


def test_held_out_is_decided_by_the_documents_name_alone():
    names = [f"document {number}" for number in range(20_000)]
    share = np.mean([in_held_out(name, 0.05) for name in names])
    assert abs(share - 0.05) < 0.007
    assert all(in_held_out(name, 0.3) for name in names if in_held_out(name, 0.1))


def test_at_most_the_wanted_held_out_blocks_are_kept(inputs, tmp_path):
    made = prepare(config(inputs, held_out_blocks=3), load_tokenizer(inputs / "teacher"), tmp_path)
    assert len(made.held_out) == 3


@given(st.integers(1, 500), st.integers(1, 600))
def test_evenly_spaced_numbers_are_within_bounds_and_distinct(number, most):
    chosen = evenly_spaced(number, most)
    assert len(chosen) == min(number, most) and chosen[0] == 0 and chosen[-1] < number


@pytest.mark.parametrize("at_once", [1, 500, 10**9])
def test_the_corpus_does_not_depend_on_how_much_is_worked_on_at_once(inputs, tmp_path, monkeypatch, at_once):
    tokenizer = load_tokenizer(inputs / "teacher")
    expected = prepare(config(inputs), tokenizer, tmp_path / "before")
    monkeypatch.setattr(preparation, "CHARACTERS_AT_ONCE", at_once)
    monkeypatch.setattr("distilbook.corpus.tokenising.CHARACTERS_AT_ONCE", at_once)
    monkeypatch.setattr(preparation, "SHARD", at_once)
    monkeypatch.setattr(blocks, "TOKENS_AT_ONCE", min(at_once, 10**6) + 1)
    made = prepare(config(inputs), tokenizer, tmp_path / "after")
    assert (len(made.train.parts) > 1) == (at_once < 10**9) == (len(expected.train.parts) < len(made.train.parts))
    assert same(made, expected)


def same(one: Corpus, other: Corpus) -> bool:
    """Whether two corpora are the same to the last bit."""
    assert one.train[:].tolist() == other.train[:].tolist() and one.held_out.tolist() == other.held_out.tolist()
    assert one.counts.tolist() == other.counts.tolist() and one.statistics == other.statistics
    return (one.fingerprint, one.vocabulary, one.folder.name) == (
        other.fingerprint,
        other.vocabulary,
        other.folder.name,
    )


def source(name: str, path) -> dict:
    return {"name": name, "address": str(path)}


def refusal(*arguments) -> str:
    """Return the whole text of the error that the preparation ends with."""
    with pytest.raises(BookError) as error:
        prepare(*arguments)
    return str(error.value)


def test_too_little_text_is_an_error_that_leaves_nothing_behind(inputs, tmp_path):
    (tmp_path / "short.txt").write_text("the river.\n")
    texts = [source("short", tmp_path / "short.txt")]
    assert refusal(config(inputs, texts=texts), load_tokenizer(inputs / "teacher"), tmp_path / "corpus") == (
        "no block of 32 tokens came out of the train text.\n"
        f"  where: ['{tmp_path}/short.txt']\n  expected: at least one block; documents are held out whole, and there are 1\n"
        "  do: add text, put blank lines between documents, shorten block_length, or change held_out_share"
    )
    assert not list((tmp_path / "corpus").iterdir())


UNKNOWN = """{share} of {pieces} tokens are unknown: the vocabulary is not one for this text.
  where: the source 'foreign', {path}
  expected: at most 20% unknown tokens; text in the vocabulary's language has under 1%
  do: set the tokenizer to that of a model for this language, or give other text"""


@pytest.mark.parametrize(
    ("line", "share", "pieces"),
    [
        ("река течёт к морю", "100%", "20,000"),
        ("река течёт.", "67%", "20,001"),
        ("ο ποταμός κυλά", "100%", "20,001"),
        ("河流向大海", "100%", "20,000"),
    ],
)
def test_text_that_the_vocabulary_does_not_know_stops_everything_at_its_beginning(
    inputs, tmp_path, monkeypatch, line, share, pieces
):
    monkeypatch.setattr(preparation, "tokenised", lambda *_: pytest.fail("a source was worked on"))
    path = tmp_path / "foreign.txt"
    path.write_text(f"{line}\n" * 100_000)
    texts = [source("rivers", inputs / "rivers.txt"), source("foreign", path)]
    found = refusal(config(inputs, texts=texts), load_tokenizer(inputs / "teacher"), tmp_path / "corpus")
    assert found == UNKNOWN.format(share=share, pieces=pieces, path=path)
    assert not list((tmp_path / "corpus").iterdir())


def test_no_more_than_the_beginning_of_a_source_is_looked_at(inputs, monkeypatch):
    read = []

    def endless(text, reading):
        while True:
            read.append(text.name)
            yield Document(str(len(read)), ["the river reaches the capital"])

    monkeypatch.setattr(checks, "documents", endless)
    settings = Settings.of(load_tokenizer(inputs / "teacher"), 32, "full_sentences")
    checks.check_beginning(config(inputs).texts[0], settings)
    assert checks.TOKENS_CHECKED / 5 <= len(read) <= checks.TOKENS_CHECKED


def test_text_that_becomes_unknown_later_is_refused_when_it_has_been_read(inputs, tmp_path):
    path = tmp_path / "foreign.txt"
    known, unknown = "the river " * 10, "река течёт " * 10
    path.write_text(f"{known}\n\n" * 2_000 + f"{unknown}\n\n" * 2_000)
    texts = [source("foreign", path)]
    found = refusal(config(inputs, texts=texts), load_tokenizer(inputs / "teacher"), tmp_path / "corpus")
    assert found == UNKNOWN.format(share="50%", pieces="80,000", path=path)
    assert not list((tmp_path / "corpus").iterdir())


@pytest.mark.parametrize(("unknown", "refused"), [(1, False), (2, False), (3, True)])
def test_some_unknown_tokens_are_counted_and_only_many_are_refused(inputs, tmp_path, unknown, refused):
    tokenizer = load_tokenizer(inputs / "teacher")
    path = tmp_path / "foreign.txt"
    words = ["the"] * (10 - unknown) + ["река"] * unknown
    path.write_text((" ".join(words) + "\n\n") * 200)
    made = config(inputs, texts=[source("foreign", path)])
    if refused:
        assert refusal(made, tokenizer, tmp_path / "corpus") == UNKNOWN.format(share="30%", pieces="2,000", path=path)
    else:
        row = prepare(made, tokenizer, tmp_path / "corpus").statistics[0]
        assert (row["tokens"], row["unknown"]) == (2_000, 200 * unknown)


def test_a_bad_second_source_is_found_before_the_first_is_worked_on(inputs, tmp_path, monkeypatch):
    monkeypatch.setattr(preparation, "tokenised", lambda *_: pytest.fail("a source was worked on"))
    path = tmp_path / "blank.txt"
    path.write_text("\n \n")
    texts = [source("rivers", inputs / "rivers.txt"), source("blank", path)]
    assert refusal(config(inputs, texts=texts), load_tokenizer(inputs / "teacher"), tmp_path / "corpus") == (
        f"a source holds no text.\n  where: {path}\n  expected: at least one document with a word\n"
        "  do: correct the source's address or column, or remove it"
    )
    assert not list((tmp_path / "corpus").iterdir())


def test_a_source_that_fails_midway_leaves_nothing_behind_and_an_earlier_corpus_openable(inputs, tmp_path):
    tokenizer = load_tokenizer(inputs / "teacher")
    earlier = prepare(config(inputs), tokenizer, tmp_path / "corpus")
    path = tmp_path / "broken.txt.gz"
    path.write_bytes(gzip.compress(b"the river passes the valley\n\n" * 5_000)[:-20])
    texts = [source("rivers", inputs / "rivers.txt"), source("broken", path)]
    assert refusal(config(inputs, texts=texts), tokenizer, tmp_path / "corpus") == (
        "a compressed file is damaged (Compressed file ended before the end-of-stream marker was reached).\n"
        f"  where: {path}\n  expected: a whole gzip file\n  do: copy or download the file again"
    )
    assert list((tmp_path / "corpus").iterdir()) == [earlier.folder]
    assert Corpus.open(earlier.folder).train[:].tolist() == earlier.train[:].tolist()


def test_bad_lines_are_left_out_counted_and_named_in_the_log(inputs, tmp_path, monkeypatch, capsys):
    tokenizer = load_tokenizer(inputs / "teacher")
    good = prepare(config(inputs), tokenizer, tmp_path / "corpus")
    path = tmp_path / "rivers.txt"
    lines = (inputs / "rivers.txt").read_bytes().splitlines(keepends=True)
    for number in (20, 40, 60, 80):
        lines.insert(number, b"\xff bad\n")
    path.write_bytes(b"".join(lines))
    monkeypatch.setenv("DISTILBOOK_LOG", str(tmp_path / "log"))
    made = prepare(config(inputs, texts=[source("rivers", path)]), tokenizer, tmp_path / "corpus")
    assert made.train[:].tolist() == good.train[:].tolist()
    assert made.statistics[0] == good.statistics[0] | {"lines_left_out": 4}
    where = "; ".join(f"a line is not UTF-8 ({path}:{number})" for number in (21, 41, 61))
    said = f"left out 4 lines of rivers: {where}; …\n"
    assert said in capsys.readouterr().err and said in (tmp_path / "log").read_text()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("the river\n" * 101, "101 lines and no blank one among them: they are one document."),
        ("the river\n" * 101 + "\nits end\n", ""),
        ("the river\n" * 50, ""),
        ("<doc id='1'>\nthe river\n</doc>\n", "lines that are one tag, such as <doc ...>, are taken for ends"),
        ("<p>the river</p>\nthe [[sea]]\nthe end\n", "67% of the first 3 paragraphs hold markup, such as '<p>'"),
        ("the river is < 5 km & > 3 km\n", ""),
    ],
)
def test_likely_mistakes_are_reported_before_a_source_is_tokenised(
    inputs, tmp_path, monkeypatch, capsys, content, said
):
    (tmp_path / "a.txt").write_text(content)
    settings = Settings.of(load_tokenizer(inputs / "teacher"), 32, "full_sentences")
    monkeypatch.setattr(checks, "MOST_UNKNOWN", 1.0)
    checks.check_beginning(TextSource(name="a", address=str(tmp_path / "a.txt")), settings)
    found = capsys.readouterr().err
    assert found.startswith(f"a: {said}") if said else not found


def test_files_that_are_not_read_and_a_limit_that_is_not_reached_are_reported(inputs, tmp_path, capsys):
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "rivers.txt").write_bytes((inputs / "rivers.txt").read_bytes())
    (tmp_path / "text" / "more.text").write_text("the river")
    texts = [source("rivers", tmp_path / "text") | {"limit": 1_000}]
    made = prepare(config(inputs, texts=texts), load_tokenizer(inputs / "teacher"), tmp_path / "corpus")
    found = capsys.readouterr().err
    assert "rivers: not read: more.text (no ending of .txt, .txt.gz, .jsonl, .jsonl.gz, .parquet)\n" in found
    assert f"rivers has {made.statistics[0]['documents']} documents, its limit is 1,000\n" in found


def test_two_cannot_prepare_the_same_corpus_at_once(inputs, tmp_path):
    tokenizer = load_tokenizer(inputs / "teacher")
    made = prepare(config(inputs), tokenizer, tmp_path / "first")
    lock = tmp_path / "second" / f"{made.folder.name}.unfinished" / "lock"
    with sole(lock, "a test"):
        assert refusal(config(inputs), tokenizer, tmp_path / "second").startswith(
            "the preparation of this corpus is under way already.\n  where: process "
        )
    assert same(prepare(config(inputs), tokenizer, tmp_path / "second"), made)


def test_a_megabyte_in_one_line_makes_the_blocks_that_the_same_text_makes_in_short_lines(inputs, tmp_path):
    tokenizer = load_tokenizer(inputs / "teacher")
    sentences = (inputs / "rivers.txt").read_text().split("\n") * 50
    sentences = [sentence for sentence in sentences if sentence]
    made = []
    for name, joint in (("line", " "), ("lines", "\n")):
        path = tmp_path / name / "text.txt"
        path.parent.mkdir()
        # The first line is a document of its own, so that something is held out.
        path.write_text("".join(f"{sentence}\n\n" for sentence in sentences[:20]) + joint.join(sentences) + "\n")
        assert path.stat().st_size > 1_000_000
        made.append(prepare(config(inputs, texts=[source("river", path)]), tokenizer, tmp_path / name))
    assert made[0].train[:].tolist() == made[1].train[:].tolist() and len(made[0].train) > 1_000
    assert made[0].statistics == made[1].statistics


def test_blocks_longer_than_the_models_inputs_are_refused_before_any_text_is_read(inputs, tmp_path):
    tokenizer = load_tokenizer(inputs / "teacher")
    assert refusal(config(inputs, block_length=65), tokenizer, tmp_path / "corpus").startswith(
        "blocks have 65 tokens, and the model has 64 positions"
    )
    assert not (tmp_path / "corpus").exists()
