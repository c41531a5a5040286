"""Local text: documents from plain text, JSON lines, parquet and folders, and what is wrong with a file."""

import gzip
import json

import pytest

from distilbook.config import BookError
from distilbook.data import text_files
from distilbook.data.text_files import files, read


def documents(path, column="text", subset=None, split="train"):
    return list(read(path, column, subset, split))


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    data = content.encode() if isinstance(content, str) else content
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def write_parquet(path, **columns):
    import pyarrow
    import pyarrow.parquet

    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    return path


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz"])
def test_a_paragraph_is_a_line_and_a_blank_line_ends_a_document(tmp_path, name):
    path = write(tmp_path / name, "\ufeffone\r\ntwo\r\n\r\n\r\n  three  \n")
    assert documents(path) == [("0", ["one", "two"]), ("1", ["three"])]


def test_a_text_without_blank_lines_comes_in_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(text_files, "PARAGRAPHS_AT_ONCE", 2)
    assert documents(write(tmp_path / "a.txt", "a\nb\nc\n")) == [("0", ["a", "b"]), ("1", ["c"])]


def test_reading_stops_where_the_reader_stops(tmp_path):
    path = write(tmp_path / "a.txt", b"one\n\ntwo\n\n\xff\xfe broken\n")
    stream = read(path, "text", None, "train")
    assert next(stream) == ("0", ["one"])
    assert next(stream) == ("1", ["two"])
    with pytest.raises(BookError, match="line 5 is not UTF-8"):
        next(stream)


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_a_json_line_is_a_document(tmp_path, name):
    rows = [{"id": 1, "body": "one\n\ntwo"}, {"id": "x", "body": None}, {"id": None, "body": "three"}]
    path = write(tmp_path / name, "\n".join(json.dumps(row) for row in rows) + "\n\n")
    assert documents(path, column="body") == [("0", ["one", "two"]), ("1", []), ("2", ["three"])]


def test_a_parquet_row_is_a_document(tmp_path):
    path = write_parquet(tmp_path / "a.parquet", text=["one\ntwo", None, "three"], n=[1, 2, 3])
    assert documents(path) == [("0", ["one", "two"]), ("1", []), ("2", ["three"])]


def test_a_folder_of_text_is_read_in_order_of_names_without_its_licence(tmp_path):
    write(tmp_path / "b.txt", "second")
    write(tmp_path / "a" / "z.txt.gz", "first\n\nthen")
    write(tmp_path / "LICENSE.txt", "all rights")
    assert documents(tmp_path) == [("a/z.txt.gz:0", ["first"]), ("a/z.txt.gz:1", ["then"]), ("b.txt:0", ["second"])]


def test_a_folder_of_rows_is_read_by_split_like_a_data_set_of_the_hub(tmp_path):
    write_parquet(tmp_path / "data" / "train-00000-of-00001.parquet", text=["one"])
    write_parquet(tmp_path / "data" / "test-00000-of-00001.parquet", text=["two"])
    assert documents(tmp_path) == [("0", ["one"])]
    assert documents(tmp_path, split="test") == [("0", ["two"])]
    with pytest.raises(BookError, match=r"could not be read.*(?s:.)*split nothing"):
        documents(tmp_path, split="nothing")


def test_a_folder_with_subsets_gives_the_one_that_is_asked_for(tmp_path):
    write(tmp_path / "en.jsonl", '{"text": "hello"}\n')
    write(tmp_path / "de.jsonl", '{"text": "hallo"}\n')
    write(
        tmp_path / "README.md",
        "---\nconfigs:\n- config_name: en\n  data_files: en.jsonl\n- config_name: de\n  data_files: de.jsonl\n---\n",
    )
    assert documents(tmp_path, subset="de") == [("0", ["hallo"])]
    with pytest.raises(BookError, match="subset fr"):
        documents(tmp_path, subset="fr")


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("a.txt", b"", "a file is empty"),
        ("a.jsonl", b"", "a file is empty"),
        ("a.txt.gz", b"", "a file is empty"),
        ("a.txt", b"\x7fELF\0\0\0\x01", "zero bytes"),
        ("a.txt", "caf\u00e9".encode("latin-1"), "line 1 is not UTF-8"),
        ("a.txt", "text".encode("utf-16"), "zero bytes"),
        ("a.jsonl", b'{"text": "x"}\n{"text": \n', "a line is no JSON"),
        ("a.jsonl", b'["x"]\n', "no JSON object"),
        ("a.jsonl", b'{"body": "x"}\n', "no column 'text'"),
        ("a.jsonl", b'{"text": 5}\n', "holds no text but int"),
        ("a.parquet", b"PAR1 not really", "could not be read"),
        ("a.csv", b"x\n", "ending that is not known"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_what_to_do(tmp_path, name, content, complaint):
    path = write(tmp_path / name, content)
    with pytest.raises(BookError, match=complaint) as error:
        documents(path)
    assert (str(path) in str(error.value)) and "do: " in str(error.value)


def test_a_damaged_gzip_file_is_named(tmp_path):
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(b"a long text " * 1000)[:-20])
    with pytest.raises(BookError, match="damaged"):
        documents(path)
    path.write_bytes(b"no gzip at all")
    with pytest.raises(BookError, match="damaged"):
        documents(path)


def test_a_missing_path_an_empty_folder_and_a_mixed_folder_are_refused(tmp_path):
    with pytest.raises(BookError, match="does not exist"):
        files(tmp_path / "nothing")
    with pytest.raises(BookError, match="holds no data"):
        files(tmp_path)
    write(tmp_path / "a.txt", "x")
    write(tmp_path / "b.jsonl", "{}")
    with pytest.raises(BookError, match="side by side"):
        files(tmp_path)


def test_a_split_of_a_plain_file_is_refused_rather_than_ignored(tmp_path):
    path = write(tmp_path / "a.txt", "x")
    with pytest.raises(BookError, match="no subsets and splits"):
        documents(path, split="test")
    with pytest.raises(BookError, match="no subsets and splits"):
        documents(path, subset="en")
