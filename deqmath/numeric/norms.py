"""The spectral norm in float64."""

from __future__ import annotations

import math

import scipy.linalg

from deqmath.numeric.arrays import Array, is_numpy, namespace


def spectral_norm(A: Array) -> float:
    """``||A||_2``, the largest singular value, from the largest eigenvalue of A^T A (or A A^T).

    Forming the product loses accuracy for small singular values only: the largest is found to a few units in the
    last place. The matrix is scaled by its largest entry first, so that nothing over- or underflows.

    Parameters
    ----------
    A
        Shape (m, d), of any namespace.

    Returns
    -------
    float
    """
    xp = namespace(A)
    scale = float(xp.max(xp.abs(A)))
    if scale == 0.0:
        return 0.0
    B = A / scale
    if B.shape[0] < B.shape[1]:
        B = B.T
    gram = B.T @ B
    last = gram.shape[0] - 1
    if is_numpy(xp):
        top = float(scipy.linalg.eigh(gram, eigvals_only=True, subset_by_index=(last, last))[0])
    else:
        top = float(xp.linalg.eigvalsh(gram)[last])
    return scale * math.sqrt(max(top, 0.0))
