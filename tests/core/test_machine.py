"""This machine shared out evenly, and a process kept to its share."""

import os
import subprocess
import sys

import pytest
from distilbook.core import machine
from distilbook.core.machine import Share, keep_to, shares, visible_gpus
from hypothesis import given
from hypothesis import strategies as st


@pytest.fixture
def driver(tmp_path, monkeypatch):
    """A machine with a driver and three GPUs; nothing in the environment hides any."""
    for bus in ("0000:01:00.0", "0000:02:00.0", "0000:03:00.0"):
        (tmp_path / bus).mkdir()
    monkeypatch.setattr(machine, "Path", lambda _: tmp_path)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return tmp_path


def shared(cores: int, gpus: int, number: int | None) -> list[Share]:
    """Return the shares of a machine with so many cores and GPUs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(machine, "usable_cores", lambda: list(range(10, 10 + cores)))
        patch.setattr(machine, "visible_gpus", lambda: tuple(map(str, range(gpus))))
        return shares(number)


def test_every_gpu_of_a_driver_is_seen_unless_the_environment_names_some(driver, monkeypatch):
    assert visible_gpus() == ("0", "1", "2")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,0")
    assert visible_gpus() == ("2", "0")
    for named in ("", "-1"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
        assert visible_gpus() == ()


def test_without_a_driver_there_is_no_gpu_whatever_the_environment_names(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "Path", lambda _: tmp_path / "none")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert visible_gpus() == ()


def test_by_default_there_is_a_share_for_each_gpu_or_else_for_each_core():
    assert shared(4, 0, None) == [Share((10,)), Share((11,)), Share((12,)), Share((13,))]
    assert shared(4, 2, None) == [Share((10, 12), ("0",)), Share((11, 13), ("1",))]


def test_shares_more_than_gpus_have_one_each_that_serves_several():
    assert shared(3, 2, 3) == [Share((10,), ("0",)), Share((11,), ("1",)), Share((12,), ("0",))]


def test_a_share_has_several_gpus_where_there_are_more_of_them():
    assert shared(8, 4, 2) == [Share((10, 12, 14, 16), ("0", "2")), Share((11, 13, 15, 17), ("1", "3"))]


@given(cores=st.integers(1, 12), gpus=st.integers(0, 6), number=st.none() | st.integers(1, 20))
def test_shares_are_even_and_nothing_is_left_over_or_given_twice(cores, gpus, number):
    found = shared(cores, gpus, number)
    assert len(found) == min(number or gpus or cores, cores)
    given = sorted(core for share in found for core in share.cores)
    assert given == list(range(10, 10 + cores))
    sizes = {len(share.cores) for share in found}
    assert max(sizes) - min(sizes) <= 1
    held = [gpu for share in found for gpu in share.gpus]
    assert set(held) == set(map(str, range(gpus)))
    uses = [held.count(gpu) for gpu in set(held)]
    if gpus >= len(found):
        assert set(uses) <= {1}
    elif gpus:
        assert all(len(share.gpus) == 1 for share in found) and max(uses) - min(uses) <= 1


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system knows no affinity of processes to cores")
def test_a_process_and_what_it_starts_keep_to_their_cores():
    core = max(os.sched_getaffinity(0))
    say = "import os; print(sorted(os.sched_getaffinity(0)))"
    code = f"""
import subprocess, sys
from distilbook.core.machine import keep_to
keep_to([{core}])
{say}
sys.stdout.flush()
subprocess.run([sys.executable, "-c", {say!r}], check=True)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines() == [f"[{core}]"] * 2, done.stderr


def test_where_cores_cannot_be_named_libraries_are_told_their_number(monkeypatch):
    monkeypatch.delattr(os, "sched_setaffinity", raising=False)
    for name in ("OMP_NUM_THREADS", "RAYON_NUM_THREADS"):
        monkeypatch.setenv(name, "9")
    keep_to((0, 1, 2))
    assert os.environ["OMP_NUM_THREADS"] == os.environ["RAYON_NUM_THREADS"] == "3"
