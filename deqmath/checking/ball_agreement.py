"""Agreement in balls: for identities that rest on relations the prime field does not know.

``exp(a + b + c) = exp(a) exp(b) exp(c)`` and the like differ over the field, where values of functions
are free atoms, and have no counterexample. Both sides are then enclosed at random points; balls
that meet, and are tiny, are numeric evidence. They prove nothing.
"""

from __future__ import annotations

import random

import flint
from sympy import Function

from deqmath.checking.counterexample import hold_assumptions
from deqmath.checking.domains import BadPoint, Balls, NotInDomain, flint_precision
from deqmath.checking.points import alphabet, draw_symbols, has_gates, index_choices, new_point, size_choices
from deqmath.checking.sides import SidesTest
from deqmath.checking.solving import NotSolvable, satisfy
from deqmath.expressions.nodes import Elementwise

_BITS = 512
_POINTS = 3
#: Fewer digits than this are no evidence: cancellation has eaten the rest.
_LEAST_DIGITS = 60


def ball_agreement(test: SidesTest, seed: int = 0) -> tuple[int, int] | None:
    """(points, digits): both sides agree to so many digits at every point; None if that cannot be said.

    Only statements with functions such as exp take part. Those with gates are left out: whether they hold may
    depend on signs that no point shows.
    """
    functions = any(x.has(Elementwise, Function) for x in test.expressions)
    if not functions or has_gates(test.expressions) or test.nonnegative:
        return None
    letters = alphabet(test.expressions)
    rng = random.Random(seed)
    points, digits = 0, 10**6
    with flint_precision(_BITS):
        for sizes in size_choices(letters, "quick"):
            for bindings in index_choices(letters, sizes):
                for _ in range(_POINTS):
                    point = new_point(Balls(_BITS, 8, 8), sizes, rng)
                    try:
                        draw_symbols(point, letters, bindings)
                        hold_assumptions(point, letters.scalars)
                        satisfy(point, test.equations, bindings)
                        a, b = test.sides(point, bindings)
                    except (BadPoint, NotSolvable, NotInDomain):
                        continue
                    found = _digits(a.mat, b.mat)
                    if found is None:
                        return None
                    points, digits = points + 1, min(digits, found)
    return (points, digits) if points >= _POINTS and digits >= _LEAST_DIGITS else None


def _digits(a: flint.arb_mat, b: flint.arb_mat) -> int | None:
    """Digits to which every pair of balls is known to agree, relative to the larger side; None if two balls part."""
    worst = 10**6
    for x, y in zip(a.entries(), b.entries(), strict=True):
        gap = x - y
        if not gap.contains(0):
            return None
        size = max(float(abs(x).upper()), float(abs(y).upper()), 1.0)
        bound = abs(gap).upper() / size
        if bound > 0:
            worst = min(worst, int(-float(bound.log()) / 2.302585092994046))
    return worst
