"""The linear implicit layer with softmax weights in symbols, at symbolic width, outputs and sample count.

    z = gamma S z + phi(x),   S = softmax of A down each column,   gamma in (0, 1)
    f(x) = B z

Samples are the columns of Phi (m x n) and Y (p x n). Source: k21, sections 2 and 3.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sympy import Expr, Identity, Inverse, MatrixExpr, Symbol, Trace
from sympy.matrices.expressions import MatrixSymbol

from deqmath.expressions import column, diag, dim, kron, ones, softmax_columns, squared_norm, total


@dataclass(frozen=True)
class SoftmaxModel:
    """The network of k21 with its symbols.

    Examples
    --------
    >>> from deqmath.model import SoftmaxModel
    >>> import deqmath as dm
    >>> print(dm.text(SoftmaxModel().U))
    I - γ softmax(A)
    """

    m: Symbol = field(default_factory=lambda: dim("m"))
    n: Symbol = field(default_factory=lambda: dim("n"))
    p: Symbol = field(default_factory=lambda: dim("p"))
    gamma: Symbol = field(default_factory=lambda: Symbol("gamma", positive=True))

    @property
    def A(self) -> MatrixSymbol:
        """The weights before the softmax, m x m."""
        return MatrixSymbol("A", self.m, self.m)

    @property
    def B(self) -> MatrixSymbol:
        """The last layer, p x m."""
        return MatrixSymbol("B", self.p, self.m)

    @property
    def Phi(self) -> MatrixSymbol:
        """The features phi(x_i), m x n."""
        return MatrixSymbol("Phi", self.m, self.n)

    @property
    def Y(self) -> MatrixSymbol:
        """The targets, p x n."""
        return MatrixSymbol("Y", self.p, self.n)

    @property
    def G(self) -> MatrixSymbol:
        """``G = grad L_0(Wbar)`` of any loss of the linear model, p x m."""
        return MatrixSymbol("G", self.p, self.m)

    @property
    def ones(self) -> MatrixExpr:
        """The row of m ones."""
        return ones(1, self.m)

    @property
    def S(self) -> MatrixExpr:
        """``S``: each column is the softmax of that column of A."""
        return softmax_columns(self.A)

    @property
    def U(self) -> MatrixExpr:
        """``U = I - gamma S``."""
        return Identity(self.m) - self.gamma * self.S

    @property
    def Wbar(self) -> MatrixExpr:
        """``Wbar = B U^{-1}``, the linear model that the network equals: f(x) = Wbar phi(x)."""
        return self.B * Inverse(self.U)

    def J(self, j: Symbol) -> MatrixExpr:
        """``J_j = diag(s_j) - s_j s_j^T``, the derivative of the softmax of column j, m x m."""
        s = column(self.S, j)
        return diag(s) - s * s.T

    def e(self, j: Symbol) -> MatrixExpr:
        """The j-th unit vector."""
        return column(Identity(self.m), j)

    def loss(self) -> Expr:
        """The square loss ``L = 1/2 ||Wbar Phi - Y||_F^2``."""
        return squared_norm(self.Wbar * self.Phi - self.Y) / 2

    def slope(self) -> MatrixExpr:
        """``G`` of the square loss, ``(Wbar Phi - Y) Phi^T``."""
        return (self.Wbar * self.Phi - self.Y) * self.Phi.T

    def first_order_loss(self) -> Expr:
        """``tr(G^T Wbar)`` with G held fixed: its gradient in A and B is that of any loss with ``grad L_0 = G``."""
        return Trace(self.G.T * self.Wbar)

    def gradient_B(self, G: MatrixExpr) -> MatrixExpr:
        """``dL/dB = G U^{-T}``."""
        return G * Inverse(self.U).T

    def gradient_A(self, G: MatrixExpr, j: Symbol) -> MatrixExpr:
        """``dL/dA``, whose column j is ``gamma J_j [Wbar^T G U^{-T}]_j``; j is the bound index."""
        M = self.Wbar.T * G * Inverse(self.U).T
        return self.gamma * total(self.J(j) * column(M, j) * self.e(j).T, j, self.m)

    def dynamics(self, j: Symbol) -> MatrixExpr:
        """``D_t = (U^{-T} kron I_p) blockdiag_j(I_p + gamma^2 Wbar J_j^2 Wbar^T) (U^{-1} kron I_p)``, p m x p m."""
        eye = Identity(self.p)
        block = eye + self.gamma**2 * self.Wbar * self.J(j) * self.J(j) * self.Wbar.T
        blocks = total(kron(self.e(j) * self.e(j).T, block), j, self.m)
        return kron(Inverse(self.U).T, eye) * blocks * kron(Inverse(self.U), eye)

    def names(self) -> dict[str, Any]:
        """The paper's short names for displays."""
        return {"S": self.S, "U": self.U, "Wbar": self.Wbar}


__all__ = ["SoftmaxModel"]
