"""Matrices over a domain, and dual numbers over them: the values of exact evaluation.

A scalar is a 1 x 1 matrix. ``DualMatrix(a, b)`` is ``a + eps b`` with ``eps^2 = 0``; its parts may
be dual themselves, which gives second derivatives.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, Self

from deqmath.checking.domains import BadPoint, Domain


class Value(Protocol):
    """What the evaluator needs of a value."""

    @property
    def shape(self) -> tuple[int, int]: ...
    def __add__(self, other: Self, /) -> Self: ...
    def __matmul__(self, other: Self, /) -> Self: ...
    def scaled(self, s: Self, /) -> Self: ...
    def transposed(self) -> Self: ...
    def inverted(self) -> Self: ...
    def kron(self, other: Self, /) -> Self: ...
    def hadamard(self, other: Self, /) -> Self: ...
    def entry(self, i: int, j: int) -> Self: ...
    def reshaped(self, pick: Callable[[int, int], tuple[int, int] | None], rows: int, cols: int) -> Self: ...


class FieldMatrix:
    """A matrix over a :class:`Domain`."""

    __slots__ = ("domain", "mat")

    def __init__(self, domain: Domain, mat: Any) -> None:
        self.domain, self.mat = domain, mat

    @property
    def shape(self) -> tuple[int, int]:
        return self.mat.nrows(), self.mat.ncols()

    def __add__(self, other: FieldMatrix) -> FieldMatrix:
        return FieldMatrix(self.domain, self.mat + other.mat)

    def __matmul__(self, other: FieldMatrix) -> FieldMatrix:
        return FieldMatrix(self.domain, self.mat * other.mat)

    def scaled(self, s: FieldMatrix) -> FieldMatrix:
        return FieldMatrix(self.domain, self.mat * s.mat[0, 0])

    def transposed(self) -> FieldMatrix:
        return FieldMatrix(self.domain, self.mat.transpose())

    def inverted(self) -> FieldMatrix:
        try:
            return FieldMatrix(self.domain, self.mat.inv())
        except ZeroDivisionError as e:
            msg = "a matrix to be inverted is singular at this point"
            raise BadPoint(msg) from e

    def kron(self, other: FieldMatrix) -> FieldMatrix:
        (p, q), (r, s) = self.shape, other.shape
        a, b = self.mat, other.mat
        entries = [a[i, j] * b[k, v] for i in range(p) for k in range(r) for j in range(q) for v in range(s)]
        return FieldMatrix(self.domain, self.domain.matrix(p * r, q * s, entries))

    def hadamard(self, other: FieldMatrix) -> FieldMatrix:
        entries = [x * y for x, y in zip(self.mat.entries(), other.mat.entries(), strict=True)]
        return FieldMatrix(self.domain, self.domain.matrix(*self.shape, entries))

    def entry(self, i: int, j: int) -> FieldMatrix:
        return FieldMatrix(self.domain, self.domain.matrix(1, 1, [self.mat[i, j]]))

    def reshaped(self, pick: Callable[[int, int], tuple[int, int] | None], rows: int, cols: int) -> FieldMatrix:
        """The rows x cols matrix whose entry (i, j) is entry ``pick(i, j)`` of this one, 0 where it is None."""
        zero = self.domain.number(0)
        entries = [zero if (at := pick(i, j)) is None else self.mat[at] for i in range(rows) for j in range(cols)]
        return FieldMatrix(self.domain, self.domain.matrix(rows, cols, entries))

    def differs(self, other: FieldMatrix) -> bool:
        return self.domain.differs(self.mat, other.mat)


class DualMatrix:
    """``a + eps b`` with ``eps^2 = 0``, a and b of one shape."""

    __slots__ = ("a", "b")

    def __init__(self, a: Any, b: Any) -> None:
        self.a, self.b = a, b

    @property
    def shape(self) -> tuple[int, int]:
        shape: tuple[int, int] = self.a.shape
        return shape

    def __add__(self, other: DualMatrix) -> DualMatrix:
        return DualMatrix(self.a + other.a, self.b + other.b)

    def __matmul__(self, other: DualMatrix) -> DualMatrix:
        return DualMatrix(self.a @ other.a, self.a @ other.b + self.b @ other.a)

    def scaled(self, s: DualMatrix) -> DualMatrix:
        return DualMatrix(self.a.scaled(s.a), self.b.scaled(s.a) + self.a.scaled(s.b))

    def transposed(self) -> DualMatrix:
        return DualMatrix(self.a.transposed(), self.b.transposed())

    def inverted(self) -> DualMatrix:
        """``(a + eps b) x = I`` gives ``x = a^{-1} + eps y`` with ``a y + b a^{-1} = 0``."""
        inv = self.a.inverted()
        y = inv @ (self.b @ inv)
        return DualMatrix(inv, negative(y))

    def kron(self, other: DualMatrix) -> DualMatrix:
        return DualMatrix(self.a.kron(other.a), self.a.kron(other.b) + self.b.kron(other.a))

    def hadamard(self, other: DualMatrix) -> DualMatrix:
        return DualMatrix(self.a.hadamard(other.a), self.a.hadamard(other.b) + self.b.hadamard(other.a))

    def entry(self, i: int, j: int) -> DualMatrix:
        return DualMatrix(self.a.entry(i, j), self.b.entry(i, j))

    def reshaped(self, pick: Callable[[int, int], tuple[int, int] | None], rows: int, cols: int) -> DualMatrix:
        return DualMatrix(self.a.reshaped(pick, rows, cols), self.b.reshaped(pick, rows, cols))


def base_of(x: Any) -> FieldMatrix:
    """The value at eps = 0."""
    while isinstance(x, DualMatrix):
        x = x.a
    return x


def lift(number: Any, like: Any) -> Any:
    """A domain number as a 1 x 1 constant of the same kind (plain, dual, doubly dual) as ``like``."""
    if isinstance(like, DualMatrix):
        domain = base_of(like).domain
        return DualMatrix(lift(number, like.a), lift(domain.number(0), like.a))
    return FieldMatrix(like.domain, like.domain.matrix(1, 1, [number]))


def negative(x: Any) -> Any:
    """``-x``."""
    return x.scaled(lift(base_of(x).domain.number(-1), x))


def constant(mat: FieldMatrix, depth: int) -> Any:
    """A constant matrix as a value with ``depth`` layers of dual numbers."""
    if depth == 0:
        return mat
    inner = constant(mat, depth - 1)
    zero = inner.scaled(lift(mat.domain.number(0), inner))
    return DualMatrix(inner, zero)
