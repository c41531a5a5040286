"""JSON Lines files: whole lines or none."""

import os
import resource
import subprocess
import sys

import pytest
from distilbook.core import jsonl
from distilbook.core.errors import BookError


def test_only_a_line_feed_ends_a_line(tmp_path):
    path = tmp_path / "a.jsonl"
    lines = ['{"a": "one\u2028two\u2029three\x85four\x0cfive"}', "7"]
    jsonl.append(path, lines)
    assert [line for line, _ in jsonl.lines(path)] == lines


@pytest.mark.parametrize("written", [0, 5])
def test_on_a_full_disk_a_line_is_not_there_at_all_and_the_next_is_whole(tmp_path, monkeypatch, written):
    path = tmp_path / "a.jsonl"
    jsonl.append(path, ['{"a": 1}'])
    before, write = path.read_bytes(), os.write
    calls = []

    def full(descriptor, content):
        calls.append(content)
        if written and len(calls) == 1:
            return write(descriptor, content[:written])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(jsonl.os, "write", full)
        with pytest.raises(BookError, match="a line could not be written: No space left on device"):
            jsonl.append(path, ['{"a": 2}', '{"a": 3}'])
    assert path.read_bytes() == before
    jsonl.append(path, ['{"a": 4}'])
    assert [line for line, _ in jsonl.lines(path)] == ['{"a": 1}', '{"a": 4}']


LIMITED = """
import resource, sys
from pathlib import Path
from distilbook.core import jsonl
from distilbook.core.errors import BookError
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
try:
    for number in range(1000):
        jsonl.append(Path(sys.argv[1]), ['{"number": %d, "text": "abcdefghij"}' % number])
except BookError as error:
    print(number)
"""


def test_a_file_that_may_not_grow_ends_with_a_whole_line(tmp_path):
    path = tmp_path / "a.jsonl"
    written = int(subprocess.run([sys.executable, "-c", LIMITED, path], stdout=subprocess.PIPE, check=True).stdout)
    assert len(jsonl.lines(path)) == written > 20 and path.read_bytes().endswith(b"}\n")
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 1000


def test_a_last_line_that_was_cut_off_is_left_out_with_a_word_and_does_not_stick_to_the_next(tmp_path, capsys):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a": 1}\n{"a": "\xc3')
    assert [line for line, _ in jsonl.lines(path)] == ['{"a": 1}']
    assert f"{path}:2: the last line was cut off" in capsys.readouterr().err
    jsonl.append(path, ['{"a": 3}'])
    assert path.read_bytes() == b'{"a": 1}\n{"a": 3}\n'


def test_a_whole_last_line_without_its_line_feed_is_kept(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}\n{"a": 2}')
    assert len(jsonl.lines(path)) == 2
    jsonl.append(path, ['{"a": 3}'])
    assert path.read_text() == '{"a": 1}\n{"a": 2}\n{"a": 3}\n'


APPENDS = """
import sys
from pathlib import Path
from distilbook.core import jsonl
for number in range(200):
    jsonl.append(Path(sys.argv[1]), ['{"who": "%s", "text": "%s"}' % (sys.argv[2], sys.argv[2] * 9000)], sync=False)
"""


def test_lines_of_two_processes_do_not_mix(tmp_path):
    path = tmp_path / "a.jsonl"
    both = [subprocess.Popen([sys.executable, "-c", APPENDS, path, who]) for who in "ab"]
    assert [process.wait() for process in both] == [0, 0]
    found = [jsonl.parsed(line, where) for line, where in jsonl.lines(path)]
    assert len(found) == 400 and all(line["text"] == line["who"] * 9000 for line in found)


@pytest.mark.parametrize("content", [b'{"a": 1, "a": 2}\n', b"{'a': 1}\n", b'{"a": "\xff"}\n', b'{"a": 1}{"a": 2}\n'])
def test_a_damaged_line_is_named_with_its_place(tmp_path, content):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\n" + content)
    with pytest.raises(BookError, match="a line is no JSON") as error:
        [jsonl.parsed(line, where) for line, where in jsonl.lines(path)]
    assert "a.jsonl:2" in str(error.value)
