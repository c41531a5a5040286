"""Models' kept answers: what each answered to a task's examples, what that scores, and how far a score can be trusted.

An interval here resamples what would be drawn anew in a repetition: the examples of every task (or what holds them
together, such as films), once for all models, so that these are compared on the same ones; and each model's seeds.
"""

from .comparison import (
    Comparison,
    Tasks,
    compare,
    compare_in_common,
    difference,
    macro_score,
    retention,
    scores_on_one_task,
    share_of_lead,
)
from .predictions import Answers

__all__ = [
    "Answers",
    "Comparison",
    "Tasks",
    "compare",
    "compare_in_common",
    "difference",
    "macro_score",
    "retention",
    "scores_on_one_task",
    "share_of_lead",
]
