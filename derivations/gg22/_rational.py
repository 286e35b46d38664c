"""A small network at one sample in rationals, the gates given: what is found there is exact."""

from __future__ import annotations

from sympy import Matrix, diag, eye


def at_gates(A: Matrix, phi: Matrix, b: Matrix, gamma: object, gates: tuple[int, ...]) -> tuple[Matrix, Matrix]:
    """(u, q) with ``u = gamma A D u + phi`` and ``q = D (b + gamma A^T q)``, D the gates."""
    D, one = diag(*gates), eye(A.rows)
    return (one - gamma * A * D).LUsolve(phi), D * (one - gamma * A.T * D).LUsolve(b)
