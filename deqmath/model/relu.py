"""The ReLU implicit network in symbols, at symbolic width, input dimension and sample count.

    (1)  f(x) = b^T z / sqrt(m)
    (2)  z = sigma(gamma A z + phi),  sigma = relu
    (3)  phi = relu(W x)
    (5)  L = 1/2 sum_i (f(x_i) - y_i)^2

Samples are the columns of X (d x n), Phi and Z (m x n). Source: gg22, equations (1) to (5).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sympy import Identity, Inverse, MatrixExpr, Symbol, sqrt
from sympy.matrices.expressions import MatrixSymbol

from deqmath.expressions import column, dim, gate, hadamard, relu, total


@dataclass(frozen=True)
class ReLUModel:
    """The network of gg22 with its symbols; derived quantities are methods of a sample.

    A sample is an index i (column i of Z, Phi, X, entry i of y), or None for one sample with its
    own symbols z, phi, x.

    Examples
    --------
    >>> from deqmath.model import ReLUModel
    >>> import deqmath as dm
    >>> net = ReLUModel()
    >>> print(dm.text(net.residual()))
    -relu(γ A z + φ) + z
    """

    m: Symbol = field(default_factory=lambda: dim("m"))
    n: Symbol = field(default_factory=lambda: dim("n"))
    d: Symbol = field(default_factory=lambda: dim("d"))
    gamma: Symbol = field(default_factory=lambda: Symbol("gamma", positive=True))
    activation: Callable[[Any], MatrixExpr] = relu

    @property
    def A(self) -> MatrixSymbol:
        """The trained weights, m x m."""
        return MatrixSymbol("A", self.m, self.m)

    @property
    def W(self) -> MatrixSymbol:
        """The first layer's weights, m x d."""
        return MatrixSymbol("W", self.m, self.d)

    @property
    def b(self) -> MatrixSymbol:
        """The output vector, m x 1."""
        return MatrixSymbol("b", self.m, 1)

    @property
    def y(self) -> MatrixSymbol:
        """The labels, n x 1."""
        return MatrixSymbol("y", self.n, 1)

    @property
    def Z(self) -> MatrixSymbol:
        """The equilibria of all samples, m x n."""
        return MatrixSymbol("Z", self.m, self.n)

    @property
    def Q(self) -> MatrixSymbol:
        """The adjoints of all samples, m x n, where they are given as numbers."""
        return MatrixSymbol("Q", self.m, self.n)

    @property
    def Phi(self) -> MatrixSymbol:
        """The injected features of all samples, m x n."""
        return MatrixSymbol("Phi", self.m, self.n)

    @property
    def X(self) -> MatrixSymbol:
        """The inputs, d x n."""
        return MatrixSymbol("X", self.d, self.n)

    def z(self, i: Symbol | None = None) -> MatrixExpr:
        """The equilibrium ``z_i``."""
        return MatrixSymbol("z", self.m, 1) if i is None else column(self.Z, i)

    def phi(self, i: Symbol | None = None) -> MatrixExpr:
        """The injected feature ``phi_i`` (held fixed: W is not trained)."""
        return MatrixSymbol("phi", self.m, 1) if i is None else column(self.Phi, i)

    def features(self, i: Symbol | None = None) -> MatrixExpr:
        """(3): ``relu(W x_i)``."""
        x = MatrixSymbol("x", self.d, 1) if i is None else column(self.X, i)
        return relu(self.W * x)

    def u(self, i: Symbol | None = None) -> MatrixExpr:
        """The pre-activation ``u_i = gamma A z_i + phi_i``."""
        return self.gamma * self.A * self.z(i) + self.phi(i)

    def residual(self, i: Symbol | None = None) -> MatrixExpr:
        """(2): ``z_i - sigma(gamma A z_i + phi_i)``, which is 0 at the equilibrium."""
        return self.z(i) - self.activation(self.u(i))

    def D(self, i: Symbol | None = None) -> MatrixExpr:
        """The gate ``D_i = diag(1[u_i > 0])``."""
        return gate(self.u(i))

    def U(self, i: Symbol | None = None) -> MatrixExpr:
        """``U_i = I - gamma D_i A``."""
        return Identity(self.m) - self.gamma * self.D(i) * self.A

    def R(self, i: Symbol | None = None) -> MatrixExpr:
        """``R_i = U_i^{-1} D_i``."""
        return Inverse(self.U(i)) * self.D(i)

    def q(self, i: Symbol | None = None) -> MatrixExpr:
        """The adjoint ``q_i = R_i^T b``."""
        return self.R(i).T * self.b

    def f(self, i: Symbol | None = None) -> MatrixExpr:
        """(1): ``f_i = b^T z_i / sqrt(m)``, 1 x 1."""
        return self.b.T * self.z(i) / sqrt(self.m)

    def label(self, i: Symbol) -> MatrixExpr:
        """``y_i``, 1 x 1."""
        return column(self.y.T, i)

    def r(self, i: Symbol) -> MatrixExpr:
        """The residual of the prediction, ``r_i = f_i - y_i``."""
        return self.f(i) - self.label(i)

    def loss(self, i: Symbol) -> MatrixExpr:
        """(5): ``L = 1/2 sum_i r_i^2``, 1 x 1; i is the bound index."""
        return total(self.r(i).T * self.r(i), i, self.n) / 2

    def equations(self, *samples: Symbol | None) -> dict[MatrixExpr, MatrixExpr]:
        """Unknown -> residual for the given samples."""
        return {self.z(i): self.residual(i) for i in samples}

    def gram(self) -> MatrixExpr:
        """(8): ``H = (gamma^2/m) (Z^T Z) o (Q^T Q)``, n x n, with Z and Q given."""
        return self.gamma**2 / self.m * hadamard(self.Z.T * self.Z, self.Q.T * self.Q)

    def names(self, i: Symbol | None = None) -> dict[str, MatrixExpr]:
        """The paper's short names for displays."""
        tail = "" if i is None else f"_{i}"
        return {f"D{tail}": self.D(i), f"U{tail}": self.U(i), f"R{tail}": self.R(i), f"q{tail}": self.q(i)}


__all__ = ["ReLUModel"]
