import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from distilbook.config import BookError
from distilbook.data import corpus as module
from distilbook.data.corpus import Corpus, CorpusConfig, Packer, evenly_spaced, in_held_out, prepare
from distilbook.model.teacher import load_tokenizer


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


@given(st.lists(st.lists(st.integers(10, 99), max_size=40), max_size=20), st.integers(8, 20))
def test_packing_keeps_every_word_piece_in_order_but_for_an_incomplete_last_block(documents, length):
    packer = Packer(length, cls_id=1, sep_id=2)
    blocks = [block for tokens in documents for block in packer.add(tokens)]
    assert all(len(block) == length and block[0] == 1 and block[-1] == 2 for block in blocks)
    inner = [token for block in blocks for token in block[1:-1]]
    stream = [token for tokens in documents for token in (*tokens, 2)]
    assert inner + packer.waiting == stream and len(packer.waiting) < length - 2


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


def test_counts_are_those_of_the_training_blocks(inputs, tmp_path):
    tokenizer = load_tokenizer(inputs / "teacher")
    made = prepare(config(inputs), tokenizer, tmp_path)
    assert made.counts.sum() == made.train.size and len(made.counts) == len(tokenizer)
    assert made.counts[tokenizer.cls_token_id] == len(made.train)


def test_a_second_preparation_opens_the_first(inputs, tmp_path):
    tokenizer = load_tokenizer(inputs / "teacher")
    first = prepare(config(inputs), tokenizer, tmp_path)
    stamp = (first.folder / "train.bin").stat().st_mtime_ns
    again = prepare(config(inputs), tokenizer, tmp_path)
    assert again.folder == first.folder and (first.folder / "train.bin").stat().st_mtime_ns == stamp
    other = prepare(config(inputs, block_length=16), tokenizer, tmp_path)
    assert other.folder != first.folder and other.train.shape[1] == 16


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
    monkeypatch.setattr(module, "CHARACTERS_AT_ONCE", at_once)
    monkeypatch.setattr(module, "COUNTED_AT_ONCE", min(at_once, 10**6) + 1)
    made = prepare(config(inputs), tokenizer, tmp_path / "after")
    assert made.fingerprint == expected.fingerprint and made.statistics == expected.statistics
    assert made.counts.tolist() == np.bincount(made.train.ravel(), minlength=len(tokenizer)).tolist()


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
        "no block of 32 word pieces came out of the train text.\n"
        f"  where: ['{tmp_path}/short.txt']\n  expected: at least one block\n"
        "  do: add text, shorten block_length, or change held_out_share"
    )
    assert not list((tmp_path / "corpus").iterdir())


UNKNOWN = """{share} of {pieces} word pieces are unknown: the vocabulary is not one for this text.
  where: the source 'foreign', {path}
  expected: at most 20% [UNK]; text in the vocabulary's language has under 1%
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
    monkeypatch.setattr(module, "_write_source", lambda *_: pytest.fail("a source was worked on"))
    path = tmp_path / "foreign.txt"
    path.write_text(f"{line}\n" * 100_000)
    texts = [source("rivers", inputs / "rivers.txt"), source("foreign", path)]
    found = refusal(config(inputs, texts=texts), load_tokenizer(inputs / "teacher"), tmp_path / "corpus")
    assert found == UNKNOWN.format(share=share, pieces=pieces, path=path)
    assert not list((tmp_path / "corpus").iterdir())


def test_no_more_than_the_beginning_of_a_source_is_looked_at(inputs, tmp_path, monkeypatch):
    read = []

    def endless(text):
        while True:
            read.append(text.name)
            yield module.Document(str(len(read)), ["the river reaches the capital"])

    monkeypatch.setattr(module, "documents", endless)
    module.look_at(config(inputs).texts[0], load_tokenizer(inputs / "teacher"))
    assert module.WORD_PIECES_LOOKED_AT / 5 <= len(read) <= module.WORD_PIECES_LOOKED_AT


def test_text_that_becomes_unknown_later_is_refused_when_it_has_been_read(inputs, tmp_path):
    path = tmp_path / "foreign.txt"
    known, unknown = "the river " * 10, "река течёт " * 10
    path.write_text(f"{known}\n\n" * 2_000 + f"{unknown}\n\n" * 2_000)
    texts = [source("foreign", path)]
    found = refusal(config(inputs, texts=texts), load_tokenizer(inputs / "teacher"), tmp_path / "corpus")
    assert found == UNKNOWN.format(share="50%", pieces="80,000", path=path)
    assert not list((tmp_path / "corpus").iterdir())


@pytest.mark.parametrize(("unknown", "refused"), [(1, False), (2, False), (3, True)])
def test_some_unknown_word_pieces_are_counted_and_only_many_are_refused(inputs, tmp_path, unknown, refused):
    tokenizer = load_tokenizer(inputs / "teacher")
    path = tmp_path / "foreign.txt"
    words = ["the"] * (10 - unknown) + ["река"] * unknown
    path.write_text((" ".join(words) + "\n\n") * 200)
    made = config(inputs, texts=[source("foreign", path)])
    if refused:
        assert refusal(made, tokenizer, tmp_path / "corpus") == UNKNOWN.format(share="30%", pieces="2,000", path=path)
    else:
        row = prepare(made, tokenizer, tmp_path / "corpus").statistics[0]
        assert (row["word_pieces"], row["unknown"]) == (2_000, 200 * unknown)


def test_a_bad_second_source_is_found_before_the_first_is_worked_on(inputs, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_write_source", lambda *_: pytest.fail("a source was worked on"))
    path = tmp_path / "blank.txt"
    path.write_text("\n \n")
    texts = [source("rivers", inputs / "rivers.txt"), source("blank", path)]
    assert refusal(config(inputs, texts=texts), load_tokenizer(inputs / "teacher"), tmp_path / "corpus") == (
        f"a source holds no text.\n  where: {path}\n  expected: at least one document with a word in it\n"
        "  do: correct the source's address or column, or remove the source"
    )
    assert not list((tmp_path / "corpus").iterdir())


def test_a_source_that_fails_midway_leaves_nothing_behind_and_an_earlier_corpus_openable(inputs, tmp_path):
    tokenizer = load_tokenizer(inputs / "teacher")
    earlier = prepare(config(inputs), tokenizer, tmp_path / "corpus")
    path = tmp_path / "broken.txt"
    path.write_bytes(b"the river passes the valley\n\n" * 5_000 + b"\xff\n")
    texts = [source("rivers", inputs / "rivers.txt"), source("broken", path)]
    assert refusal(config(inputs, texts=texts), tokenizer, tmp_path / "corpus") == (
        f"a file is no text: line 10001 is not UTF-8.\n  where: {path}\n  expected: text in UTF-8\n"
        "  do: convert it, for instance with: iconv -f LATIN1 -t UTF-8, or remove it from the sources"
    )
    assert list((tmp_path / "corpus").iterdir()) == [earlier.folder]
    assert Corpus.open(earlier.folder).train.tolist() == earlier.train.tolist()


def test_an_interrupted_preparation_leaves_nothing_behind_and_the_next_one_is_whole(inputs, tmp_path, monkeypatch):
    tokenizer = load_tokenizer(inputs / "teacher")
    earlier = prepare(config(inputs, block_length=16), tokenizer, tmp_path / "corpus")
    expected = prepare(config(inputs), tokenizer, tmp_path / "elsewhere")

    with monkeypatch.context() as patch:
        whole = module.documents
        calls = []

        def documents(text):
            calls.append(text)
            yield from whole(text)
            if len(calls) == 2:  # the first call looks at the beginning
                raise KeyboardInterrupt

        patch.setattr(module, "documents", documents)
        with pytest.raises(KeyboardInterrupt):
            prepare(config(inputs), tokenizer, tmp_path / "corpus")
    assert list((tmp_path / "corpus").iterdir()) == [earlier.folder]
    assert Corpus.open(earlier.folder).fingerprint == earlier.fingerprint
    made = prepare(config(inputs), tokenizer, tmp_path / "corpus")
    assert made.fingerprint == expected.fingerprint and made.train.tolist() == expected.train.tolist()


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
    assert made[0].train.tolist() == made[1].train.tolist() and len(made[0].train) > 1_000
    assert made[0].statistics == made[1].statistics
