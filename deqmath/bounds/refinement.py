"""Refine an approximate invariant block: float64 corrections, exact residuals. Nothing here is part of a proof."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import flint
import numpy as np
from scipy.linalg.lapack import dpotrs

from deqmath.bounds.certificates.deflation import Deflation
from deqmath.bounds.certificates.lehmann import BlockForms
from deqmath.bounds.inputs import Array
from deqmath.bounds.integers import Scaled, combine
from deqmath.bounds.operators import SymmetricOperator

CORRECTION_BITS = 44
INNER_STEPS = 6
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

    def refine(self, operator: SymmetricOperator, deflation: Deflation) -> tuple[Block, bool]:
        """One pass: solve for the correction in float64, apply the operator to it exactly; False when it is zero."""
        ritz, residual, scale = self._residual()
        correction = _solve(operator, deflation, ritz, residual)
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


def _solve(operator: SymmetricOperator, deflation: Deflation, ritz: Array, residual: Array) -> Array:
    """D orthogonal to X with ``S D - D Lambda = -R`` in float64, by iteration with the deflated factor."""
    basis = deflation.vectors
    left = -_project(basis, residual)
    right, total, previous = left, np.zeros_like(left), np.inf
    first = float(np.linalg.norm(left))
    for _ in range(INNER_STEPS):
        step = dpotrs(deflation.factor, np.asfortranarray(right), lower=1)[0]
        trial = total + _project(basis, step)
        right = _project(basis, left - operator.float_apply(trial) + trial @ ritz)
        size = float(np.linalg.norm(right))
        if not size < 0.5 * previous and previous < np.inf:
            return trial if size < previous else total
        total, previous = trial, size
        if size <= INNER_TOLERANCE * first:
            break
    return total


def _project(basis: Array, block: Array) -> Array:
    """The part of the block orthogonal to the (orthonormal) basis."""
    return block - basis @ (basis.T @ block)
