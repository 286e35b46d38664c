"""A bound of the norm calculus evaluated in balls: sums, products, powers and maxima of numbers and symbols."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import flint
import sympy as sp
from sympy import Expr, Symbol

from deqmath.bounds.balls import ball
from deqmath.errors import InputError


def in_balls(expr: Expr, values: Mapping[Symbol, flint.arb]) -> flint.arb:
    """The value of a SymPy expression, at the precision that holds.

    Raises
    ------
    InputError
        A symbol has no value, or the expression has a node that is none of +, *, powers, abs, max.
    """
    if expr.is_Rational:
        return ball(Fraction(int(expr.p), int(expr.q)))
    if expr.is_Symbol and expr in values:
        return values[expr]
    parts = [in_balls(a, values) for a in expr.args]
    if expr.is_Add:
        return sum(parts, flint.arb(0))
    if expr.is_Mul:
        product = flint.arb(1)
        for part in parts:
            product *= part
        return product
    if expr.is_Pow and expr.exp.is_Integer:
        power = parts[0] ** abs(int(expr.exp))
        return power if expr.exp >= 0 else 1 / power
    if expr.is_Pow and expr.exp == sp.Rational(1, 2):
        return parts[0].sqrt()
    if isinstance(expr, sp.Abs):
        return abs(parts[0])
    if isinstance(expr, sp.Max):
        largest = parts[0]
        for part in parts[1:]:
            largest = largest.max(part)
        return largest
    msg = f"cannot evaluate {expr} in balls: give a value to every symbol; it knows +, *, powers, abs and max"
    raise InputError(msg)
