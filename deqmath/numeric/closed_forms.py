"""Gradient, Gram matrix and kernel in closed form, from Z and Q alone; nothing of size m^2 per sample is formed.

With samples as rows, ``Qw = phi'(X W^T) o Q`` and rows ``J_i = d yhat_i / d vec(parameter)^T``:

    A:  J_i^T = (gamma/sqrt m) vec(q_i z_i^T)     W:  J_i^T = (1/sqrt m) vec(qw_i x_i^T)     b:  J_i^T = z_i/sqrt m
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from deqmath.errors import InputError, ShapeError
from deqmath.numeric.arrays import Array
from deqmath.numeric.equilibrium import Adjoint

if TYPE_CHECKING:
    from deqmath.numeric.network import ReLUNetwork

#: Rows and columns of H that are computed at a time.
_BLOCK = 2048


@dataclass(frozen=True, eq=False)
class Linearisation:
    """The network linearised in its trainable parameters at one set of samples; J is n x (number of parameters).

    Built by :meth:`ReLUNetwork.linearisation`; never holds J.

    Attributes
    ----------
    net
        The network.
    adjoint
        Its adjoint at the samples, with the equilibrium.

    Examples
    --------
    >>> import numpy as np
    >>> from deqmath.numeric import ReLUNetwork
    >>> net = ReLUNetwork.random(width=20, inputs=3, gamma0=0.25, seed=0)
    >>> J = net.linearisation(np.eye(3))
    >>> bool(np.allclose(J.pushforward(J.pullback(np.ones(3))), J.gram() @ np.ones(3)))
    True
    """

    net: ReLUNetwork
    adjoint: Adjoint

    @property
    def X(self) -> Array:
        """The samples, shape (n, d)."""
        return self.adjoint.equilibrium.X

    @property
    def Z(self) -> Array:
        """The equilibria, shape (n, m)."""
        return self.adjoint.equilibrium.Z

    @property
    def Q(self) -> Array:
        """The adjoints, shape (n, m)."""
        return self.adjoint.Q

    @cached_property
    def slopes(self) -> Array:
        """``phi'(X W^T)``, shape (n, m); phi'(0) = 0 for ReLU."""
        xp = self.net.xp
        if self.net.phi == "identity":
            return xp.ones(tuple(self.Z.shape), dtype=xp.float64)
        return xp.astype(self.X @ self.net.W.T > 0, xp.float64)

    @cached_property
    def Qw(self) -> Array:
        """``phi'(X W^T) o Q``, shape (n, m)."""
        return self.Q if self.net.phi == "identity" else self.Q * self.slopes

    @cached_property
    def ZZ(self) -> Array:
        """``Z Z^T``, shape (n, n)."""
        return self.Z @ self.Z.T

    @cached_property
    def XX(self) -> Array:
        """``X X^T``, shape (n, n)."""
        return self.X @ self.X.T

    def driven(self, units: Array) -> Array:
        """``b_j + gamma (A^T q_i)_j`` of some units: their q where the gate is open, shape (n, units)."""
        return self.net.b[units] + self.net.gamma * (self.Q @ self.net.A[:, units])

    def loops(self, units: Array) -> Array:
        """What of a change of z_ij comes back to unit j over one or two links, ``gamma A_jj + gamma^2 sum_k A_jk D_k A_kj``.

        Without the unit itself among the k; shape (n, units).
        """
        A, gamma, xp = self.net.A, self.net.gamma, self.net.xp
        gates = xp.astype(self.adjoint.equilibrium.gates, xp.float64)
        there_and_back = A[units, :] * A[:, units].T
        own = xp.linalg.diagonal(A)[units]
        return gamma * own + gamma**2 * (gates @ there_and_back.T - gates[:, units] * own**2)

    def with_adjoint(self, Q: Array) -> Linearisation:
        """The same with another Q: what is linear in Q can be asked for a part of it."""
        return replace(self, adjoint=replace(self.adjoint, Q=Q))

    @cached_property
    def predictions(self) -> Array:
        """``yhat = Z b / sqrt m`` (gg22 eq. 1), shape (n,)."""
        return self.Z @ self.net.b / math.sqrt(self.net.width)

    def pullback(self, weights: Array) -> dict[str, Array]:
        """``J^T w`` by parameter, in the parameters' shapes; with w = yhat - y it is the gradient (gg22 eq. 6)."""
        root = math.sqrt(self.net.width)
        if tuple(weights.shape) != (self.Z.shape[0],):
            msg = f"the weights have shape {tuple(weights.shape)}; there are n = {self.Z.shape[0]} samples, so w needs ({self.Z.shape[0]},)"
            raise ShapeError(msg)
        w = weights[:, None] / root  # scaled here, where it costs nothing, and not in the product
        forms = {
            "A": lambda: (self.net.gamma * w * self.Q).T @ self.Z,
            "W": lambda: (w * self.Qw).T @ self.X,
            "b": lambda: self.Z.T @ w[:, 0],
        }
        return {name: forms[name]() for name in self.net.trainable}

    def pushforward(self, direction: dict[str, Array]) -> Array:
        """``J v`` for a direction v given by parameter, shape (n,)."""
        xp, root = self.net.xp, math.sqrt(self.net.width)
        if set(direction) != set(self.net.trainable):
            msg = f"direction names {sorted(direction)}, needed exactly the trainable {sorted(self.net.trainable)}"
            raise InputError(msg)
        for name, V in direction.items():
            need = tuple(getattr(self.net, name).shape)
            if tuple(getattr(V, "shape", ())) != need:
                msg = f"the direction in {name} has shape {tuple(getattr(V, 'shape', ()))}; it needs that of {name}, {need}"
                raise ShapeError(msg)
        forms = {
            "A": lambda V: (self.net.gamma / root) * xp.sum(self.Q * (self.Z @ V.T), axis=1),
            "W": lambda V: (1.0 / root) * xp.sum(self.Qw * (self.X @ V.T), axis=1),
            "b": lambda V: (1.0 / root) * (self.Z @ V),
        }
        total = 0.0
        for name, V in direction.items():
            total = total + forms[name](V)
        return total

    def gram(self, other: Linearisation | None = None) -> Array:
        """``J J'^T`` (gg22 eq. 8; gg22lin for W and b), shape (n, n'), J' = J unless `other` is given.

        ``A: (gamma^2/m) (Z Z'^T) o (Q Q'^T);  W: (1/m) (X X'^T) o (Qw Qw'^T);  b: (1/m) Z Z'^T``. Filled block by
        block, so that the work space beside H stays small; without `other` only one triangle is computed.
        """
        that, xp = self if other is None else other, self.net.xp
        n, k = self.Z.shape[0], that.Z.shape[0]
        rows = [slice(i, min(i + _BLOCK, n)) for i in range(0, n, _BLOCK)]
        columns = [slice(j, min(j + _BLOCK, k)) for j in range(0, k, _BLOCK)]
        if len(rows) == len(columns) == 1:
            return self._gram_block(that, rows[0], columns[0])
        H = xp.empty((n, k), dtype=xp.float64)
        for part in rows:
            for other_part in columns:
                if other is None and other_part.start > part.start:
                    continue
                block = self._gram_block(that, part, other_part)
                H[part, other_part] = block
                if other is None and other_part.start < part.start:
                    H[other_part, part] = block.T
        return H

    def _gram_block(self, that: Linearisation, rows: slice, columns: slice) -> Array:
        """The entries of J J'^T for some samples of each."""
        m = self.net.width

        def product(left: Array, right: Array) -> Array:
            return left[rows, :] @ right[columns, :].T

        whole = that is self and self.Z.shape[0] <= _BLOCK
        zz = self.ZZ if whole else product(self.Z, that.Z)
        forms = {
            "A": lambda: (self.net.gamma**2 / m) * (zz * product(self.Q, that.Q)),
            "W": lambda: (1.0 / m) * (product(self.X, that.X) * product(self.Qw, that.Qw)),
            "b": lambda: (1.0 / m) * zz,
        }
        first, *rest = self.net.trainable
        return sum((forms[name]() for name in rest), forms[first]())

    def gram_product(self, v: Array) -> Array:
        """``H v = J (J^T v)`` without H, for v of shape (n,) or (n, k): two products with A's shape a column."""
        if v.ndim == 1:
            return self.pushforward(self.pullback(v))
        return self.net.xp.stack([self.gram_product(v[:, k]) for k in range(v.shape[1])], axis=1)
