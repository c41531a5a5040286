"""Memory of a model: at least its weights, more with a larger batch, and an error that helps."""

import pytest
from distilbook.core.config import BookError
from distilbook.inference import memory
from distilbook.inference.memory import memory_of
from distilbook.inference.models import Comparison, Input, bert, distilbert, parameters_of_timed
from distilbook.inference.timing import Measured


def test_weights_and_activations_are_counted():
    timed = bert(2, 256, 4, 1024)
    weights = 4 * parameters_of_timed(timed)
    small, large = memory_of(timed, [Input(1, 16), Input(64, 256)])
    assert weights < small < weights + 40e6
    # The feed-forward layer's output, and that of its activation, both at once.
    assert large > small + 2 * 64 * 256 * 1024 * 4


def test_every_model_and_shape_measured_has_its_memory(monkeypatch):
    asked = []

    def taken(timed, inputs, device):
        asked.append((timed.name, [given.batch for given in inputs], device))
        return [100 * given.batch for given in inputs]

    monkeypatch.setattr(memory, "memory_of", taken)
    pair = (bert(2, 8, 2, 8), distilbert(1, 8, 2, 8))
    shapes = [Measured(Comparison("x", pair, (Input(n, 4),) * 2, 1, 1), 1, "cpu", 0, ()) for n in (8, 1)]
    found = memory.memory_taken(shapes)
    assert asked == [("bert 2 x 8", [1, 8], "cpu"), ("distilbert 1 x 8", [1, 8], "cpu")]
    assert found == {(timed.key, Input(n, 4)): 100 * n for timed in pair for n in (1, 8)}


def test_a_model_that_cannot_be_built_says_so():
    with pytest.raises(BookError, match="bert 2 x 10 could not be built and run") as caught:
        memory_of(bert(2, 10, 3, 8), [Input(1, 16)])
    assert "10" in str(caught.value) and "largest batch" in str(caught.value)
