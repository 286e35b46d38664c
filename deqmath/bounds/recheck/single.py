"""Certificates about one matrix: eigenvalues, norms, and forms of the inverse, proved again from the matrix alone."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import flint

from deqmath.bounds.recheck.definiteness import EXACT_ROWS, require_between, starting_bits
from deqmath.bounds.recheck.exact_matrix import Exact, identity
from deqmath.bounds.recheck.precision import MOST_BITS, precision, precisions
from deqmath.bounds.recheck.reading import Claim, FalseCertificateError, field, number
from deqmath.errors import DataError

OUTSIDE = "y^T H^-1 y lies outside the claimed ends"
Arrays = Mapping[str, Exact]
Record = Mapping[str, Any]


def array(arrays: Arrays, name: str) -> Exact:
    """An array of the certificate, or an error that says it is missing."""
    if name not in arrays:
        msg = f"the certificate holds no array {name!r}; it holds {', '.join(arrays) or 'none'}"
        raise DataError(msg)
    return arrays[name]


def column(arrays: Arrays, name: str, rows: int) -> Exact:
    """An array of one column and so many rows."""
    found = array(arrays, name)
    if found.shape != (rows, 1):
        msg = f"the certificate's {name} has shape {found.shape}; needed ({rows}, 1)"
        raise DataError(msg)
    return found


def symmetric(arrays: Arrays) -> Exact:
    """The matrix of the claim: as it is, or ``P P^T``, or ``(P P^T) o (Q Q^T)``, multiplied out exactly."""
    if "P" not in arrays:
        return array(arrays, "matrix")
    p = arrays["P"]
    gram = p @ p.transpose
    if "Q" not in arrays:
        return gram
    q = arrays["Q"]
    if p.shape[0] != q.shape[0]:
        msg = f"the certificate's P has shape {p.shape} and Q {q.shape}; needed the same number of rows"
        raise DataError(msg)
    return gram.entrywise(q @ q.transpose)


def check_lambda_min(_record: Record, arrays: Arrays, claim: Claim) -> str:
    """``lambda_min(H)``; a Gram matrix is positive semidefinite, and singular when its factors have few columns."""
    lower, upper = claim
    if "P" in arrays:
        lower = None if lower is not None and lower <= 0 else lower
        columns = arrays["P"].shape[1] * (arrays["Q"].shape[1] if "Q" in arrays else 1)
        if columns < arrays["P"].shape[0]:
            if lower is None and (upper is None or upper >= 0):
                return ""
            msg = "the Gram matrix has fewer columns than rows, so lambda_min is 0"
            raise FalseCertificateError(msg)
        if upper == 0:
            return _require_singular_gram(symmetric(arrays))
    return require_between(symmetric(arrays), lower, upper, "lambda_min")


def _require_singular_gram(gram: Exact) -> str:
    """Two parallel samples (a 2 x 2 minor is zero), or else zero among the eigenvalues."""
    n = gram.shape[0]
    diagonal = [gram.integers[i, i] for i in range(n)]
    if any(gram.integers[i, j] ** 2 == diagonal[i] * diagonal[j] for i in range(n) for j in range(i)):
        return ""
    return require_between(gram, None, Fraction(0), "lambda_min")


def check_lambda_max(_record: Record, arrays: Arrays, claim: Claim) -> str:
    """``lambda_max(H) = -lambda_min(-H)``."""
    return require_between(symmetric(arrays).times(Fraction(-1)), *_negated(claim), "lambda_max")


def check_operator_norm(_record: Record, arrays: Arrays, claim: Claim) -> str:
    """``||A||``."""
    return require_norm(array(arrays, "matrix"), *claim, "the norm of A")


def require_norm(a: Exact, lower: Fraction | None, upper: Fraction | None, what: str) -> str:
    """Prove ``lower <= ||A||_2 <= upper``: ``-||A||^2`` is the smallest eigenvalue of ``-A^T A``, formed exactly."""
    wide = a if a.shape[0] >= a.shape[1] else a.transpose
    if upper is not None and upper < 0:
        msg = f"{what} is not negative"
        raise FalseCertificateError(msg)
    ends = (None if upper is None else -(upper**2), None if lower is None or lower <= 0 else -(lower**2))
    return require_between((wide.transpose @ wide).times(Fraction(-1)), *ends, what)


def check_sigma_min(_record: Record, arrays: Arrays, claim: Claim) -> str:
    """The smallest of the ``min(m, n)`` singular values."""
    return _require_sigma_min(array(arrays, "matrix"), *claim, "sigma_min")


def _require_sigma_min(a: Exact, lower: Fraction | None, upper: Fraction | None, what: str) -> str:
    flat = a if a.shape[0] <= a.shape[1] else a.transpose
    if upper is not None and upper < 0:
        msg = f"{what} is not negative"
        raise FalseCertificateError(msg)
    ends = (None if lower is None or lower <= 0 else lower**2, None if upper is None else upper**2)
    return require_between(flat @ flat.transpose, *ends, what)


def check_condition_number(record: Record, arrays: Arrays, claim: Claim) -> str:
    """``lambda_max/lambda_min`` from the ends of both, which the certificate names and which are proved first."""
    h, given = symmetric(arrays), field(record, "parameters", dict)
    low = (number(given, "lambda_min_lower"), number(given, "lambda_min_upper"))
    high = (number(given, "lambda_max_lower"), number(given, "lambda_max_upper"))
    reason = require_between(h, *low, "lambda_min")
    reason = reason or require_between(h.times(Fraction(-1)), *_negated(high), "lambda_max")
    if reason:
        return reason
    if low[0] <= 0:
        msg = "a condition number needs lambda_min > 0 proved"
        raise FalseCertificateError(msg)
    return contains(claim, (high[0] / low[1], high[1] / low[0]), "the condition number")


def check_resolvent_norm(record: Record, arrays: Arrays, claim: Claim) -> str:
    """``||(I - gamma D A)^{-1}|| = 1/sigma_min``, the matrix formed exactly."""
    a = array(arrays, "matrix")
    m = a.shape[0]
    active = column(arrays, "active", m)
    gamma = number(field(record, "parameters", dict), "gamma")
    gates = Exact(
        flint.fmpz_mat(m, m, [int(active.integers[i, 0]) if i == j else 0 for i in range(m) for j in range(m)]),
        active.scale,
    )
    formed = identity(m).plus((gates @ a).times(-gamma))
    lower, upper = claim
    if upper is not None and upper <= 0:
        msg = "the norm of an inverse is positive"
        raise FalseCertificateError(msg)
    ends = (None if upper is None else 1 / upper, None if lower is None or lower <= 0 else 1 / lower)
    return _require_sigma_min(formed, *ends, "sigma_min(I - gamma D A)")


def check_inverse_form(_record: Record, arrays: Arrays, claim: Claim) -> str:
    """``y^T H^{-1} y`` by a verified linear solve, H proved positive definite first."""
    h = symmetric(arrays)
    y = column(arrays, "y", h.shape[0])
    reason = require_between(h, Fraction(0), None, "H is not positive definite")
    return reason or _require_form(h, y, *claim)


def inverse_form(h: Exact, y: Exact) -> flint.arb | None:
    """``y^T H^{-1} y`` in a ball at the precision that holds; None when the solve fails."""
    right = flint.arb_mat(y.integers)
    try:
        value = (right.transpose() * flint.arb_mat(h.integers).solve(right))[0, 0]
    except ZeroDivisionError:
        return None
    factor = y.scale**2 / h.scale
    return value * flint.arb(flint.fmpq(factor.numerator, factor.denominator))


def _require_form(h: Exact, y: Exact, lower: Fraction | None, upper: Fraction | None) -> str:
    for bits in precisions(starting_bits(lower, upper)):
        with precision(bits):
            value = inverse_form(h, y)
            if value is None:
                continue
            low, high = (
                None if v is None else flint.arb(flint.fmpq(v.numerator, v.denominator)) for v in (lower, upper)
            )
            if (low is None or value >= low) and (high is None or value <= high):
                return ""
            if (low is not None and value < low) or (high is not None and value > high):
                raise FalseCertificateError(OUTSIDE)
        if bits > 2**10 and h.shape[0] <= EXACT_ROWS:
            return _require_exact_form(h, y, lower, upper)
    return f"the linear solve stayed too wide at {MOST_BITS} bits"


def _require_exact_form(h: Exact, y: Exact, lower: Fraction | None, upper: Fraction | None) -> str:
    """In rationals, where an end may be the value itself."""
    right = flint.fmpq_mat(y.integers)
    value = (right.transpose() * flint.fmpq_mat(h.integers).solve(right))[0, 0]
    found = Fraction(int(value.p), int(value.q)) * y.scale**2 / h.scale
    if (lower is None or lower <= found) and (upper is None or found <= upper):
        return ""
    raise FalseCertificateError(OUTSIDE)


def contains(claim: Claim, proved: tuple[Fraction, Fraction], what: str) -> str:
    """Empty when the claim holds the proved enclosure; false when they are disjoint; else undecided."""
    lower, upper = claim
    if (lower is None or lower <= proved[0]) and (upper is None or proved[1] <= upper):
        return ""
    if (lower is not None and proved[1] < lower) or (upper is not None and upper < proved[0]):
        msg = f"{what} lies outside the claimed ends"
        raise FalseCertificateError(msg)
    return f"the enclosure of {what} is too wide to prove the claimed ends"


def _negated(claim: Claim) -> Claim:
    lower, upper = claim
    return None if upper is None else -upper, None if lower is None else -lower
