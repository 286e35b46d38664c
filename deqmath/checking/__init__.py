"""Judging what was derived, without the engine that derived it."""

from deqmath.checking import values_of_matrices, values_of_scalars, values_of_structures  # noqa: F401 - registers the rules
from deqmath.checking.evaluate import evaluate
from deqmath.checking.inequality import Instance, check_inequality
from deqmath.checking.judge import (
    check_derivative,
    check_directional_derivative,
    check_equal,
    check_implicit_derivative,
    judge,
)
from deqmath.checking.mutants import Mutant, mutants
from deqmath.checking.second_order import check_second_derivative
from deqmath.checking.verdict import KINDS, Evidence, Verdict

__all__ = [
    "KINDS",
    "Evidence",
    "Instance",
    "Mutant",
    "Verdict",
    "check_derivative",
    "check_directional_derivative",
    "check_equal",
    "check_implicit_derivative",
    "check_inequality",
    "check_second_derivative",
    "evaluate",
    "judge",
    "mutants",
]
