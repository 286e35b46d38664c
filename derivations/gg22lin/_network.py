"""The network of gg22 with all of its layers trained, in symbols."""

from __future__ import annotations

from typing import Any

from sympy import MatrixExpr, Symbol, sqrt

import deqmath as dm
from deqmath.model import ReLUModel


class ThreeLayers(ReLUModel):
    """``f(x) = b^T z / sqrt(m)``, ``z = relu(gamma A z + relu(W x))``, where W, A and b are all trained.

    The paper calls the output vector u.
    """

    def phi(self, i: Symbol | None = None) -> MatrixExpr:
        """(3) is part of the equation: ``phi_i = relu(W x_i)``."""
        return self.features(i)

    def x(self, i: Symbol) -> MatrixExpr:
        """The input ``x_i``."""
        return dm.column(self.X, i)

    def qw(self, i: Symbol) -> MatrixExpr:
        """``qw_i = phi'(W x_i) o q_i``, the adjoint pulled back through the first layer."""
        return dm.gate(self.W * self.x(i)) * self.q(i)

    def row(self, parameter: Any, i: Symbol) -> MatrixExpr:
        """``d f_i / d vec(parameter)^T`` by the paper's formulas."""
        rows = {
            self.b: self.z(i).T / sqrt(self.m),
            self.A: self.gamma / sqrt(self.m) * dm.kron(self.z(i).T, self.q(i).T),
            self.W: dm.kron(self.x(i).T, self.qw(i).T) / sqrt(self.m),
        }
        return rows[parameter]

    def gram_entry(self, i: Symbol, j: Symbol) -> MatrixExpr:
        """``H_ij = (1/m) [ <z_i, z_j> + gamma^2 <z_i, z_j> <q_i, q_j> + <x_i, x_j> <qw_i, qw_j> ]``, 1 x 1."""
        zz, qq = self.z(i).T * self.z(j), self.q(i).T * self.q(j)
        return (zz + self.gamma**2 * zz * qq + (self.x(i).T * self.x(j)) * (self.qw(i).T * self.qw(j))) / self.m


#: The model, stated once.
net = ThreeLayers()
#: Two samples.
i, j = Symbol("i", integer=True), Symbol("j", integer=True)
