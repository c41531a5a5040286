"""What a pass costs, against PyTorch's own count of operations; and what bounds it."""

import pytest
from distilbook.inference.breakdown import Peaks, cost, machine_peaks, roofline_points
from distilbook.inference.models import Comparison, Input, bert, built, distilbert
from distilbook.inference.timing import Measured, Start


@pytest.mark.parametrize("timed", [bert(3, 32, 4, 64), distilbert(2, 32, 4, 64)])
@pytest.mark.parametrize(("batch", "tokens"), [(1, 7), (3, 20)])
def test_operations_are_those_that_pytorch_counts(timed, batch, tokens):
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    model = built(timed, "cpu")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(input_ids=torch.ones(batch, tokens, dtype=torch.long))
    pooler = 2 * batch * 32 * 32 if timed.config["model_type"] == "bert" else 0
    assert cost(timed.config, batch, tokens).operations == counter.get_total_flops() - pooler


def test_a_longer_batch_reads_the_same_weights_for_more_operations():
    config = bert(12, 768, 12, 3072).config
    one, many = cost(config, 1, 28), cost(config, 16, 28)
    assert many.operations == 16 * one.operations and many.bytes < 4 * one.bytes
    weights = 12 * (4 * 768**2 + 2 * 768 * 3072) * 4
    assert weights < one.bytes < 1.1 * weights


def test_the_roof_bends_where_both_bounds_meet():
    peaks = Peaks(100.0, 10.0, 1)
    assert [peaks.bound(x) for x in (1.0, 10.0, 50.0)] == [10.0, 100.0, 100.0]


def test_the_machines_peaks_are_measured_and_threads_given_back():
    import torch

    before = torch.get_num_threads()
    peaks = machine_peaks(1, repeats=1)
    assert peaks.operations > 1e8 and peaks.bytes > 1e7 and torch.get_num_threads() == before


def test_points_are_operations_over_the_fastest_time():
    pair = (bert(2, 32, 4, 64), distilbert(1, 32, 4, 64))
    start = Start((((4.0, 2.0), (1.0, 3.0)),), (((1.0,), (1.0,)),), 1.0, 1.0)
    points = roofline_points([Measured(Comparison("x", pair, (Input(2, 5),), 2, 1), 1, "cpu", 0, (start,))])
    assert points[0]["operations a second"] == pytest.approx(cost(pair[0].config, 2, 5).operations / 2e-3)
    assert points[1]["operations a second"] == pytest.approx(cost(pair[1].config, 2, 5).operations / 1e-3)
