"""Quantities of a timing: ratios, latencies, throughput, reliability."""

import pytest
from distilbook.inference.models import Comparison, Input, bert, distilbert
from distilbook.inference.timing import Measured, Start, trust

PAIR = (bert(4, 8, 2, 8), distilbert(2, 8, 2, 8))


def start(teacher, student, noise=((1.0,), (1.0,)), share=1.0) -> Start:
    passes = tuple((tuple(a), tuple(b)) for a, b in zip(teacher, student, strict=True))
    return Start(passes, (noise,) * len(passes), share, 1.0)


def measured(*starts, threads=1, batch=1, device="cpu", neighbours=0) -> Measured:
    inputs = (Input(batch, 10),) * len(starts[0].passes)
    return Measured(Comparison("x", PAIR, inputs, 1, len(inputs)), threads, device, neighbours, starts)


def test_the_ratio_is_taken_input_by_input_from_the_fastest_passes():
    one = start([(2, 9), (30, 31), (400, 500)], [(1, 1), (12, 10), (100, 900)])
    assert one.fastest(0) == [2, 30, 400] and one.fastest(1) == [1, 10, 100]
    assert one.ratio(1).value == 3


def test_the_interval_covers_every_start():
    two = measured(start([(2,), (2,)], [(1,), (1,)]), start([(2.2,), (2.2,)], [(1,), (1,)]))
    found = two.ratio(1)
    assert (found.value, found.low, found.high, found.n) == (pytest.approx(2.1), 2.0, 2.2, 2)


def test_latency_and_throughput_count_every_pass():
    one = measured(start([(10, 20), (30, 40)], [(1, 1), (1, 1)]), batch=8)
    assert one.latency(0).value == 25
    assert one.latency_95(0) == pytest.approx(38.5)
    assert one.throughput(0) == pytest.approx(16 / 0.050)  # median passes of 15 and 35 ms
    assert one.full_pass(0, 1_500).value == pytest.approx(25 * 1.5)


def test_the_split_names_device_threads_and_precision():
    one = start([(2,)], [(1,)])
    assert measured(one).split == "cpu, 1 thread"
    assert measured(one, threads=4).split == "cpu, 4 threads"
    assert measured(one, neighbours=2).split == "cpu, 1 thread, beside 2 busy processes"
    assert measured(one, device="cuda").split == "cuda, float32"


@pytest.mark.parametrize(
    ("noise", "share", "begins"),
    [
        (1.005, 0.99, "Quiet"),
        (1.05, 0.99, "Slightly noisy"),
        (1.05, 0.9, "Busy machine"),
        (1.005, 0.6, "Busy machine"),
        (1.11, 0.99, "Too noisy to decide anything"),
        (0.89, 0.99, "Too noisy to decide anything"),
    ],
)
def test_reliability_follows_from_noise_and_share_of_the_core(noise, share, begins):
    said = trust(measured(start([(2,)] * 4, [(1,)] * 4, noise=((noise,), (1.0,)), share=share)))
    assert said.startswith(begins) and f"{share:.1%} of the time" in said


def test_the_share_is_not_judged_where_threads_wait_for_each_other():
    said = trust(measured(start([(2,)] * 4, [(1,)] * 4, share=0.6), threads=2))
    assert said.startswith("Quiet") and "of the time" not in said
