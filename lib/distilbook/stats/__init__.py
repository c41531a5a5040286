"""Metrics, stored predictions, bootstrap confidence intervals, and comparisons of models on the same examples.

A resample draws what a repetition would draw anew: examples or clusters of them (such as films), and seeds.
"""

from .comparison import Comparison, Tasks, compare, compare_in_common, difference, scores_on_one_task
from .predictions import Answers

__all__ = ["Answers", "Comparison", "Tasks", "compare", "compare_in_common", "difference", "scores_on_one_task"]
