"""Points on the well-known varieties of matrices: symmetric, skew, diagonal, orthogonal, idempotent, ...

``S^T S = I`` says less than the k^2 equations it is written as, so it cannot be solved for S. Its
solutions are drawn instead by a rational parametrisation that reaches a dense subset of them:

- orthogonal: Cayley's ``(I - K)(I + K)^{-1}`` with K skew, times one reflection or none;
- idempotent and involution: ``T E T^{-1}`` with E diagonal of 0 and 1 (of 1 and -1);
- orthogonal projection and reflection: the same with T orthogonal;
- nilpotent of order 2: ``T [0 B; 0 0] T^{-1}``;
- unit vector: stereographic projection.

The choices that are not numbers (a reflection, the entries of E) are made as the signs of gates
are, so that in the prime field every pattern of them is tried where gates are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sympy import MatrixExpr
from sympy.matrices.expressions import MatrixSymbol

from deqmath.checking.domains import BadPoint
from deqmath.checking.evaluation import Point
from deqmath.checking.matrices import FieldMatrix
from deqmath.checking.slots import Slots


def drawn_on_variety(point: Point, slots: Slots, residuals: Sequence[MatrixExpr]) -> bool:
    """Put the one matrix of ``slots`` on the variety that the residuals define, if it is one of those known.

    What a residual says is read off its value at the matrix as it stands, which is a random one. True
    only where all residuals are 0 at the matrix drawn.
    """
    (symbol,) = dict.fromkeys(s for s, _, _ in slots.places)
    if any(r.atoms(MatrixSymbol) != {symbol} for r in residuals):
        return False
    S = point.symbols[symbol].mat
    square = S.nrows() == S.ncols()
    if not square and S.ncols() != 1:
        return False
    draw = _Draw(point, S.nrows())
    laws = {name: law(S, draw) for name, law in _LAWS.items() if (S.ncols() == 1 if name == "unit" else square)}
    values = [slots.residual([r]) for r in residuals]
    found = []
    for value in values:
        name = next((n for n, law in laws.items() if _same(value, law, point)), None)
        if name is None:
            return False
        found.append(name)
    make = _SAMPLES.get(frozenset(found))
    if make is None:
        return False
    point.symbols[symbol] = FieldMatrix(point.domain, make(draw))
    zeros = [slots.residual([r]) for r in residuals]
    if any(point.domain.differs(z, z - z) for z in zeros):
        slots.restore()
        return False
    return True


def _same(value: Any, law: Any, point: Point) -> bool:
    """Whether a residual (stacked column by column) is a law or its negative."""
    entries = [law[i, j] for j in range(law.ncols()) for i in range(law.nrows())]
    if len(entries) != value.nrows():
        return False
    column = point.domain.matrix(len(entries), 1, entries)
    return not point.domain.differs(value, column) or not point.domain.differs(value, -column)


class _Draw:
    """Random matrices of one size in the domain of a point."""

    def __init__(self, point: Point, k: int) -> None:
        self.point, self.k = point, k

    def matrix(self, entry: Callable[[int, int], Any], rows: int | None = None, cols: int | None = None) -> Any:
        r, c = self.k if rows is None else rows, self.k if cols is None else cols
        return self.point.domain.matrix(r, c, [entry(i, j) for i in range(r) for j in range(c)])

    def number(self) -> Any:
        return self.point.domain.draw(self.point.rng)

    def bit(self) -> bool:
        return self.point.domain.is_positive(self.number(), None)

    def scalar(self, value: int) -> Any:
        return self.point.domain.number(value)

    def identity(self) -> Any:
        return self.diagonal([self.scalar(1)] * self.k)

    def diagonal(self, entries: Sequence[Any]) -> Any:
        return self.matrix(lambda i, j: entries[i] if i == j else self.scalar(0))

    def bits(self, closed: int) -> Any:
        """A diagonal matrix of 1 and of one other number."""
        return self.diagonal([self.scalar(1 if self.bit() else closed) for _ in range(self.k)])

    def inverse(self, M: Any) -> Any:
        try:
            return M.inv()
        except ZeroDivisionError as e:
            msg = "a matrix of the parametrisation is singular"
            raise BadPoint(msg) from e

    def half(self, sign: int) -> Any:
        """A random matrix with ``S^T = sign S``."""
        upper = {(i, j): self.number() for i in range(self.k) for j in range(i, self.k)}
        lower, zero = self.scalar(sign), self.scalar(0)

        def entry(i: int, j: int) -> Any:
            if i == j:
                return upper[i, i] if sign == 1 else zero
            return upper[i, j] if i < j else lower * upper[j, i]

        return self.matrix(entry)

    def similar(self, E: Any) -> Any:
        T = self.matrix(lambda _i, _j: self.number())
        return T * E * self.inverse(T)

    def rotation(self) -> Any:
        K, one = self.half(-1), self.identity()
        return (one - K) * self.inverse(one + K)

    def orthogonal(self) -> Any:
        flip = self.diagonal([self.scalar(-1 if self.bit() else 1), *[self.scalar(1)] * (self.k - 1)])
        return self.rotation() * flip

    def turned(self, E: Any) -> Any:
        Q = self.rotation()
        return Q * E * Q.transpose()

    def nilpotent(self) -> Any:
        r, zero = self.k // 2, self.scalar(0)
        return self.similar(self.matrix(lambda i, j: self.number() if i < r <= j else zero))

    def unit(self) -> Any:
        """``(2 w, |w|^2 - 1) / (|w|^2 + 1)``."""
        if self.k == 1:
            return self.matrix(lambda _i, _j: self.scalar(1 if self.bit() else -1), 1, 1)
        one, w = self.scalar(1), [self.number() for _ in range(self.k - 1)]
        norm = sum((x * x for x in w), self.scalar(0))
        if norm == -one:
            msg = "the point of stereographic projection"
            raise BadPoint(msg)
        entries = [*(x + x for x in w), norm - one]
        return self.matrix(lambda i, _j: entries[i] / (norm + one), self.k, 1)


#: What each residual is, as a function of the matrix: the law holds where it is 0.
_LAWS: dict[str, Callable[[Any, _Draw], Any]] = {
    "symmetric": lambda S, _: S - S.transpose(),
    "skew": lambda S, _: S + S.transpose(),
    "diagonal": lambda S, d: S - d.matrix(lambda i, j: S[i, i] if i == j else d.scalar(0)),
    "orthogonal": lambda S, d: S.transpose() * S - d.identity(),
    "orthogonal rows": lambda S, d: S * S.transpose() - d.identity(),
    "idempotent": lambda S, _: S * S - S,
    "involution": lambda S, d: S * S - d.identity(),
    "nilpotent": lambda S, _: S * S,
    "unit": lambda S, d: S.transpose() * S - d.matrix(lambda _i, _j: d.scalar(1), 1, 1),
}

_ORTHOGONAL = ("orthogonal", "orthogonal rows")
_SAMPLES: dict[frozenset[str], Callable[[_Draw], Any]] = {
    frozenset({"symmetric"}): lambda d: d.half(1),
    frozenset({"skew"}): lambda d: d.half(-1),
    frozenset({"diagonal"}): lambda d: d.diagonal([d.number() for _ in range(d.k)]),
    **{frozenset(s): _Draw.orthogonal for s in (_ORTHOGONAL[:1], _ORTHOGONAL[1:], _ORTHOGONAL)},
    frozenset({"idempotent"}): lambda d: d.similar(d.bits(0)),
    frozenset({"involution"}): lambda d: d.similar(d.bits(-1)),
    frozenset({"nilpotent"}): _Draw.nilpotent,
    frozenset({"unit"}): _Draw.unit,
    frozenset({"symmetric", "idempotent"}): lambda d: d.turned(d.bits(0)),
    frozenset({"symmetric", "involution"}): lambda d: d.turned(d.bits(-1)),
    **{frozenset({"symmetric", o}): (lambda d: d.turned(d.bits(-1))) for o in _ORTHOGONAL},
}


__all__ = ["drawn_on_variety"]
