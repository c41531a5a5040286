"""Addresses of texts, and their fingerprints."""

import gzip
import json
import os

import pytest
from distilbook.core.config import BookError
from distilbook.text import hub, wheels
from distilbook.text.lines import Reading
from distilbook.text.sources import Document, TextSource, documents, fingerprint, name_prefixes


@pytest.fixture(autouse=True)
def root(tmp_path, monkeypatch):
    """A project of its own."""
    (tmp_path / "project" / "book").mkdir(parents=True)
    monkeypatch.setenv("DISTILBOOK_ROOT", str(tmp_path / "project"))
    return tmp_path / "project"


def source(address, **fields) -> TextSource:
    return TextSource(name="some text", address=str(address), **fields)


def message(address, call=lambda text: list(documents(text))) -> str:
    """Return the whole text of the error that a source ends with."""
    with pytest.raises(BookError) as error:
        call(source(address))
    return str(error.value)


def test_a_relative_path_starts_at_the_projects_root(root):
    (root / "texts").mkdir()
    (root / "texts" / "a.txt").write_text("one\n\ntwo\n")
    assert list(documents(source("texts/a.txt"))) == [Document("a.txt:0", ["one"]), Document("a.txt:1", ["two"])]
    assert list(documents(source(root / "texts"))) == list(documents(source("texts/a.txt")))


def test_documents_of_two_files_of_one_name_differ_by_a_hash_of_the_content(root):
    texts = {"a": "one\n\ntwo\n", "b": "three\n\nfour\n", "again": "one\n\ntwo\n"}
    for folder, text in texts.items():
        (root / folder).mkdir()
        (root / folder / "text.txt").write_text(text)
    first, other, again = name_prefixes([source(root / name / "text.txt") for name in texts])
    assert first == again == "" and other
    assert name_prefixes([source(root / name) for name in ("a", "again", "b")]) == ["", "", other]
    (root / "b" / "text.txt").rename(root / "b" / "moved.txt")
    assert name_prefixes([source(root / name) for name in ("a", "b")]) == ["", ""]


def test_documents_without_text_are_skipped_and_do_not_count(root):
    texts = ["", "one", " \n ", "two", "three"]
    (root / "a.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    assert [d.id for d in documents(source("a.jsonl", limit=2))] == ["a.jsonl:1", "a.jsonl:3"]


def test_nothing_is_read_beyond_the_limit(root):
    content = gzip.compress(b"one\n\ntwo\n\n" + b"three\n\n" * 100_000)
    (root / "a.txt.gz").write_bytes(content[:-20])
    assert len(list(documents(source("a.txt.gz", limit=2)))) == 2
    with pytest.raises(BookError, match="compressed file is damaged"):
        list(documents(source("a.txt.gz", limit=200_000)))


@pytest.mark.parametrize("limit", [None, 1, 4, 5])
@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "folder", "hub:some/texts"])
def test_a_source_is_read_on_from_any_place(root, monkeypatch, name, limit):
    texts = ["one", "", None, 5, "two\nthree", "four", 6, "five"]
    rows = [{"text": text} for text in texts]
    (root / "folder").mkdir()
    for path in ("a.jsonl", "folder/b.jsonl"):
        (root / path).write_text("".join(json.dumps(row) + "\n" for row in rows))
    (root / "a.txt").write_bytes(b"one\n\n\xff\ntwo\nthree\n\nfour\n\n\xff\n\nfive\n")
    monkeypatch.setattr(hub, "dataset_rows", lambda *what, skip: iter(rows[skip:]))
    text, reading = source(name, limit=limit), Reading()
    found, places = [], [reading.state()]
    for document in documents(text, reading):
        found.append(document)
        places.append(reading.state())
    assert len(found) == min(limit or 4, 4)
    for number, place in enumerate(places):
        again = Reading(**json.loads(json.dumps(place)))
        assert list(documents(text, again)) == found[number:]
        assert again.state() == reading.state()
    assert reading.left_out == 2 if limit in (None, 5) else reading.left_out <= 2


def test_a_source_that_holds_no_text_is_an_error(root):
    (root / "a.txt").write_text("\n \n")
    (root / "a.jsonl").write_text('{"text": " "}\n\n{"text": null}\n')
    for name in ("a.txt", "a.jsonl"):
        assert message(name) == (
            f"a source holds no text.\n  where: {name}\n  expected: at least one document with a word\n"
            "  do: correct the source's address or column, or remove it"
        )


def test_a_source_that_does_not_exist_is_named_by_its_whole_path(root):
    expected = (
        f"a source's file or folder does not exist.\n  where: {root}/texts/none.txt\n"
        "  do: correct the source's address; relative paths start at the project's root"
    )
    assert message("texts/none.txt") == expected
    assert message("texts/none.txt", fingerprint) == expected


def test_an_empty_file_is_named_by_its_whole_path(root):
    (root / "a.txt").write_text("")
    assert message("a.txt") == (
        f"a file is empty.\n  where: {root}/a.txt\n  expected: at least one line or row\n"
        "  do: supply the file again, remove it, or correct the address"
    )


@pytest.mark.parametrize(
    "fields, said",
    [
        ({"address": "wheel:wikipdia"}, "expected: wheel:wikipedia or wheel:reviews\n  do: did you mean 'wikipedia'?"),
        ({"address": "wheel:wikipedia", "column": "body"}, "parameter 'column' cannot be used"),
        ({"address": "a.txt", "revision": "v1"}, "parameter 'revision' cannot be used"),
        ({"address": "a\n.txt"}, "parameter 'address' cannot be used"),
    ],
)
def test_settings_without_a_use_for_the_address_are_refused_at_once(fields, said):
    with pytest.raises(BookError) as error:
        TextSource.parse({"name": "x"} | fields, where="a test")
    assert said in str(error.value)


def test_a_data_set_of_the_hub_is_read_with_subset_split_column_and_revision(monkeypatch):
    asked = []
    rows = [{"body": "one\ntwo"}, {"body": ""}]
    monkeypatch.setattr(hub, "dataset_rows", lambda *what, skip: asked.append((*what, skip)) or iter(rows))
    found = list(documents(source("hub:some/texts", subset="en", split="test", column="body", revision="v1")))
    assert found == [Document("some/texts:0", ["one", "two"])]
    assert asked == [("some/texts", "en", "test", "v1", 0)]


def test_a_wrong_field_is_explained():
    with pytest.raises(BookError, match="unknown parameter 'adress'"):
        TextSource.parse({"name": "x", "adress": "y"}, where="a test")
    with pytest.raises(BookError, match="limit"):
        TextSource.parse({"name": "x", "address": "y", "limit": 0}, where="a test")


def test_the_fingerprint_is_the_contents_and_not_the_places(root):
    for folder in ("one", "two"):
        (root / folder).mkdir()
        (root / folder / "a.txt").write_text("text")
    first = fingerprint(source("one"))
    assert first == fingerprint(source("two")) == fingerprint(TextSource(name="another label", address="one"))
    assert first != fingerprint(source("one", limit=1))
    (root / "one" / "a.txt").write_text("text!")
    assert first != fingerprint(source("one"))
    (root / "two" / "a.txt").rename(root / "two" / "b.txt")
    assert first != fingerprint(source("two"))


def test_the_fingerprint_is_that_of_the_files_that_are_read(root):
    (root / "rows").mkdir()
    for name in ("train", "test"):
        (root / "rows" / f"{name}.jsonl").write_text(f'{{"text": "{name}"}}\n')
    first = fingerprint(source("rows"))
    (root / "rows" / "test.jsonl").write_text('{"text": "another"}\n')
    (root / "rows" / ".ipynb_checkpoints").mkdir()
    (root / "rows" / ".ipynb_checkpoints" / "train-checkpoint.jsonl").write_text("{}")
    assert fingerprint(source("rows")) == first != fingerprint(source("rows", split="test"))
    (root / "rows" / "README.md").write_text(
        "---\nconfigs:\n- config_name: default\n  data_files:\n  - split: train\n    path: test.jsonl\n---\n"
    )
    assert fingerprint(source("rows")) != first


def test_a_pipe_is_refused_rather_than_waited_for(root):
    os.mkfifo(root / "a.txt")
    assert message("a.txt") == message("a.txt", fingerprint)
    assert message("a.txt").startswith("a pipe, socket or device is no file")


def test_a_hub_fingerprint_is_the_commit_under_any_name(monkeypatch):
    commits = {None: "a" * 40, "v1": "a" * 40, "v2": "b" * 40}
    monkeypatch.setattr(hub, "commit", lambda kind, name, revision: commits[revision])
    assert fingerprint(source("hub:some/texts")) == fingerprint(source("hub:some/texts", revision="v1"))
    assert fingerprint(source("hub:some/texts")) != fingerprint(source("hub:some/texts", revision="v2"))


def test_a_wheels_fingerprint_needs_no_wheel(monkeypatch):
    monkeypatch.setattr(wheels, "fetch", lambda: pytest.fail("fetched"))
    assert fingerprint(source("wheel:wikipedia")) != fingerprint(source("wheel:reviews"))
