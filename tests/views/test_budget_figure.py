"""The bars of what each chapter took."""

import pytest
from distilbook.views.trial import time_spent

ROWS = [
    {"label": "Pre-training", "training": 40.0, "rest": 10.0},
    {"label": "The claims", "training": 0.0, "rest": 4.0},
]


def test_a_bar_is_training_and_the_rest_one_after_the_other():
    made = time_spent(ROWS)
    assert [(bar.name, tuple(bar.x)) for bar in made.data] == [
        ("training and measuring", (40.0, 0.0)),
        ("the rest", (10.0, 4.0)),
    ]
    assert made.data[0].y == ("Pre-training", "The claims") and made.layout.barmode == "stack"


@pytest.mark.parametrize(("seconds", "unit", "drawn"), [(170.0, "seconds", 170.0), (171.0, "minutes", 2.85)])
def test_long_chapters_are_drawn_in_minutes(seconds, unit, drawn):
    made = time_spent([{"label": "Pre-training", "training": seconds, "rest": 9.0}])
    assert made.layout.xaxis.title.text == unit and made.data[0].x[0] == pytest.approx(drawn)


def test_no_chapter_makes_an_empty_figure():
    assert [tuple(bar.x) for bar in time_spent([]).data] == [(), ()]
