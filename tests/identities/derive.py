"""Deriving each problem with the calculus, and judging it twice."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import deqmath as dm

from .problems import Problem


@dataclass(frozen=True)
class Outcome:
    """What came of one problem.

    Parameters
    ----------
    derived
        The result of the calculus (for ``equal``: the left side in normal form).
    derivative
        Status of the derivative judged by dual numbers; None where there is nothing to differentiate.
    stated
        Status of "derived = stated", judged exactly.
    proved
        Whether the rules prove derived = stated for all dimensions.
    """

    problem: Problem
    derived: Any
    derivative: str | None
    stated: str
    proved: bool
    derive_seconds: float
    check_seconds: float


def derived(problem: Problem) -> Any:
    """The result of the calculus."""
    if problem.kind == "equal":
        return problem.of
    if problem.kind == "jacobian":
        return dm.jacobian(problem.of, problem.wrt).result
    gradient = dm.gradient(problem.of, problem.wrt).result
    return gradient if problem.kind == "gradient" else dm.jacobian(gradient, problem.wrt).result


def solve(problem: Problem) -> Outcome:
    """Derive, prove, check."""
    start = time.process_time()
    result = derived(problem)
    proved = dm.proves_equal(result, problem.stated)
    middle = time.process_time()
    derivative = None
    if problem.kind in ("jacobian", "gradient"):
        derivative = dm.check_derivative(result, problem.of, problem.wrt).status
    elif problem.kind == "hessian":
        gradient = dm.gradient(problem.of, problem.wrt).result
        first = dm.check_derivative(gradient, problem.of, problem.wrt).status
        second = dm.check_derivative(result, gradient, problem.wrt).status
        derivative = "verified" if first == second == "verified" else f"{first}, {second}"
    stated = dm.check_equal(result, problem.stated).status
    end = time.process_time()
    return Outcome(problem, result, derivative, stated, proved, middle - start, end - middle)
