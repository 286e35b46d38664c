r"""Equilibria, adjoints and the Gram matrix of a ReLU implicit network, from a certificate's candidates.

The network is ``z = relu(gamma A z + phi(W x))`` with exact float64 parameters. Every residual below is computed in exact
integers; only the definiteness of ``I - gamma (A + A^T)/2`` uses balls.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import flint

from deqmath.bounds.recheck.definiteness import require_between
from deqmath.bounds.recheck.exact_matrix import Exact, identity, root_up
from deqmath.bounds.recheck.reading import FalseCertificateError, field, fraction, integer_columns, number
from deqmath.bounds.recheck.single import array, column
from deqmath.errors import DataError
from deqmath.stages import stage

SIGNS = {"+": 1, "-": -1, "0": 0, "?": None}


@dataclass(frozen=True)
class Network:
    """The parameters and data of a certificate, exact: ``a`` (m, m), ``w`` (m, d), ``b`` (m, 1), ``x`` (n, d)."""

    a: Exact
    w: Exact
    b: Exact
    x: Exact
    gamma: Fraction
    phi: str

    @classmethod
    def of(cls, record: Mapping[str, Any], arrays: Mapping[str, Exact]) -> Network:
        """From the certificate's arrays and parameters."""
        a, w, x = (array(arrays, name) for name in ("A", "W", "X"))
        m = a.shape[0]
        if a.shape != (m, m) or w.shape[0] != m or x.shape[1] != w.shape[1]:
            msg = f"the certificate's A {a.shape}, W {w.shape} and X {x.shape} do not fit together"
            raise DataError(msg)
        given = field(record, "parameters", dict)
        gamma, phi = number(given, "gamma"), field(given, "phi", str)
        if gamma < 0 or phi not in ("relu", "identity"):
            msg = f"the certificate's gamma is {gamma} and phi {phi!r}; needed gamma >= 0 and relu or identity"
            raise DataError(msg)
        return cls(a, w, column(arrays, "b", m), x, gamma, phi)

    @cached_property
    def injection(self) -> Exact:
        """``phi(W X^T)``, shape (m, n)."""
        inner = self.w @ self.x.transpose
        return inner if self.phi == "identity" else _relu(inner)

    @cached_property
    def scaled(self) -> Exact:
        """``gamma A``."""
        return self.a.times(self.gamma)

    @cached_property
    def symmetric_part(self) -> Exact:
        """``I - gamma (A + A^T)/2``."""
        m = self.a.shape[0]
        return identity(m).plus(self.a.plus(self.a.transpose).times(-self.gamma / 2))

    @cached_property
    def row_norms(self) -> list[Fraction]:
        """The squared norms of the rows of ``gamma A``."""
        return self.scaled.transpose.column_squares()

    def require_monotone(self, level: Fraction) -> str:
        """``lambda_min(I - gamma (A + A^T)/2) >= level > 0``: one and only one equilibrium for every input."""
        if level <= 0:
            msg = "the monotonicity constant is not positive, so it proves nothing"
            raise FalseCertificateError(msg)
        return require_between(self.symmetric_part, level, None, "monotonicity")


@dataclass(frozen=True)
class Vectors:
    """Columns, each proved to lie within its radius of the truth."""

    centres: Exact
    radii: tuple[Fraction, ...]

    @cached_property
    def sizes(self) -> list[Fraction]:
        """At least the norms of the centres."""
        return [root_up(v) for v in self.centres.column_squares()]

    def inner_products(self) -> tuple[Exact, Fraction]:
        """``<v_i, v_j>`` of the centres, and a bound of the error in any of them."""
        largest, radius = max(self.sizes), max(self.radii)
        return self.centres.transpose @ self.centres, radius * (2 * largest + radius)


@dataclass(frozen=True)
class Equilibria:
    """Proved balls round the equilibria, the signs of the pre-activations (None: not claimed), and monotonicity."""

    vectors: Vectors
    signs: tuple[tuple[int | None, ...], ...]
    level: Fraction

    @property
    def decided(self) -> bool:
        """Whether every sign is proved."""
        return all(s is not None for row in self.signs for s in row)


def prove_equilibria(net: Network, witness: Mapping[str, Any]) -> tuple[Equilibria | None, str]:
    """The balls and signs that the certificate's candidates stand for, proved; or None and the reason.

    Raises
    ------
    FalseCertificateError
        When a sign or a radius does not follow from the exact residual.
    """
    level = number(witness, "monotonicity")
    reason = net.require_monotone(level)
    if reason:
        return None, reason
    m, n = net.injection.shape
    centres = _columns(witness, "equilibria", m, n)
    signs = _signs(witness, m, n)
    claimed = [fraction(t, "radii") for t in field(witness, "radii", list)]
    if len(claimed) != n:
        msg = f"the certificate has {len(claimed)} radii for {n} samples"
        raise DataError(msg)
    stage(f"equilibria of {n} samples")
    u = (net.scaled @ centres).plus(net.injection)
    residuals = [root_up(v) for v in _relu(u).plus(centres.times(Fraction(-1))).column_squares()]
    stretch = (2 + root_up(sum(net.row_norms, Fraction(0)))) / level
    margin_of = root_up(max(net.row_norms))
    for j, residual in enumerate(residuals):
        _require_signs(u, j, signs[j], margin_of * stretch * residual)
        # With the gates known z solves (I - gamma A_SS) z_S = phi_S, but only z = 0 off S keeps A_SN out of the error.
        at_rest = all(sign == 1 or centres.integers[k, j] == 0 for k, sign in enumerate(signs[j]))
        radius = residual / level if None not in signs[j] and at_rest else stretch * residual
        if radius > claimed[j]:
            msg = f"the ball of sample {j} has a larger proved radius than the claimed one"
            raise FalseCertificateError(msg)
    return Equilibria(Vectors(centres, tuple(claimed)), tuple(signs), level), ""


def prove_adjoints(net: Network, found: Equilibria, witness: Mapping[str, Any]) -> Vectors:
    """``q = D (b + gamma A^T q)`` for the proved gates, within ``||residual||/level`` of the candidates."""
    if not found.decided:
        msg = "H is claimed although a sign is undecided"
        raise FalseCertificateError(msg)
    m, n = net.injection.shape
    stage(f"adjoints of {n} samples")
    centres = _columns(witness, "adjoints", m, n)
    gates = [int(found.signs[j][k] == 1) for k in range(m) for j in range(n)]
    spread = flint.fmpz_mat(m, n, [int(v) for v in net.b.integers.entries() for _ in range(n)])
    h = (net.scaled.transpose @ centres).plus(Exact(spread, net.b.scale))
    flat = h.integers.entries()
    gated = Exact(flint.fmpz_mat(m, n, [v * g for v, g in zip(flat, gates, strict=True)]), h.scale)
    outside = any(v != 0 and not g for v, g in zip(centres.integers.entries(), gates, strict=True))
    if outside:
        msg = "an adjoint is not zero where its gate is shut"
        raise FalseCertificateError(msg)
    squares = gated.plus(centres.times(Fraction(-1))).column_squares()
    return Vectors(centres, tuple(root_up(v) / found.level for v in squares))


@dataclass(frozen=True)
class Gram:
    """``|H_ij - centre_ij| <= radius`` for the Gram matrix (8); ``||H - centre||_2 <= weyl``."""

    centre: Exact
    radius: Fraction

    @property
    def weyl(self) -> Fraction:
        """At least the spectral norm of the error."""
        return self.centre.shape[0] * self.radius

    def require_lambda_min(self, lower: Fraction | None, upper: Fraction | None) -> str:
        """The smallest eigenvalue of H itself, by Weyl's inequality."""
        low = None if lower is None else lower + self.weyl
        high = None if upper is None else upper - self.weyl
        return require_between(self.centre, low, high, "lambda_min(H)")


def gram_of(net: Network, found: Equilibria, duals: Vectors) -> Gram:
    """H from equilibria and adjoints."""
    (first, first_error), (second, second_error) = found.vectors.inner_products(), duals.inner_products()
    sizes = [max(abs(int(v)) for v in m.integers.entries()) * m.scale for m in (first, second)]
    error = sizes[0] * second_error + first_error * sizes[1] + first_error * second_error
    factor = net.gamma**2 / net.a.shape[0]
    return Gram(first.entrywise(second).times(factor), error * factor)


def _relu(matrix: Exact) -> Exact:
    return matrix.map(max(0, int(v)) for v in matrix.integers.entries())


def _require_signs(u: Exact, j: int, signs: tuple[int | None, ...], margin: Fraction) -> None:
    """``|u_k(z) - u_k(z*)| <= ||gamma A_k|| ||z - z*||``: the pre-activations clear the margin on the claimed side."""
    clear = (margin / u.scale).__ceil__()
    for k, sign in enumerate(signs):
        value = u.integers[k, j]
        if sign is None or (value > clear if sign > 0 else value < -clear if sign < 0 else value == 0 == clear):
            continue
        msg = f"the sign of pre-activation {k} of sample {j} is not proved by its ball"
        raise FalseCertificateError(msg)


def _columns(witness: Mapping[str, Any], name: str, m: int, n: int) -> Exact:
    columns = integer_columns(witness, name, m)
    if len(columns) != n:
        msg = f"the certificate has {len(columns)} {name} for {n} samples"
        raise DataError(msg)
    low = min(e for _, e in columns)
    scale = Fraction(2) ** low
    shifted = [[v << (e - low) for v in values] for values, e in columns]
    return Exact(flint.fmpz_mat(m, n, [c[k] for k in range(m) for c in shifted]), scale)


def _signs(witness: Mapping[str, Any], m: int, n: int) -> list[tuple[int | None, ...]]:
    texts = field(witness, "signs", list)
    if len(texts) != n or any(not isinstance(t, str) or len(t) != m or set(t) - set(SIGNS) for t in texts):
        msg = f"the certificate's signs are not {n} rows of {m} characters of {''.join(SIGNS)}"
        raise DataError(msg)
    return [tuple(SIGNS[c] for c in str(t)) for t in texts]
