"""Differentials (Magnus and Neudecker): one rule per node, each an identity for d of that node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sympy as sp
from sympy import Expr, Identity, Inverse, MatAdd, MatMul, MatPow, MatrixExpr, S, Symbol, Trace, ZeroMatrix
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

from deqmath.calculus.normal_form import simplified
from deqmath.errors import InputError, KinkError, ShapeError, UnknownNodeError
from deqmath.expressions.assumptions import Assumption, invertible, no_kink
from deqmath.expressions.constructors import elementwise
from deqmath.expressions.depth import any_depth
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
    relu_scalar,
    step_scalar,
)
from deqmath.expressions.plain import plain
from deqmath.expressions.traversal import Rules, distinct_nodes, symbols_of

_CALL = "dm.differential(A * B, {A: dA})"
_KINKED = (sp.Abs, sp.sign, sp.Max, sp.Min, sp.Heaviside, sp.Piecewise, sp.floor, sp.ceiling)

differentials = Rules("differential")


@dataclass
class Movement:
    """Which symbols move, by what, and the hypotheses met on the way."""

    by: Mapping[Expr, Expr]
    assumptions: dict[Assumption, None] = field(default_factory=dict)

    def assume(self, assumption: Assumption) -> None:
        self.assumptions.setdefault(assumption)

    def moves(self, x: Expr) -> bool:
        """Whether any moving symbol occurs in x."""
        return not symbols_of(x).isdisjoint(self.by)


@any_depth
def differential(expr: MatrixExpr, by: Mapping[Expr, Expr]) -> MatrixExpr:
    """The differential of an expression, linear in the given differentials.

    ``d(X + Y) = dX + dY``, ``d(X Y) = dX Y + X dY``, ``d(X^{-1}) = -X^{-1} dX X^{-1}``,
    ``d sigma(u) = diag(sigma'(u)) du``, and so on: one rule per node.

    Parameters
    ----------
    expr
        A matrix expression, or a scalar (a 1 x 1 expression, ``Trace(...)``, ``Determinant(...)``).
    by
        Symbol -> its differential, of the same shape: ``{A: dA}``. All other symbols stay fixed.

    Returns
    -------
    MatrixExpr
        Shape of ``expr``, in normal form.

    Raises
    ------
    InputError
        No expression, or no mapping of symbols to expressions.
    ShapeError
        A symbol and its differential differ in shape.
    UnknownNodeError
        A node has no rule; nothing is silently 0.
    KinkError
        A function with a kink that is not a ReLU.

    Examples
    --------
    >>> import deqmath as dm
    >>> from sympy import MatrixSymbol
    >>> m = dm.dim("m")
    >>> A, dA = MatrixSymbol("A", m, m), MatrixSymbol("dA", m, m)
    >>> print(dm.differential(A.I, {A: dA}))
    -A**(-1)*dA*A**(-1)
    """
    return differential_with_assumptions(expr, by)[0]


def differential_with_assumptions(
    expr: MatrixExpr, by: Mapping[Expr, Expr]
) -> tuple[MatrixExpr, tuple[Assumption, ...]]:
    """The differential, and the hypotheses (invertible matrices, no kinks) that it rests on."""
    _require_expression(expr)
    movement = Movement(_validated(by))
    expr = plain(expr)
    d = _d(expr, movement)
    if d is None:
        zero = ZeroMatrix(*expr.shape) if isinstance(expr, MatrixExpr) else S.Zero
        return zero, tuple(movement.assumptions)
    return simplified(d), tuple(movement.assumptions)


def _is_expression(x: Any) -> bool:
    return isinstance(x, Expr) or getattr(x, "is_Matrix", False) is True


def _require_expression(expr: Any) -> None:
    if not _is_expression(expr):
        msg = (
            f"differential received {expr!r} of type {type(expr).__name__}; it needs a SymPy expression, as in {_CALL}"
        )
        raise InputError(msg)


def _validated(by: Any) -> Mapping[Expr, Expr]:
    if not isinstance(by, Mapping):
        msg = f"differential received {by!r} of type {type(by).__name__}; it needs symbols and their differentials, as in {_CALL}"
        raise InputError(msg)
    for x, dx in by.items():
        if not isinstance(x, (MatrixSymbol, Symbol)):
            msg = f"differential received {x} to move; it needs a MatrixSymbol or a Symbol, as in {{A: dA}}"
            raise InputError(msg)
        if not _is_expression(dx):
            msg = f"differential received {dx!r} of type {type(dx).__name__} for the differential of {x}; it needs an expression, as in {_CALL}"
            raise InputError(msg)
        sx, sd = getattr(x, "shape", ()), getattr(dx, "shape", ())
        if tuple(sx) != tuple(sd):
            msg = f"the differential of {x} has shape {sd}, but {x} has shape {sx}; they must be equal"
            raise ShapeError(msg)
    return by


def _d(x: Expr, mv: Movement) -> Expr | None:
    """The differential of x, or None where nothing in it moves."""
    return differentials(x, mv) if mv.moves(x) else None


def _d0(x: MatrixExpr, mv: Movement) -> MatrixExpr:
    d = _d(x, mv)
    return ZeroMatrix(*x.shape) if d is None else d


@differentials.register(MatrixSymbol, Symbol)
def of_symbol(x: Expr, mv: Movement) -> Expr | None:
    """``d X = dX`` for a symbol that moves."""
    return mv.by[x]


def _added(terms: list[MatrixExpr]) -> MatrixExpr | None:
    """The sum of the terms that move; None where none does (all that holds a moving symbol is constant)."""
    if not terms:
        return None
    return terms[0] if len(terms) == 1 else MatAdd(*terms)


@differentials.register(MatAdd)
def of_sum(x: MatAdd, mv: Movement) -> MatrixExpr | None:
    """``d(X + Y) = dX + dY``."""
    parts = [d for a in x.args if (d := _d(a, mv)) is not None]
    return _added(parts)


@differentials.register(MatMul)
def of_product(x: MatMul, mv: Movement) -> MatrixExpr | None:
    """``d(c X Y) = dc X Y + c dX Y + c X dY``."""
    terms = []
    for k, a in enumerate(x.args):
        d = _d(a, mv)
        if d is not None:
            terms.append(MatMul(*x.args[:k], d, *x.args[k + 1 :]))
    return _added(terms)


@differentials.register(MatPow)
def of_power(x: MatPow, mv: Movement) -> MatrixExpr:
    """``d(X^n) = sum_k X^k dX X^{n-1-k}`` for an integer n."""
    base, n = x.args
    if not n.is_Integer or abs(n) > 16:
        raise UnknownNodeError(x, differentials.name)
    if n < 0:
        return of_inverse(Inverse(MatPow(base, -n) if n != -1 else base), mv)
    d = _d0(base, mv)
    return MatAdd(*(MatMul(*([base] * k), d, *([base] * (int(n) - 1 - k))) for k in range(int(n))))


@differentials.register(Inverse)
def of_inverse(x: Inverse, mv: Movement) -> MatrixExpr:
    """``d(X^{-1}) = -X^{-1} dX X^{-1}``."""
    mv.assume(invertible(x.arg))
    return MatMul(S.NegativeOne, x, _d0(x.arg, mv), x)


@differentials.register(Transpose)
def of_transpose(x: Transpose, mv: Movement) -> MatrixExpr:
    """``d(X^T) = (dX)^T``."""
    return Transpose(_d0(x.arg, mv))


@differentials.register(HadamardProduct)
def of_hadamard(x: HadamardProduct, mv: Movement) -> MatrixExpr | None:
    """``d(X o Y) = dX o Y + X o dY``."""
    terms = [
        HadamardProduct(*x.args[:k], d, *x.args[k + 1 :]) for k, a in enumerate(x.args) if (d := _d(a, mv)) is not None
    ]
    return _added(terms)


@differentials.register(HadamardPower)
def of_hadamard_power(x: HadamardPower, mv: Movement) -> MatrixExpr:
    """``d(X^{o n}) = n X^{o (n-1)} o dX``."""
    base, n = x.args
    return HadamardProduct(MatMul(n, HadamardPower(base, n - 1)), _d0(base, mv))


@differentials.register(KroneckerProduct)
def of_kronecker(x: KroneckerProduct, mv: Movement) -> MatrixExpr | None:
    """``d(X kron Y) = dX kron Y + X kron dY``."""
    terms = [
        KroneckerProduct(*x.args[:k], d, *x.args[k + 1 :]) for k, a in enumerate(x.args) if (d := _d(a, mv)) is not None
    ]
    return _added(terms)


def derivative_of_function(x: Elementwise) -> sp.Lambda:
    """``sigma'`` of an elementwise map, or :class:`KinkError` where it has a kink that is not a ReLU's."""
    (t,) = x.function.variables
    body = x.function.expr
    if body.has(*_KINKED):
        msg = (
            f"{body} has a kink, and its derivative there is yours to decide: write it with dm.relu, whose gate states "
            "that no pre-activation is 0 (for example |u| = relu(u) + relu(-u), max(a u, u) = a u + (1 - a) relu(u))"
        )
        raise KinkError(msg)
    slope = sp.diff(body, t)
    if slope.has(sp.Derivative, sp.Subs):
        msg = f"SymPy does not know the derivative of {body}; give a function whose derivative is known"
        raise InputError(msg)
    return sp.Lambda(t, slope)


@differentials.register(Elementwise)
def of_elementwise(x: Elementwise, mv: Movement) -> MatrixExpr | None:
    """``d sigma(u) = diag(sigma'(u)) du`` for a column u, ``sigma'(X) o dX`` else; relu off its kink."""
    if x.function.expr.has(relu_scalar, step_scalar):
        mv.assume(no_kink(x.arg))
    parts = [p for p in (_by_argument(x, mv), *_by_parameters(x, mv)) if p is not None]
    return None if not parts else parts[0] if len(parts) == 1 else MatAdd(*parts)


def _by_argument(x: Elementwise, mv: Movement) -> MatrixExpr | None:
    """``sigma'(X) o dX``, as a diagonal matrix times dX for a column."""
    slope = derivative_of_function(x)
    du = _d(x.arg, mv)
    if slope.expr == 0 or du is None:
        return None
    if not slope.expr.has(*slope.variables):
        return MatMul(slope.expr, du)
    if x.shape[1] == 1:
        gate = Gate(x.arg) if x.is_relu else Diag(Elementwise(slope, x.arg))
        return MatMul(gate, du)
    return HadamardProduct(Elementwise(slope, x.arg), du)


def _by_parameters(x: Elementwise, mv: Movement) -> list[MatrixExpr]:
    """``(d sigma/ds)(X) ds`` for every scalar parameter s of the function itself that moves."""
    moving = [s for s in mv.by if isinstance(s, Symbol) and s in x.function.free_symbols]
    out = []
    for s in moving:
        slope = sp.diff(x.function.expr, s)
        if slope != 0:
            (t,) = x.function.variables
            value = elementwise(sp.Lambda(t, slope), x.arg)
            if not slope.has(t):
                value = MatMul(slope, OneMatrix(*x.shape))
            out.append(MatMul(mv.by[s], value))
    return out


@differentials.register(Gate)
def of_gate(x: Gate, mv: Movement) -> None:
    """``d gate(u) = 0`` wherever no entry of u is 0."""
    mv.assume(no_kink(x.arg))


@differentials.register(Diag, DiagMatrix)
def of_diag(x: Diag, mv: Movement) -> MatrixExpr:
    """``d diag(v) = diag(dv)``."""
    return Diag(_d0(x.args[0], mv))


@differentials.register(DiagonalOf)
def of_diagonal(x: DiagonalOf, mv: Movement) -> MatrixExpr:
    """``d diagonal(X) = diagonal(dX)``."""
    return DiagonalOf(_d0(x.args[0], mv))


#: The bound index of the columns of a softmax: a name that cannot be typed.
_COLUMN_INDEX = Symbol("#column", integer=True)


@differentials.register(SoftmaxColumns)
def of_softmax(x: SoftmaxColumns, mv: Movement) -> MatrixExpr:
    """``dS = sum_j J_j dX e_j e_j^T``, ``J_j = diag(s_j) - s_j s_j^T``: column j moves by ``J_j dx_j``."""
    dX, q = _d0(x.arg, mv), x.shape[1]
    if q == 1:
        return MatMul(MatAdd(Diag(x), MatMul(S.NegativeOne, x, Transpose(x))), dX)
    j = _COLUMN_INDEX
    s, unit = Column(x, j), Column(Identity(q), j)
    J = MatAdd(Diag(s), MatMul(S.NegativeOne, s, Transpose(s)))
    return Total(MatMul(J, Column(dX, j), Transpose(unit)), j, q)


@differentials.register(BlockMatrix)
def of_blocks(x: BlockMatrix, mv: Movement) -> MatrixExpr:
    """``d [A B; C D] = [dA dB; dC dD]``."""
    rows, cols = x.blockshape
    return BlockMatrix([[_d0(x.blocks[r, c], mv) for c in range(cols)] for r in range(rows)])


@differentials.register(Vec)
def of_vec(x: Vec, mv: Movement) -> MatrixExpr:
    """``d vec(X) = vec(dX)``."""
    return Vec(_d0(x.arg, mv))


@differentials.register(Column)
def of_column(x: Column, mv: Movement) -> MatrixExpr:
    """``d (X e_i) = (dX) e_i``."""
    return Column(_d0(x.arg, mv), x.index)


@differentials.register(Total)
def of_total(x: Total, mv: Movement) -> MatrixExpr:
    """``d sum_i E_i = sum_i dE_i``."""
    return Total(_d0(x.term, mv), x.index, x.count)


@differentials.register(ImmutableDenseMatrix)
def of_entries(x: ImmutableDenseMatrix, mv: Movement) -> MatrixExpr:
    """``d [x_ij] = [d x_ij]`` for a matrix written out entry by entry."""
    return ImmutableDenseMatrix(x.rows, x.cols, [_d(a, mv) or S.Zero for a in x])


@differentials.register(Trace)
def of_trace(x: Trace, mv: Movement) -> Expr:
    """``d tr(X) = tr(dX)``."""
    return Trace(_d0(x.arg, mv))


@differentials.register(Determinant)
def of_determinant(x: Determinant, mv: Movement) -> Expr:
    """``d det(X) = det(X) tr(X^{-1} dX)``."""
    mv.assume(invertible(x.arg))
    return x * Trace(MatMul(Inverse(x.arg), _d0(x.arg, mv)))


@differentials.register(MatrixElement)
def of_entry(x: MatrixElement, mv: Movement) -> Expr:
    """``d x_ij = e_i^T dX e_j = tr(e_j e_i^T dX)``."""
    X, i, j = x.args
    rows, cols = X.shape
    return Trace(MatMul(Column(Identity(cols), j), Transpose(Column(Identity(rows), i)), _d0(X, mv)))


@differentials.register(sp.Add, sp.Mul, sp.Pow, sp.Function)
def of_scalar(x: Expr, mv: Movement) -> Expr:
    """``d f(s, t) = f_s ds + f_t dt`` for a scalar function of scalars, traces and determinants."""
    parts = [a for a in distinct_nodes(x) if isinstance(a, (Trace, Determinant, MatrixElement))]
    parts = [a for a in parts if not any(a != b and b.has(a) for b in parts)]
    parts += [s for s in mv.by if isinstance(s, Symbol) and x.xreplace(dict.fromkeys(parts, S.One)).has(s)]
    dummies = {p: sp.Dummy() for p in dict.fromkeys(parts)}
    body = x.xreplace(dummies)
    if mv.moves(body):
        raise UnknownNodeError(x, differentials.name)
    total: Expr = S.Zero
    for p, t in dummies.items():
        d = _d(p, mv)
        if d is not None:
            total += sp.diff(body, t).xreplace({v: k for k, v in dummies.items()}) * d
    return total


#: Nodes in which nothing can move.
CONSTANTS = (Identity, ZeroMatrix, OneMatrix, Commutation, DiagSelection, Placement)


@differentials.register(*CONSTANTS)
def of_constant(_x: Expr, _mv: Movement) -> None:
    """``d C = 0`` for a constant."""
