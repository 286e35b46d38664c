"""The model functions of modules of ball arithmetic: the equilibrium is enclosed, with proof."""

# mypy: disable-error-code="untyped-decorator"
# ruff: noqa: EM102, F821 - the text is copied beside functions that are generated

from __future__ import annotations

from typing import Any, NamedTuple

from flint import arb, arb_mat, ctx

from deqmath.codegen.runtime.flint_helpers import _with_precision

_matrix: Any
_number: Any
_build: Any
_column: Any
_from_columns: Any
Undecided: Any
adjoint: Any
features: Any
gradient: Any
gram: Any
output: Any
picard_step: Any

# Copied from here.


class Equilibrium(NamedTuple):
    """Balls that hold the equilibria; ``rho`` is the bound below 1 on ``gamma ||A||_2`` that the proof uses."""

    Z: Any
    rho: Any
    sweeps: int


@_with_precision
def equilibrium(A: Any, Phi: Any, gamma: Any, *, max_sweeps: int = 100_000) -> Equilibrium:
    """Enclose the solution of ``Z = relu(gamma A Z + Phi)``; samples are columns.

    The map is a contraction by ``rho = gamma min(||A||_F, sqrt(||A||_1 ||A||_inf))``, so that for any
    Z the solution is within ``||picard_step(Z) - Z||_2 / (1 - rho)`` of it, column by column. Where
    rho is not proved below 1, ``Undecided`` is raised.
    """
    A, Phi, gamma = _matrix("A", A, "(m, m)"), _matrix("Phi", Phi, "(m, n)"), _number("gamma", gamma)
    rows = [[abs(A[i, j]) for j in range(A.ncols())] for i in range(A.nrows())]
    frobenius = sum((t * t for r in rows for t in r), arb(0)).sqrt()
    largest = [_largest([sum(r, arb(0)) for r in side]) for side in (rows, zip(*rows, strict=True))]
    rho = abs(gamma) * frobenius.min((largest[0] * largest[1]).sqrt())
    if not rho < 1:
        raise Undecided(f"gamma ||A||_2 is bounded by {rho} only; the enclosure needs a bound below 1")
    Z, sweeps, change = arb_mat(Phi.nrows(), Phi.ncols()), 0, None
    middle = (A.mid(), Phi.mid(), gamma.mid())
    while sweeps < max_sweeps:  # until the change is rounding, or stops falling
        following = picard_step(middle[0], middle[1], Z, middle[2], prec=ctx.prec).mid()
        latest, sweeps = _largest([_moved(following, Z, j) for j in range(Z.ncols())]).mid(), sweeps + 1
        Z = following
        if latest == 0 or (change is not None and latest >= change and latest < arb(2) ** (16 - ctx.prec)):
            break
        change = latest
    moved = picard_step(A, Phi, Z, gamma, prec=ctx.prec) - Z
    upper = _build(Z.nrows(), Z.ncols(), lambda i, j: abs(moved[i, j]).upper())
    lengths = [sum((upper[i, j] ** 2 for i in range(Z.nrows())), arb(0)).sqrt() for j in range(Z.ncols())]
    radii = [(length / (1 - rho)).upper() for length in lengths]
    return Equilibrium(_build(Z.nrows(), Z.ncols(), lambda i, j: Z[i, j] + arb(0, radii[j])), rho, sweeps)


def _moved(following: Any, Z: Any, j: int) -> Any:
    """The largest change of an entry of column j, as a part of the largest entry."""
    after, before = _column(following, j), _column(Z, j)
    size = _largest([*after.entries(), *before.entries()])
    return _largest([abs(t) for t in (after - before).entries()]) / size if size > 0 else size


def _largest(balls: Any) -> Any:
    """The largest of some numbers."""
    out = arb(0)
    for x in balls:
        out = out.max(x)
    return out


@_with_precision
def predict(A: Any, W: Any, X: Any, b: Any, gamma: Any) -> Any:
    """Balls that hold ``f(x_i) = b^T z_i / sqrt(m)`` for the columns of X (d x n), 1 x n."""
    return output(equilibrium(A, features(W, X, prec=ctx.prec), gamma, prec=ctx.prec).Z, b, prec=ctx.prec)


@_with_precision
def adjoints(A: Any, Phi: Any, Z: Any, b: Any, gamma: Any) -> Any:
    """``q_i = R_i^T b`` for every sample, m x n."""
    pairs = ((_column(Phi, i), _column(Z, i)) for i in range(Z.ncols()))
    return _from_columns([adjoint(A, b, gamma, phi, z, prec=ctx.prec) for phi, z in pairs])


@_with_precision
def loss_gradient(A: Any, W: Any, X: Any, b: Any, gamma: Any, y: Any) -> Any:
    """``dL/dA`` of ``L = 1/2 sum_i (f(x_i) - y_i)^2``, m x m, by the closed form (6); y is n x 1."""
    Phi = features(W, X, prec=ctx.prec)
    Z = equilibrium(A, Phi, gamma, prec=ctx.prec).Z
    return gradient(A, Phi, Z, b, gamma, y, prec=ctx.prec)


@_with_precision
def kernel(A: Any, W: Any, X: Any, b: Any, gamma: Any) -> Any:
    """``H = (gamma^2/m) (Z^T Z) o (Q^T Q)``, n x n, the Gram matrix of the gradients by A."""
    Phi = features(W, X, prec=ctx.prec)
    Z = equilibrium(A, Phi, gamma, prec=ctx.prec).Z
    return gram(adjoints(A, Phi, Z, b, gamma, prec=ctx.prec), Z, gamma, prec=ctx.prec)
