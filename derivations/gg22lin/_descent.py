"""Gradient descent on all three layers in a dozen lines of NumPy, for sweeps over many small networks.

The trainer of deqmath measures every monitor of the theorem; a sweep over widths needs the residual alone. The claim compares
the two on one run.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

#: Error of the equilibria and adjoints, far below the 1% of the loss that the sweep asks for.
TOL = 1e-6
MOST_PICARD = 300
#: No equilibrium of a network that trains is near this size: the iteration diverges.
LARGE = 1e6


class Unsolved(ArithmeticError):
    """The equilibrium was not found: gamma ||A|| is too near 1."""


def picard(step, start):
    """Iterate until the largest entry moves by less than TOL."""
    for _ in range(MOST_PICARD):
        new = step(start)
        if np.abs(new - start).max() < TOL:
            return new
        if not np.abs(new).max() < LARGE:
            break
        start = new
    raise Unsolved


def residuals(net, X, y) -> Iterator[tuple[np.ndarray, float]]:
    """Residual r(k) of every step k, with decay ``1 - alpha lambda_0/2``, for ``alpha = 1/lambda_max(H(0))``.

    Samples are rows. ``dL/dA = (gamma/sqrt m) sum r_i q_i z_i^T``, ``dL/dW = (1/sqrt m) sum r_i qw_i x_i^T``,
    ``dL/db = sum r_i z_i/sqrt m``. Nothing is yielded where lambda_0 cannot be told from 0.
    """
    A, W, b, gamma, root = np.array(net.A), np.array(net.W), np.array(net.b), net.gamma, np.sqrt(net.width)
    Z, Q, alpha, decay = np.zeros((len(y), net.width)), np.zeros((len(y), net.width)), None, 1.0
    while True:
        before = X @ W.T
        phi = np.maximum(before, 0)
        Z = picard(lambda Z, A=A, phi=phi: np.maximum(gamma * Z @ A.T + phi, 0), Z)
        Q = picard(lambda Q, A=A, b=b, gates=Z > 0: gates * (b + gamma * Q @ A), Q)
        Qw = (before > 0) * Q
        if alpha is None:
            H = ((Z @ Z.T) * (1 + gamma**2 * (Q @ Q.T)) + (X @ X.T) * (Qw @ Qw.T)) / root**2
            values = np.linalg.eigvalsh(H)
            if values[0] <= 1e-5 * values[-1]:
                return
            alpha, decay = 1 / values[-1], 1 - values[0] / values[-1] / 2
        r = Z @ b / root - y
        yield r, decay
        A = A - alpha * gamma / root * (r[:, None] * Q).T @ Z
        W = W - alpha / root * (r[:, None] * Qw).T @ X
        b = b - alpha / root * Z.T @ r
