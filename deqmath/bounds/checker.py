"""A second opinion on certificates: ball arithmetic in python-flint, sharing no code with the proofs it checks.

The claims are proved again from the matrix alone, by other mathematics:

- ``lower <= lambda_min(H)``: H - lower I is positive definite, by block elimination in balls;
- ``lambda_min(H) <= upper``: H - upper I has a provably negative pivot (Sylvester), or the certificate's witness x
  gives ``x^T H x <= upper x^T x`` in exact integers;
- the operator norm: the same for ``s^2 I - A^T A``, the Gram matrix formed exactly;
- ``y^T H^{-1} y``: a verified linear solve in balls.

Nothing of the certificate but its claim is believed. The cost is that of multiprecision elimination: seconds for a
few hundred rows, so this is a checker, not a solver.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import flint
import numpy as np

from deqmath.bounds.bound import Bound
from deqmath.bounds.checker_input import FalseCertificateError, end, field, load, matrix_entries, numbers
from deqmath.errors import DataError

QUANTITIES = ("lambda_min", "lambda_max", "operator_norm", "inverse_quadratic_form")
LEAF = 12
MOST_BITS = 2**16
EXACT_ROWS = 64
_PRECISION_LOCK = threading.RLock()


def check_certificate(
    certificate: dict[str, Any] | str | Path, matrix: np.ndarray[Any, np.dtype[np.float64]] | None = None
) -> Bound:
    """Prove a certificate's claim again, independently.

    Parameters
    ----------
    certificate : dict or path
        As found in ``Bound.certificate``, or a JSON file holding it.
    matrix : ndarray, optional
        Needed when the certificate holds only the fingerprint of its matrix (more than 4096 entries).

    Returns
    -------
    Bound
        Proved, with the certificate's ends; undecided when the balls stayed too wide at the highest precision tried.

    Raises
    ------
    DataError
        When the file is missing, truncated or not a certificate, or when the matrix is not the one named.
    FalseCertificateError
        When the claim is proved FALSE (a DataError too).

    Examples
    --------
    >>> import numpy as np
    >>> from deqmath.bounds import check_certificate, lambda_min
    >>> bound = lambda_min(np.array([[2.0, 1.0], [1.0, 3.0]]), digits=20)
    >>> check_certificate(bound.certificate).status
    'proved'
    """
    record = load(certificate)
    quantity = field(record, "quantity", str)
    if quantity not in QUANTITIES:
        msg = f"certificate of {quantity!r}; this checker knows {', '.join(QUANTITIES)}"
        raise DataError(msg)
    lower, upper = end(record, "lower"), end(record, "upper")
    if lower is None and upper is None:
        msg = "the certificate claims nothing: both ends are null"
        raise DataError(msg)
    if lower is not None and upper is not None and lower > upper:
        msg = "the certificate is false: it claims lower > upper"
        raise FalseCertificateError(msg)
    entries = matrix_entries(record, matrix)
    reason = _check(quantity, entries, lower, upper, record)
    if reason:
        return Bound.undecided(quantity, reason)
    trusted = ("python-flint's ball and integer arithmetic",)
    return Bound(lower, upper, quantity, "proved", trusted, dict(record))


def _check(
    quantity: str, entries: list[list[Fraction]], lower: Fraction | None, upper: Fraction | None, record: dict[str, Any]
) -> str:
    """Empty when both ends are proved; a reason when undecided; DataError when an end is proved false."""
    if quantity == "inverse_quadratic_form":
        return _check_inverse_form(entries, lower, upper, record)
    if quantity == "operator_norm":
        return _check_norm(entries, lower, upper)
    _require_symmetric(entries)
    if quantity == "lambda_max":
        entries = [[-v for v in row] for row in entries]
        lower, upper = None if upper is None else -upper, None if lower is None else -lower
    exact = _rational(entries)
    return _first(
        "" if lower is None else _above(exact, lower, "an eigenvalue lies beyond the claimed end"),
        "" if upper is None else _not_above(exact, upper, "no eigenvalue reaches the claimed end"),
    )


def _check_norm(entries: list[list[Fraction]], lower: Fraction | None, upper: Fraction | None) -> str:
    a = _rational(entries if len(entries) >= len(entries[0]) else [list(row) for row in zip(*entries, strict=True)])
    gram = a.transpose() * a * -1
    return _first(
        "" if upper is None else _above(gram, -(upper**2), "the norm exceeds the claimed upper end"),
        "" if not lower or lower < 0 else _not_above(gram, -(lower**2), "the norm is below the claimed lower end"),
    )


def _check_inverse_form(
    entries: list[list[Fraction]], lower: Fraction | None, upper: Fraction | None, record: dict[str, Any]
) -> str:
    _require_symmetric(entries)
    vector = numbers(field(record, "vector", list), "vector")
    if len(vector) != len(entries):
        msg = f"the certificate's vector has {len(vector)} entries for a matrix of {len(entries)} rows"
        raise DataError(msg)
    exact, y = _rational(entries), _rational([[v] for v in vector])
    reason = _above(exact, Fraction(0), "H is not positive definite")
    return reason or _enclosed(exact, y, lower, upper)


def _enclosed(exact: flint.fmpq_mat, y: flint.fmpq_mat, lower: Fraction | None, upper: Fraction | None) -> str:
    for bits in _precisions():
        with _precision(bits):
            right = flint.arb_mat(y)
            try:
                value = (right.transpose() * flint.arb_mat(exact).solve(right))[0, 0]
            except ZeroDivisionError:
                continue
            low_ok = lower is None or value >= _ball(lower)
            high_ok = upper is None or value <= _ball(upper)
            if low_ok and high_ok:
                return ""
            if (lower is not None and value < _ball(lower)) or (upper is not None and value > _ball(upper)):
                msg = "the certificate is false: y^T H^-1 y lies outside the claimed ends"
                raise FalseCertificateError(msg)
    return f"the linear solve stayed too wide at {MOST_BITS} bits"


def _above(exact: flint.fmpq_mat, level: Fraction, complaint: str) -> str:
    """Prove ``level <= lambda_min``: every pivot of ``S - level I`` is positive (or zero, decided exactly, for diagonals)."""
    if _is_diagonal(exact):
        if all(exact[i, i] >= _rational_number(level) for i in range(exact.nrows())):
            return ""
        raise FalseCertificateError(_false(complaint))
    sign = _inertia(exact, level)
    if sign == 0 and exact.nrows() <= EXACT_ROWS:
        sign = 1 if _semidefinite(_shifted_exact(exact, level)) else -1
    if sign < 0:
        raise FalseCertificateError(_false(complaint))
    return "" if sign > 0 else f"the pivots stayed undecided at {MOST_BITS} bits"


def _not_above(exact: flint.fmpq_mat, level: Fraction, complaint: str) -> str:
    """Prove ``lambda_min <= level``: ``S - level I`` is not positive definite."""
    if _is_diagonal(exact):
        if any(exact[i, i] <= _rational_number(level) for i in range(exact.nrows())):
            return ""
        raise FalseCertificateError(_false(complaint))
    sign = _inertia(exact, level)
    if sign > 0:
        raise FalseCertificateError(_false(complaint))
    if sign == 0 and _shifted_exact(exact, level).det() == 0:
        return ""
    return "" if sign < 0 else f"the pivots stayed undecided at {MOST_BITS} bits"


def _inertia(exact: flint.fmpq_mat, level: Fraction) -> int:
    """1: ``S - level I`` is positive definite; -1: it is not positive semidefinite; 0: undecided."""
    shifted = _shifted_exact(exact, level)
    for bits in _precisions():
        with _precision(bits):
            sign = _definite(flint.arb_mat(shifted))
        if sign:
            return sign
        if bits > 2**11 and shifted.nrows() <= EXACT_ROWS and shifted.det() == 0:
            return 0
    return 0


def _definite(a: flint.arb_mat) -> int:
    """The sign of a symmetric ball matrix: block elimination, pivots one by one in the leaves."""
    n = a.nrows()
    if n <= LEAF:
        return _definite_leaf([[a[i, j] for j in range(n)] for i in range(n)])
    half = n // 2
    first = _part(a, 0, half, 0, half)
    sign = _definite(first)
    if sign <= 0:
        return sign
    side, last = _part(a, 0, half, half, n), _part(a, half, n, half, n)
    try:
        solved = first.solve(side)
    except ZeroDivisionError:
        return 0
    return _definite(last - side.transpose() * solved)


def _definite_leaf(rows: list[list[Any]]) -> int:
    for k, row in enumerate(rows):
        pivot = row[k]
        if pivot < 0:
            return -1
        if not pivot > 0:
            return 0
        for i in range(k + 1, len(rows)):
            factor = rows[i][k] / pivot
            for j in range(k + 1, len(rows)):
                rows[i][j] -= factor * row[j]
    return 1


def _semidefinite(exact: flint.fmpq_mat) -> bool:
    """Whether a symmetric rational matrix is positive semidefinite: a zero pivot must have a zero row."""
    n = exact.nrows()
    rows = [[exact[i, j] for j in range(n)] for i in range(n)]
    for k, row in enumerate(rows):
        if row[k] < 0 or (row[k] == 0 and any(v != 0 for v in row[k:])):
            return False
        for other in rows[k + 1 :]:
            if other[k] != 0:
                factor = other[k] / row[k]
                for j in range(k, n):
                    other[j] -= factor * row[j]
    return True


def _part(a: flint.arb_mat, top: int, bottom: int, left: int, right: int) -> flint.arb_mat:
    return flint.arb_mat([[a[i, j] for j in range(left, right)] for i in range(top, bottom)])


def _shifted_exact(exact: flint.fmpq_mat, level: Fraction) -> flint.fmpq_mat:
    shifted, amount = flint.fmpq_mat(exact), _rational_number(level)
    for i in range(exact.nrows()):
        shifted[i, i] = exact[i, i] - amount
    return shifted


def _is_diagonal(exact: flint.fmpq_mat) -> bool:
    n = exact.nrows()
    return all(exact[i, j] == 0 for i in range(n) for j in range(n) if i != j)


def _precisions() -> Iterator[int]:
    bits = 128
    while bits <= MOST_BITS:
        yield bits
        bits *= 2


@contextmanager
def _precision(bits: int) -> Iterator[None]:
    """flint's precision is one for the whole process: hold a lock, and put it back."""
    with _PRECISION_LOCK:
        before = flint.ctx.prec
        flint.ctx.prec = bits
        try:
            yield
        finally:
            flint.ctx.prec = before


def _ball(value: Fraction) -> flint.arb:
    return flint.arb(_rational_number(value))


def _rational_number(value: Fraction) -> flint.fmpq:
    return flint.fmpq(value.numerator, value.denominator)


def _rational(entries: list[list[Fraction]]) -> flint.fmpq_mat:
    return flint.fmpq_mat([[_rational_number(v) for v in row] for row in entries])


def _require_symmetric(entries: list[list[Fraction]]) -> None:
    n = len(entries)
    if any(len(row) != n for row in entries) or any(entries[i][j] != entries[j][i] for i in range(n) for j in range(i)):
        msg = "the certificate's matrix is not symmetric"
        raise DataError(msg)


def _first(*reasons: str) -> str:
    return next((r for r in reasons if r), "")


def _false(complaint: str) -> str:
    return f"the certificate is false: {complaint}"
