import stat

import pytest

from distilbook.files import new_folder, read_json, sha256, write_json, write_text


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
