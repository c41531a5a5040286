"""Tasks and examples behave the same whatever they were loaded from."""

import numpy as np
import pytest
from distilbook.tasks import Examples, Task


def examples(number: int, pairs: bool = True, labelled: bool = True, width: int = 1) -> Examples:
    groups = np.arange(number * width).reshape((number, width) if width > 1 else number)
    return Examples(
        first=[f"s{i}" for i in range(number)],
        second=[f"t{i}" for i in range(number)] if pairs else None,
        labels=np.arange(number) if labelled else None,
        groups=groups,
        ids=[f"id{i}" for i in range(number)],
    )


@pytest.mark.parametrize("width", [1, 2])
def test_a_sample_is_drawn_without_replacement_and_again_by_its_seed(width):
    train = examples(50, width=width)
    one, again, other = train.sample(20, 0), train.sample(20, 0), train.sample(20, 1)
    assert one.first == again.first != other.first
    assert len(set(one.first)) == len(one) == 20 and len(train.sample(1000, 0)) == 50
    for i, (first, second, label, id) in enumerate(zip(one.first, one.second, one.labels, one.ids, strict=True)):
        assert (first, second, id) == (f"s{label}", f"t{label}", f"id{label}")
        assert np.array_equal(one.groups[i], train.groups[label])
    assert one.labels.tolist() == sorted(one.labels)


def test_a_sample_of_none_is_everything():
    train = examples(5)
    assert train.sample(None, 3) is train


def test_single_sentences_and_withheld_labels_stay_none_in_a_sample():
    drawn = examples(9, pairs=False, labelled=False).sample(4, 0)
    assert drawn.second is None and drawn.labels is None and len(drawn) == 4


def task(train: Examples, dev: Examples, test: Examples, metric="accuracy", classes=("0", "1")) -> Task:
    return Task("t", metric, classes, train, {"dev": dev}, {"test": test})


def test_the_fingerprint_sees_everything_that_decides_a_result():
    parts = dict(train=examples(3), dev=examples(4), test=examples(2, labelled=False))
    same = task(**parts).fingerprint
    made_again = {name: examples(len(one), labelled=one.labels is not None) for name, one in parts.items()}
    assert task(**made_again).fingerprint == same
    others = [
        task(**parts | {"train": examples(4)}),
        task(**parts | {"dev": examples(4, pairs=False)}),
        task(**parts | {"dev": examples(4, width=2)}),
        task(**parts | {"test": examples(3, labelled=False)}),
        task(**parts, metric="f1"),
        task(**parts, classes=()),
    ]
    assert len({one.fingerprint for one in others} | {same}) == len(others) + 1


def test_a_task_without_classes_is_a_regression():
    parts = dict(train=examples(3), dev=examples(4), test=examples(2))
    assert task(**parts, classes=()).kind == "regression" and task(**parts, classes=()).is_regression
    assert task(**parts).kind == "classification" and not task(**parts).is_regression
