"""Refine an approximate invariant block: float64 corrections, exact residuals. Nothing here is part of a proof."""

from __future__ import annotations

from dataclasses import dataclass

import flint
import numpy as np
from scipy.linalg.lapack import dpotrs

from deqmath.bounds.certificates.deflation import Deflation
from deqmath.bounds.inputs import Array
from deqmath.bounds.integers import Scaled, combine, gram
from deqmath.bounds.operators import SymmetricOperator

CORRECTION_BITS = 46
INNER_STEPS = 24
INNER_TOLERANCE = 2.0**-44


@dataclass
class Block:
    """X and S X, exact."""

    x: Scaled
    sx: Scaled

    @classmethod
    def start(cls, operator: SymmetricOperator, vectors: Array) -> Block:
        """Round the float64 vectors to a grid and apply the operator exactly."""
        x = Scaled.rounded(vectors, CORRECTION_BITS)
        return cls(x, operator.apply(x))

    def refine(self, operator: SymmetricOperator, deflation: Deflation) -> tuple[Block, int]:
        """One pass: solve for the correction in float64, apply the operator to it exactly.

        Returns the new block and the binary exponent of the correction's largest entry.
        """
        ritz, residual, scale = self._residual()
        correction = _solve(operator, deflation, ritz, residual)
        step = Scaled.rounded(correction, CORRECTION_BITS)
        step = Scaled(step.values, step.exponent + scale)
        if not step.values.any():
            return self, scale - 10**6
        size = int(np.frexp(np.abs(correction).max())[1]) + scale
        return Block(self.x.plus(step), self.sx.plus(operator.apply(step))), size

    def _residual(self) -> tuple[Array, Array, int]:
        """``(Lambda, R, e)`` with ``S X - X Lambda`` close to ``R 2**e``; Lambda is the Ritz matrix in float64."""
        a0, a1 = gram(self.x, self.x), gram(self.x, self.sx)
        wanted = a1.largest_bits() + 64
        solved = flint.fmpq_mat(a0.integer_matrix()).solve(flint.fmpq_mat(a1.integer_matrix()))
        grid = a1.exponent - a0.exponent
        p = a0.values.shape[0]
        rounded = [[_round(solved[i, j], wanted) for j in range(p)] for i in range(p)]
        ritz = Scaled(np.array(rounded, dtype=object).reshape(p, p), grid - wanted)
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
