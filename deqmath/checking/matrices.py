"""Matrices over a domain, and dual numbers over them: the values of exact evaluation.

A scalar is a 1 x 1 matrix. ``DualMatrix(a, b)`` is ``a + eps b`` with ``eps^2 = 0``; its parts may
be dual themselves, which gives second derivatives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, Self

from deqmath.checking.domains import Domain, SingularPoint


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
            raise SingularPoint(msg) from e

    def kron(self, other: FieldMatrix) -> FieldMatrix:
        (p, q), (r, s) = self.shape, other.shape
        a, b = self.mat.entries(), other.mat.entries()
        rows = [(a[i * q : i * q + q], b[k * s : k * s + s]) for i in range(p) for k in range(r)]
        entries = [x * y for x_row, y_row in rows for x in x_row for y in y_row]
        return FieldMatrix(self.domain, self.domain.matrix(p * r, q * s, entries))

    def hadamard(self, other: FieldMatrix) -> FieldMatrix:
        entries = [x * y for x, y in zip(self.mat.entries(), other.mat.entries(), strict=True)]
        return FieldMatrix(self.domain, self.domain.matrix(*self.shape, entries))

    def entry(self, i: int, j: int) -> FieldMatrix:
        return FieldMatrix(self.domain, self.domain.matrix(1, 1, [self.mat[i, j]]))

    def reshaped(self, pick: Callable[[int, int], tuple[int, int] | None], rows: int, cols: int) -> FieldMatrix:
        """The rows x cols matrix whose entry (i, j) is entry ``pick(i, j)`` of this one, 0 where it is None."""
        mat, out = self.mat, self.domain.ones_at(rows, cols, ())
        for i in range(rows):
            for j in range(cols):
                at = pick(i, j)
                if at is not None:
                    out[i, j] = mat[at]
        return FieldMatrix(self.domain, out)

    def differs(self, other: FieldMatrix) -> bool:
        return self.domain.differs(self.mat, other.mat)


class DualMatrix:
    """``a + eps b`` with ``eps^2 = 0``, a and b of one shape; what does not move is held without b."""

    __slots__ = ("_b", "a")

    def __init__(self, a: Any, b: Any = None) -> None:
        self.a, self._b = a, b

    @property
    def b(self) -> Any:
        """The coefficient of eps."""
        if self._b is None:
            self._b = zero_like(self.a)
        return self._b

    @property
    def is_constant(self) -> bool:
        """Whether b is 0 because nothing in the value moves."""
        return self._b is None

    @property
    def shape(self) -> tuple[int, int]:
        shape: tuple[int, int] = self.a.shape
        return shape

    def __add__(self, other: DualMatrix) -> DualMatrix:
        return DualMatrix(self.a + other.a, _plus(self._b, other._b))

    def __matmul__(self, other: DualMatrix) -> DualMatrix:
        return self._bilinear(other, lambda x, y: x @ y)

    def scaled(self, s: DualMatrix) -> DualMatrix:
        return self._bilinear(s, lambda x, y: x.scaled(y))

    def transposed(self) -> DualMatrix:
        return self._linear(lambda x: x.transposed())

    def inverted(self) -> DualMatrix:
        """``(a + eps b) x = I`` gives ``x = a^{-1} + eps y`` with ``a y + b a^{-1} = 0``."""
        inv = self.a.inverted()
        return DualMatrix(inv, None if self._b is None else negative(inv @ (self._b @ inv)))

    def kron(self, other: DualMatrix) -> DualMatrix:
        return self._bilinear(other, lambda x, y: x.kron(y))

    def hadamard(self, other: DualMatrix) -> DualMatrix:
        return self._bilinear(other, lambda x, y: x.hadamard(y))

    def entry(self, i: int, j: int) -> DualMatrix:
        return self._linear(lambda x: x.entry(i, j))

    def reshaped(self, pick: Callable[[int, int], tuple[int, int] | None], rows: int, cols: int) -> DualMatrix:
        return self._linear(lambda x: x.reshaped(pick, rows, cols))

    def _linear(self, f: Callable[[Any], Any]) -> DualMatrix:
        return DualMatrix(f(self.a), None if self._b is None else f(self._b))

    def _bilinear(self, other: DualMatrix, f: Callable[[Any, Any], Any]) -> DualMatrix:
        """``f(a, a') + eps (f(a, b') + f(b, a'))``."""
        right = None if other._b is None else f(self.a, other._b)
        left = None if self._b is None else f(self._b, other.a)
        return DualMatrix(f(self.a, other.a), _plus(right, left))


def _plus(x: Any, y: Any) -> Any:
    return y if x is None else x if y is None else x + y


def zero_like(x: Any) -> Any:
    """0 of the same shape and kind."""
    if isinstance(x, DualMatrix):
        return DualMatrix(zero_like(x.a))
    return FieldMatrix(x.domain, x.domain.ones_at(*x.shape, ()))


def base_of(x: Any) -> FieldMatrix:
    """The value at eps = 0."""
    while isinstance(x, DualMatrix):
        x = x.a
    return x


def lift(number: Any, like: Any) -> Any:
    """A domain number as a 1 x 1 constant of the same kind (plain, dual, doubly dual) as ``like``."""
    if isinstance(like, DualMatrix):
        return DualMatrix(lift(number, like.a))
    return FieldMatrix(like.domain, like.domain.matrix(1, 1, [number]))


def negative(x: Any) -> Any:
    """``-x``."""
    if isinstance(x, DualMatrix):
        return x._linear(negative)
    return FieldMatrix(x.domain, -x.mat)


def constant(mat: FieldMatrix, depth: int) -> Any:
    """A constant matrix as a value with ``depth`` layers of dual numbers."""
    return mat if depth == 0 else DualMatrix(constant(mat, depth - 1))


def sum_of(parts: Sequence[Any]) -> Any:
    """The sum of values of one shape."""
    out = parts[0]
    for p in parts[1:]:
        out = out + p
    return out


def placed(block: Any, row: int, col: int, rows: int, cols: int) -> Any:
    """A block put at (row, col) of a larger zero matrix."""
    p, q = block.shape

    def pick(i: int, j: int) -> tuple[int, int] | None:
        return (i - row, j - col) if row <= i < row + p and col <= j < col + q else None

    return block.reshaped(pick, rows, cols)


def by_entry(value: Any, f: Callable[[Any], Any]) -> Any:
    """``f`` of each entry."""
    rows, cols = value.shape
    return sum_of([placed(f(value.entry(i, j)), i, j, rows, cols) for i in range(rows) for j in range(cols)])
