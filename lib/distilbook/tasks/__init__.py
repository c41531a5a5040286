"""Tasks: labelled sentences and pairs of them, split into what is trained on and what is measured on."""

from .sources import TaskSource, check_source, load_task
from .task import Examples, Task

__all__ = ["Examples", "Task", "TaskSource", "check_source", "load_task"]
