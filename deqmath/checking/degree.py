"""Degrees of the rational functions under test, in the random inputs and in the atoms that functions give.

A function value is a free atom (:mod:`~deqmath.checking.atoms`), or by the relations kept there a
product or sum of few of them, so its degree does not depend on that of its argument: the degree of a
network written out grows with its depth and no faster. What the arguments decide is which of
them meet by chance; their degrees are noted for that. The bounds are never too small.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sympy as sp
from sympy import Expr, Identity, Inverse, MatAdd, MatMul, MatPow, S, Symbol, Trace, ZeroMatrix
from sympy.matrices.expressions import (
    BlockMatrix,
    Determinant,
    DiagMatrix,
    DiagonalOf,
    HadamardPower,
    HadamardProduct,
    KroneckerProduct,
    MatrixSymbol,
    OneMatrix,
    Transpose,
)
from sympy.matrices.expressions.matexpr import MatrixElement
from sympy.matrices.immutable import ImmutableDenseMatrix

from deqmath.checking.evaluation import values
from deqmath.checking.quotients import ONE, VARIABLE, Quotient, total
from deqmath.expressions.nodes import (
    Column,
    Commutation,
    Diag,
    DiagSelection,
    Elementwise,
    Gate,
    Placement,
    SoftmaxColumns,
    Total,
    Vec,
)
from deqmath.expressions.smooth import SmoothFunction
from deqmath.expressions.traversal import Rules

degrees = Rules("degree")


@dataclass
class Arguments:
    """The largest degrees among the arguments of functions and signs, of log alone and of exp alone."""

    largest: int = 1
    of_log: int = 1
    of_exp: int = 1

    def note(self, x: Quotient) -> None:
        """An argument that may meet another one by chance."""
        self.largest = max(self.largest, x.largest)


@dataclass(frozen=True)
class AtomDegrees:
    """What values of exp and log can be: a product of ``reach`` bases of degree ``base``; a sum of two terms.

    A base is an atom, or the argument of a log where ``exp(log x) = x`` came in; a term likewise an atom
    or the argument of an exp.
    """

    reach: int = 3
    base: int = 1
    term: int = 0

    def crossed(self, arguments: Arguments) -> AtomDegrees:
        """One level further: bases that are arguments of log, terms that are arguments of exp."""
        return AtomDegrees(self.reach, arguments.of_log, arguments.of_exp)

    @property
    def exponential(self) -> int:
        """Of numerator and denominator of a value of exp."""
        return self.reach * self.base


class Degrees:
    """Degree bounds at given sizes; ``known`` holds those of unknowns solved for."""

    def __init__(
        self,
        sizes: Mapping[Symbol, int],
        known: Mapping[Expr, Quotient] | None = None,
        atoms: AtomDegrees | None = None,
        arguments: Arguments | None = None,
    ) -> None:
        self.sizes = dict(sizes)
        self.known = dict(known or {})
        self.atoms = atoms or AtomDegrees()
        self.arguments = arguments or Arguments()
        self._cache: dict[Expr, Quotient] = {}

    def __call__(self, x: Expr) -> tuple[int, int]:
        """Bounds on the degrees of numerator and common denominator."""
        found = self.of(x)
        return found.top, found.bottom

    def of(self, x: Expr) -> Quotient:
        """The bound with its factors."""
        todo = [x]
        while todo:  # operands first, so that depth is no recursion
            y = todo[-1]
            missing = [a for a in values.operands(y) if a not in self._cache] if y not in self._cache else []
            todo += missing
            if not missing:
                todo.pop()
                if y not in self._cache:
                    self._cache[y] = degrees(y, self).shortened(y)
        return self._cache[x]

    def size(self, d: Any) -> int:
        """A dimension as a number."""
        return d if isinstance(d, int) else int(d.subs(self.sizes))

    def entries(self, x: Expr) -> int:
        """The number of entries of a matrix."""
        return self.size(x.shape[0]) * self.size(x.shape[1])

    def with_variable(self, t: Symbol, value: Quotient) -> Degrees:
        """The same inputs, for the body of a function of t."""
        return Degrees(self.sizes, {**self.known, t: value}, self.atoms, self.arguments)

    def integer(self, n: Expr) -> Expr | None:
        """An exponent as a number, where it is a number or made of dimensions."""
        n = n.subs(self.sizes) if n.free_symbols <= self.sizes.keys() else n
        return n if n.is_Rational else None


@degrees.register(MatrixSymbol, Symbol)
def _symbol(x: Expr, dg: Degrees) -> Quotient:
    return dg.known.get(x, ONE if x in dg.sizes else VARIABLE)


@degrees.register(sp.Number, sp.NumberSymbol, Identity, ZeroMatrix, OneMatrix, Commutation, DiagSelection, Placement)
def _constant(_x: Expr, _dg: Degrees) -> Quotient:
    return ONE


@degrees.register(sp.core.numbers.Pi)
def _pi(_x: Expr, _dg: Degrees) -> Quotient:
    return VARIABLE


@degrees.register(sp.core.numbers.Exp1)
def _e(x: Expr, dg: Degrees) -> Quotient:
    return exponential(x, dg)


@degrees.register(Gate)
def _gate(x: Gate, dg: Degrees) -> Quotient:
    dg.arguments.note(dg.of(x.arg))
    return ONE


@degrees.register(MatAdd, sp.Add)
def _sum(x: Expr, dg: Degrees) -> Quotient:
    return total(dg.of(a) for a in x.args)


@degrees.register(MatMul, sp.Mul, HadamardProduct, KroneckerProduct)
def _product(x: Expr, dg: Degrees) -> Quotient:
    return ONE.times(*(dg.of(a) for a in x.args))


@degrees.register(MatPow)
def _matrix_power(x: MatPow, dg: Degrees) -> Quotient:
    base, n = x.args
    k, d = dg.size(n), dg.of(base)
    return d.power(k) if k >= 0 else d.inverse(x, dg.size(base.shape[0])).power(-k)


@degrees.register(sp.Pow)
def _scalar_power(x: sp.Pow, dg: Degrees) -> Quotient:
    base, n = x.args
    if base == S.Exp1:
        _note_exp(dg, dg.of(n))
        return exponential(x, dg)
    exponent = ONE if dg.integer(n) is not None or not n.free_symbols else dg.of(n)
    return power(x, dg, dg.of(base), n, exponent)


@degrees.register(HadamardPower)
def _entry_power(x: HadamardPower, dg: Degrees) -> Quotient:
    base, n = x.args
    d = dg.of(base)
    k = dg.integer(n)
    shared = d.factors if k is not None and k.is_Integer and k >= 0 else {}
    exponent = ONE if k is not None or not n.free_symbols else dg.of(n)
    return power(("entry", x), dg, d, n, exponent).of_entries(dg.entries(x), x, shared)


def power(key: Any, dg: Degrees, base: Quotient, n: Expr, exponent: Quotient) -> Quotient:
    """``base^n``: of a number; by a root for halves; ``exp(n log base)`` otherwise."""
    k = dg.integer(n)
    if k is not None and k.is_Integer:
        return base.power(int(k)) if k >= 0 else base.inverse(key).power(-int(k))
    if k is not None and k.q == 2:
        root = base.largest  # sqrt(P/Q) = sqrt(P Q)/Q
        dg.arguments.note(base)
        return Quotient(abs(int(k.p)) * root, {key: (root, abs(int(k.p)))})
    _note_log(dg, base)
    _note_exp(dg, logarithm(key, dg).times(exponent))
    return exponential(key, dg)


def exponential(key: Any, dg: Degrees) -> Quotient:
    """A value of exp."""
    a = dg.atoms.exponential
    return Quotient(a, {key: (a, 1)})


def logarithm(key: Any, dg: Degrees) -> Quotient:
    """A value of log: an atom, or the sum of two arguments of exp."""
    d = 2 * dg.atoms.term
    return Quotient(d, {("log", key): (d, 1)}) if d else VARIABLE


def _note_exp(dg: Degrees, argument: Quotient) -> None:
    dg.arguments.note(argument)
    dg.arguments.of_exp = max(dg.arguments.of_exp, argument.largest)


def _note_log(dg: Degrees, argument: Quotient) -> None:
    dg.arguments.note(argument)
    dg.arguments.of_log = max(dg.arguments.of_log, argument.largest)


@degrees.register(Inverse)
def _inverse(x: Inverse, dg: Degrees) -> Quotient:
    return dg.of(x.arg).inverse(x, dg.size(x.shape[0]))


@degrees.register(Transpose, Diag, DiagMatrix, DiagonalOf, Vec, Column, MatrixElement, Trace)
def _same(x: Expr, dg: Degrees) -> Quotient:
    return dg.of(x.args[0])


@degrees.register(Elementwise)
def _elementwise(x: Elementwise, dg: Degrees) -> Quotient:
    inner = dg.of(x.arg)
    if x.is_relu or x.is_step:
        dg.arguments.note(inner)
        return inner if x.is_relu else ONE
    (t,) = x.function.variables
    entry = dg.with_variable(t, inner).of(x.function.expr)
    return entry.of_entries(dg.entries(x), x, inner.factors)


@degrees.register(SoftmaxColumns)
def _softmax(x: SoftmaxColumns, dg: Degrees) -> Quotient:
    """Each entry is ``e_ij / sum_k e_kj`` with ``e = P/Q``: ``P_i prod Q / sum_k P_k prod Q``, column by column."""
    _note_exp(dg, dg.of(x.arg))
    d = dg.entries(x) * dg.atoms.exponential
    return Quotient(d, {x: (d, 1)})


@degrees.register(SmoothFunction)
def _smooth(x: SmoothFunction, dg: Degrees) -> Quotient:
    dg.arguments.note(dg.of(x.args[0]))
    return VARIABLE


@degrees.register(sp.Function, sp.exp)
def _function(x: sp.Function, dg: Degrees) -> Quotient:
    """In terms of exp as the evaluator writes it; sin and cos are points ``t`` of the circle; others are atoms."""
    name, inner = x.func.__name__, dg.of(x.args[0])
    if name == "log":
        _note_log(dg, inner)
        return logarithm(x, dg)
    if name in ("exp", "tanh", "sinh", "cosh"):
        _note_exp(dg, inner)
        e = dg.atoms.exponential
        return Quotient(e, {x: (e, 1)}) if name == "exp" else Quotient(2 * e, {x: (2 * e, 1)})
    dg.arguments.note(inner)
    if name in ("relu_scalar", "step_scalar"):
        return inner if name == "relu_scalar" else ONE
    if name in ("sin", "cos", "tan"):
        return Quotient(2, {x: (2, 1)})
    return VARIABLE


@degrees.register(Total)
def _total(x: Total, dg: Degrees) -> Quotient:
    return dg.of(x.term).of_entries(dg.size(x.count), x, {})


@degrees.register(Determinant)
def _determinant(x: Determinant, dg: Degrees) -> Quotient:
    return dg.of(x.arg).power(dg.size(x.arg.shape[0]))


@degrees.register(ImmutableDenseMatrix)
def _entries(x: ImmutableDenseMatrix, dg: Degrees) -> Quotient:
    return total(dg.of(a) for a in x)


@degrees.register(BlockMatrix)
def _blocks(x: BlockMatrix, dg: Degrees) -> Quotient:
    return total(dg.of(b) for b in x.blocks)
