"""Start-up probes: does this machine's float64, and its BLAS, behave as the proofs assume?

The proofs need three things: rounding to nearest, gradual underflow, and a matrix product that is exact
whenever every partial sum is an integer of magnitude at most 2**53. Each is tried once per process; a machine
that fails one is refused, because a bound proved on it would be worth nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from deqmath.errors import DeqmathError
from deqmath.numeric.arrays import Namespace, to_numpy

Product = Callable[[Any, Any], Any]


@cache
def require_sound_arithmetic() -> None:
    """Try the three probes once; raise `DeqmathError` naming the first that fails."""
    failed = [name for name, passed in probe_results().items() if not passed]
    if failed:
        msg = (
            f"this machine cannot carry a float64 proof: {', '.join(failed)}; needed IEEE 754 binary64 with rounding "
            "to nearest, subnormal numbers and an exact integer matrix product (turn off flush-to-zero, fast-math "
            "builds and emulated FP64 in the BLAS, then start Python again)"
        )
        raise DeqmathError(msg)


@cache
def require_exact_product(xp: Namespace) -> None:
    """Try the matrix product of an array namespace (a device, say) once; raise `DeqmathError` unless it is exact."""

    def product(a: Any, b: Any) -> Any:
        return to_numpy(xp.asarray(a) @ xp.asarray(b))

    failed = [name for name, passed in probe_results(product).items() if not passed]
    if failed:
        msg = (
            f"the matrix product of {getattr(xp, '__name__', xp)} cannot carry a float64 proof: {', '.join(failed)}; "
            "turn emulated FP64 off there, or pass a NumPy array"
        )
        raise DeqmathError(msg)


def probe_results(product: Product = np.matmul) -> dict[str, bool]:
    """The probes by name, each True when the machine (and this matrix product) passed."""
    return {
        "rounding to nearest": _rounds_to_nearest(),
        "subnormal numbers": _keeps_subnormals(),
        "exact integer GEMM": _integer_gemm_is_exact(product),
        "exact skinny integer GEMM": _skinny_gemm_is_exact(product),
    }


def _rounds_to_nearest() -> bool:
    one, u = np.ones(8), np.full(8, 2.0**-53)
    up, down = one + (u + 2.0**-80), one - 2.0**-55
    ties = one + u
    minus = -one - (u + 2.0**-80)
    passed = (up == 1 + 2.0**-52).all() and (down == 1).all() and (ties == 1).all() and (minus == -1 - 2.0**-52).all()
    return bool(passed)


def _keeps_subnormals() -> bool:
    small = np.full(8, 2.0**-1022)
    half = small * 0.5
    return bool((half > 0).all() and (half * 2.0 == small).all() and (small - small * 0.75 > 0).all())


def _integer_gemm_is_exact(product: Product, n: int = 96) -> bool:
    """23-bit by 23-bit integers, sums below 2**53: compare with exact int64 arithmetic."""
    rng = np.random.default_rng(0x5EED)
    a = rng.integers(-(2**23), 2**23, (n, n), endpoint=True)
    b = rng.integers(-(2**23), 2**23, (n, n), endpoint=True)
    largest = np.full((n, n), 2**23)
    pairs = [(a, b), (largest, largest), (a, a.T)]
    return all(np.array_equal(product(x.astype(float), y.astype(float)), (x @ y).astype(float)) for x, y in pairs)


def _skinny_gemm_is_exact(product: Product, n: int = 512) -> bool:
    """The shape of the exact products: few rows, few columns, 26-bit by 18-bit integers."""
    rng = np.random.default_rng(0x5EED)
    a = rng.integers(-(2**26), 2**26, (13, n), endpoint=True)
    for columns in (1, 3, 9):
        x = rng.integers(-(2**18), 2**18, (n, columns), endpoint=True)
        if not np.array_equal(product(a.astype(float), x.astype(float)), (a @ x).astype(float)):
            return False
    return True
