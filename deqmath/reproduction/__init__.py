"""Theorems 3.1 and 4.1 of gg22 on data: what ``deqmath reproduce`` computes, keeps, tabulates and draws."""

from deqmath.reproduction.cells import Cell, Plan, kept_or_computed
from deqmath.reproduction.tasks import TASKS, Task

__all__ = ["TASKS", "Cell", "Plan", "Task", "kept_or_computed"]
