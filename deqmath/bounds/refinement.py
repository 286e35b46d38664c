"""Refine an approximate invariant block: float64 corrections, exact residuals. Nothing here is part of a proof."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import flint
import numpy as np
from scipy.linalg.lapack import dpotrs

from deqmath.bounds.candidates import orthonormal
from deqmath.bounds.certificates.deflation import Deflation
from deqmath.bounds.certificates.lehmann import BlockForms
from deqmath.bounds.inputs import Array
from deqmath.bounds.integers import Scaled, combine
from deqmath.bounds.operators import SymmetricOperator

CORRECTION_BITS = 44
INNER_STEPS = 4
INNER_TOLERANCE = 2.0**-40


@dataclass(frozen=True)
class Block:
    """X and S X, exact, and the small forms built from them."""

    x: Scaled
    sx: Scaled

    @cached_property
    def forms(self) -> BlockForms:
        """``X^T X``, ``X^T S X``, ``X^T S^2 X``."""
        return BlockForms(self.x, self.sx)

    @classmethod
    def start(cls, operator: SymmetricOperator, vectors: Array) -> Block:
        """Round the float64 vectors to a grid and apply the operator exactly."""
        x = Scaled.rounded(vectors, CORRECTION_BITS)
        return cls(x, operator.apply(x))

    def refine(self, operator: SymmetricOperator, solver: BorderedSolver) -> tuple[Block, bool]:
        """One pass: solve for the correction in float64, apply the operator to it exactly; False when it is zero."""
        ritz, residual, scale = self._residual()
        floats, exponent = self.x.floats()
        correction = solver.correction(np.ldexp(floats, exponent), ritz, residual)
        step = Scaled.rounded(correction, CORRECTION_BITS)
        if not step.values.any():
            return self, False
        step = Scaled(step.values, step.exponent + scale)
        return Block(self.x.plus(step), self.sx.plus(operator.apply(step))), True

    def _residual(self) -> tuple[Array, Array, int]:
        """``(Lambda, R, e)`` with ``S X - X Lambda`` close to ``R 2**e``; Lambda is the Ritz matrix in float64."""
        forms = self.forms
        p = forms.p
        solved = flint.fmpq_mat(flint.fmpz_mat(forms.a0)).solve(flint.fmpq_mat(flint.fmpz_mat(forms.a1)))
        wanted = max(v.bit_length() for row in forms.a1 for v in row) + 64
        rounded = [[_round(solved[i, j], wanted) for j in range(p)] for i in range(p)]
        ritz = Scaled(np.array(rounded, dtype=object).reshape(p, p), -wanted)
        residual, scale = self.sx.minus(combine(self.x, ritz)).floats()
        floats, exponent = ritz.floats()
        return np.ldexp(floats, exponent), residual, scale


def _round(value: flint.fmpq, bits: int) -> int:
    """``value * 2**bits`` rounded down."""
    return int((int(value.p) << bits) // int(value.q))


class BorderedSolver:
    r"""D with ``S D - D Lambda = -R`` and ``X^T D = 0``, in float64, with the factor of ``M = S + tau V V^T - nu I``.

    With the unknown borders ``mu = -(multiplier of X)`` and ``eta = V^T D`` the bordered system of ``S - nu I`` reads
    ``M D = -R - X mu + tau V eta``, so that ``D = M^{-1}(-R) - M^{-1}X mu + tau M^{-1}V eta`` with 2p small unknowns. It
    holds however far X has moved from V; ``nu - Lambda`` is made up for by iteration.
    """

    def __init__(self, operator: SymmetricOperator, deflation: Deflation) -> None:
        self._operator, self._deflation = operator, deflation
        self._low = deflation.vectors
        self._solved_low = deflation.tau * self._through(self._low)

    def correction(self, x: Array, ritz: Array, residual: Array) -> Array:
        """D for the float64 X, Lambda and R; zero when X spans the whole space."""
        n, p = x.shape
        if p == n:
            return np.zeros_like(residual)
        basis = orthonormal(x)
        right = -_project(basis, residual)
        both = self._through(np.concatenate([right, basis], axis=1))
        solved, solved_x = both[:, :p], both[:, p:]
        border = self._border(basis, solved_x)
        left, total = right, self._bordered(basis, solved, solved_x, border)
        size = first = float(np.linalg.norm(left))
        for _ in range(INNER_STEPS):
            right = _project(basis, left - self._operator.float_apply(total) + total @ ritz)
            previous, size = size, float(np.linalg.norm(right))
            if size <= INNER_TOLERANCE * first or not size < 0.5 * previous:
                break
            total = total + self._bordered(basis, self._through(right), solved_x, border)
            if size / previous * size <= INNER_TOLERANCE * first:
                break
        return total

    def _through(self, right: Array) -> Array:
        solved: Array = dpotrs(self._deflation.factor, np.asfortranarray(right), lower=1)[0]
        return solved

    def _border(self, basis: Array, solved_x: Array) -> Array:
        low, solved_low = self._low, self._solved_low
        p = low.shape[1]
        return np.block(
            [[basis.T @ solved_x, -basis.T @ solved_low], [low.T @ solved_x, np.eye(p) - low.T @ solved_low]]
        )

    def _bordered(self, basis: Array, solved: Array, solved_x: Array, border: Array) -> Array:
        p = basis.shape[1]
        small = np.linalg.lstsq(border, np.concatenate([basis.T @ solved, self._low.T @ solved]), rcond=None)[0]
        return _project(basis, solved - solved_x @ small[:p] + self._solved_low @ small[p:])


def _project(basis: Array, block: Array) -> Array:
    """The part of the block orthogonal to the (orthonormal) basis."""
    return block - basis @ (basis.T @ block)
