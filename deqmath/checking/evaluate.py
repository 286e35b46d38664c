"""``dm.evaluate``: an expression at given numbers, exactly."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import flint
import numpy as np
from sympy import Expr, ImmutableMatrix, MatrixExpr, Rational, Symbol
from sympy.matrices.expressions import MatrixSymbol

from deqmath.checking.domains import BadPoint, Balls, Boundary, Domain, NotInDomain, Rationals, flint_precision
from deqmath.checking.evaluation import Evaluator
from deqmath.checking.matrices import FieldMatrix
from deqmath.checking.points import Alphabet, alphabet, new_point
from deqmath.checking.tangents import coefficient, moved
from deqmath.errors import InputError, ShapeError
from deqmath.expressions.depth import any_depth
from deqmath.expressions.plain import plain


@any_depth
def evaluate(
    expr: Any,
    at: Mapping[Any, Any],
    *,
    along: Mapping[Any, Any] | Sequence[Mapping[Any, Any]] | None = None,
    solving: Sequence[tuple[MatrixExpr, MatrixExpr]] = (),
    digits: int = 30,
) -> ImmutableMatrix:
    """The value of an expression at given numbers: exact rationals, or digits where roots occur.

    Parameters
    ----------
    expr
        A matrix expression or a scalar.
    at
        Symbol (or its name) -> number, nested list or array. Numbers are ints, Fractions, floats
        (taken exactly) or text such as "1/3". Sizes are read from the shapes; a dimension that no
        matrix shows is given like a scalar.
    along
        Give the derivative along this direction instead: symbol -> an expression whose value at
        ``at`` is the direction. A list of two gives the mixed second derivative.
    solving
        Pairs (unknown, residual): the unknowns move so that their residuals stay 0.
    digits
        Correct digits where the result is not rational.

    Returns
    -------
    sympy.ImmutableMatrix
        Exact rationals, or floats of ``digits`` digits.

    Examples
    --------
    >>> import deqmath as dm
    >>> from sympy import MatrixSymbol
    >>> m = dm.dim("m")
    >>> A = MatrixSymbol("A", m, m)
    >>> dm.evaluate(A.I, {A: [[2, 0], [0, "1/3"]]})
    Matrix([
    [1/2, 0],
    [  0, 3]])
    """
    expr = plain(getattr(expr, "result", expr))
    layers = [] if not along else [dict(along)] if isinstance(along, Mapping) else [dict(d) for d in along]
    moves = [e for d in layers for pair in d.items() for e in pair]
    letters = alphabet([expr, *moves, *(e for pair in solving for e in pair)])
    given = _by_symbol(at, letters)
    with flint_precision(int(digits * 3.33) + 128):
        exact = Rationals() if layers else Boundary()  # a value at the kink is defined, a derivative is not
        try:
            try:
                value = _value(expr, given, letters, layers, solving, exact)
            except NotInDomain:
                value = _value(expr, given, letters, layers, solving, Balls(int(digits * 3.33) + 128))
        except BadPoint as e:
            msg = f"{expr} cannot be evaluated at these numbers: {e}"
            raise InputError(msg) from e
        return ImmutableMatrix(*value.shape, [_sympy_number(e, digits) for e in value.mat.entries()])


def _by_symbol(at: Mapping[Any, Any], letters: Alphabet) -> dict[Expr, Any]:
    known = {s.name: s for s in (*letters.dimensions, *letters.scalars, *letters.matrices)}
    known |= {i.name: i for i, _ in letters.indices}
    out: dict[Expr, Any] = {}
    for key, value in at.items():
        name = key if isinstance(key, str) else getattr(key, "name", None)
        if name in known:
            out[known[name]] = value
    missing = [n for n, s in known.items() if s not in out and s not in letters.dimensions]
    if missing:
        msg = f"evaluate needs a value for {', '.join(missing)}; give one in at, as in {{{missing[0]}: ...}}"
        raise InputError(msg)
    return out


def _value(
    expr: Expr,
    given: Mapping[Expr, Any],
    letters: Alphabet,
    layers: Sequence[Mapping[Expr, Expr]],
    solving: Sequence[tuple[MatrixExpr, MatrixExpr]],
    domain: Domain,
) -> FieldMatrix:
    sizes: dict[Symbol, int] = {d: _integer(given[d], d) for d in letters.dimensions if d in given}
    symbols: dict[Expr, Any] = {}
    for s in (*letters.scalars, *letters.matrices):
        rows = _rows(given[s], s)
        if isinstance(s, MatrixSymbol):
            _read_sizes(s, (len(rows), len(rows[0])), sizes)
        entries = [_number(e, domain, s) for row in rows for e in row]
        symbols[s] = FieldMatrix(domain, domain.matrix(len(rows), len(rows[0]), entries))
    bindings = {i: _integer(given[i], i) for i, _ in letters.indices}
    point = new_point(domain, sizes, random.Random(0))
    point.symbols.update(symbols)
    if not layers:
        result: FieldMatrix = Evaluator(point, bindings)(expr)
        return result
    base = Evaluator(point, bindings)
    values = [{x: base(v) for x, v in d.items()} for d in layers]
    dual = moved(point, values, tuple(solving), bindings)
    return coefficient(Evaluator(dual, bindings)(expr), tuple(range(len(layers))), len(layers))


def _read_sizes(s: MatrixSymbol, shape: tuple[int, int], sizes: dict[Symbol, int]) -> None:
    for d, n in zip(s.shape, shape, strict=True):
        if isinstance(d, Symbol):
            if sizes.setdefault(d, n) != n:
                msg = f"{s.name} has {n} where {d} = {sizes[d]} was read before; the shape of {s.name} is {s.shape}"
                raise ShapeError(msg)
        elif d.is_Integer and int(d) != n:
            msg = f"{s.name} received shape {shape}; it needs {s.shape}"
            raise ShapeError(msg)


def _rows(value: Any, s: Expr) -> list[list[Any]]:
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if hasattr(value, "tolist"):
        value = value.tolist()
    if not isinstance(value, (list, tuple)):
        return [[value]]
    rows = [list(r) if isinstance(r, (list, tuple)) else [r] for r in value]
    if not rows or not rows[0] or any(len(r) != len(rows[0]) for r in rows):
        msg = f"the value of {s} has rows of lengths {[len(r) for r in rows]}; it needs equal, positive lengths"
        raise ShapeError(msg)
    return rows


def _integer(value: Any, d: Symbol) -> int:
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        return int(value)
    msg = f"{d} received {value!r}; it needs an integer"
    raise InputError(msg)


def _number(value: Any, domain: Domain, s: Expr) -> Any:
    try:
        if isinstance(value, Rational):
            f = Fraction(int(value.p), int(value.q))
        else:
            f = Fraction(value) if not isinstance(value, (np.integer, np.floating)) else Fraction(value.item())
    except (TypeError, ValueError, OverflowError) as e:
        msg = f'the value of {s} holds {value!r}; it needs finite rational numbers, as in 2, 0.5 or "1/3"'
        raise InputError(msg) from e
    return domain.number(f.numerator, f.denominator)


def _sympy_number(e: Any, digits: int) -> Expr:
    from sympy import Float

    if isinstance(e, flint.fmpq):
        return Rational(int(e.p), int(e.q))
    return Float(e.str(digits, radius=False), digits)
