"""Gradient, Gram matrix and kernel in closed form, from Z and Q alone; nothing of size m^2 per sample is formed.

With samples as rows, ``Qw = phi'(X W^T) o Q`` and rows ``J_i = d yhat_i / d vec(parameter)^T``:

    A:  J_i^T = (gamma/sqrt m) vec(q_i z_i^T)     W:  J_i^T = (1/sqrt m) vec(qw_i x_i^T)     b:  J_i^T = z_i/sqrt m
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from deqmath.errors import InputError, ShapeError
from deqmath.numeric.arrays import Array
from deqmath.numeric.equilibrium import Adjoint
from deqmath.numeric.parameters import WithoutCaches
from deqmath.numeric.validate import any_array, in_range, library_name, moved_beside, real_array

if TYPE_CHECKING:
    from deqmath.numeric.network import ReLUNetwork

#: Rows and columns of H that are computed at a time.
_BLOCK = 2048


@dataclass(frozen=True, eq=False)
class Linearisation(WithoutCaches):
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
        """The same with another Q."""
        return replace(self, adjoint=replace(self.adjoint, Q=Q))

    @cached_property
    def predictions(self) -> Array:
        """``yhat = Z b / sqrt m`` (gg22 eq. 1), shape (n,)."""
        return self.Z @ self.net.b / math.sqrt(self.net.width)

    def pullback(self, weights: Array) -> dict[str, Array]:
        """``J^T w`` by parameter, in the parameters' shapes; with w = yhat - y it is the gradient (gg22 eq. 6).

        Parameters
        ----------
        weights
            w, one entry a sample, shape (n,): an array, or a list of numbers.

        Raises
        ------
        InputError, ShapeError
            Another shape, or entries that are not finite real numbers.
        """
        w = weights if self._fits(weights) else self._weights(weights, "w", 1)
        with np.errstate(over="ignore", invalid="ignore"):
            return {name: in_range(part, f"J^T w in {name}") for name, part in self.pulled_back(w).items()}

    def pulled_back(self, weights: Array) -> dict[str, Array]:
        """:meth:`pullback` of an array that is known to fit."""
        w = weights[:, None] / math.sqrt(self.net.width)  # scaled here, where it costs nothing, and not in the product
        forms = {
            "A": lambda: (self.net.gamma * w * self.Q).T @ self.Z,
            "W": lambda: (w * self.Qw).T @ self.X,
            "b": lambda: self.Z.T @ w[:, 0],
        }
        return {name: forms[name]() for name in self.net.trainable}

    def pulled_back_of(self, rows: Array, dQ: Array, weights: Array) -> dict[str, Array]:
        """What a change dQ of the adjoints of some samples, shape (rows, m), changes in :meth:`pulled_back`: nothing in b."""
        w = weights[rows, None] / math.sqrt(self.net.width)
        forms = {
            "A": lambda: (self.net.gamma * w * dQ).T @ self.Z[rows, :],
            "W": lambda: (w * dQ * self.slopes[rows, :]).T @ self.X[rows, :],
        }
        return {name: forms[name]() for name in self.net.trainable if name in forms}

    def pushforward(self, direction: Mapping[str, Array] | Array) -> Array:
        """``J v``, shape (n,).

        Parameters
        ----------
        direction
            v by parameter, such as what :meth:`pullback` gives: for every trainable one its name and an array in its
            shape. Where one parameter is trained, the array alone will do, such as ``net.gradient(X, y)``.

        Raises
        ------
        InputError, ShapeError
            Other names or shapes, or entries that are not finite real numbers.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            return in_range(self._pushed_forward(self._direction(direction)), "J v")

    def _pushed_forward(self, direction: Mapping[str, Array]) -> Array:
        xp, root = self.net.xp, math.sqrt(self.net.width)
        forms = {
            "A": lambda V: (self.net.gamma / root) * xp.sum(self.Q * (self.Z @ V.T), axis=1),
            "W": lambda V: (1.0 / root) * xp.sum(self.Qw * (self.X @ V.T), axis=1),
            "b": lambda V: (1.0 / root) * (self.Z @ V),
        }
        total = 0.0
        for name, V in direction.items():
            total = total + forms[name](V)
        return total

    def _fits(self, w: Any) -> bool:
        """Whether w is what training gives :meth:`pullback` in every step, for which the whole check would be long."""
        plain = type(w) is np.ndarray and type(self.Z) is np.ndarray and w.dtype == np.float64
        return plain and w.shape == self.Z.shape[:1] and bool(np.isfinite(w).all())

    def _weights(self, value: Any, name: str, ndim: int) -> Array:
        """Numbers, one a sample along the first axis, in the library of Z."""
        given, n = any_array(value, name), self.Z.shape[0]
        if len(given.shape) != ndim or given.shape[0] != n:
            need = f"({n},)" if ndim == 1 else f"({n}, k)"
            msg = f"{name} has shape {tuple(given.shape)}; there are n = {n} samples, so {name} needs {need}"
            raise ShapeError(msg)
        return moved_beside(real_array(given, name, ndim), self.Z, name)

    def _direction(self, value: Any) -> dict[str, Array]:
        """A direction by parameter, its arrays in the parameters' shapes."""
        names = self.net.trainable
        given = value if isinstance(value, Mapping) else {names[0]: value} if len(names) == 1 else {}
        if set(given) != set(names):
            got = f"names {sorted(map(str, given))}" if isinstance(value, Mapping) else f"is a {type(value).__name__}"
            form = ", ".join(f'"{name}": V{name}' for name in names)
            msg = f"direction {got}, needed exactly the trainable {sorted(names)}: direction={{{form}}}"
            raise InputError(msg)
        found = {}
        for name in names:
            label, parameter = f'direction["{name}"]', getattr(self.net, name)
            V = any_array(given[name], label)
            if tuple(V.shape) != tuple(parameter.shape):
                msg = f"{label} has shape {tuple(V.shape)}; it needs that of {name}, {tuple(parameter.shape)}"
                raise ShapeError(msg)
            found[name] = moved_beside(real_array(V, label, V.ndim), self.Z, label)
        return found

    def gram(self, other: Linearisation | None = None) -> Array:
        """``J J'^T`` (gg22 eq. 8; gg22lin for W and b), shape (n, n'), J' = J unless `other` is given.

        ``A: (gamma^2/m) (Z Z'^T) o (Q Q'^T);  W: (1/m) (X X'^T) o (Qw Qw'^T);  b: (1/m) Z Z'^T``. Filled block by
        block, so that the work space beside H stays small; without `other` only one triangle is computed.
        """
        that, xp = self if other is None else self._partner(other), self.net.xp
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

    def _partner(self, other: Any) -> Linearisation:
        """Another linearisation, in the same parameters."""
        if not isinstance(other, Linearisation):
            msg = f"other is a {type(other).__name__}; it needs a Linearisation, such as net.linearisation(X2)"
            raise InputError(msg)
        mine, its = ((J.net.width, J.net.inputs, J.net.trainable, library_name(J.net.xp)) for J in (self, other))
        if mine != its:
            msg = (
                f"other has width, inputs, trainable and library {its}; it needs {mine}: take both from one network, with "
                "X and X2 of one library"
            )
            raise InputError(msg)
        return other

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
        """``H v = J (J^T v)`` without H: two products with A's shape a column.

        Parameters
        ----------
        v
            Shape (n,) or (n, k): an array, or lists of numbers.

        Raises
        ------
        InputError, ShapeError
            As in :meth:`pullback`.
        """
        nested = isinstance(v, (list, tuple)) and len(v) > 0 and isinstance(v[0], (list, tuple))
        columns = nested or getattr(v, "ndim", None) == 2
        given = self._weights(v, "v", 2 if columns else 1)
        with np.errstate(over="ignore", invalid="ignore"):
            if not columns:
                return in_range(self._pushed_forward(self.pulled_back(given)), "product with H")
            products = [self._pushed_forward(self.pulled_back(given[:, k])) for k in range(given.shape[1])]
            return in_range(self.net.xp.stack(products, axis=1), "product with H")
