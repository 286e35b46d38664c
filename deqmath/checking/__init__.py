"""Judging what was derived, without the engine that derived it."""

from deqmath.checking.evaluate import evaluate
from deqmath.checking.judge import check_derivative, check_equal, check_implicit_derivative, judge
from deqmath.checking.verdict import KINDS, Evidence, Verdict

__all__ = [
    "KINDS",
    "Evidence",
    "Verdict",
    "check_derivative",
    "check_equal",
    "check_implicit_derivative",
    "evaluate",
    "judge",
]
