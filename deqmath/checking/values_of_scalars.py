"""Values of scalars: numbers, powers, functions, traces, determinants, entries."""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy import Expr, S, Symbol, Trace
from sympy.matrices.expressions import Determinant
from sympy.matrices.expressions.matexpr import MatrixElement

from deqmath.checking.domains import BadPoint, PrimeField
from deqmath.checking.evaluation import Evaluator, first_argument, nothing, values
from deqmath.checking.functions import scalar_function
from deqmath.checking.matrices import FieldMatrix, base_of, lift, negative, sum_of
from deqmath.errors import InputError


@values.register(Symbol, reads=nothing)
def of_symbol(x: Symbol, ev: Evaluator) -> Any:
    """A dimension, a sample index, the variable of a function, or a scalar of the point."""
    if ev.given is not None and ev.given[0] == x:
        return ev.given[1]
    if x in ev.point.sizes or x in ev.bindings:
        return ev.point.number(ev.size(x))
    return ev.point.value_of(x, ev.bindings)


@values.register(sp.Rational, reads=nothing)
def of_rational(x: sp.Rational, ev: Evaluator) -> Any:
    """``p/q``."""
    return ev.point.number(int(x.p), int(x.q))


@values.register(sp.Float, reads=nothing)
def of_float(x: sp.Float, ev: Evaluator) -> Any:
    """A float is the dyadic rational it denotes, exactly."""
    return of_rational(sp.Rational(x), ev)


@values.register(sp.Add)
def of_sum(_x: sp.Add, _ev: Evaluator, *terms: Any) -> Any:
    """``a + b``."""
    return sum_of(terms)


@values.register(sp.Mul)
def of_product(_x: sp.Mul, _ev: Evaluator, *factors: Any) -> Any:
    """``a b``."""
    out = factors[0]
    for a in factors[1:]:
        out = out @ a
    return out


def _read_by_power(x: sp.Pow) -> tuple[Expr, ...]:
    base, n = x.args
    return (n,) if base == S.Exp1 else (base,) if n.is_Rational else (base, n)


@values.register(sp.Pow, reads=_read_by_power)
def of_scalar_power(x: sp.Pow, ev: Evaluator, *operands: Any) -> Any:
    """``a^n``: by multiplication for an integer (a dimension too), by a root for halves, else ``exp(n log a)``."""
    base, n = x.args
    if base == S.Exp1:
        return scalar_function("exp", operands[0])
    return number_to_the(operands[0], n, ev, operands[1] if len(operands) > 1 else None)


def number_to_the(value: Any, n: Expr, ev: Evaluator, exponent: Any = None) -> Any:
    """``a^n`` of a number; ``exponent`` is the value of n where it is no rational number."""
    one = ev.point.number(1)
    if n.is_Integer:
        return power_of(value, int(n), one)
    if n.is_Rational and n.q == 2:
        return power_of(scalar_function("sqrt", value), int(n.p), one)
    if n.free_symbols and n.free_symbols <= ev.point.sizes.keys():
        return power_of(value, int(n.subs(ev.point.sizes)), one)
    if exponent is None:
        exponent = ev.point.number(int(n.p), int(n.q)) if n.is_Rational else ev(n)
    return scalar_function("exp", scalar_function("log", value) @ exponent)


@values.register(sp.Function, sp.exp)
def of_function(x: sp.Function, _ev: Evaluator, *arguments: Any) -> Any:
    """``f(a)``."""
    if len(arguments) != 1:
        msg = f"no exact value for {x}: functions of one argument are needed"
        raise InputError(msg)
    return scalar_function(x.func.__name__, arguments[0])


@values.register(sp.core.numbers.Pi, reads=nothing)
def of_pi(_x: Expr, ev: Evaluator) -> Any:
    """``pi``, a number without relations in a field."""
    return lift(ev.point.domain.function("pi", ev.point.domain.number(0)), ev.point.number(0))


@values.register(sp.core.numbers.Exp1, reads=nothing)
def of_e(_x: Expr, ev: Evaluator) -> Any:
    """``e = exp(1)``."""
    return scalar_function("exp", ev.point.number(1))


#: Powers beyond this are left to the prime field, where they do not grow.
_HIGHEST_POWER = 1 << 12


def power_of(a: Any, n: int, one: Any) -> Any:
    """``a^n`` by repeated squaring, of a number or a square matrix."""
    if abs(n) > _HIGHEST_POWER and not isinstance(base_of(a).domain, PrimeField):
        msg = f"the power {n} of a number that is no residue"
        raise BadPoint(msg)
    if n < 0:
        a, n = a.inverted(), -n
    out = one
    while n:
        if n & 1:
            out = out @ a
        a, n = a @ a, n >> 1
    return out


@values.register(Trace)
def of_trace(_x: Trace, _ev: Evaluator, value: Any) -> Any:
    """The sum of the diagonal."""
    return sum_of([value.entry(i, i) for i in range(value.shape[0])])


@values.register(MatrixElement, reads=first_argument)
def of_entry(x: MatrixElement, ev: Evaluator, matrix: Any) -> Any:
    """Entry (i, j), counted from 0."""
    at = tuple(map(ev.size, x.args[1:]))
    if any(not 0 <= k < n for k, n in zip(at, matrix.shape, strict=True)):
        msg = f"entry {at} of a matrix of shape {matrix.shape}, in {x}"
        raise BadPoint(msg)
    return matrix.entry(*at)


@values.register(Determinant)
def of_determinant(_x: Determinant, _ev: Evaluator, value: Any) -> Any:
    """Of plain numbers by flint; of dual numbers by expansion along the first row while small, else by elimination."""
    if isinstance(value, FieldMatrix):
        domain = value.domain
        return FieldMatrix(domain, domain.matrix(1, 1, [value.mat.det()]))
    return _minors(value) if value.shape[0] <= 4 else _eliminated(value)


def _eliminated(value: Any) -> Any:
    """``det [a r; c M] = a det(M - c a^{-1} r)``; a point with a = 0 is drawn again."""
    out = None
    while (k := value.shape[0]) > 1:
        pivot = value.entry(0, 0)
        out = pivot if out is None else out @ pivot
        row = value.reshaped(lambda _, j: (0, j + 1), 1, k - 1)
        column = value.reshaped(lambda i, _: (i + 1, 0), k - 1, 1)
        rest = value.reshaped(lambda i, j: (i + 1, j + 1), k - 1, k - 1)
        value = rest + negative(column @ (pivot.inverted() @ row))
    return out @ value


def _minors(value: Any) -> Any:
    k = value.shape[0]
    if k == 1:
        return value.entry(0, 0)
    terms = []
    for j in range(k):
        minor = value.reshaped(lambda r, c, j=j: (r + 1, c + (c >= j)), k - 1, k - 1)
        term = value.entry(0, j) @ _minors(minor)
        terms.append(negative(term) if j % 2 else term)
    return sum_of(terms)
