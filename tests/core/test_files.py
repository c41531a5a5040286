import os
import stat
import subprocess
import sys

import pytest
from distilbook.core import files
from distilbook.core.errors import BookError
from distilbook.core.files import (
    content_hash,
    holder_of,
    new_folder,
    read_json,
    sha256,
    size_of,
    sole,
    write_json,
    write_text,
)


def test_a_write_that_fails_leaves_the_old_content_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "new \ud800")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    with pytest.raises(RuntimeError), new_folder(tmp_path / "a") as folder:
        (folder / "half").write_text("x")
        raise RuntimeError
    assert not list(tmp_path.iterdir())


def test_a_new_folder_replaces_the_old_one(tmp_path):
    for text in ("old", "new"):
        with new_folder(tmp_path / "a") as folder:
            (folder / text).write_text(text)
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["new"] and len(list(tmp_path.iterdir())) == 1


def test_a_folder_whose_replacement_was_killed_between_the_two_renamings_is_taken_back(tmp_path):
    old = tmp_path / ".a.x1y2.old"
    old.mkdir()
    (old / "kept").write_text("old")
    with pytest.raises(RuntimeError), new_folder(tmp_path / "a"):
        assert (tmp_path / "a" / "kept").read_text() == "old"
        raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_folder_that_came_meanwhile_is_replaced(tmp_path):
    with new_folder(tmp_path / "a") as folder:
        (folder / "mine").write_text("")
        with new_folder(tmp_path / "a") as other:
            (other / "theirs").write_text("")
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["mine"] and len(list(tmp_path.iterdir())) == 1


def test_content_is_on_the_disk_before_its_name_is(tmp_path, monkeypatch):
    """In this order: every file and folder, then the renaming, then the folder above."""
    done, sync, rename = [], files.sync, files.os.rename
    monkeypatch.setattr(files, "sync", lambda path: done.append(path.name) or sync(path))
    monkeypatch.setattr(files.os, "rename", lambda a, b: done.append(f"rename {b.name}") or rename(a, b))
    with new_folder(tmp_path / "a") as folder:
        (folder / "deep").mkdir()
        (folder / "deep" / "b").write_text("x")
    assert sorted(done[:3]) == sorted(["deep", "b", folder.name])
    assert done[3:] == ["rename a", tmp_path.name]


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b'{"a": 1} b'])
def test_a_damaged_json_file_is_named(tmp_path, content):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(BookError, match="a file is damaged") as error:
        read_json(tmp_path / "a.json")
    assert "a.json" in str(error.value)


def test_what_is_written_is_readable_by_others_as_the_umask_says(tmp_path):
    write_text(tmp_path / "a.txt", "x")
    (tmp_path / "plain.txt").write_text("x")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes["a.txt"] == modes["plain.txt"]


def test_json_comes_back_as_it_was(tmp_path):
    write_json(tmp_path / "a.json", {"é": [1, 2.5, None]})
    assert read_json(tmp_path / "a.json") == {"é": [1, 2.5, None]}


def test_a_hash_is_the_files_sha256(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_the_hash_of_a_folder_is_that_of_its_files_and_their_names(tmp_path):
    known = tmp_path / "known.json"
    for name in ("one", "two"):
        (tmp_path / name / "deep").mkdir(parents=True)
        (tmp_path / name / "deep" / "a").write_text("a")
        (tmp_path / name / "b").write_text("b")
    first, second = content_hash(tmp_path / "one", known), content_hash(tmp_path / "two", known)
    assert first == second == content_hash(tmp_path / "one", tmp_path / "other.json")
    (tmp_path / "two" / "b").rename(tmp_path / "two" / "c")
    assert content_hash(tmp_path / "two", known) != first
    (tmp_path / "one" / "b").write_text("B")
    assert content_hash(tmp_path / "one", known) not in (first, second)


def test_the_hash_of_a_folder_follows_links_and_leaves_hidden_files_alone(tmp_path):
    folder, elsewhere, known = tmp_path / "folder", tmp_path / "elsewhere", tmp_path / "known.json"
    folder.mkdir()
    elsewhere.mkdir()
    (elsewhere / "a").write_text("a")
    (elsewhere / "back").symlink_to(folder)
    (folder / "linked").symlink_to(elsewhere)
    first = content_hash(folder, known)
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / ".ipynb_checkpoints" / "a").write_text("a")
    assert content_hash(folder, known) == first
    (elsewhere / "a").write_text("b, behind the link")
    assert content_hash(folder, known) != first


def test_the_hash_of_what_is_no_file_is_refused_rather_than_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BookError, match="a pipe, socket or device is no file"):
        content_hash(tmp_path / "pipe", tmp_path / "known.json")


@pytest.mark.parametrize("broken", ["", "[1, 2]", "{", '{"%s": 5}', "null"])
def test_a_broken_note_of_hashes_costs_another_reading_and_nothing_else(tmp_path, broken):
    path, known = tmp_path / "a", tmp_path / "known.json"
    path.write_text("a")
    first = content_hash(path, tmp_path / "other.json")
    known.write_text(broken.replace("%s", str(path)))
    assert content_hash(path, known) == first and read_json(known)[str(path)][2] == sha256(path)


def test_a_file_is_read_again_only_when_its_size_or_time_is_another(tmp_path, monkeypatch):
    read = []
    monkeypatch.setattr(files, "sha256", lambda path: read.append(path) or sha256(path))
    path, known = tmp_path / "a", tmp_path / "known.json"
    path.write_text("one")
    assert content_hash(path, known) == content_hash(path, known) and len(read) == 1
    path.write_text("other")
    content_hash(path, known)
    assert len(read) == 2


def test_the_size_of_a_folder(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").write_bytes(b"12345")
    assert size_of(tmp_path) == size_of(tmp_path / "a" / "b") == 5 and size_of(tmp_path / "none") == 0


HOLDS = "import sys; from pathlib import Path; from distilbook.core.files import sole\n"
HOLDS += "with sole(Path(sys.argv[1]), 'x'): print('held', flush=True); sys.stdin.read()"


def test_a_lock_is_held_by_one_process_and_given_up_by_a_killed_one(tmp_path):
    path = tmp_path / "lock"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    holder = subprocess.Popen([sys.executable, "-c", HOLDS, str(path)], **pipes)
    assert holder.stdout.readline() == "held\n"
    assert holder_of(path).startswith(f"process {holder.pid} on ")
    with pytest.raises(BookError, match=f"this training is under way already.\n  where: process {holder.pid} on "):
        with sole(path, "this training"):
            pass
    holder.kill()
    holder.wait()
    assert holder_of(path) is None
    with sole(path, "this training"):
        assert read_json(tmp_path / "lock.json")["process"] == os.getpid()
    assert holder_of(path) is None
