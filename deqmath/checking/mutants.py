"""Planted errors: what a check must refute.

Every operator below makes the kind of slip a person makes at a blackboard. A mutant that is
equal to the original (the transpose of a symmetric factor, say) is recognised by exact
evaluation and left out.

====================  ===============================================================
sign                  the sign of the whole, or of one term of a sum, flipped
factor                the whole doubled; a scalar factor dropped or squared
transpose             a square factor transposed
order                 two neighbouring factors of one shape swapped; Kronecker factors swapped
gate                  a gate dropped; a gate taken of the negated pre-activation
index                 one sample index put for another
missing               a term of a sum dropped; a square factor of a product dropped
inverse               an inverse dropped
====================  ===============================================================
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sympy import Expr, Identity, Inverse, MatAdd, MatMul, MatrixExpr, Mul, S, Symbol, Transpose
from sympy.matrices.expressions import HadamardProduct, KroneckerProduct, MatrixSymbol

from deqmath.checking.domains import NotInDomain
from deqmath.checking.exact import run_exact
from deqmath.checking.sides import EqualTest
from deqmath.expressions.nodes import Column, Diag, Gate, Total
from deqmath.expressions.printing import text

_MOST = 60


@dataclass(frozen=True)
class Mutant:
    """An expression with one planted error."""

    name: str
    description: str
    expression: Expr


def mutants(expr: Expr) -> list[Mutant]:
    """Every planted error of the operators above, without those that change nothing.

    Parameters
    ----------
    expr
        A matrix expression, or a SymPy scalar.

    Returns
    -------
    list of Mutant
        In a fixed order, at most 60.
    """
    seen: set[Expr] = {expr}
    out: list[Mutant] = []
    for m in _planted(expr):
        if m.expression in seen or len(out) >= _MOST:
            continue
        seen.add(m.expression)
        if not _equivalent(expr, m.expression):
            out.append(m)
    return out


def _equivalent(a: Expr, b: Expr) -> bool:
    if not isinstance(a, MatrixExpr):
        return bool((a - b).equals(0))
    if tuple(a.shape) != tuple(b.shape):
        return False
    try:
        return run_exact(EqualTest(a, b)).agrees is True
    except NotInDomain:
        return False


def _planted(expr: Expr) -> Iterator[Mutant]:
    shown = text(expr)
    yield Mutant("sign", f"-({shown})", _scale(S.NegativeOne, expr))
    yield Mutant("factor", f"2 ({shown})", _scale(S(2), expr))
    for path, node in _walk(expr, ()):
        for name, new in _slips(node, expr):
            yield Mutant(name, f"{text(node)}  became  {text(new)}", _rebuilt(expr, path, new))


def _scale(c: Expr, x: Expr) -> Expr:
    return MatMul(c, *x.args) if isinstance(x, MatMul) else MatMul(c, x) if isinstance(x, MatrixExpr) else c * x


def _walk(x: Expr, path: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], Expr]]:
    yield path, x
    if isinstance(x, MatrixSymbol):
        return
    for k, a in enumerate(x.args):
        if isinstance(a, Expr) and not (isinstance(x, Total) and k > 0) and not (isinstance(x, Column) and k == 1):
            yield from _walk(a, (*path, k))


def _rebuilt(x: Expr, path: tuple[int, ...], new: Expr) -> Expr:
    if not path:
        return new
    k, *rest = path
    args = list(x.args)
    args[k] = _rebuilt(args[k], tuple(rest), new)
    return x.func(*args)


def _slips(x: Expr, whole: Expr) -> Iterator[tuple[str, Expr]]:
    for operator in _OPERATORS:
        for new in operator(x, whole):
            if not isinstance(x, MatrixExpr) or tuple(new.shape) == tuple(x.shape):
                yield operator.__name__, new


def sign(x: Expr, _: Expr) -> Iterator[Expr]:
    """The sign of one term of a sum flipped."""
    if isinstance(x, MatAdd) or x.is_Add:
        for k, a in enumerate(x.args):
            yield x.func(*x.args[:k], _scale(S.NegativeOne, a), *x.args[k + 1 :])


def factor(x: Expr, _: Expr) -> Iterator[Expr]:
    """A scalar factor dropped, or squared."""
    if isinstance(x, MatMul):
        scalars = [a for a in x.args if not isinstance(a, MatrixExpr)]
        matrices = [a for a in x.args if isinstance(a, MatrixExpr)]
        for c in Mul.make_args(Mul(*scalars)):
            if c not in (1, -1):
                rest = Mul(*scalars) / c
                yield MatMul(rest, *matrices) if rest != 1 else MatMul(*matrices)
                yield MatMul(rest * c**2, *matrices)
    elif x.is_Pow and not isinstance(x, MatrixExpr):
        yield x.base ** (x.exp * 2)
        yield x.base


def transpose(x: Expr, _: Expr) -> Iterator[Expr]:
    """A square symbol or inverse transposed, or a transpose dropped."""
    square = isinstance(x, MatrixExpr) and x.shape[0] == x.shape[1] and x.shape[0] != 1
    if square and isinstance(x, (MatrixSymbol, Inverse)):
        yield Transpose(x)
    if square and isinstance(x, Transpose):
        yield x.arg


def order(x: Expr, _: Expr) -> Iterator[Expr]:
    """Two neighbouring factors swapped."""
    if not isinstance(x, (MatMul, KroneckerProduct)):
        return
    for k in range(len(x.args) - 1):
        a, b = x.args[k : k + 2]
        if not isinstance(a, MatrixExpr) or not isinstance(b, MatrixExpr) or a == b:
            continue
        if isinstance(x, KroneckerProduct) or (tuple(a.shape) == tuple(b.shape) and a.shape[0] == a.shape[1]):
            yield x.func(*x.args[:k], b, a, *x.args[k + 2 :])


def gate(x: Expr, _: Expr) -> Iterator[Expr]:
    """A gate dropped, or taken of the negated pre-activation."""
    if isinstance(x, Gate):
        yield Identity(x.shape[0])
        yield Gate(_scale(S.NegativeOne, x.arg))


def index(x: Expr, whole: Expr) -> Iterator[Expr]:
    """One sample index put for another."""
    if isinstance(x, Column) and isinstance(x.index, Symbol):
        others = {s for c in whole.atoms(Column) for s in c.index.free_symbols}
        for other in sorted(others - {x.index}, key=str):
            yield Column(x.arg, other)


def missing(x: Expr, _: Expr) -> Iterator[Expr]:
    """A term of a sum dropped; a square factor dropped; one factor of a Hadamard product dropped."""
    if (isinstance(x, MatAdd) or x.is_Add) and len(x.args) > 1:
        for k in range(len(x.args)):
            rest = x.args[:k] + x.args[k + 1 :]
            yield rest[0] if len(rest) == 1 else x.func(*rest)
    if isinstance(x, MatMul):
        for k, a in enumerate(x.args):
            others = x.args[:k] + x.args[k + 1 :]
            droppable = isinstance(a, (MatrixSymbol, Inverse, Diag)) and a.shape[0] == a.shape[1]
            if droppable and any(isinstance(o, MatrixExpr) for o in others):
                yield x.func(*others)
    if isinstance(x, HadamardProduct):
        for k in range(len(x.args)):
            rest = x.args[:k] + x.args[k + 1 :]
            yield rest[0] if len(rest) == 1 else x.func(*rest)


def inverse(x: Expr, _: Expr) -> Iterator[Expr]:
    """An inverse dropped."""
    if isinstance(x, Inverse):
        yield x.arg


_OPERATORS: tuple[Callable[[Any, Any], Iterator[Expr]], ...] = (
    sign,
    factor,
    transpose,
    order,
    gate,
    index,
    missing,
    inverse,
)
