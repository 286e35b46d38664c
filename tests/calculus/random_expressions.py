"""Random matrix expressions over a few letters, for tests of soundness."""

from __future__ import annotations

import random
from collections.abc import Callable

import sympy as sp
from sympy import Expr, Identity, MatAdd, MatMul, MatrixSymbol, Rational, Symbol, Trace
from sympy.matrices.expressions import OneMatrix, Transpose

import deqmath as dm
from deqmath.expressions import blocks, diagonal_of, softmax_columns

m, n = dm.dim("m"), dm.dim("n")
SIZES = {"m": m, "n": n, "1": sp.S.One}
LETTERS = {
    ("m", "m"): [MatrixSymbol(c, m, m) for c in "ABC"],
    ("n", "n"): [MatrixSymbol("D", n, n)],
    ("m", "n"): [MatrixSymbol("X", m, n)],
    ("n", "m"): [MatrixSymbol("Y", n, m)],
    ("m", "1"): [MatrixSymbol(c, m, 1) for c in "uv"],
    ("n", "1"): [MatrixSymbol("w", n, 1)],
    ("1", "m"): [MatrixSymbol("r", 1, m)],
    ("1", "n"): [MatrixSymbol("s", 1, n)],
    ("1", "1"): [MatrixSymbol("c", 1, 1)],
}
SCALARS = [Symbol("gamma"), sp.S(2), sp.S(-1), Rational(1, 2)]
i = Symbol("i", integer=True)


class Maker:
    """Draws expressions of a given shape and depth."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)

    def make(self, rows: str, cols: str, depth: int) -> Expr:
        """An expression of this shape."""
        if depth <= 0 or self.rng.random() < 0.1:
            return self._leaf(rows, cols)
        makers: list[Callable[[str, str, int], Expr]] = [self._sum, self._product, self._product, self._transpose]
        makers += [self._scaled, self._hadamard, self._elementwise]
        if rows == cols != "1":
            makers += [self._inverse, self._resolvent, self._diag, self._gate, self._outer_total]
        if cols == "1" and rows != "1":
            makers += [self._diagonal, self._softmax, self._relu, self._vec_free]
        if rows == "1" == cols:
            makers += [self._trace, self._inner]
        return self.rng.choice(makers)(rows, cols, depth - 1)

    def _leaf(self, rows: str, cols: str) -> Expr:
        options = list(LETTERS[rows, cols])
        options += [Transpose(x) for x in LETTERS[cols, rows]]
        if rows == cols:
            options.append(Identity(SIZES[rows]))
        if self.rng.random() < 0.1:
            return OneMatrix(SIZES[rows], SIZES[cols])
        return self.rng.choice(options)

    def _sum(self, r: str, c: str, d: int) -> Expr:
        return MatAdd(self.make(r, c, d), self.make(r, c, d))

    def _product(self, r: str, c: str, d: int) -> Expr:
        k = self.rng.choice(["m", "n", "m", "1"])
        return MatMul(self.make(r, k, d), self.make(k, c, d))

    def _transpose(self, r: str, c: str, d: int) -> Expr:
        return Transpose(self.make(c, r, d))

    def _scaled(self, r: str, c: str, d: int) -> Expr:
        return MatMul(self.rng.choice(SCALARS), self.make(r, c, d))

    def _hadamard(self, r: str, c: str, d: int) -> Expr:
        return dm.hadamard(self.make(r, c, d), self.make(r, c, d))

    def _elementwise(self, r: str, c: str, d: int) -> Expr:
        f = self.rng.choice([sp.tanh, lambda t: t**2 + t, lambda t: 1 - sp.exp(t)])
        return dm.elementwise(f, self.make(r, c, min(d, 1)))

    def _inverse(self, r: str, c: str, d: int) -> Expr:
        return sp.Inverse(self.make(r, c, min(d, 2)))

    def _resolvent(self, r: str, c: str, d: int) -> Expr:
        return sp.Inverse(MatAdd(Identity(SIZES[r]), MatMul(SCALARS[0], self.make(r, c, min(d, 2)))))

    def _diag(self, r: str, c: str, d: int) -> Expr:
        del c
        return dm.diag(self.make(r, "1", d))

    def _gate(self, r: str, c: str, d: int) -> Expr:
        del c
        return dm.gate(self.make(r, "1", min(d, 1)))

    def _relu(self, r: str, c: str, d: int) -> Expr:
        return dm.relu(self.make(r, c, min(d, 1)))

    def _diagonal(self, r: str, c: str, d: int) -> Expr:
        del c
        return diagonal_of(self.make(r, r, d))

    def _softmax(self, r: str, c: str, d: int) -> Expr:
        return softmax_columns(self.make(r, c, min(d, 1)))

    def _outer_total(self, r: str, c: str, d: int) -> Expr:
        left, right = self.make(r, "n", d), self.make(c, "n", d)
        return dm.total(MatMul(dm.column(left, i), Transpose(dm.column(right, i))), i, n)

    def _vec_free(self, r: str, c: str, d: int) -> Expr:
        del c
        k = self.rng.choice(["m", "n"])
        kron = dm.kron(Transpose(self.make(k, "1", d)), self.make(r, "m", d))
        return MatMul(kron, dm.vec(self.make("m", k, d)))

    def _trace(self, r: str, c: str, d: int) -> Expr:
        del r, c
        k = self.rng.choice(["m", "n"])
        return MatMul(Trace(self.make(k, k, d)), dm.one())

    def _inner(self, r: str, c: str, d: int) -> Expr:
        del r, c
        k = self.rng.choice(["m", "n"])
        return MatMul(dm.vec(self.make(k, "m", d)).T, dm.vec(self.make(k, "m", d)))

    def block(self, depth: int) -> Expr:
        """A block matrix of shape (m + n, m + n)."""
        parts = [[self.make(a, b, depth) for b in "mn"] for a in "mn"]
        return blocks(parts)
