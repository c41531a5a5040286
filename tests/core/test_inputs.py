"""Which files of a folder count, and what a file is from its first bytes."""

import os
import socket

import pytest
from distilbook.core import formats, inputs
from distilbook.core.errors import BookError
from distilbook.core.formats import wide_encoding
from distilbook.core.inputs import contents, listed, look, once, open_file


def tree(folder, *names: str):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def seen(folder, deep=True) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in look(folder, deep).files]


def test_hidden_and_system_files_are_left_out_wherever_they_lie(tmp_path):
    left_alone = [".a.txt", "._b.txt", ".ipynb_checkpoints/b-checkpoint.txt", "__MACOSX/b.txt", "c/Thumbs.db"]
    tree(tmp_path, "b.txt", "c/d.txt", "c/.git/e.txt", *left_alone)
    assert seen(tmp_path) == ["b.txt", "c/d.txt"] and seen(tmp_path, deep=False) == ["b.txt"]
    assert set(look(tmp_path).left_out.values()) == {inputs.HIDDEN}


def test_links_are_followed_and_a_folder_is_entered_once_by_its_own_name(tmp_path):
    folder, beside = tree(tmp_path / "folder", "z/one.txt"), tree(tmp_path / "beside", "two.txt", "deep/three.txt")
    (folder / "a").symlink_to("z")  # its own name is z
    (folder / "b").symlink_to(beside)
    (folder / "here").symlink_to(".")
    (beside / "back").symlink_to(folder)
    (beside / "deep" / "up").symlink_to("..")
    assert seen(folder) == ["b/deep/three.txt", "b/two.txt", "z/one.txt"]
    assert {path.name for path in look(folder).left_out} == {"a", "here", "back", "up"}


def test_of_links_to_one_file_the_file_itself_counts_or_else_the_first(tmp_path):
    folder = tree(tmp_path / "folder", "b.txt")
    outside = tree(tmp_path, "out.txt") / "out.txt"
    (folder / "a.txt").symlink_to("b.txt")
    (folder / "c.txt").symlink_to(outside)
    (folder / "d.txt").symlink_to(outside)
    kept, links = once(look(folder).files)
    assert [path.name for path in kept] == ["b.txt", "c.txt"]
    assert sorted(path.name for path in links) == ["a.txt", "d.txt"]


def test_what_would_never_end_or_leads_nowhere_is_left_out_and_named(tmp_path):
    tree(tmp_path, "a.txt")
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "gone.txt").symlink_to("nothing")
    (tmp_path / "loop.txt").symlink_to("loop.txt")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(tmp_path / "s.txt"))
        found = look(tmp_path)
    assert [path.name for path in found.files] == ["a.txt"]
    assert listed(found.left_out, tmp_path) == (
        "gone.txt, loop.txt (a link to nothing); pipe.txt, s.txt (a pipe, socket or device)"
    )
    with pytest.raises(BookError, match=r"a pipe, socket or device is no file.\n  where: .*pipe.txt"):
        open_file(tmp_path / "pipe.txt")
    with pytest.raises(BookError, match="a file or folder cannot be read"):
        open_file(tmp_path / "loop.txt")


def test_a_folder_or_file_that_may_not_be_read_is_refused_rather_than_left_out(tmp_path, monkeypatch):
    tree(tmp_path, "deep/a.txt")

    def refused(path, *how):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(os, "listdir", refused)
        with pytest.raises(BookError, match=rf"cannot be read \(Permission denied\).\n  where: {tmp_path}"):
            look(tmp_path)
    monkeypatch.setattr(type(tmp_path), "open", refused)
    with pytest.raises(BookError, match=r"cannot be read \(Permission denied\).\n  where: .*a.txt"):
        open_file(tmp_path / "deep" / "a.txt")


def test_a_name_that_is_no_utf8_is_refused(tmp_path):
    (tmp_path / os.fsdecode(b"caf\xe9.txt")).write_text("x")
    with pytest.raises(BookError, match=r"a file's name is not UTF-8"):
        look(tmp_path)


def test_what_was_left_out_is_listed_by_reason_and_briefly(tmp_path):
    left_out = {tmp_path / f"{number}.csv": "no data" for number in range(5)} | {tmp_path / "x/.b": "hidden"}
    assert listed(left_out, tmp_path) == "0.csv, 1.csv, 2.csv and 2 more (no data); x/.b (hidden)"
    assert listed({}, tmp_path) == ""


def test_what_a_folder_holds_is_said_in_few_words(tmp_path):
    assert contents(tmp_path) == contents(tmp_path / "nothing") == ""
    tree(tmp_path, *"gfedcba")
    assert contents(tmp_path) == ", which holds a, b, c, d, e and 2 more"


TEXTS = [
    "The river rises in the hills.\n",
    "Der Fluß entspringt im Süden.\r\n",
    "河流发源于山中。\n一条河\n",
    "Река.\n\nИсток\n",
]


@pytest.mark.parametrize("encoding", formats.WIDE)
@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("cut", [0, 1, 3])
def test_wide_encodings_are_told_without_a_mark(text, encoding, cut):
    data = (text * 20).encode(encoding)
    assert wide_encoding(data[: len(data) - cut]) == encoding


@pytest.mark.parametrize("text", TEXTS)
def test_wide_encodings_are_told_by_their_mark_and_utf8_is_none_of_them(text):
    assert wide_encoding(text.encode("utf-16")) == "UTF-16" and wide_encoding(text.encode("utf-32")) == "UTF-32"
    assert wide_encoding(text.encode()) is None and wide_encoding(b"\0" + (text * 20).encode()) is None
