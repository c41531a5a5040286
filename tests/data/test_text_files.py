"""Local text: documents from plain text, JSON lines, parquet and folders, and what is wrong with a file."""

import gzip
import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


def message(call, *arguments, **named) -> str:
    """Return the whole text of the error that a call ends with."""
    with pytest.raises(BookError) as error:
        call(*arguments, **named)
    return str(error.value)


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


EMPTY = """a file is empty.
  where: {path}
  expected: at least one document
  do: supply the file again, remove it, or correct the source's address"""

NO_TEXT = """a file is no text: {why}.
  where: {path}
  expected: text in UTF-8
  do: convert it, for instance with: iconv -f LATIN1 -t UTF-8, or remove it from the sources"""

DAMAGED = """a compressed file is damaged ({why}).
  where: {path}
  expected: a whole gzip file
  do: copy or download the file again"""

NO_PARQUET = """a file is no parquet, or only a part of one.
  where: {path}
  expected: a whole parquet file
  do: copy or download the file again, or give it the ending of what is in it"""

NO_ROW = """{why}.
  where: {path}:{line}
  expected: a JSON object a line, each a document with its text in a field: {{"text": "…"}}
  do: write each document as an object on a line of its own, or remove the line"""

NO_COLUMN = """a row has no column 'text'.
  where: {path}, row 1
  expected: one of its columns: body, title
  do: set the source's column to it"""

NO_SPACE = """a line holds more than 100,000 characters without a space.
  where: {place}
  expected: words, not base64, a minified file or other data
  do: {do}"""

BINARY = bytes(range(128, 256)) * 20
ZEROS = "it holds zero bytes"


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz", "a.jsonl", "a.jsonl.gz", "a.parquet"])
def test_an_empty_file_is_refused(tmp_path, name):
    path = write(tmp_path / name, b"")
    assert message(documents, path) == EMPTY.format(path=path)


def test_a_parquet_file_without_rows_is_refused_as_empty(tmp_path):
    path = write_parquet(tmp_path / "a.parquet", text=[])
    assert message(documents, path) == EMPTY.format(path=path)


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz", "a.jsonl"])
def test_a_file_of_blank_lines_has_no_document(tmp_path, name):
    assert documents(write(tmp_path / name, "\n  \n\t\n\n")) == []


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz", "a.jsonl", "a.jsonl.gz"])
@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"\x7fELF\0\0\0\x01", ZEROS),
        ("text".encode("utf-16"), ZEROS),
        (BINARY, "line 1 is not UTF-8"),
        (b"caf\xe9", "line 1 is not UTF-8"),
        (b'{"text": "one"}\n{"text": "caf\xc3"}\n', "line 2 is not UTF-8"),
        (b'{"text": "one"}\n{"text": "caf\xc3', "line 2 is not UTF-8"),
    ],
)
def test_a_binary_file_is_refused_whatever_its_ending(tmp_path, name, content, why):
    path = write(tmp_path / name, content)
    assert message(documents, path) == NO_TEXT.format(path=path, why=why)


@pytest.mark.parametrize("name", ["a.txt.gz", "a.jsonl.gz"])
def test_a_damaged_gzip_file_is_refused(tmp_path, name):
    path = tmp_path / name
    whole = gzip.compress(b'{"text": "a long text"}\n' * 1000)
    path.write_bytes(whole[:-20])
    why = "Compressed file ended before the end-of-stream marker was reached"
    assert message(documents, path) == DAMAGED.format(path=path, why=why)
    path.write_bytes(b"no gzip at all")
    assert message(documents, path) == DAMAGED.format(path=path, why="Not a gzipped file (b'no')")
    path.write_bytes(whole[:10] + b"\xff" * 20)
    assert message(documents, path) == DAMAGED.format(
        path=path, why="Error -3 while decompressing data: invalid block type"
    )


def test_a_file_that_is_no_parquet_or_a_part_of_one_is_refused(tmp_path):
    path = write(tmp_path / "a.parquet", b"PAR1 not really")
    assert message(documents, path) == NO_PARQUET.format(path=path)
    content = write_parquet(tmp_path / "whole.parquet", text=["one"] * 1000).read_bytes()
    write(path, content[: len(content) // 2])
    assert message(documents, path) == NO_PARQUET.format(path=path)
    write(path, BINARY)
    assert message(documents, path) == NO_PARQUET.format(path=path)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('{"text": ', "a line is no JSON (Expecting value)"),
        ("just words", "a line is no JSON (Expecting value)"),
        ('["x"]', "a line is no JSON object"),
        ("null", "a line is no JSON object"),
    ],
)
def test_a_line_that_is_no_json_object_is_refused_with_its_number(tmp_path, line, why):
    path = write(tmp_path / "a.jsonl", '{"text": "x"}\n\n' + line + "\n")
    assert message(documents, path) == NO_ROW.format(path=path, line=3, why=why)


def test_a_row_without_the_column_is_refused_with_the_columns_it_has(tmp_path):
    path = write(tmp_path / "a.jsonl", '{"body": "x", "title": "y"}\n')
    assert message(documents, path) == NO_COLUMN.format(path=path)
    path = write_parquet(tmp_path / "a.parquet", body=["x"], title=["y"])
    assert message(documents, path) == NO_COLUMN.format(path=path)
    path = write(tmp_path / "b.jsonl", '{"text": "x"}\n{}\n')
    assert message(documents, path) == (
        f"a row has no column 'text'.\n  where: {path}, row 2\n  expected: one of its columns: it has none\n"
        "  do: set the source's column to it"
    )


def test_a_column_that_holds_no_text_is_refused(tmp_path):
    path = write(tmp_path / "a.jsonl", '{"text": null}\n{"text": 5}\n')
    assert message(documents, path) == (
        f"the column 'text' holds no text but int.\n  where: {path}, row 2\n  expected: text, or nothing\n"
        "  do: set the source's column to one that holds text"
    )


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("b.txt", b"", EMPTY),
        ("b.txt.gz", b"", EMPTY),
        ("b.txt", b"\0", NO_TEXT.replace("{why}", ZEROS)),
        ("b.jsonl", b"", EMPTY),
        ("b.jsonl", b"\xff\n", NO_TEXT.replace("{why}", "line 1 is not UTF-8")),
        ("b.parquet", b"PAR1", NO_PARQUET),
    ],
)
def test_a_bad_file_of_a_folder_is_found_before_its_first_document_is_given(tmp_path, name, content, expected):
    good = {".txt": "one", ".gz": "one", ".jsonl": '{"text": "one"}\n'}
    path = write(tmp_path / name, content)
    if path.suffix in good:
        write(tmp_path / f"a{path.suffix if path.suffix != '.gz' else '.txt'}", good[path.suffix])
    else:
        write_parquet(tmp_path / "a.parquet", text=["one"])
    assert message(next, read(tmp_path, "text", None, "train")) == expected.format(path=path)


def test_a_path_that_does_not_exist_is_named(tmp_path):
    assert message(files, tmp_path / "nothing") == (
        f"a source's file or folder does not exist.\n  where: {tmp_path}/nothing\n"
        "  do: correct the source's address; relative paths start at the project's root"
    )


def test_an_unknown_ending_is_refused_with_the_known_ones(tmp_path):
    path = write(tmp_path / "a.csv", "x\n")
    assert message(files, path) == (
        f"a file has an ending that is not known.\n  where: {path}\n"
        "  expected: one of .txt, .txt.gz, .jsonl, .jsonl.gz, .parquet\n"
        "  do: convert the file, or give it the ending of what is in it"
    )


def test_a_folder_without_data_is_refused(tmp_path):
    write(tmp_path / "README.txt", "about nothing")
    write(tmp_path / "notes.md", "x")
    assert message(files, tmp_path) == (
        f"a folder holds no data.\n  where: {tmp_path}\n"
        "  expected: files that end with .txt, .txt.gz, .jsonl, .jsonl.gz, .parquet\n"
        "  do: put the data there, or correct the source's address"
    )


def test_a_folder_of_text_and_rows_is_refused(tmp_path):
    write(tmp_path / "a.txt", "x")
    write(tmp_path / "b.jsonl", "{}")
    assert message(files, tmp_path) == (
        f"a folder holds plain text and rows side by side.\n  where: {tmp_path}\n"
        "  expected: either .txt and .txt.gz, or .jsonl, .jsonl.gz, .parquet\n"
        "  do: make two sources of them, each with a folder of its own"
    )


@pytest.mark.parametrize("which", [{"split": "test"}, {"subset": "en"}])
def test_a_split_of_a_plain_file_is_refused_rather_than_ignored(tmp_path, which):
    path = write(tmp_path / "a.txt", "x")
    assert message(documents, path, **which) == (
        f"a file of text has no subsets and splits.\n  where: {path}\n  expected: neither subset nor split\n"
        "  do: leave them out of the source's parameters, or give a folder in the Hub's layout"
    )


def words(characters: int) -> str:
    """Return numbered words, of so many characters together or a few less."""
    return " ".join(f"word{number:07}" for number in range(characters // 12))


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz", "a.jsonl", "a.parquet"])
def test_a_line_of_a_megabyte_is_a_document_in_short_paragraphs(tmp_path, name):
    line = words(1_000_000)
    if name.endswith("parquet"):
        path = write_parquet(tmp_path / name, text=[line, "the next"])
    elif name.endswith("jsonl"):
        path = write(tmp_path / name, json.dumps({"text": line}) + '\n{"text": "the next"}\n')
    else:
        path = write(tmp_path / name, line + "\n\nthe next\n")
    (first, paragraphs), second = documents(path)
    assert (first, second) == ("0", ("1", ["the next"]))
    assert " ".join(paragraphs) == line
    assert max(map(len, paragraphs)) <= text_files.PARAGRAPH


def test_a_line_of_fifty_megabytes_comes_in_documents_and_is_never_in_memory_as_a_whole(tmp_path):
    line = words(50_000_000)
    path = write(tmp_path / "a.txt", line)
    at, number = 0, 0
    tracemalloc.start()
    for number, (name, paragraphs) in enumerate(read(path, "text", None, "train"), start=1):
        assert name == str(number - 1)
        assert sum(map(len, paragraphs)) <= text_files.CHARACTERS_AT_ONCE + text_files.PARAGRAPH
        for paragraph in paragraphs:
            assert line.startswith(paragraph, at)
            at += len(paragraph) + 1
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (at, number) == (len(line) + 1, 13)
    assert peak < 12_000_000


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz"])
def test_fifty_megabytes_without_a_space_are_refused_after_the_first_tenth_of_a_megabyte(tmp_path, name):
    path = write(tmp_path / name, b"An article.\n" + b"aGVsbG8gd29ybGQ" * 3_300_000)
    tracemalloc.start()
    found = message(documents, path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == NO_SPACE.format(place=f"{path}:2", do="remove the line, or the file from the sources")
    assert peak < 3_000_000


def test_a_row_with_a_megabyte_without_a_space_is_refused(tmp_path):
    path = write(tmp_path / "a.jsonl", '{"text": "x"}\n' + json.dumps({"text": "x y\n" + "x" * 1_000_000}) + "\n")
    do = "take the row out, in a copy of the data set where it comes from the Hub"
    assert message(documents, path) == NO_SPACE.format(place=f"{path}, row 2", do=do)


def test_text_of_a_script_without_spaces_is_cut_at_its_clauses(tmp_path):
    line = "今天天气很好,我们去公园散步。" * 20_000
    ((_, paragraphs),) = documents(write(tmp_path / "a.txt", line))
    assert "".join(paragraphs) == line and all(p.endswith("。") for p in paragraphs)


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_a_json_line_over_the_limit_is_refused_without_being_read_whole(tmp_path, name, monkeypatch):
    monkeypatch.setattr(text_files, "JSON_LINE", 2**20)
    path = write(tmp_path / name, '{"text": "x"}\n[' + '{"text": "one of many"}, ' * 2_000_000 + "]")
    tracemalloc.start()
    found = message(documents, path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == NO_ROW.format(path=path, line=2, why="a line is longer than 1 MiB")
    assert peak < 6_000_000


def test_a_long_blank_line_ends_a_document_and_a_long_line_with_much_space_does_not(tmp_path, monkeypatch):
    monkeypatch.setattr(text_files, "PARAGRAPH", 10)
    path = write(tmp_path / "a.txt", "one\n" + " " * 95 + "\ntwo" + " " * 95 + "three" + " " * 95 + "\nfour\n")
    assert documents(path) == [("0", ["one"]), ("1", ["two", "three", "four"])]


@pytest.mark.parametrize("content", ["one two th", "one two three four 5", "one two t\u00e9"])
def test_a_file_that_ends_where_a_part_ends_is_read_to_its_last_letter(tmp_path, monkeypatch, content):
    monkeypatch.setattr(text_files, "PARAGRAPH", 10)
    path = write(tmp_path / "a.txt", content)
    ((_, paragraphs),) = documents(path)
    assert " ".join(paragraphs) == content
    write(path, b"one two t\xc3")
    assert message(documents, path) == NO_TEXT.format(path=path, why="line 1 is not UTF-8")


GAPS = " \t\r\u00a0\u2009\u2028\u3000"
LETTERS = "abE\u00e9\u0130\u0301\u200b\x0b\x0c\x1c\x1f\x85.,-'\u4eca\u3002\uff0c\U0001f600"


@pytest.fixture(scope="module")
def letter_tokenizers():
    """Tokenizers, with and without case and accents, to which every letter is a word piece of its own."""
    from transformers import BertTokenizerFast

    letters = sorted(set(LETTERS + LETTERS.lower() + "ei\u0307"))
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    vocabulary = {word: number for number, word in enumerate([*special, *letters, *(f"##{x}" for x in letters)])}
    return [
        BertTokenizerFast(vocab=vocabulary, do_lower_case=True),
        BertTokenizerFast(vocab=vocabulary, do_lower_case=False, strip_accents=False),
        BertTokenizerFast(vocab=vocabulary, do_lower_case=False, strip_accents=False, tokenize_chinese_chars=False),
    ]


@given(st.lists(st.tuples(st.text(LETTERS, max_size=11), st.sampled_from(GAPS)), max_size=30))
def test_a_cut_line_has_the_word_pieces_of_the_whole_line(letter_tokenizers, tmp_path_factory, parts):
    line = "".join(word + gap for word, gap in parts)
    path = write(tmp_path_factory.getbasetemp() / "cut.txt", line + "\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_files, "PARAGRAPH", 12)
        paragraphs = [paragraph for _, document in documents(path) for paragraph in document]
    assert all(len(paragraph) <= 12 for paragraph in paragraphs)
    for tokenizer in letter_tokenizers:
        whole = tokenizer(line, add_special_tokens=False)["input_ids"]
        cut = [tokenizer(paragraph, add_special_tokens=False)["input_ids"] for paragraph in paragraphs]
        assert [token for ids in cut for token in ids] == whole
