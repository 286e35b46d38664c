"""The matrix nodes SymPy lacks: shapes and construction only, no behaviour.

Every pass over expressions (differentials, normal form, exact evaluation, printing, code) is a
table of rules in its own file; a node without a rule is an error there, never a silent zero.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Self

from sympy import Basic, Expr, Function, Lambda, MatrixExpr, S, Symbol
from sympy.core.sympify import _sympify  # strict: refuses text, which sympify would run

from deqmath.errors import InputError

__all__ = [
    "RELU",
    "STEP",
    "Column",
    "Commutation",
    "Diag",
    "DiagSelection",
    "Elementwise",
    "Gate",
    "Placement",
    "SoftmaxColumns",
    "Total",
    "Vec",
    "entry_variable",
    "relu_scalar",
    "step_scalar",
]


class relu_scalar(Function):
    """``relu(t) = max(t, 0)`` of one real number; not differentiable at t = 0."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> Expr:
        del argindex
        return step_scalar(self.args[0])


class step_scalar(Function):
    """``1[t > 0]`` of one real number: the derivative of relu off its kink, 0 at the kink."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> Expr:
        del argindex
        return S.Zero


#: The variable of every elementwise function.
entry_variable = Symbol("t", real=True)
RELU = Lambda(entry_variable, relu_scalar(entry_variable))
STEP = Lambda(entry_variable, step_scalar(entry_variable))


class _Node(MatrixExpr):
    """Base of deqmath's own nodes: the first argument carries the shape."""

    def _entry(self, i: Any, j: Any, **_: Any) -> Expr:
        msg = f"entry ({i}, {j}) of {type(self).__name__} stays symbolic in deqmath; use the whole matrix, or Trace(M) for the entry of a 1 x 1 M"
        raise InputError(msg)

    def doit(self, **hints: Any) -> MatrixExpr:
        if not hints.get("deep", True):
            return self
        return self.func(*(a.doit(**hints) if isinstance(a, MatrixExpr) else a for a in self.args))


class Elementwise(_Node):
    """``sigma(X)``, the scalar function sigma applied to each entry; shape of X."""

    def __new__(cls, function: Lambda, X: MatrixExpr) -> Self:
        return Basic.__new__(cls, function, X)

    @property
    def function(self) -> Lambda:
        return self.args[0]

    @property
    def arg(self) -> MatrixExpr:
        return self.args[1]

    @cached_property
    def shape(self) -> tuple[Expr, Expr]:
        return self.args[1].shape

    @property
    def is_relu(self) -> bool:
        return self.args[0] == RELU

    @property
    def is_step(self) -> bool:
        return self.args[0] == STEP


class Gate(_Node):
    """``diag(1[u > 0])`` for a column u (k x 1); shape k x k, symmetric and idempotent."""

    def __new__(cls, u: MatrixExpr) -> Self:
        return Basic.__new__(cls, u)

    @property
    def arg(self) -> MatrixExpr:
        return self.args[0]

    @cached_property
    def shape(self) -> tuple[Expr, Expr]:
        k = self.args[0].shape[0]
        return (k, k)


class Diag(_Node):
    """``diag(v)``: the diagonal matrix of a column v (k x 1); shape k x k."""

    def __new__(cls, v: MatrixExpr) -> Self:
        return Basic.__new__(cls, v)

    @property
    def arg(self) -> MatrixExpr:
        return self.args[0]

    @cached_property
    def shape(self) -> tuple[Expr, Expr]:
        k = self.args[0].shape[0]
        return (k, k)


class DiagSelection(_Node):
    """The k^2 x k matrix E with ``vec(diag(v)) = E v`` (column i is e_i kron e_i)."""

    def __new__(cls, k: Expr) -> Self:
        return Basic.__new__(cls, _sympify(k))

    @cached_property
    def shape(self) -> tuple[Expr, Expr]:
        return (self.args[0] ** 2, self.args[0])


class Vec(_Node):
    """``vec(X)``: the columns of X (p x q) stacked; shape (p q, 1)."""

    def __new__(cls, X: MatrixExpr) -> Self:
        return Basic.__new__(cls, X)

    @property
    def arg(self) -> MatrixExpr:
        return self.args[0]

    @cached_property
    def shape(self) -> tuple[Expr, Expr]:
        p, q = self.args[0].shape
        return (p * q, S.One)


class Commutation(_Node):
    """``K`` with ``vec(X^T) = K vec(X)`` for X p x q; shape (p q, p q), a permutation."""

    def __new__(cls, p: Expr, q: Expr) -> Self:
        return Basic.__new__(cls, _sympify(p), _sympify(q))

    @cached_property
    def shape(self) -> tuple[Expr, Expr]:
        size = self.args[0] * self.args[1]
        return (size, size)


class Column(_Node):
    """Column i of a matrix: ``z_i`` of Z (m x n); shape (m, 1). The index counts from 0."""

    def __new__(cls, X: MatrixExpr, i: Expr) -> Self:
        return Basic.__new__(cls, X, _sympify(i))

    @property
    def arg(self) -> MatrixExpr:
        return self.args[0]

    @property
    def index(self) -> Expr:
        return self.args[1]

    @cached_property
    def shape(self) -> tuple[Expr, Expr]:
        return (self.args[0].shape[0], S.One)


class Total(_Node):
    """``sum_i E_i``, a sum over the samples i = 0 .. n-1; shape of E. The index is bound."""

    def __new__(cls, term: MatrixExpr, index: Symbol, count: Expr) -> Self:
        return Basic.__new__(cls, term, index, _sympify(count))

    @property
    def term(self) -> MatrixExpr:
        return self.args[0]

    @property
    def index(self) -> Symbol:
        return self.args[1]

    @property
    def count(self) -> Expr:
        return self.args[2]

    @cached_property
    def shape(self) -> tuple[Expr, Expr]:
        return self.args[0].shape

    @property
    def free_symbols(self) -> set[Symbol]:
        return (self.term.free_symbols - {self.index}) | self.count.free_symbols

    @property
    def bound_symbols(self) -> list[Symbol]:
        return [self.index]


class SoftmaxColumns(_Node):
    """``softmax(X)`` down each column: entry (i, j) is ``exp(x_ij) / sum_k exp(x_kj)``; shape of X, ``1^T S = 1^T``."""

    def __new__(cls, X: MatrixExpr) -> Self:
        return Basic.__new__(cls, X)

    @property
    def arg(self) -> MatrixExpr:
        return self.args[0]

    @cached_property
    def shape(self) -> tuple[Expr, Expr]:
        return self.args[0].shape


class Placement(_Node):
    """``P = [0; I_s; 0]``, which puts a block of s rows below ``before`` and above ``after`` rows of zeros.

    Shape (before + s + after, s); ``P^T P = I_s``. A block matrix is ``sum_ij P_i B_ij P_j^T``.
    """

    def __new__(cls, before: Expr, size: Expr, after: Expr) -> Self:
        return Basic.__new__(cls, _sympify(before), _sympify(size), _sympify(after))

    @cached_property
    def shape(self) -> tuple[Expr, Expr]:
        return (self.args[0] + self.args[1] + self.args[2], self.args[1])
