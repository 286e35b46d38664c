"""Degrees of derivatives as dual numbers compute them, unknowns moving along.

Let ``x = P/Q`` in variables ``v = a/b`` (inputs, unknowns, values of functions) of degrees (a, b). If
v moves by ``eps dv``, replace a by ``a + eps b dv``: then ``dx = sum_v (P_a Q - P Q_a) b dv / Q^2``, of
degree at most that of ``x'`` times the largest of ``dv`` taken relative to v, by ``deg b - deg a``.
The chain rule is in the dv of a function value, which is a slope times the derivative of the argument.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sympy as sp
from sympy import Expr, S, Symbol
from sympy.matrices.expressions import HadamardPower

from deqmath.checking.degree import Degrees, exponential, logarithm
from deqmath.checking.evaluation import values
from deqmath.checking.quotients import ONE, Quotient, solution, total
from deqmath.checking.solving import Equations, Group, base_symbol, groups
from deqmath.expressions.nodes import Column, Elementwise, Gate, SoftmaxColumns, Total, step_scalar

Moves = Mapping[Expr, Quotient]

#: Slopes s and ds of a function value y of u, relative to y: ``dy = s du`` and ``ddy = ds du du + s ddu``.
Slopes = tuple[Quotient, Quotient]


def slopes(name: str, key: Any, u: Quotient, dg: Degrees) -> Slopes:
    """What :mod:`~deqmath.checking.functions` multiplies with; of functions made from exp it is y again or like it."""
    if name in ("exp", "tanh", "sinh", "cosh", "sin", "cos", "tan", "softmax"):
        return ONE, ONE
    inverse = u.inverse(("slope", key))
    if name == "log":
        y = logarithm(key, dg)
        relative = y.bottom - y.top
        return inverse.raised(relative), inverse.power(2).raised(relative)
    if name == "sqrt":
        return inverse, inverse.power(2)
    square = Quotient(2 * u.largest).inverse(("slope", key))  # 1/(1 + u^2)
    if name == "atan":
        return square.raised(-1), square.power(2).times(u).raised(-1)
    if name == "erf":
        dg.arguments.note(Quotient(2 * u.largest))
        dg.arguments.of_exp = max(dg.arguments.of_exp, 2 * u.largest)
        slope = exponential(("slope", key), dg).times(Quotient(1, {("pi", key): (1, 1)}))
        return slope.raised(-1), slope.times(u).raised(-1)
    if name in ("asin", "acos"):
        root = Quotient(2 * u.largest, {("slope", key): (2 * u.largest, 1)})
        return root.raised(-1), root.power(3).times(u).raised(-1)
    return ONE, ONE  # an unspecified function: its derivatives are atoms as it is


class Motion:
    """Bounds on first derivatives while some symbols move; symbol -> bound on its direction."""

    def __init__(self, dg: Degrees, moves: Moves) -> None:
        self.dg, self.moves = dg, dict(moves)
        self._cache: dict[Expr, Quotient | None] = {}

    def __call__(self, x: Expr) -> Quotient | None:
        """A bound on the derivative of x; None where nothing in it moves."""
        leaves = self.leaves(x)
        return None if leaves is None else self.dg.of(x).derivative().times(leaves)

    def leaves(self, x: Expr) -> Quotient | None:
        """A bound on the changes of the variables x is made of, each relative to its variable."""
        todo = [x]
        while todo:
            y = todo[-1]
            missing = [a for a in self._parts(y) if a not in self._cache] if y not in self._cache else []
            todo += missing
            if not missing:
                todo.pop()
                if y not in self._cache:
                    found = self._leaves_of(y)
                    self._cache[y] = None if found is None else found.shortened(("leaves", y))
        return self._cache[x]

    def _parts(self, x: Expr) -> tuple[Expr, ...]:
        return (x.term,) if isinstance(x, Total) else () if isinstance(x, Gate) else values.operands(x)

    def _leaves_of(self, x: Expr) -> Quotient | None:
        if x in self.moves:
            self.dg.of(x)
            return self._relative(self.moves[x], self.dg.of(x))
        if isinstance(x, Elementwise) and not x.is_relu:
            return None if x.is_step else self._elementwise(x)
        if isinstance(x, step_scalar):
            return None
        if isinstance(x, HadamardPower):
            return self._power(x, x.args[0], x.args[1], self.dg.entries(x))
        if isinstance(x, sp.Pow) and x.args[0] != S.Exp1:
            return self._power(x, x.args[0], x.args[1], 1)
        if isinstance(x, SoftmaxColumns):
            return self.of_function("softmax", x, x.arg)
        if isinstance(x, sp.Pow):
            return self.of_function("exp", x, x.args[1])
        if isinstance(x, sp.Function) and x.func.__name__ != "relu_scalar":
            return self.of_function(x.func.__name__, x, x.args[0])
        found = self._joined(self._parts(x))
        if found is not None and isinstance(x, Total):
            return found.of_entries(self.dg.size(x.count), ("total", x), {})
        return found

    def _relative(self, change: Quotient, value: Quotient) -> Quotient:
        return change.raised(value.bottom - value.top)

    def _joined(self, parts: Sequence[Expr]) -> Quotient | None:
        found = [q for q in (self._cache[a] for a in parts) if q is not None]
        return total(found) if found else None

    def of_function(self, name: str, x: Expr, argument: Expr) -> Quotient | None:
        """The change of one function value, relative to it."""
        du = self(argument)
        if du is None:
            return None
        s, _ = slopes(name, x, self.dg.of(argument), self.dg)
        return s.times(du)

    def with_variable(self, t: Symbol, dg: Degrees, argument: Expr) -> Motion:
        """The same motion, for the body of a function of t."""
        du = self(argument)
        return Motion(dg, self.moves if du is None else {**self.moves, t: du})

    def _elementwise(self, x: Elementwise) -> Quotient | None:
        (t,) = x.function.variables
        dg = self.dg.with_variable(t, self.dg.of(x.arg))
        found = self.with_variable(t, dg, x.arg).leaves(x.function.expr)
        if found is None:
            return None
        shared = {**self.dg.of(x.arg).factors, **self.shared(x.arg)}
        return found.of_entries(self.dg.entries(x), ("entries", x), shared)

    def shared(self, x: Expr) -> Mapping[Any, tuple[int, int]]:
        """The factors of the derivative of x, the same for all its entries."""
        found = self(x)
        return {} if found is None else found.factors

    def _power(self, x: Expr, base: Expr, n: Expr, entries: int) -> Quotient | None:
        """An integer power is made of its base; a half is a root; others are ``exp(n log base)``."""
        k = self.dg.integer(n)
        if k is not None and k.is_Integer:
            return self.leaves(base)
        half = k is not None and k.q == 2
        found = self.of_function("sqrt", x, base) if half else self._of_exponent(x, base, n)
        return None if found is None else found.of_entries(entries, ("entries", x), self.shared(base))

    def _inverse_of(self, x: Expr, base: Expr) -> Quotient:
        return self.dg.of(base).inverse(("slope", x))

    def _of_exponent(self, x: Expr, base: Expr, n: Expr) -> Quotient | None:
        """``d(n log b) = n db / b + log(b) dn``, the change of ``b^n`` relative to it."""
        terms = [
            _product(self.dg.of(n), self._inverse_of(x, base), self(base)),
            _product(logarithm(x, self.dg), self(n)),
        ]
        parts = [t for t in terms if t is not None]
        return total(parts) if parts else None


class SecondMotion(Motion):
    """Bounds on mixed second derivatives: ``x_12 = x''[d1, d2] + x'[d12]``."""

    def __init__(self, dg: Degrees, first: Motion, second: Motion, moves: Moves) -> None:
        super().__init__(dg, moves)
        self.first, self.second = first, second

    def __call__(self, x: Expr) -> Quotient | None:
        one, two, both = self.first.leaves(x), self.second.leaves(x), self.leaves(x)
        d, parts = self.dg.of(x).derivative(), []
        if one is not None and two is not None:
            parts.append(d.derivative().times(one, two))
        if both is not None:
            parts.append(d.times(both))
        return total(parts) if parts else None

    def of_function(self, name: str, x: Expr, argument: Expr) -> Quotient | None:
        s, ds = slopes(name, x, self.dg.of(argument), self.dg)
        one, two, both = self.first(argument), self.second(argument), self(argument)
        parts = []
        if one is not None and two is not None:
            parts.append(ds.times(one, two))
        if both is not None:
            parts.append(s.times(both))
        return total(parts) if parts else None

    def with_variable(self, t: Symbol, dg: Degrees, argument: Expr) -> Motion:
        first, second = (m.with_variable(t, dg, argument) for m in (self.first, self.second))
        both = self(argument)
        return SecondMotion(dg, first, second, self.moves if both is None else {**self.moves, t: both})

    def shared(self, x: Expr) -> Mapping[Any, tuple[int, int]]:
        return {**super().shared(x), **self.first.shared(x), **self.second.shared(x)}

    def _of_exponent(self, x: Expr, base: Expr, n: Expr) -> Quotient | None:
        """``d1 d2 e^T / e^T = d1 T d2 T + d1 d2 T`` for ``T = n log b``."""
        s, log, power = self._inverse_of(x, base), logarithm(x, self.dg), self.dg.of(n)
        (b1, n1), (b2, n2) = ((m(base), m(n)) for m in (self.first, self.second))
        b12, n12 = self(base), self(n)
        T1, T2 = (m._of_exponent(x, base, n) for m in (self.first, self.second))
        terms = [
            _product(T1, T2),
            _product(power, s, b12),
            _product(power, s, s, b1, b2),
            _product(s, b1, n2),
            _product(s, b2, n1),
            _product(log, n12),
        ]
        parts = [t for t in terms if t is not None]
        return total(parts) if parts else None


def _product(*factors: Quotient | None) -> Quotient | None:
    known = [f for f in factors if f is not None]
    return ONE.times(*known) if len(known) == len(factors) else None


def followed(dg: Degrees, moves: Moves, equations: Equations) -> Motion:
    """The motion in which unknowns follow: ``F_z dz = -(the change of F with z at rest)``."""
    motion = Motion(dg, moves)
    for group in groups(equations):
        if any(base_symbol(u) in moves for u in group.unknowns):
            continue
        motion = Motion(dg, {**motion.moves, **_solved(dg, group, motion)})
    return motion


def followed_twice(dg: Degrees, moves: Sequence[Moves], equations: Equations) -> SecondMotion:
    """The motion of second order along two directions."""
    first, second = (followed(dg, m, equations) for m in moves)
    motion = SecondMotion(dg, first, second, {})
    for group in groups(equations):
        if any(base_symbol(u) in m for u in group.unknowns for m in moves):
            continue
        motion = SecondMotion(dg, first, second, {**motion.moves, **_solved(dg, group, motion)})
    return motion


def _solved(dg: Degrees, group: Group, motion: Callable[[Expr], Quotient | None]) -> Moves:
    """The change of the unknowns of one group, by Cramer's rule."""
    symbols = [base_symbol(u) for u in group.unknowns]
    rest = [q for q in map(motion, group.residuals) if q is not None]
    if not rest:
        return {}
    unit = Motion(dg, dict.fromkeys(symbols, ONE))
    slope = total([ONE, *(q for q in map(unit, group.residuals) if q is not None)])
    size = sum(dg.entries(u) for u in group.unknowns)
    columns = [u for u in group.unknowns if isinstance(u, Column) and u.index.is_Symbol]
    systems = max((dg.size(u.arg.shape[1]) for u in columns), default=1)
    key = ("dF/dz", *group.unknowns)
    right = total(rest)
    if systems > 1:  # each column has factors of its own
        right = right.of_entries(systems, ("right", *group.unknowns), {})
    return dict.fromkeys(symbols, solution(slope, right, size, key, systems))
