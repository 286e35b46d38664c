"""Bounds for matrices given by factors, and what follows from two extreme eigenvalues."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from deqmath.bounds.bound import Bound
from deqmath.bounds.certificate_file import certified
from deqmath.bounds.eigenvalue import BITS_PER_DIGIT
from deqmath.bounds.gram import Gram
from deqmath.bounds.inputs import Array, float_matrix
from deqmath.bounds.lambda_bounds import lambda_max, lambda_min, require_digits
from deqmath.bounds.rational_matrix import rational_input
from deqmath.bounds.rationals import sqrt_down, sqrt_up


def gram_lambda_min(P: Array, digits: int = 15) -> Bound:
    """The smallest eigenvalue of the exact Gram matrix ``P P^T``, which is not formed exactly.

    Parameters
    ----------
    P : ndarray of float64, shape (n, k)
        Rows are samples; entries are taken exactly. Rounding ``P @ P.T`` to float64 first would change the answer.
    digits : int

    Returns
    -------
    Bound
        For k < n the matrix is singular and the bound is exactly zero.

    Raises
    ------
    InputError, ShapeError

    Examples
    --------
    >>> import numpy as np
    >>> from deqmath.bounds import gram_lambda_min
    >>> print(gram_lambda_min(np.array([[1.0, 0.1], [1.0, 0.2]]), digits=20))   # doctest: +ELLIPSIS
    0.00488971184484174...
    """
    matrix = float_matrix(P, "P", "dm.bounds.gram_lambda_min({})")
    wanted = require_digits(digits, "dm.bounds.gram_lambda_min(P, digits=15)")
    return Gram(matrix).lambda_min(wanted)


def hadamard_gram_lambda_min(P: Array, Q: Array, digits: int = 15) -> Bound:
    """The smallest eigenvalue of ``(P P^T) o (Q Q^T)``, the exact Hadamard product of two Gram matrices.

    With rows of P the equilibria and rows of Q the adjoints this is the Gram matrix (8) of gg22 up to the factor
    ``gamma^2 / m``, applied with ``Bound.scaled``.

    Parameters
    ----------
    P, Q : ndarray of float64, shapes (n, k) and (n, l)
    digits : int

    Returns
    -------
    Bound

    Raises
    ------
    InputError, ShapeError

    Examples
    --------
    >>> import numpy as np
    >>> from deqmath.bounds import hadamard_gram_lambda_min
    >>> print(hadamard_gram_lambda_min(np.eye(2), np.array([[1.0, 1.0], [2.0, 0.5]]), digits=12))
    2 (exact)
    """
    call = "dm.bounds.hadamard_gram_lambda_min(P, Q)"
    first, second = float_matrix(P, "P", call), float_matrix(Q, "Q", call)
    wanted = require_digits(digits, "dm.bounds.hadamard_gram_lambda_min(P, Q, digits=15)")
    return Gram(first, second).lambda_min(wanted)


def sigma_min(A: Array, digits: int = 6) -> Bound:
    """The smallest singular value: the square root of the smallest eigenvalue of ``A^T A`` (or ``A A^T``).

    Parameters
    ----------
    A : ndarray of float64, shape (m, n)
    digits : int

    Returns
    -------
    Bound
        ``min(m, n)`` singular values are counted. The lower end may be zero when float64 cannot tell.

    Raises
    ------
    InputError, ShapeError

    Examples
    --------
    >>> import numpy as np
    >>> from deqmath.bounds import sigma_min
    >>> print(sigma_min(np.array([[1.0, 2.0], [3.0, 4.0]]), digits=12))         # doctest: +ELLIPSIS
    0.365966190626257...
    """
    matrix = float_matrix(A, "A", "dm.bounds.sigma_min({})")
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    squared = gram_lambda_min(np.ascontiguousarray(wide), digits)
    bits = int(digits * BITS_PER_DIGIT) + 24
    low = sqrt_down(max(squared.lower or Fraction(0), Fraction(0)), bits)
    high = sqrt_up(max(squared.upper or Fraction(0), Fraction(0)), bits)
    return certified(Bound(low, high, "sigma_min", "proved", squared.assumptions), "sigma_min", {"matrix": matrix})


def condition_number(H: Array, digits: int = 6) -> Bound:
    """``lambda_max / lambda_min`` of a symmetric positive definite matrix.

    Undecided when ``lambda_min > 0`` could not be proved.

    Parameters
    ----------
    H : ndarray of float64, shape (n, n)
    digits : int

    Returns
    -------
    Bound

    Raises
    ------
    InputError, ShapeError

    Examples
    --------
    >>> import numpy as np
    >>> from deqmath.bounds import condition_number
    >>> print(condition_number(np.array([[2.0, 1.0], [1.0, 3.0]])))             # doctest: +ELLIPSIS
    2.6180339...
    """
    low, high = lambda_min(H, digits + 1), lambda_max(H, digits + 1)
    if low.lower is None or low.lower <= 0 or low.upper is None or high.lower is None or high.upper is None:
        return Bound.undecided(
            "condition number", f"lambda_min is {low}; needed a proved positive one", low.assumptions
        )
    ends = {
        "lambda_min_lower": low.lower,
        "lambda_min_upper": low.upper,
        "lambda_max_lower": high.lower,
        "lambda_max_upper": high.upper,
    }
    found = Bound(high.lower / low.upper, high.upper / low.lower, "condition number", "proved", low.assumptions)
    matrix = rational_input(H, "H")
    return certified(found, "condition_number", {"matrix": np.asarray(H) if matrix is None else matrix}, ends)
