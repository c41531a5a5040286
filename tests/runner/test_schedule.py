"""What may run side by side, and on what."""

import pytest
from distilbook.book.contents import CHAPTERS
from distilbook.core.machine import Share
from distilbook.runner.resources import Machine, may_start, time_needed
from hypothesis import given
from hypothesis import strategies as st

ARMS = ["07_ablations/without_teacher", "07_ablations/random_initialisation"]
SMALL = Machine(cores=(0, 1), gpus=(), jobs=2)


def test_light_chapters_go_first_a_core_each_and_heavy_ones_wait_for_them():
    ready = ["04_student", "05_triple_loss", "06_pretraining"]
    assert may_start(ready, {}, SMALL) == {"04_student": Share((0,)), "05_triple_loss": Share((1,))}
    assert may_start(["06_pretraining"], {"05_triple_loss": Share((1,))}, SMALL) == {}


def test_a_single_training_gets_the_whole_machine_and_two_share_it():
    assert may_start(["06_pretraining"], {}, SMALL) == {"06_pretraining": Share((0, 1))}
    assert may_start(ARMS, {}, SMALL) == {ARMS[0]: Share((0,)), ARMS[1]: Share((1,))}
    assert may_start(ARMS, {}, Machine((0, 1), (), jobs=1)) == {ARMS[0]: Share((0, 1))}


def test_times_are_measured_alone():
    assert may_start(["11_timing"], {"08_sentence_tasks": Share((0, 1))}, SMALL) == {}
    assert may_start(["11_timing", "06_pretraining"], {}, SMALL).keys() == {"06_pretraining"}
    assert may_start(["11_timing"], {}, SMALL) == {"11_timing": Share((0, 1))}
    assert may_start(["01_claims", "06_pretraining"], {"11_timing": Share((0, 1))}, SMALL) == {}


def test_each_training_gets_gpus_of_its_own():
    server = Machine(cores=tuple(range(8)), gpus=("0", "1", "2", "3"), jobs=4)
    shares = may_start(ARMS, {}, server)
    assert shares[ARMS[0]] == Share((0, 2, 4, 6), ("0", "2")) and shares[ARMS[1]] == Share((1, 3, 5, 7), ("1", "3"))
    one = Machine(cores=tuple(range(8)), gpus=("0",), jobs=1)
    assert may_start(ARMS, {}, one) == {ARMS[0]: Share(tuple(range(8)), ("0",))}
    assert may_start(ARMS[1:], {ARMS[0]: Share(tuple(range(8)), ("0",))}, one) == {}


@given(
    cores=st.integers(1, 9),
    gpus=st.integers(0, 3),
    jobs=st.integers(1, 4),
    seconds=st.lists(st.integers(0, 9), min_size=11, max_size=11),
)
def test_whatever_the_machine_every_chapter_is_executed_and_nothing_is_used_twice(cores, gpus, jobs, seconds):
    machine = Machine(tuple(range(cores)), tuple(map(str, range(gpus))), min(jobs, gpus or cores, cores))
    done, running, waiting = set(), {}, list(CHAPTERS)
    order = iter(seconds * 2)
    while waiting or running:
        ready = [name for name in waiting if done.issuperset(CHAPTERS[name].reads)]
        started = may_start(ready, running, machine)
        assert started or running, "the book never stands still"
        running |= started
        waiting = [name for name in waiting if name not in started]
        for used in (
            [core for s in running.values() for core in s.cores],
            [g for s in running.values() for g in s.gpus],
        ):
            assert len(used) == len(set(used))
        assert all(share.cores for share in running.values())
        if gpus:
            assert all(share.gpus for name, share in running.items() if CHAPTERS[name].load == "heavy")
        if any(CHAPTERS[name].load == "alone" for name in running):
            assert len(running) == 1
        done.add(gone := sorted(running)[next(order, 0) % len(running)])
        del running[gone]
    assert done == set(CHAPTERS)


def test_the_time_needed_is_that_of_the_schedule_played_through():
    seconds = {"03_teacher": 100.0, "06_pretraining": 50.0, ARMS[0]: 30.0, ARMS[1]: 20.0, "11_timing": 5.0}
    assert time_needed(seconds, {}, SMALL) == pytest.approx(100 + 50 + 30 + 5)
    assert time_needed(seconds, {}, Machine((0,), (), 1)) == pytest.approx(205)
    running = {"03_teacher": (Share((0, 1)), 60.0)}
    assert time_needed(seconds, running, SMALL) == pytest.approx(40 + 50 + 30 + 5)
    assert time_needed({"03_teacher": 10.0}, {"03_teacher": (Share((0, 1)), 60.0)}, SMALL) == 0
