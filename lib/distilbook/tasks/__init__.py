"""Labelled tasks: sentences and pairs of sentences in splits for training and evaluation.

:func:`load_task` loads GLUE, IMDb, a task in a pinned wheel, or one's own file.
"""

from .sources import TaskSource, check_source, load_task
from .task import Examples, Task

__all__ = ["Examples", "Task", "TaskSource", "check_source", "load_task"]
