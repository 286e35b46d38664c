"""Implicit equations of many shapes, shared by the tests of derivatives, adjoints and second derivatives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sympy import Expr, Identity, Inverse, MatrixExpr, MatrixSymbol, Symbol, atan, cos, sin, tanh

import deqmath as dm

m, n, d = dm.dim("m"), dm.dim("n"), dm.dim("d")
gamma = Symbol("gamma", real=True)


def M(name: str, rows: Any, cols: Any) -> MatrixSymbol:
    return MatrixSymbol(name, rows, cols)


A, B, C, Q, X = (M(s, m, m) for s in "ABCQX")
W, z, w, x = M("W", m, d), M("z", m, 1), M("w", m, 1), M("x", d, 1)
Z, Phi = M("Z", m, n), M("Phi", m, n)
I = Identity(m)


@dataclass(frozen=True)
class Case:
    """One equation ``residual = 0`` in ``unknown``, and the parameters to differentiate by."""

    name: str
    residual: MatrixExpr
    unknown: MatrixExpr
    parameters: tuple[Expr, ...]


CASES = (
    Case("relu", z - dm.relu(gamma * A * z + W * x), z, (A, W, x, gamma)),
    Case("tanh", z - dm.elementwise(tanh, gamma * A * z + W * x), z, (A, W, x, gamma)),
    Case("sine", z - dm.elementwise(lambda t: sin(t) + 2 * cos(t), A * z + w), z, (A, w)),
    Case("arctangent with a residual path", z - w - A.T * dm.elementwise(atan, A * z), z, (A, w)),
    Case("swish", z - dm.elementwise(lambda t: t * (1 + tanh(t)), A * z + w), z, (A, w)),
    Case("stein", X - A * X * A.T - Q, X, (A, Q)),
    Case("lyapunov", A * X + X * A.T + Q, X, (A, Q)),
    Case("sylvester", A * X + X * B - C, X, (A, B, C)),
    Case("samples as columns", Z - dm.relu(gamma * A * Z + Phi), Z, (A, Phi, gamma)),
    Case("tanh of a matrix", Z - dm.elementwise(tanh, gamma * A * Z + Phi), Z, (A, Phi)),
    Case("riccati", A.T * X + X * A - X * B * X + Q, X, (A, B, Q)),
    Case("inverse between unknowns", X * Inverse(A) * X - B, X, (A, B)),
    Case("quadratic", A * X**2 + B * X + C, X, (A, B, C)),
    Case("parameter inside an inverse", z - Inverse(I - gamma * A) * w - dm.relu(A * z), z, (A, w, gamma)),
    Case("unknown inside an inverse", X - Inverse(Q + A * X), X, (A, Q)),
    Case("normalised", z - A * z * (w.T * z) - w, z, (A, w)),
)


def each_parameter() -> list[Any]:
    import pytest

    return [pytest.param(c, p, id=f"{c.name} by {p}") for c in CASES for p in c.parameters]
