"""The matrix nodes SymPy lacks: shapes and construction only, no behaviour.

Every pass over expressions (differentials, normal form, exact evaluation, printing, code) is a
table of rules in its own file; a node without a rule is an error there, never a silent zero.
"""

from __future__ import annotations

from typing import Any

from sympy import Basic, Expr, Function, Identity, Lambda, MatrixExpr, S, Symbol
from sympy.core.sympify import _sympify  # strict: refuses text, which sympify would run
from sympy.matrices.expressions import HadamardProduct, KroneckerProduct, MatrixSymbol

from deqmath.errors import InputError, ShapeError

__all__ = [
    "Column",
    "Commutation",
    "Diag",
    "DiagSelection",
    "Elementwise",
    "Gate",
    "Total",
    "Vec",
    "column",
    "commutation",
    "diag",
    "direction",
    "elementwise",
    "gate",
    "hadamard",
    "kron",
    "one",
    "relu",
    "relu_scalar",
    "step_scalar",
    "total",
    "vec",
]


class relu_scalar(Function):  # noqa: N801 - a SymPy function prints under its class name
    """``relu(t) = max(t, 0)`` of one real number; not differentiable at t = 0."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> Expr:
        del argindex
        return step_scalar(self.args[0])


class step_scalar(Function):  # noqa: N801
    """``1[t > 0]`` of one real number: the derivative of relu off its kink, 0 at the kink."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> Expr:
        del argindex
        return S.Zero


_t = Symbol("t", real=True)
RELU = Lambda(_t, relu_scalar(_t))
STEP = Lambda(_t, step_scalar(_t))


def _matrix(node: str, X: Any) -> MatrixExpr:
    """``X`` as a matrix expression, or an error that names the node."""
    if not getattr(X, "is_Matrix", False) and not isinstance(X, MatrixExpr):
        msg = f"{node} received {X!r} of type {type(X).__name__}; it needs a matrix expression, as in MatrixSymbol('A', m, m)"
        raise InputError(msg)
    return X if isinstance(X, MatrixExpr) else X.as_immutable()


def _column_vector(node: str, v: Any) -> MatrixExpr:
    v = _matrix(node, v)
    if v.shape[1] != 1:
        msg = f"{node} received {v} of shape {v.shape[0]} x {v.shape[1]}; it needs a column vector, of shape (k, 1)"
        raise ShapeError(msg)
    return v


class _Node(MatrixExpr):
    """Base of deqmath's own nodes: the first argument carries the shape."""

    def _entry(self, i: Any, j: Any, **_: Any) -> Expr:
        msg = f"entry ({i}, {j}) of {type(self).__name__} stays symbolic in deqmath; evaluate the whole matrix instead"
        raise InputError(msg)

    def doit(self, **hints: Any) -> MatrixExpr:
        if not hints.get("deep", True):
            return self
        return self.func(*(a.doit(**hints) if isinstance(a, MatrixExpr) else a for a in self.args))


class Elementwise(_Node):
    """``sigma(X)``, the scalar function sigma applied to each entry; shape of X."""

    def __new__(cls, function: Lambda, X: MatrixExpr) -> Elementwise:
        return Basic.__new__(cls, function, X)

    @property
    def function(self) -> Lambda:
        return self.args[0]

    @property
    def arg(self) -> MatrixExpr:
        return self.args[1]

    @property
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

    def __new__(cls, u: MatrixExpr) -> Gate:
        return Basic.__new__(cls, u)

    @property
    def arg(self) -> MatrixExpr:
        return self.args[0]

    @property
    def shape(self) -> tuple[Expr, Expr]:
        k = self.args[0].shape[0]
        return (k, k)


class Diag(_Node):
    """``diag(v)``: the diagonal matrix of a column v (k x 1); shape k x k."""

    def __new__(cls, v: MatrixExpr) -> Diag:
        return Basic.__new__(cls, v)

    @property
    def arg(self) -> MatrixExpr:
        return self.args[0]

    @property
    def shape(self) -> tuple[Expr, Expr]:
        k = self.args[0].shape[0]
        return (k, k)


class DiagSelection(_Node):
    """The k^2 x k matrix E with ``vec(diag(v)) = E v`` (column i is e_i kron e_i)."""

    def __new__(cls, k: Expr) -> DiagSelection:
        return Basic.__new__(cls, _sympify(k))

    @property
    def shape(self) -> tuple[Expr, Expr]:
        return (self.args[0] ** 2, self.args[0])


class Vec(_Node):
    """``vec(X)``: the columns of X (p x q) stacked; shape (p q, 1)."""

    def __new__(cls, X: MatrixExpr) -> Vec:
        return Basic.__new__(cls, X)

    @property
    def arg(self) -> MatrixExpr:
        return self.args[0]

    @property
    def shape(self) -> tuple[Expr, Expr]:
        p, q = self.args[0].shape
        return (p * q, S.One)


class Commutation(_Node):
    """``K`` with ``vec(X^T) = K vec(X)`` for X p x q; shape (p q, p q), a permutation."""

    def __new__(cls, p: Expr, q: Expr) -> Commutation:
        return Basic.__new__(cls, _sympify(p), _sympify(q))

    @property
    def shape(self) -> tuple[Expr, Expr]:
        size = self.args[0] * self.args[1]
        return (size, size)


class Column(_Node):
    """Column i of a matrix: ``z_i`` of Z (m x n); shape (m, 1). The index counts from 0."""

    def __new__(cls, X: MatrixExpr, i: Expr) -> Column:
        return Basic.__new__(cls, X, _sympify(i))

    @property
    def arg(self) -> MatrixExpr:
        return self.args[0]

    @property
    def index(self) -> Expr:
        return self.args[1]

    @property
    def shape(self) -> tuple[Expr, Expr]:
        return (self.args[0].shape[0], S.One)


class Total(_Node):
    """``sum_i E_i``, a sum over the samples i = 0 .. n-1; shape of E. The index is bound."""

    def __new__(cls, term: MatrixExpr, index: Symbol, count: Expr) -> Total:
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

    @property
    def shape(self) -> tuple[Expr, Expr]:
        return self.args[0].shape

    @property
    def free_symbols(self) -> set[Symbol]:
        return (self.term.free_symbols - {self.index}) | self.count.free_symbols

    @property
    def bound_symbols(self) -> list[Symbol]:
        return [self.index]


def relu(X: Any) -> MatrixExpr:
    """``relu(X) = max(X, 0)``, entry by entry.

    Parameters
    ----------
    X
        A matrix expression of any shape.

    Examples
    --------
    >>> import deqmath as dm
    >>> from sympy import MatrixSymbol
    >>> print(dm.text(dm.relu(MatrixSymbol("u", dm.dim("m"), 1))))
    relu(u)
    """
    return Elementwise(RELU, _matrix("relu", X))


def gate(u: Any) -> MatrixExpr:
    """``gate(u) = diag(1[u > 0])``, the derivative of relu at a column u with no entry 0.

    Parameters
    ----------
    u
        The pre-activation, a column of shape (m, 1).

    Returns
    -------
    Gate
        Shape (m, m). Its own differential is 0 wherever no entry of u is 0; that
        hypothesis is named by every derivation that uses it.
    """
    return Gate(_column_vector("gate", u))


def elementwise(f: Any, X: Any) -> MatrixExpr:
    """``f(X)`` entry by entry, for a scalar SymPy function such as ``sympy.tanh``.

    Parameters
    ----------
    f
        A SymPy function class, a ``Lambda`` of one variable, or a Python callable that
        takes one SymPy symbol and gives a SymPy expression in it.
    X
        A matrix expression of any shape.
    """
    X = _matrix("elementwise", X)
    if isinstance(f, Lambda):
        if len(f.variables) != 1:
            msg = f"elementwise received {f} of {len(f.variables)} variables; it needs a function of one"
            raise InputError(msg)
        body = f(_t)
    elif callable(f):
        body = f(_t)
    else:
        msg = f"elementwise received {f!r}; it needs a SymPy function or Lambda, as in elementwise(sympy.tanh, X)"
        raise InputError(msg)
    if not isinstance(body, Expr):
        msg = f"elementwise received {f!r}, which gives {body!r} of a symbol; it needs a SymPy expression"
        raise InputError(msg)
    return X if body == _t else Elementwise(Lambda(_t, body), X)


def diag(v: Any) -> MatrixExpr:
    """``diag(v)``, the diagonal matrix of a column v (k x 1)."""
    return Diag(_column_vector("diag", v))


def vec(X: Any) -> MatrixExpr:
    """``vec(X)``: the columns of X (p x q) stacked into a column of length p q."""
    return Vec(_matrix("vec", X))


def kron(*factors: Any) -> MatrixExpr:
    """The Kronecker product ``A kron B kron ...`` (SymPy's own node).

    >>> import deqmath as dm
    >>> from sympy import MatrixSymbol
    >>> m = dm.dim("m")
    >>> dm.kron(MatrixSymbol("z", m, 1).T, MatrixSymbol("R", m, m)).shape
    (m, m**2)
    """
    if not factors:
        msg = "kron received no factor; it needs at least one, as in kron(A, B)"
        raise InputError(msg)
    matrices = [_matrix("kron", f) for f in factors]
    return matrices[0] if len(matrices) == 1 else KroneckerProduct(*matrices)


def hadamard(*factors: Any) -> MatrixExpr:
    """The entrywise product ``A o B o ...`` (SymPy's own node); all shapes must be equal."""
    matrices = [_matrix("hadamard", f) for f in factors]
    for f in matrices[1:]:
        if tuple(f.shape) != tuple(matrices[0].shape):
            msg = f"hadamard received {matrices[0]} of shape {matrices[0].shape} and {f} of shape {f.shape}; it needs equal shapes"
            raise ShapeError(msg)
    return matrices[0] if len(matrices) == 1 else HadamardProduct(*matrices)


def commutation(p: Any, q: Any) -> MatrixExpr:
    """The commutation matrix: ``vec(X^T) = commutation(p, q) vec(X)`` for X of shape p x q."""
    return Commutation(p, q)


def column(X: Any, i: Any) -> MatrixExpr:
    """``z_i``, column i (counted from 0) of a matrix whose columns are samples."""
    return Column(_matrix("column", X), i)


def total(term: Any, i: Symbol, n: Any) -> MatrixExpr:
    """``sum_i term``, i = 0 .. n-1; ``term`` is a matrix expression in the index symbol i."""
    if not isinstance(i, Symbol):
        msg = f"total received the index {i!r}; it needs a Symbol, as in total(column(Z, i), i, n)"
        raise InputError(msg)
    return Total(_matrix("total", term), i, n)


def one() -> MatrixExpr:
    """The 1 x 1 identity: ``c * one()`` is a scalar c as a matrix expression."""
    return Identity(S.One)


def direction(X: Any, name: str) -> MatrixSymbol:
    """A matrix symbol of the shape of X, for a direction in which X moves or a weight on it."""
    return MatrixSymbol(name, *_matrix("direction", X).shape)
