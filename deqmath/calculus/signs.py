"""Signs by structure: what is nonnegative because of how it is built."""

from __future__ import annotations

from collections.abc import Collection

from sympy import Expr, Inverse, MatAdd, MatMul, MatrixExpr
from sympy.matrices.expressions import HadamardProduct, KroneckerProduct, MatrixSymbol, Transpose

from deqmath.expressions.nodes import Column, Diag, Elementwise, Gate, Total, Vec
from deqmath.expressions.printing import text


def nonnegative_because(x: Expr, given: Collection[MatrixExpr]) -> tuple[str, ...] | None:
    """Reasons why every entry of x is >= 0, or None where the structure does not show it.

    Sums and products of nonnegative things are nonnegative; relu, gates and the matrices in
    ``given`` are nonnegative; a scalar must be known to SymPy as nonnegative. None decides nothing.

    Examples
    --------
    >>> from sympy import MatrixSymbol, Symbol
    >>> A, z = MatrixSymbol("A", 2, 2), MatrixSymbol("z", 2, 1)
    >>> nonnegative_because(Symbol("gamma", positive=True) * A * z, {A, z})
    ('γ ≥ 0', 'A ≥ 0 (given)', 'z ≥ 0 (given)')
    """
    reasons = _reasons(x, given)
    return None if reasons is None else tuple(dict.fromkeys(reasons))


def _reasons(x: Expr, given: Collection[MatrixExpr]) -> list[str] | None:
    if x in given:
        return [f"{text(x)} ≥ 0 (given)"]
    if not isinstance(x, MatrixExpr):
        return [f"{text(x)} ≥ 0"] if x.is_nonnegative else None
    if isinstance(x, Elementwise) and x.is_relu:
        return [f"{text(x)} ≥ 0"]
    if isinstance(x, Gate) or getattr(x, "is_Identity", False):
        return [f"{text(x)} ≥ 0"]
    parts = (MatAdd, MatMul, HadamardProduct, KroneckerProduct)
    inner = (
        x.args if isinstance(x, parts) else x.args[:1] if isinstance(x, (Transpose, Diag, Vec, Column, Total)) else ()
    )
    if not inner or isinstance(x, (Inverse, MatrixSymbol)):
        return None
    out: list[str] = []
    for a in inner:
        found = _reasons(a, given)
        if found is None:
            return None
        out += found
    return out
