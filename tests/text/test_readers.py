"""Local text: documents from plain text, JSON lines, parquet and folders, and errors of files and lines."""

import gzip
import json
import tracemalloc

import pytest
from distilbook.core.config import BookError
from distilbook.text import lines, readers
from distilbook.text.lines import Reading
from distilbook.text.readers import files, left_out, read
from hypothesis import given
from hypothesis import strategies as st


def documents(path, column="text", subset=None, split="train", reading=None):
    return list(read(path, column, subset, split, reading or Reading()))


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
    monkeypatch.setattr(readers, "PARAGRAPHS_AT_ONCE", 2)
    assert documents(write(tmp_path / "a.txt", "a\nb\nc\n")) == [("0", ["a", "b"]), ("1", ["c"])]


def test_reading_stops_where_the_reader_stops(tmp_path):
    path = write(tmp_path / "a.txt.gz", "one\n\ntwo\n\n" + "three\n\n" * 100_000)
    path.write_bytes(path.read_bytes()[:-20])
    stream = read(path, "text", None, "train", Reading())
    assert next(stream) == ("0", ["one"])
    assert next(stream) == ("1", ["two"])
    with pytest.raises(BookError, match="a compressed file is damaged"):
        list(stream)


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


def test_files_left_out_of_a_folder_of_text_are_reported_with_the_reason(tmp_path):
    for name in ("books.txt", "c.text", "wiki_00", "notices_of_1900.txt", "UPPER.TXT", "License.txt", "readme-de.txt"):
        write(tmp_path / name, name)
    write(tmp_path / ".ipynb_checkpoints" / "books-checkpoint.txt", "held out")
    (tmp_path / "link.txt").symlink_to("books.txt")
    assert [text for _, text in documents(tmp_path)] == [["UPPER.TXT"], ["books.txt"], ["notices_of_1900.txt"]]
    assert left_out(tmp_path, None, "train") == (
        ".ipynb_checkpoints (a hidden or system file); License.txt, readme-de.txt (not data but about it); c.text,"
        " wiki_00 (no ending of .txt, .txt.gz, .jsonl, .jsonl.gz, .parquet); link.txt (a link to a file that is read"
        " already)"
    )
    assert left_out(tmp_path / "books.txt", None, "train") == ""


def test_files_left_out_of_a_folder_of_rows_are_reported_by_split(tmp_path):
    for name in ("train", "test", "extra"):
        write(tmp_path / f"{name}.jsonl", f'{{"text": "{name}"}}\n')
    assert documents(tmp_path) == [("0", ["train"])]
    assert left_out(tmp_path, None, "train") == "extra.jsonl (in no split); test.jsonl (split 'test')"


def test_a_linked_folder_is_read(tmp_path):
    write(tmp_path / "text" / "a.txt", "one")
    write(tmp_path / "elsewhere" / "b.txt", "two")
    (tmp_path / "text" / "more").symlink_to(tmp_path / "elsewhere")
    assert documents(tmp_path / "text") == [("a.txt:0", ["one"]), ("more/b.txt:0", ["two"])]
    write(tmp_path / "rows" / "en.jsonl", '{"text": "three"}\n')
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "data").symlink_to(tmp_path / "rows")
    assert documents(tmp_path / "set") == [("0", ["three"])]


def test_a_line_that_is_one_tag_ends_a_document_and_is_no_text(tmp_path):
    page = '<doc id="12" url="https://x/?curid=12" title="A < B">\nA\n\nAbout <b>A</b>.\n</doc>\n'
    reading = Reading()
    assert documents(write(tmp_path / "wiki_00.txt", page * 2 + "<|endoftext|>\nEnd\n"), reading=reading) == [
        ("0", ["A"]),
        ("1", ["About <b>A</b>."]),
        ("2", ["A"]),
        ("3", ["About <b>A</b>."]),
        ("4", ["End"]),
    ]
    assert reading.tags == 5


def test_json_lines_under_the_name_of_plain_text_are_refused(tmp_path):
    path = write(tmp_path / "a.txt", '\n{"text": "one"}\n{"text": "two"}\n')
    assert message(documents, path) == (
        f"a file of plain text holds JSON lines.\n  where: {path}\n"
        "  expected: a paragraph a line, and a blank line between documents\n  do: give it the ending .jsonl"
    )


@pytest.mark.parametrize("letter", "\u2028\u2029\x85\x0b\x0c\x1c\r")
def test_only_a_line_feed_ends_a_paragraph(tmp_path, letter):
    line = f"one{letter}two"
    assert documents(write(tmp_path / "a.txt", line + "\nthree\n")) == [("0", [line, "three"])]
    rows = json.dumps({"text": line + "\nthree"}) + "\n" + json.dumps({"text": line}, ensure_ascii=False) + "\n"
    assert documents(write(tmp_path / "a.jsonl", rows)) == [("0", [line, "three"]), ("1", [line])] or letter == "\r"
    assert documents(write_parquet(tmp_path / "a.parquet", text=[line])) == [("0", [line])]


def test_a_zero_byte_far_into_a_file_is_a_line_that_cannot_be_read(tmp_path):
    path, reading = write(tmp_path / "a.txt", b"a word\n" * 20_000 + b"half\0word\nend\n"), Reading()
    assert documents(path, reading=reading)[0][1][-1] == "end"
    assert reading.named == [f"a line holds zero bytes ({path}:20001)"]


def test_a_name_that_stands_twice_in_a_row_is_refused(tmp_path):
    path = write(tmp_path / "a.jsonl", '{"text": "one", "text": "two"}\n')
    assert message(documents, path).startswith("a line is no JSON (a name is given twice in one object)")
    import pyarrow
    import pyarrow.parquet

    path = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_arrays([pyarrow.array(["x"])] * 2, ["text", "text"]), path)
    assert message(documents, path).startswith(f"a file has two columns 'text'.\n  where: {path}\n")


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
  expected: at least one line or row
  do: supply the file again, remove it, or correct the address"""

JSON = 'a JSON object a line in UTF-8, each a document with its text in a field: {"text": "…"}'


def no_utf8(path, line: int) -> str:
    """Return the error for a line in another encoding."""
    return (
        f"a line is not UTF-8.\n  where: {path}:{line}\n  expected: {wanted(path)}\n"
        "  do: convert the file, for instance with iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW"
    )


def wanted(path) -> str:
    return JSON if "jsonl" in path.name else "text in UTF-8"


DAMAGED = """a compressed file is damaged ({why}).
  where: {path}
  expected: a whole gzip file
  do: copy or download the file again"""

NO_PARQUET = """a file is no parquet, or only a part of one.
  where: {path}
  expected: a whole parquet file
  do: copy or download the file again, or give it the ending of its format"""

NO_ROW = """{why}.
  where: {path}:{line}
  expected: a JSON object a line in UTF-8, each a document with its text in a field: {{"text": "…"}}
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
    ("content", "line"), [(BINARY, 1), (b"caf\xe9", 1), (b"\n\ncaf\xe9\n\nna\xefve\n", 3), (b'{"text": "caf\xc3', 1)]
)
def test_a_file_in_another_encoding_is_refused_by_its_first_line(tmp_path, name, content, line):
    path = write(tmp_path / name, content)
    assert message(documents, path) == no_utf8(path, line)


@pytest.mark.parametrize("name", ["a.txt.gz", "a.jsonl.gz"])
def test_a_damaged_gzip_file_is_refused(tmp_path, name):
    path = tmp_path / name
    whole = gzip.compress(b'{"text": "a long text"}\n' * 1000)
    path.write_bytes(whole[:-20])
    why = "Compressed file ended before the end-of-stream marker was reached"
    assert message(documents, path) == DAMAGED.format(path=path, why=why)
    path.write_bytes(b"no gzip at all")
    assert message(documents, path) == (
        f"a file's name ends with .gz, and it is not packed.\n  where: {path}\n  expected: a gzip file\n"
        "  do: take .gz off its name, or supply the packed file"
    )
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


BAD_LINES = [
    ('{"text": ', "a line is no JSON (Expecting value)"),
    ("just words", "a line is no JSON (Expecting value)"),
    (
        "[" * 100_000,
        "a line is no JSON (maximum recursion depth exceeded while decoding a JSON array from a unicode string)",
    ),
    ('{"text": ' + "9" * 5_000 + "}", None),
    ('["x"]', "a line is no JSON object"),
    ("null", "a line is no JSON object"),
]


@pytest.mark.parametrize(("line", "why"), BAD_LINES)
def test_a_line_that_is_no_json_object_is_left_out_and_named(tmp_path, line, why):
    path = write(tmp_path / "a.jsonl", '{"text": "x"}\n\n' + line + '\n{"text": "y"}\n')
    reading = Reading()
    assert documents(path, reading=reading) == [("0", ["x"]), ("2", ["y"])]
    assert (reading.left_out, reading.lines) == (1, 3)
    assert why is None or reading.named == [f"{why} ({path}:3)"]


@pytest.mark.parametrize(("line", "why"), [(line, why) for line, why in BAD_LINES if why])
def test_a_file_without_a_json_object_is_refused_with_its_first_line(tmp_path, line, why):
    path = write(tmp_path / "a.jsonl", "\n" + line + "\n5\n")
    assert message(documents, path) == NO_ROW.format(path=path, line=2, why=why)


def test_rows_without_the_column_are_refused_with_the_columns_they_have(tmp_path):
    path = write(tmp_path / "a.jsonl", '{"body": "x", "title": "y"}\n')
    assert message(documents, path) == NO_COLUMN.format(path=path)
    path = write_parquet(tmp_path / "a.parquet", body=["x"], title=["y"])
    assert message(documents, path) == NO_COLUMN.format(path=path)
    write(tmp_path / "rows" / "train.jsonl", '{"body": "x", "title": "y"}\n' * 100)
    assert message(documents, tmp_path / "rows") == NO_COLUMN.format(path=tmp_path / "rows" / "train.jsonl")


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("{}", "a row has no column 'text'"),
        ('{"text": 5}', "the column 'text' holds no text but int"),
        ('{"text": "half \\ud83d of one"}', "a row holds half a character (one code of a surrogate pair)"),
    ],
)
def test_a_row_without_text_in_the_column_is_left_out_and_one_with_nothing_there_is_empty(tmp_path, row, why):
    path = write(tmp_path / "a.jsonl", '{"text": null}\n' + row + '\n{"text": "x"}\n')
    reading = Reading()
    assert documents(path, reading=reading) == [("0", []), ("2", ["x"])]
    assert reading.named == [f"{why} ({path}, row 2)"] and reading.left_out == 1


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz", "a.jsonl", "a.jsonl.gz"])
def test_a_line_that_is_not_utf8_is_left_out_and_its_document_goes_on(tmp_path, name):
    rows = [b"one", b"caf\xe9", b"t\xc3\xa9", b"", b"four"]
    if "jsonl" in name:
        rows = [b'{"text": "' + row + b'"}' for row in rows]
    path, reading = write(tmp_path / name, b"\n".join(rows)), Reading()
    found = documents(path, reading=reading)
    if "jsonl" in name:
        assert found == [("0", ["one"]), ("2", ["t\u00e9"]), ("3", []), ("4", ["four"])]
    else:
        assert found == [("0", ["one", "t\u00e9"]), ("1", ["four"])]
    assert reading.named == [f"a line is not UTF-8 ({path}:2)"] and reading.left_out == 1


def test_only_the_first_bad_lines_of_a_source_are_named_and_all_are_counted(tmp_path):
    for name in "ab":
        write(tmp_path / f"{name}.txt", b"".join(b"good\n" if number % 4 else b"\xff\n" for number in range(8)))
    reading = Reading()
    documents(tmp_path, reading=reading)
    assert reading.left_out == 4
    assert reading.named == [
        f"a line is not UTF-8 ({tmp_path / name}:{line})" for name, line in (("a.txt", 1), ("a.txt", 5), ("b.txt", 1))
    ]


def lines_of(pattern: str) -> bytes:
    """Return a good line for each ``+`` and a bad one for each ``-``."""
    return b"".join(b"\xff\n" if sign == "-" else b"a word\n" for sign in pattern)


@pytest.mark.parametrize(
    ("pattern", "refused"),
    [
        ("-" * 10 + "+", False),
        ("-" * 11 + "+" * 1_000, True),  # nothing good before more than ten bad ones
        ("+" + "-" * 10, False),
        ("+" * 99 + "-" * 11, False),  # one in ten
        ("+" * 98 + "-" * 11, True),
        ("+" + "-" * 11 + "+" * 98, False),  # some close together
        ("+" * 899 + "-" * 101, True),
        ("+" * 900 + "-" * 100 + "+", False),
        ("+" * 899 + "-" * 101 + "+" * 100_000, True),  # seen before the file has been read
    ],
)
def test_a_file_is_refused_when_nothing_good_comes_first_or_more_than_one_line_in_ten_is_bad(
    tmp_path, pattern, refused
):
    path, reading = write(tmp_path / "a.txt", lines_of(pattern)), Reading()
    if refused:
        bad = pattern.index("-") + 1
        assert message(documents, path) == no_utf8(path, bad)
    else:
        documents(path, reading=reading)
        assert reading.left_out == pattern.count("-")


def test_good_lines_of_one_file_do_not_excuse_another(tmp_path):
    write(tmp_path / "a.txt", lines_of("+" * 1_000))
    path = write(tmp_path / "b.txt", lines_of("+" + "-" * 20))
    assert message(documents, tmp_path) == no_utf8(path, 2)


@given(st.lists(st.sampled_from("+-"), max_size=40))
def test_reading_again_from_a_state_counts_what_one_reading_counts(tmp_path_factory, signs):
    path = write(tmp_path_factory.getbasetemp() / "again.txt", b"word\n" * 500 + lines_of("".join(signs)))
    whole = Reading()
    documents(path, reading=whole)
    half = Reading()
    next(read(path, "text", None, "train", half))
    again = Reading(**half.state())
    again.again()
    documents(path, reading=again)
    assert again.state() == whole.state() and again.left_out == signs.count("-")


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("b.txt", b"", "a file is empty"),
        ("b.txt.gz", b"", "a file is empty"),
        ("b.txt", b"\0", "a file is no text: it holds zero bytes"),
        ("b.jsonl", b"", "a file is empty"),
        ("b.jsonl", b"\xff\n", "a line is not UTF-8"),
        ("b.parquet", b"PAR1", "a file is no parquet, or only a part of one"),
    ],
)
def test_a_bad_file_of_a_folder_is_found_before_its_first_document_is_given(tmp_path, name, content, expected):
    good = {".txt": "one", ".gz": "one", ".jsonl": '{"text": "one"}\n'}
    path = write(tmp_path / name, content)
    if path.suffix in good:
        write(tmp_path / f"a{path.suffix if path.suffix != '.gz' else '.txt'}", good[path.suffix])
    else:
        write_parquet(tmp_path / "a.parquet", text=["one"])
    assert message(next, read(tmp_path, "text", None, "train", Reading())).startswith(f"{expected}.\n  where: {path}")


def test_a_path_that_does_not_exist_is_named(tmp_path):
    assert message(files, tmp_path / "nothing") == (
        f"a source's file or folder does not exist.\n  where: {tmp_path}/nothing\n"
        "  do: correct the source's address; relative paths start at the project's root"
    )


def test_an_unknown_ending_is_refused_with_the_known_ones(tmp_path):
    path = write(tmp_path / "a.csv", "x\n")
    assert message(files, path) == (
        f"a file has an unknown ending.\n  where: {path}\n"
        "  expected: one of .txt, .txt.gz, .jsonl, .jsonl.gz, .parquet\n"
        "  do: convert the file, or give it the ending of its format"
    )


def test_a_folder_without_data_is_refused(tmp_path):
    write(tmp_path / "README.txt", "about nothing")
    write(tmp_path / "notes.csv", "x")
    write(tmp_path / "README.md", "x")
    assert message(files, tmp_path) == (
        "a folder holds no data; there are only README.txt (not data but about it); notes.csv (no ending of .txt,"
        f" .txt.gz, .jsonl, .jsonl.gz, .parquet).\n  where: {tmp_path}\n"
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
    assert max(map(len, paragraphs)) <= lines.PARAGRAPH


def test_a_line_of_fifty_megabytes_comes_in_documents_and_is_never_in_memory_as_a_whole(tmp_path):
    line = words(50_000_000)
    path = write(tmp_path / "a.txt", line)
    at, number = 0, 0
    tracemalloc.start()
    for number, (name, paragraphs) in enumerate(read(path, "text", None, "train", Reading()), start=1):
        assert name == str(number - 1)
        assert sum(map(len, paragraphs)) <= readers.CHARACTERS_AT_ONCE + lines.PARAGRAPH
        for paragraph in paragraphs:
            assert line.startswith(paragraph, at)
            at += len(paragraph) + 1
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (at, number) == (len(line) + 1, 13)
    assert peak < 12_000_000


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz"])
def test_fifty_megabytes_without_a_space_are_left_out_and_never_in_memory(tmp_path, name):
    path = write(tmp_path / name, b"An article.\n" + b"aGVsbG8gd29ybGQ" * 3_300_000 + b"\nIts end.\n")
    reading = Reading()
    tracemalloc.start()
    found = documents(path, reading=reading)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == [("0", ["An article.", "Its end."])]
    assert reading.named == [f"a line holds more than 100,000 characters without a space ({path}:2)"]
    assert peak < 3_000_000


def test_a_file_of_one_line_without_a_space_is_refused(tmp_path):
    path = write(tmp_path / "a.txt", "x" * 100_001)
    do = "remove the line, or the file from the sources"
    assert message(documents, path) == NO_SPACE.format(place=f"{path}:1", do=do)


def test_of_a_long_line_the_words_before_a_place_that_cannot_be_read_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "PARAGRAPH", 10)
    path = write(tmp_path / "a.txt", "one two three " + "x" * 50 + " four\nfive\n\n" + "six\n")
    assert documents(path) == [("0", ["one two", "three", "five"]), ("1", ["six"])]
    path = write(tmp_path / "b.txt", b"one two three four five \xff and more\nsix\n\nseven\n")
    assert documents(path) == [("0", ["one two", "three", "six"]), ("1", ["seven"])]


def test_a_row_with_a_megabyte_without_a_space_is_left_out_whole(tmp_path):
    path = write(tmp_path / "a.jsonl", '{"text": "x"}\n' + json.dumps({"text": "x y\n" + "x" * 1_000_000}) + "\n")
    reading = Reading()
    assert documents(path, reading=reading) == [("0", ["x"])]
    assert reading.named == [f"a line holds more than 100,000 characters without a space ({path}, row 2)"]
    path = write(tmp_path / "b.jsonl", json.dumps({"text": "x" * 1_000_000}))
    do = "take the row out, in a copy of the data set where it comes from the Hub"
    assert message(documents, path) == NO_SPACE.format(place=f"{path}, row 1", do=do)


def test_text_of_a_script_without_spaces_is_cut_at_its_clauses(tmp_path):
    line = "今天天气很好,我们去公园散步。" * 20_000
    ((_, paragraphs),) = documents(write(tmp_path / "a.txt", line))
    assert "".join(paragraphs) == line and all(p.endswith("。") for p in paragraphs)


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_a_json_line_over_the_limit_is_left_out_without_being_read_whole(tmp_path, name, monkeypatch):
    monkeypatch.setattr(lines, "WHOLE_LINE", 2**20)
    long = "[" + '{"text": "one of many"}, ' * 2_000_000 + "]"
    path = write(tmp_path / name, '{"text": "x"}\n' + long + '\n{"text": "y"}')
    reading = Reading()
    tracemalloc.start()
    found = documents(path, reading=reading)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == [("0", ["x"]), ("2", ["y"])]
    assert reading.named == [f"a line is longer than 1 MiB ({path}:2)"]
    assert peak < 6_000_000
    write(path, long)
    assert message(documents, path).startswith(f"a line is longer than 1 MiB.\n  where: {path}:1\n")


def test_a_long_blank_line_ends_a_document_and_a_long_line_with_much_space_does_not(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "PARAGRAPH", 10)
    path = write(tmp_path / "a.txt", "one\n" + " " * 95 + "\ntwo" + " " * 95 + "three" + " " * 95 + "\nfour\n")
    assert documents(path) == [("0", ["one"]), ("1", ["two", "three", "four"])]


@pytest.mark.parametrize("content", ["one two th", "one two three four 5", "one two t\u00e9"])
def test_a_file_that_ends_where_a_part_ends_is_read_to_its_last_letter(tmp_path, monkeypatch, content):
    monkeypatch.setattr(lines, "PARAGRAPH", 10)
    path = write(tmp_path / "a.txt", content)
    ((_, paragraphs),) = documents(path)
    assert " ".join(paragraphs) == content
    write(path, b"one two t\xc3")
    assert message(documents, path) == no_utf8(path, 1)


GAPS = " \t\r\u00a0\u2009\u2028\u3000"
LETTERS = "abE\u00e9\u0130\u0301\u200b\x0b\x0c\x1c\x1f\x85.,-'\u4eca\u3002\uff0c\U0001f600"


@pytest.fixture(scope="module")
def letter_tokenizers():
    """Tokenizers, with and without case and accents, to which every letter is a token."""
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
def test_a_cut_line_has_the_tokens_of_the_whole_line(letter_tokenizers, tmp_path_factory, parts):
    line = "".join(word + gap for word, gap in parts)
    path = write(tmp_path_factory.getbasetemp() / "cut.txt", line + "\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "PARAGRAPH", 12)
        paragraphs = [paragraph for _, document in documents(path) for paragraph in document]
    assert all(len(paragraph) <= 12 for paragraph in paragraphs)
    for tokenizer in letter_tokenizers:
        whole = tokenizer(line, add_special_tokens=False)["input_ids"]
        cut = [tokenizer(paragraph, add_special_tokens=False)["input_ids"] for paragraph in paragraphs]
        assert [token for ids in cut for token in ids] == whole
