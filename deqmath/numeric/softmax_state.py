"""One state of training the softmax network: its solves, its derivatives, and the matrix that drives it (k21)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

from deqmath.errors import NotConvergedError
from deqmath.numeric.arrays import joint_norm
from deqmath.numeric.losses import Loss
from deqmath.numeric.softmax import MOST_DENSE, SoftmaxEquilibrium, SoftmaxNetwork

Matrix = NDArray[np.float64]

#: Up to this many rows, the dense spectrum of D_t costs less than Lanczos.
_DENSE = 300
#: What rounding leaves of an eigenvalue that is 0, relative to the largest and to p - 1.
_ROUND_OFF = 16 * np.finfo(np.float64).eps
#: An eigenvalue below this has no inverse to compute with.
_LEAST = 1e-250


@dataclass(frozen=True, eq=False)
class SoftmaxState:
    """A softmax network during training, solved at the samples.

    Attributes
    ----------
    net
        The network.
    equilibrium
        Z, shape (n, m).
    Y
        Targets, shape (n, p).
    form
        The loss.
    """

    net: SoftmaxNetwork
    equilibrium: SoftmaxEquilibrium
    Y: Matrix
    form: Loss

    @classmethod
    def solve(cls, net: SoftmaxNetwork, X: Matrix, Y: Matrix, form: Loss) -> SoftmaxState:
        """Solve at the samples; raises unless the verified residual reached its tolerance."""
        eq = net.equilibrium(X)
        eq.require_converged()
        return cls(net, eq, Y, form)

    @cached_property
    def F(self) -> Matrix:
        """Predictions, shape (n, p)."""
        found: Matrix = self.equilibrium.Z @ self.net.B.T
        return found

    @cached_property
    def slopes(self) -> Matrix:
        """``dL/dF``, shape (n, p)."""
        return np.asarray(self.form.slopes(np, self.F, self.Y))

    @cached_property
    def curvatures(self) -> Matrix:
        """``C = d^2 L / dF^2``, entrywise, shape (n, p)."""
        return np.asarray(self.form.curvatures(np, self.F, self.Y))

    @cached_property
    def loss(self) -> float:
        """The loss, summed over samples and outputs."""
        with np.errstate(over="ignore"):
            return float(np.sum(self.form.terms(np, self.F, self.Y)))

    def pullback(self, V: Matrix) -> dict[str, Matrix]:
        """``J^T vec(V)``: the gradient of ``sum(V o F)`` in the trainable parameters; V of shape (n, p)."""
        slope = V.T @ self.equilibrium.Z
        forms = {
            "A": lambda: self.net.gamma * self.net._softmax_derivative(self.net.Wbar.T @ slope),
            "B": lambda: slope,
        }
        return {name: np.asarray(forms[name]()) for name in self.net.trainable}

    def pushforward(self, change: Mapping[str, Matrix]) -> Matrix:
        """``J vec(dP)``: ``dF = Z (dB + gamma Wbar dS)^T`` with column j of dS equal to ``J_j dA_j``; shape (n, p)."""
        total = np.zeros_like(self.net.B)
        if "B" in change:
            total = total + change["B"]
        if "A" in change:
            total = total + self.net.gamma * (self.net.Wbar @ self.net._softmax_derivative(change["A"]))
        found: Matrix = self.equilibrium.Z @ total.T
        return found

    @cached_property
    def gradient(self) -> dict[str, Matrix]:
        """The gradient of the loss by parameter."""
        return self.pullback(self.slopes)

    @property
    def speed(self) -> float:
        """``||dP/dt||_F`` over the trainable parameters."""
        return joint_norm(self.gradient)

    @cached_property
    def spectrum(self) -> tuple[Matrix, Matrix, Matrix]:
        """Eigenvalues and eigenvectors of ``K = C^{1/2} H C^{1/2}``, rows in the order of ``F.ravel()``, and ``C^{1/2}``."""
        root = np.sqrt(self.curvatures).ravel()
        H = self.net.gram(self.equilibrium)
        w, V = np.linalg.eigh(0.5 * (H + H.T) * root[:, None] * root[None, :])
        return np.maximum(w, 0.0), V, root

    @cached_property
    def rate(self) -> float:
        """``lambda_min(D_t)``: dense for small p m, else by Lanczos on ``D_t^{-1}``, which never forms D_t.

        nan where Lanczos does not converge and D_t is too large to be formed.
        """
        net = self.net
        size = net.outputs * net.width
        if size > _DENSE:
            inverse = inverse_dynamics(net)
            if inverse is None:
                return 0.0
            operator = LinearOperator((size, size), matvec=inverse, dtype=np.float64)
            start = np.random.Generator(np.random.PCG64(0)).standard_normal(size)
            try:
                top = eigsh(operator, k=1, which="LA", v0=start, tol=1e-10, return_eigenvectors=False)
            except ArpackNoConvergence:
                if size > MOST_DENSE:
                    return math.nan
            else:
                return 1.0 / float(top[0])
        D = net.dynamics_matrix()
        return float(np.linalg.eigvalsh(0.5 * (D + D.T))[0])

    def moved(self, change: Mapping[str, Matrix]) -> SoftmaxNetwork:
        """The network with `change` added to its parameters; raises where float64 does not hold them."""
        with np.errstate(over="ignore", invalid="ignore"):
            parts = {name: getattr(self.net, name) + d for name, d in change.items()}
        size = joint_norm(parts)
        if not size < math.inf:
            msg = f"the step is too long: it leads to ||P||_F = {size:.3g}"
            raise NotConvergedError(msg)
        return self.net.with_parameters(**parts)


def inverse_dynamics(net: SoftmaxNetwork) -> Callable[[Matrix], Matrix] | None:
    """``v -> D_t^{-1} v = (U kron I_p) blockdiag_j(G_j)^{-1} (U^T kron I_p) v``; None where float64 tells no D_t^{-1}.

    ``G_j = I_p + gamma^2 Wbar J_j^2 Wbar^T`` (k21), without the first term where A alone is trained: D_t is singular
    then, for example, where ``p >= m``, since ``J_j 1 = 0``.
    """
    p, m = net.outputs, net.width
    blocks = np.broadcast_to(np.eye(p) if "B" in net.trainable else np.zeros((p, p)), (m, p, p)).copy()
    if "A" in net.trainable:
        E = np.stack([net._softmax_derivative(np.repeat(row[:, None], m, axis=1)) for row in net.Wbar])
        E = E.transpose(2, 0, 1)
        blocks += net.gamma**2 * (E @ E.transpose(0, 2, 1))
    w, V = np.linalg.eigh(blocks)
    if not np.all(w[:, 0] > np.maximum((p - 1) * _ROUND_OFF * w[:, -1], _LEAST)):
        return None

    def apply(v: Matrix) -> Matrix:
        columns = (net.U.T @ np.reshape(v, (m, p)))[:, None, :] @ V
        found: Matrix = (net.U @ (columns / w[:, None, :] @ V.transpose(0, 2, 1))[:, 0, :]).ravel()
        return found

    return apply
