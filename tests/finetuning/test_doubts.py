"""Warnings on a model's own head that is far worse than a constant prediction."""

import numpy as np
import pytest
from distilbook.finetuning.heads import doubtful_classes, doubtful_values

LABELS = np.array([0, 1, 2] * 30)


@pytest.mark.parametrize("order", [(1, 0, 2), (2, 0, 1), (1, 2, 0)])
def test_outputs_in_another_order_are_noticed_with_what_the_right_one_would_give(order):
    labels = LABELS if sum(number == place for place, number in enumerate(order)) == 0 else LABELS[LABELS != 2]
    said = doubtful_classes(labels, np.array(order)[labels], ("a", "b", "c"))
    named = {output: "abc"[label] for label, output in enumerate(order)}
    assert "accuracy 0.000 is far below" in said and "it would be 1.000" in said
    assert f"with the outputs in the order {named[0]}, {named[1]}, {named[2]}" in said


@pytest.mark.parametrize("predicted", [LABELS, np.zeros_like(LABELS), np.roll(LABELS, 45)])
def test_what_a_working_head_may_answer_is_not(predicted):
    assert doubtful_classes(LABELS, predicted, ("a", "b", "c")) == ""


def test_chance_alone_is_rarely_called_into_question():
    generator = np.random.default_rng(0)
    draws = [doubtful_classes(np.arange(200) % 2, generator.integers(0, 2, 200), ("a", "b")) for _ in range(200)]
    assert sum(map(bool, draws)) < 15


def test_values_that_fall_where_labels_rise_are_noticed():
    values, doubt = np.linspace(0, 5, 50), doubtful_values
    assert "correlate with the labels at -1.000" in doubt(values, 5 - values)
    assert doubt(values, values) == doubt(np.ones(50), values) == ""
