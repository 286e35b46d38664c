"""Numbers and matrices of one mpmath context that belongs to one object; the global context is never touched."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Rational
from typing import Any

from mpmath import MPContext
from mpmath.libmp import from_pickable, to_pickable

from deqmath.errors import InputError, ShapeError
from deqmath.numeric.validate import count

#: An mpmath matrix or number of the object's own context.
MPMatrix = Any
MPNumber = Any

#: Digits carried beyond those asked for.
GUARD_DIGITS = 20


class OwnContext(MPContext):  # type: ignore[misc]  # mpmath has no types
    """A context whose numbers and matrices can be copied and pickled; what is copied together shares one context again.

    Every context has classes of its own for them, which pickle does not find by name.
    """

    def __init__(self) -> None:
        super().__init__()
        self.mpf.__reduce__ = lambda x: (_number, (self, to_pickable(x._mpf_)))
        self.matrix.__reduce__ = lambda M: (_matrix, (self, M.rows, M.cols, list(M)))

    def __reduce__(self) -> tuple[Any, ...]:
        """As the precision alone."""
        return _context, (self.prec,)


def _context(prec: int) -> OwnContext:
    context = OwnContext()
    context.prec = prec
    return context


def _number(context: OwnContext, parts: tuple[int, str, int, int]) -> MPNumber:
    return context.make_mpf(from_pickable(parts))


def _matrix(context: OwnContext, rows: int, cols: int, numbers: list[MPNumber]) -> MPMatrix:
    found = context.matrix(rows, cols)
    for k, x in enumerate(numbers):
        found[k // cols, k % cols] = x
    return found


class Numbers:
    """A context of its own, and the reading of numbers and matrices into it.

    Parameters
    ----------
    digits
        Decimal digits wanted.
    """

    def __init__(self, digits: int) -> None:
        self.digits = count(digits, "digits")
        self.context = OwnContext()
        self.context.dps = self.digits + GUARD_DIGITS

    def number(self, value: Any, name: str = "entry") -> MPNumber:
        """`value` as a finite number of this context."""
        ctx = self.context
        try:
            if not isinstance(value, bool) and isinstance(value, Rational):
                found = ctx.mpf(int(value.numerator)) / int(value.denominator)
            elif isinstance(value, (float, str)) or hasattr(value, "_mpf_"):
                found = ctx.mpf(value)
            elif hasattr(value, "item") and isinstance(value.item(), (int, float)):
                return self.number(value.item(), name)
            else:
                raise TypeError(type(value).__name__)
        except (ValueError, TypeError) as error:
            msg = f"{name} is {value!r}; it needs a real number: int, float, Fraction, mpmath or a decimal string"
            raise InputError(msg) from error
        if not ctx.isfinite(found):
            msg = f"{name} is {value!r}; it needs a finite number"
            raise InputError(msg)
        return found

    def matrix(self, value: Any, name: str = "matrix") -> MPMatrix:
        """`value` (nested sequences, an array or an mpmath matrix) as a matrix of this context."""
        rows = value.tolist() if hasattr(value, "tolist") else value
        if not isinstance(rows, Sequence) or isinstance(rows, str) or not len(rows):
            msg = f"{name} needs rows of numbers, at least one; received {value!r:.80}"
            raise ShapeError(msg)
        table = [entries(row, name) for row in rows]
        if len({len(row) for row in table}) != 1 or not table[0]:
            msg = f"{name} has rows of lengths {[len(row) for row in table][:10]}; they need one common length >= 1"
            raise ShapeError(msg)
        return self.context.matrix(
            [[self.number(x, f"{name}[{i}, {j}]") for j, x in enumerate(row)] for i, row in enumerate(table)]
        )

    def unit_rows(self, X: Any) -> MPMatrix:
        """X with every row divided by its length."""
        ctx, found = self.context, self.matrix(X, "X")
        for i in range(found.rows):
            length = ctx.sqrt(sum(found[i, j] ** 2 for j in range(found.cols)))
            if length == 0:
                msg = f"row {i} of X is zero and cannot be normalised"
                raise InputError(msg)
            for j in range(found.cols):
                found[i, j] /= length
        return found

    def diagonal(self, gates: Sequence[bool]) -> MPMatrix:
        """The diagonal matrix of ones and zeros."""
        return self.context.diag([self.context.one if gate else self.context.zero for gate in gates])


def entries(value: Any, name: str) -> list[Any]:
    """A flat sequence of entries: a list, a 1-d array, or an mpmath row or column."""
    if hasattr(value, "rows") and hasattr(value, "cols"):
        if 1 not in (value.rows, value.cols):
            msg = f"{name} has shape {(value.rows, value.cols)}; it needs one row or one column"
            raise ShapeError(msg)
        return list(value)
    row = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(row, str) or not isinstance(row, Sequence):
        msg = f"{name} needs a sequence of numbers; received {value!r:.80}"
        raise ShapeError(msg)
    return list(row)
