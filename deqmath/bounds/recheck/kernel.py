r"""Certificates of the limit kernel: every fixed point is caught between two numbers by a change of sign.

For a Gaussian A and phi = identity, ``S_ij`` is the only zero of the strictly decreasing
``kappa_1(2a/(2 - g), 2b/(2 - g), g s + x) - s``, ``g = gamma0^2``, a, b, x the inner products of two rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import flint

from deqmath.bounds.recheck.constants import arb
from deqmath.bounds.recheck.definiteness import definite, starting_bits
from deqmath.bounds.recheck.exact_matrix import Exact
from deqmath.bounds.recheck.precision import MOST_BITS, precision, precisions
from deqmath.bounds.recheck.reading import Claim, FalseCertificateError, field, number
from deqmath.bounds.recheck.relu_entry import relu_entry
from deqmath.bounds.recheck.single import array
from deqmath.errors import DataError
from deqmath.stages import stage

Balls = flint.arb | None
MOST_STEPS = 60


def check_limit_kernel(record: Mapping[str, Any], arrays: Mapping[str, Exact], claim: Claim) -> str:
    """``lambda_min`` of the kernel between its ends."""
    x, given = array(arrays, "X"), field(record, "parameters", dict)
    gamma0, kind, phi = number(given, "gamma0"), field(given, "kind", str), field(given, "phi", str)
    inner = x @ x.transpose
    n = inner.shape[0]
    if any(inner[i, i] == 0 for i in range(n)):
        msg = "a row of X is zero, so its kernel is not defined"
        raise FalseCertificateError(msg)
    g = gamma0**2
    entry = _rule(kind, phi, g)
    for bits in precisions(starting_bits(*claim)):
        with precision(bits):
            balls = _matrix(inner, g, entry, bits)
            verdict = None if balls is None else _verdict(balls, claim)
        if verdict == "":
            return ""
        if verdict is not None:
            raise FalseCertificateError(verdict)
    return f"the kernel stayed too wide at {MOST_BITS} bits"


def _rule(kind: str, phi: str, g: Fraction) -> Any:
    if kind == "diagonal" and phi == "relu" and g > 0:
        return _diagonal_entry
    if kind == "gaussian" and phi == "identity" and 0 < g < 2:
        return _gaussian_entry
    if kind == "gaussian" and phi == "relu" and 0 < g < Fraction(4, 3):
        return relu_entry
    msg = f"the certificate's kernel is {kind!r} with phi {phi!r}; the checker has no rule for it at its gamma0"
    raise DataError(msg)


def _matrix(inner: Exact, g: Fraction, entry: Any, bits: int) -> flint.arb_mat | None:
    n = inner.shape[0]
    out = flint.arb_mat(n, n)
    for i in range(n):
        stage(f"kernel entries at {bits} bits", i * (i + 1) // 2, n * (n + 1) // 2)
        for j in range(i + 1):
            value = entry(inner[i, i], inner[j, j], inner[i, j], g, bits)
            if value is None:
                return None
            out[i, j] = out[j, i] = value
    return out


def _verdict(h: flint.arb_mat, claim: Claim) -> str | None:
    """Empty: both ends proved; None: the balls cannot tell; else what is false."""
    lower, upper = claim
    signs = [None if end is None else _sign(h, end) for end in claim]
    if lower is not None and signs[0] == -1:
        return "an eigenvalue of the limit kernel lies below the claimed end"
    if upper is not None and signs[1] == 1:
        return "no eigenvalue of the limit kernel reaches the claimed end"
    return "" if signs[0] in (None, 1) and signs[1] in (None, -1) else None


def _sign(h: flint.arb_mat, level: Fraction) -> int:
    shifted, amount = flint.arb_mat(h), arb(level)
    for i in range(h.nrows()):
        shifted[i, i] = shifted[i, i] - amount
    return definite(shifted)


def _angle(a: Fraction, b: Fraction, x: Fraction) -> flint.arb:
    """``arccos(x/sqrt(ab))``, exact ends where the rows are parallel."""
    if x * x == a * b:
        return flint.arb(0) if x > 0 else flint.arb.pi()
    return (arb(x) / arb(a * b).sqrt()).acos()


def _diagonal_entry(a: Fraction, b: Fraction, x: Fraction, g: Fraction, _bits: int) -> Balls:
    """``g kappa_0 kappa_1`` (gg22 5.2)."""
    theta, two_pi = _angle(a, b, x), 2 * flint.arb.pi()
    closed = flint.arb.pi() - theta
    first = arb(a * b).sqrt() * (theta.sin() + theta.cos() * closed) / two_pi
    value = arb(g) * first * closed / two_pi
    return value if value.is_finite() else None


def _gaussian_entry(a: Fraction, b: Fraction, x: Fraction, g: Fraction, bits: int) -> Balls:
    """``g S K_0/(1 - g K_0)`` at the fixed point."""
    half = 1 / (2 - g)
    if x > 0 and x * x == a * b:
        return arb(g) * arb(a * b).sqrt() * arb(half) ** 2
    root, gg, xx = 2 * arb(half) * arb(a * b).sqrt(), arb(g), arb(x)
    found = _caught(root, gg, xx, bits)
    if found is None:
        return None
    k0 = _kernels(root, gg * found + xx)[0]
    value = gg * found * k0 / (1 - gg * k0)
    return value if value.is_finite() else None


def _caught(root: flint.arb, gg: flint.arb, x: flint.arb, bits: int) -> Balls:
    s = x.mid() / 2
    for _ in range(MOST_STEPS):
        k0, k1 = _kernels(root, gg * s + x)
        step = ((k1 - s) / (1 - gg * k0)).mid()
        if not step.is_finite():
            return None
        s = (s + step).mid()
        if abs(step) < root * flint.arb(2) ** (
            -(3 * bits) // 4
        ):  # nearly parallel rows: the next error is step^2/angle
            break
    for lost in (24, 64, 160):  # the angle of nearly parallel rows costs as many bits again as it is small
        delta = (root * flint.arb(2) ** (lost - bits)).mid()
        low, high = s - delta, s + delta
        if _kernels(root, gg * low + x)[1] > low and _kernels(root, gg * high + x)[1] < high:
            return low.union(high)
    return None


def _kernels(root: flint.arb, c: flint.arb) -> tuple[flint.arb, flint.arb]:
    """``(kappa_0, kappa_1)`` for variances of product ``root^2`` and covariance c."""
    theta = (c / root).acos()
    closed = flint.arb.pi() - theta
    return closed / (2 * flint.arb.pi()), root * (theta.sin() + theta.cos() * closed) / (2 * flint.arb.pi())
