"""Every reader with every kind of file: the right rows, or an error that names the problem."""

import bz2
import gzip
import io
import json
import lzma
import os
import zipfile
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from distilbook.core.config import BookError
from distilbook.tasks import TaskSource, load_task
from distilbook.text.sources import TextSource, documents
from hypothesis import given, settings
from hypothesis import strategies as st

HEADER = "sentence\tlabel\tgroup\tsplit\n"
OWN = HEADER + "".join(f"text {n}\t{n % 2}\t{n // 4}\t{'train' if n < 4 else 'test'}\n" for n in range(8))
RTE = "index\tsentence1\tsentence2\tlabel\n"
PAIRS = RTE + "".join(f"{n}\tone {n}\ttwo {n}\t{'not_' * (n % 2)}entailment\n" for n in range(4))
JSON = "".join(json.dumps({"text": f"text {n}", "label": n % 2}) + "\n" for n in range(4))
TEXT = "The river rises\nin the hills.\n\nIt ends in the sea.\n"


def parquet() -> bytes:
    file = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({"text": [f"text {n}" for n in range(4)], "label": [0, 1, 0, 1]}), file)
    return file.getvalue()


def text(path: Path) -> list:
    return [(document.id, document.paragraphs) for document in documents(TextSource(name="x", address=str(path)))]


def task(name: str, address: Path) -> list:
    made = load_task(TaskSource(name=name, address=str(address)))
    parts = (made.train, *made.evaluation.values())
    return [made.left_out] + [(part.first, part.second, part.labels.tolist()) for part in parts]


#: By the file that is damaged: the others beside it, its content, and what reads it.
READERS = {
    "a.txt": ({}, TEXT.encode(), lambda folder: text(folder / "a.txt")),
    "a.jsonl": ({}, JSON.encode(), lambda folder: text(folder / "a.jsonl")),
    "a.parquet": ({}, parquet(), lambda folder: text(folder / "a.parquet")),
    "texts/a.txt": ({"texts/b.txt": b"more"}, TEXT.encode(), lambda folder: text(folder / "texts")),
    "rows/a.jsonl": ({}, JSON.encode(), lambda folder: text(folder / "rows")),
    "own.tsv": ({}, OWN.encode(), lambda folder: task("own", folder / "own.tsv")),
    "RTE/dev.tsv": ({"RTE/train.tsv": PAIRS.encode()}, PAIRS.encode(), lambda folder: task("RTE", folder)),
    "test.jsonl": ({"train.jsonl": JSON.encode()}, JSON.encode(), lambda folder: task("IMDb", folder)),
    "test-0.parquet": ({"train-0.parquet": parquet()}, parquet(), lambda folder: task("IMDb", folder)),
    "test/pos/1_9.txt": (
        {f"{name}/0_{name[-3:]}.txt": b"text" for name in ("train/pos", "train/neg", "test/pos", "test/neg")},
        TEXT.encode(),
        lambda folder: task("IMDb", folder),
    ),
}
TEXTS = [name for name in READERS if "parquet" not in name]


def place(folder: Path, name: str, content: bytes | None = None) -> Path:
    """Write what the reader of ``name`` needs, that file with another ``content``."""
    others, good, _ = READERS[name]
    for path, data in {**others, name: good if content is None else content}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


def zipped(data: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a", data)
    return file.getvalue()


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
OTHERS = {
    "is empty": lambda data: b"",
    "is packed with gzip": gzip.compress,
    "is packed with bzip2": bz2.compress,
    "is packed with xz": lzma.compress,
    "is a zip archive": zipped,
    "is only a pointer": lambda data: POINTER,
}
OTHER_TEXTS = {
    "is in UTF-16,": lambda data: data.decode().encode("utf-16"),
    "is in UTF-16LE,": lambda data: data.decode().encode("utf-16-le"),
    "is in UTF-16BE,": lambda data: data.decode().encode("utf-16-be"),
    "is in UTF-32,": lambda data: data.decode().encode("utf-32"),
    "is in UTF-32LE,": lambda data: data.decode().encode("utf-32-le"),
    "is parquet": lambda data: parquet(),
    "is no text: it holds zero bytes": lambda data: data[:5] + b"\0" + data[5:],
    "is a program": lambda data: b"\x7fELF\2\1\1" + bytes(50),
    "lines end with a carriage return alone": lambda data: data.replace(b"\n", b"\r"),
}


@pytest.mark.parametrize("words", OTHERS)
@pytest.mark.parametrize("name", READERS)
def test_a_file_in_another_format_is_refused_with_the_name_of_that_format(tmp_path, name, words, message):
    place(tmp_path, name, OTHERS[words](READERS[name][1]))
    found = message(READERS[name][2], tmp_path)
    assert words in found and f"where: {tmp_path / name}" in found


@pytest.mark.parametrize("words", OTHER_TEXTS)
@pytest.mark.parametrize("name", TEXTS)
def test_text_in_another_encoding_is_refused_with_its_name(tmp_path, name, words, message):
    place(tmp_path, name, OTHER_TEXTS[words](READERS[name][1]))
    found = message(READERS[name][2], tmp_path)
    assert words in found and f"where: {tmp_path / name}" in found and "LATIN1" not in found


@pytest.mark.parametrize("name", [name for name in TEXTS if "pos" not in name])
@pytest.mark.parametrize(
    "form",
    [
        lambda data: data.replace(b"\n", b"\r\n"),
        lambda data: b"\xef\xbb\xbf" + data,
        lambda data: b"\n" * ("txt" not in str(data)) + data,
        lambda data: data.rstrip(b"\n"),
        lambda data: data.replace(b"\n", b"\n\xef\xbb\xbf", 1),  # as joined files have it
    ],
    ids=["CRLF", "BOM", "blank", "no last end", "BOM within"],
)
def test_text_written_on_another_system_gives_the_same_rows(tmp_path, name, form):
    read = READERS[name][2]
    before = read(place(tmp_path, name))
    assert read(place(tmp_path, name, form(READERS[name][1]))) == before


@pytest.mark.parametrize("name", READERS)
def test_a_link_to_a_file_gives_the_same_rows_and_one_to_nothing_an_error(tmp_path, name, message):
    read = READERS[name][2]
    before = read(place(tmp_path / "project", name))
    os.replace(tmp_path / "project" / name, tmp_path / "elsewhere")
    (tmp_path / "project" / name).symlink_to(tmp_path / "elsewhere")
    assert read(tmp_path / "project") == before
    (tmp_path / "elsewhere").unlink()
    if name != "texts/a.txt":  # said in the log, as the other files are read
        assert tmp_path.name in message(read, tmp_path / "project")


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("place_name", ["run [12]", "a*b", "x?", "{a,b}", "**", "a:b", "ü 'q\" $x"])
def test_a_folders_name_is_no_pattern(tmp_path, name, place_name):
    read = READERS[name][2]
    for decoy in ("run 1", "axb", "xy", "a", "b"):
        place(tmp_path / decoy, name, b"decoy")
    (tmp_path / "plain").mkdir()
    # The folder's own name is a part of a document's only where the folder is the source.
    assert read(place(tmp_path / place_name, name)) == read(place(tmp_path / "plain", name))


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("beside", [".{}", "._{}", ".ipynb_checkpoints/{}", "__MACOSX/{}"])
def test_hidden_and_system_files_beside_the_data_change_nothing(tmp_path, name, beside):
    read = READERS[name][2]
    before = read(place(tmp_path, name))
    path = Path(name)
    hidden = tmp_path / path.parent / beside.format(path.name)
    hidden.parent.mkdir(exist_ok=True)
    hidden.write_bytes(READERS[name][1])
    assert read(tmp_path) == before


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=25)
@given(st.data())
def test_damaged_bytes_give_rows_or_an_explained_error(tmp_path_factory, name, data):
    good = READERS[name][1]
    at = data.draw(st.integers(0, len(good) - 1))
    damaged = data.draw(
        st.sampled_from(
            [good[:at], good[:at] + bytes([good[at] ^ 1 << at % 8]) + good[at + 1 :], good[at:] + good[:at]]
        )
        | st.binary(max_size=60)
    )
    folder = place(tmp_path_factory.mktemp("damaged"), name, damaged)
    try:
        READERS[name][2](folder)
    except BookError as error:
        assert error.where and error.do


@pytest.mark.parametrize("name", ["a.txt.gz", "a.jsonl.gz", "own.tsv.gz"])
def test_a_packed_file_is_read_packed_once_and_whole(tmp_path, name, message):
    good = READERS[name.removesuffix(".gz")][1]
    read = (lambda: task("own", tmp_path / name)) if "tsv" in name else (lambda: text(tmp_path / name))
    (tmp_path / name).write_bytes(gzip.compress(good))
    assert read()
    whole = gzip.compress(good * 1000 if "tsv" not in name else good)
    for content, words in (
        (whole[:-9], "a compressed file is damaged"),
        (gzip.compress(whole), "is packed with gzip"),
        (good, "name ends with .gz, and it is not packed"),
        (POINTER, "is only a pointer"),
        (gzip.compress(good.decode().encode("utf-16")), "is in UTF-16,"),
        (bz2.compress(good), "is packed with bzip2"),
    ):
        (tmp_path / name).write_bytes(content)
        assert words in message(read)
