"""Some entries of a point as one vector: what an equation is solved for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sympy import Expr, MatrixExpr, Symbol

from deqmath.checking.evaluation import Evaluator, Point
from deqmath.checking.matrices import FieldMatrix, base_of


class Slots:
    """The entries of some symbols (or of one column of each) as one vector that can be written."""

    def __init__(self, point: Point, targets: list[tuple[Expr, int | None]], bindings: Mapping[Symbol, int]) -> None:
        self.point, self.bindings = point, dict(bindings)
        self.places: list[tuple[Expr, int, int]] = []
        for symbol, column in targets:
            rows, cols = base_of(point.value_of(symbol, bindings)).shape
            columns = range(cols) if column is None else [column]
            self.places += [(symbol, i, j) for j in columns for i in range(rows)]
        self.before = {s: point.symbols[s] for s, _ in targets}
        self.size = len(self.places)

    def restore(self) -> None:
        """Put the values back that were there before."""
        self.point.symbols.update(self.before)

    def read(self) -> list[Any]:
        """The entries now."""
        return [base_of(self.point.symbols[s]).mat[i, j] for s, i, j in self.places]

    def write(self, values: Sequence[Any]) -> None:
        """Store the entries; others of the same matrices stay."""
        domain = self.point.domain
        for s in dict.fromkeys(s for s, _, _ in self.places):
            mat = base_of(self.point.symbols[s]).mat
            rows, cols = mat.nrows(), mat.ncols()
            entries = [mat[i, j] for i in range(rows) for j in range(cols)]
            for (t, i, j), v in zip(self.places, values, strict=True):
                if t == s:
                    entries[i * cols + j] = v
            self.point.symbols[s] = FieldMatrix(domain, domain.matrix(rows, cols, entries))

    def residual(self, residuals: Sequence[MatrixExpr], values: Sequence[Any] | None = None) -> Any:
        """The residuals stacked (vec of each) as a column, with the entries at these values."""
        if values is not None:
            self.write(values)
        ev = Evaluator(self.point, self.bindings)
        entries = [e for r in ev.several(*residuals) for e in stacked(base_of(r))]
        return self.point.domain.matrix(len(entries), 1, entries)


def stacked(value: FieldMatrix) -> list[Any]:
    """The entries of a value, column by column."""
    rows, cols = value.shape
    return [value.mat[i, j] for j in range(cols) for i in range(rows)]
