"""The linear implicit layer with softmax weights (k21) in numbers, written by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from deqmath.errors import InputError, NotConvergedError, ShapeError
from deqmath.numeric.arrays import Array, row_norms, to_numpy
from deqmath.numeric.losses import find_loss
from deqmath.numeric.softmax_parameters import SoftmaxParameters
from deqmath.numeric.validate import in_range, moved_beside, real_array, tolerance

#: Dense dynamics matrices hold (p m)^2 numbers.
MOST_DENSE = 4096


@dataclass(frozen=True, eq=False)
class SoftmaxEquilibrium:
    """The equilibrium of every sample. ``np.asarray(equilibrium)`` is Z.

    Attributes
    ----------
    Z
        Equilibria ``z = gamma S z + phi``, shape (n, m), rows are samples.
    residual
        ``max_i ||gamma S z_i + phi_i - z_i|| / ||z_i||``, computed after the solve.
    tol
        What was asked for.
    status
        "converged" where residual <= tol, else "not-converged".
    network
        The network it belongs to.
    """

    Z: Array
    residual: float
    tol: float
    status: Literal["converged", "not-converged"]
    network: SoftmaxNetwork = field(repr=False)

    @property
    def converged(self) -> bool:
        """Whether the verified residual reached the tolerance."""
        return self.status == "converged"

    def require_converged(self) -> None:
        """Raise :class:`NotConvergedError` unless converged."""
        if not self.converged:
            msg = f"the equilibrium was solved to a relative residual of {self.residual:.3g}, needed {self.tol:.3g}"
            raise NotConvergedError(msg)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        """Z as a NumPy array."""
        return np.array(to_numpy(self.Z), dtype=dtype, copy=copy)


@dataclass(frozen=True, eq=False, kw_only=True)
class SoftmaxNetwork(SoftmaxParameters):
    """``f(x) = B z``, ``z = gamma S z + phi(x)``, S the softmax of A down each column (k21).

    Samples are rows; the rows of X are ``phi(x)``, so X is (n, m). Well posed for every A, since the spectral
    radius of ``gamma S`` is gamma < 1. With ``U = I - gamma S`` and ``Wbar = B U^{-1}``, ``f(x) = Wbar phi(x)``.

    Parameters
    ----------
    A
        Shape (m, m).
    B
        Shape (p, m).
    gamma
        Between 0 and 1.
    trainable
        The parameters that gradient and Gram matrix refer to, some of "A", "B".

    Raises
    ------
    InputError, ShapeError, NotWellPosedError
        On shapes that do not fit, entries that are not finite real numbers, gamma >= 1.

    Examples
    --------
    >>> from deqmath.numeric import SoftmaxNetwork
    >>> net = SoftmaxNetwork(A=[[0.0, 0.0], [0.0, 0.0]], B=[[1.0, 0.0]], gamma=0.5)
    >>> net.predict([[1.0, 3.0]])  # z = (3, 5)
    array([3.])
    """

    def _samples(self, X: Array) -> Array:
        data = real_array(X, "X", 2)
        if data.shape[0] == 0 or data.shape[1] != self.width:
            msg = (
                f"X has shape {tuple(data.shape)} and A has shape {tuple(self.A.shape)}; the rows of X are phi(x), so X "
                f"needs shape (n, {self.width}) with n >= 1"
            )
            raise ShapeError(msg)
        return data

    def _targets(self, y: Array, n: int) -> Array:
        """y as (n, p), in the library of the parameters."""
        flat = getattr(y, "ndim", np.ndim(y)) == 1 and self.outputs == 1
        Y = real_array(y, "y", 1)[:, None] if flat else real_array(y, "y", 2)
        if tuple(Y.shape) != (n, self.outputs):
            need = f"({n},)" if self.outputs == 1 else f"({n}, {self.outputs})"
            msg = f"y has shape {tuple(Y.shape)}; {n} rows of X and p = {self.outputs} outputs need y of shape {need}"
            raise ShapeError(msg)
        return moved_beside(Y, self.B, "y")

    def equilibrium(self, X: Array, *, tol: float = 1e-12) -> SoftmaxEquilibrium:
        """Solve ``z = gamma S z + phi`` for every row phi of X: one LU of U, one step of refinement, then verified.

        Parameters
        ----------
        X
            Shape (n, m), rows are phi(x).
        tol
            Relative residual to reach.

        Returns
        -------
        SoftmaxEquilibrium

        Examples
        --------
        >>> import numpy as np
        >>> from deqmath.numeric import SoftmaxNetwork
        >>> eq = SoftmaxNetwork.random(width=30, gamma=0.9, seed=1).equilibrium(np.eye(30))
        >>> eq.status
        'converged'
        """
        goal, net = tolerance(tol), self._in_namespace_of(X)
        P = net._samples(X)
        with np.errstate(over="ignore", invalid="ignore"):
            Z = net._from_right_transposed(P)
            Z = in_range(Z + net._from_right_transposed(P - Z @ net.U.T), "equilibrium Z")
            step = row_norms(net.xp, in_range(P - Z @ net.U.T, "residual of the equilibrium"))
        size = row_norms(net.xp, Z)
        residual = float(net.xp.max(step / net.xp.where(size > 0, size, net.xp.ones_like(size))))
        return SoftmaxEquilibrium(Z, residual, goal, "converged" if residual <= goal else "not-converged", net)

    def _solved(self, X: Array | SoftmaxEquilibrium) -> SoftmaxEquilibrium:
        eq = X if isinstance(X, SoftmaxEquilibrium) else self.equilibrium(X)
        if not self._is_that_of(eq.network):
            msg = "this equilibrium belongs to another network; call net.equilibrium(X) on this one"
            raise InputError(msg)
        eq.require_converged()
        return eq

    def predict(self, X: Array | SoftmaxEquilibrium) -> Array:
        """``B z_i``: shape (n,) for one output, (n, p) for several."""
        eq = self._solved(X)
        with np.errstate(over="ignore", invalid="ignore"):
            F = in_range(eq.Z @ eq.network.B.T, "prediction")
        return F[:, 0] if self.outputs == 1 else F

    def loss(self, X: Array | SoftmaxEquilibrium, y: Array, *, loss: str = "square") -> float:
        """The sum over samples and outputs of ``(f - y)^2 / 2`` or of ``log(1 + exp(-y f))``, y = +-1.

        Parameters
        ----------
        X
            Shape (n, m), or an equilibrium of this network.
        y
            Shape (n,) for one output, (n, p) for several.
        loss
            "square" or "logistic".
        """
        eq, form = self._solved(X), find_loss(loss)
        Y, xp = eq.network._targets(y, eq.Z.shape[0]), eq.network.xp
        form.check(xp, Y)
        with np.errstate(over="ignore", invalid="ignore"):
            return float(in_range(xp.sum(form.terms(xp, eq.Z @ eq.network.B.T, Y)), "loss"))

    def gradient(self, X: Array | SoftmaxEquilibrium, y: Array, *, loss: str = "square") -> Any:
        """The gradient of the loss in the trainable parameters (k21).

        With ``R = dL/df`` (n x p): ``dL/dB = R^T Z = G U^{-T}``, and column j of ``dL/dA`` is
        ``gamma J_j M_j`` with ``M = Wbar^T dL/dB`` and ``J_j = diag(s_j) - s_j s_j^T``.

        Parameters
        ----------
        X, y, loss
            As in :meth:`loss`.

        Returns
        -------
        dict or array
            By name for several trainable parameters, an array for one.

        Examples
        --------
        >>> from deqmath.numeric import SoftmaxNetwork
        >>> net = SoftmaxNetwork(A=[[0.0, 0.0], [0.0, 0.0]], B=[[1.0, 0.0]], gamma=0.5)
        >>> net.gradient([[1.0, 3.0]], [1.0])["B"]
        array([[ 6., 10.]])
        """
        eq, form = self._solved(X), find_loss(loss)
        net, Y = eq.network, eq.network._targets(y, eq.Z.shape[0])
        form.check(net.xp, Y)
        with np.errstate(over="ignore", invalid="ignore"):
            slope = form.slopes(net.xp, eq.Z @ net.B.T, Y).T @ eq.Z
            forms = {"A": lambda: net.gamma * net._softmax_derivative(net.Wbar.T @ slope), "B": lambda: slope}
            found = {name: in_range(forms[name](), f"gradient in {name}") for name in self.trainable}
        return found[self.trainable[0]] if len(found) == 1 else found

    def _softmax_derivative(self, M: Array) -> Array:
        """Column j: ``J_j M_j = s_j o (M_j - <s_j, M_j>)``; J_j is symmetric, so this is its transpose, too.

        J_j is 0 on constants. The entry of M_j where s_j is largest is taken off first, without which ``M_j - <s_j, M_j>``
        would be round-off where s_j is nearly one unit.
        """
        xp, S = self.xp, self.S
        largest = xp.arange(S.shape[0])[:, None] == xp.argmax(S, axis=0)[None, :]
        M = M - xp.sum(xp.where(largest, M, xp.zeros_like(M)), axis=0, keepdims=True)
        return S * (M - xp.sum(S * M, axis=0, keepdims=True))

    def loss_slope(self, X: Array, y: Array, *, loss: str = "square") -> Array:
        """``G = grad L_0(Wbar)``, the gradient of the loss of the linear model at Wbar, shape (p, m)."""
        net, form = self._in_namespace_of(X), find_loss(loss)
        P = net._samples(X)
        Y = net._targets(y, P.shape[0])
        form.check(net.xp, Y)
        with np.errstate(over="ignore", invalid="ignore"):
            return in_range(form.slopes(net.xp, P @ net.Wbar.T, Y).T @ P, "slope of the loss")

    def dynamics(self, V: Array) -> Array:
        """``D_t vec(V)`` in the shape (p, m) of V: under gradient flow ``dWbar/dt = -dynamics(G)`` (k21).

        ``D_t = (U^{-T} kron I_p) blockdiag_j(I_p + gamma^2 Wbar J_j^2 Wbar^T) (U^{-1} kron I_p)``, vec stacks
        columns; where only A or only B is trained, the other's term is left out. D_t is never formed.

        Examples
        --------
        >>> import numpy as np
        >>> from deqmath.numeric import SoftmaxNetwork
        >>> net = SoftmaxNetwork.random(width=5, gamma=0.5, seed=0)
        >>> G = net.loss_slope(np.eye(5), np.ones(5))
        >>> bool(np.sum(G * net.dynamics(G)) >= np.sum(G * G) * net.rate_bound)
        True
        """
        given = moved_beside(real_array(V, "V", 2), self.B, "V")
        if tuple(given.shape) != tuple(self.B.shape):
            msg = f"V has shape {tuple(given.shape)}; it needs the shape of Wbar, {tuple(self.B.shape)}"
            raise ShapeError(msg)
        first = self._from_right_transposed(given)
        terms = {
            "A": lambda: (
                self.gamma**2 * (self.Wbar @ self._softmax_derivative(self._softmax_derivative(self.Wbar.T @ first)))
            ),
            "B": lambda: first,
        }
        return self._from_right(sum((terms[name]() for name in self.trainable[1:]), terms[self.trainable[0]]()))

    def dynamics_matrix(self) -> Array:
        """D_t, shape (p m, p m), column by column from :meth:`dynamics`; for p m up to 4096."""
        p, m, xp = self.outputs, self.width, self.xp
        if p * m > MOST_DENSE:
            msg = f"D_t would have {p * m} rows; dense it is for p m <= {MOST_DENSE}, use dynamics(V) instead"
            raise InputError(msg)
        eye = xp.eye(p * m, dtype=xp.float64)
        columns = [self.dynamics(xp.reshape(eye[k, :], (m, p)).T) for k in range(p * m)]
        return xp.stack([xp.reshape(column.T, (p * m,)) for column in columns], axis=1)

    @property
    def rate_bound(self) -> float:
        """``1/(m (1 + gamma)^2)``, below which no eigenvalue of D_t lies, with A and B trained (k21)."""
        return 1.0 / (self.width * (1.0 + self.gamma) ** 2)

    def gram(self, X: Array | SoftmaxEquilibrium) -> Array:
        """``H = J J^T`` of the predictions over the trainable parameters, shape (n p, n p); row ``i p + k`` is f_k(x_i).

        Blocks ``H_ij = sum_a z_ia z_ja (I_p + gamma^2 Wbar J_a^2 Wbar^T)``; for p = 1 that is ``Z S_t Z^T`` with
        ``S_t = I + gamma^2 diag_a ||J_a Wbar^T||^2``.

        Examples
        --------
        >>> from deqmath.numeric import SoftmaxNetwork
        >>> SoftmaxNetwork(A=[[0.0]], B=[[3.0]], gamma=0.5, trainable=("B",)).gram([[2.0]])
        array([[16.]])
        """
        eq = self._solved(X)
        net, Z = eq.network, eq.Z
        xp, n, p = net.xp, Z.shape[0], self.outputs
        with np.errstate(over="ignore", invalid="ignore"):
            derivatives = [net._softmax_derivative(net.Wbar[k, :][:, None] + 0.0 * net.S) for k in range(p)]
            share = net.gamma**2 if "A" in self.trainable else 0.0
            rows = []
            for k in range(p):
                blocks = []
                for j in range(p):
                    weight = xp.sum(derivatives[k] * derivatives[j], axis=0) * share
                    if k == j and "B" in self.trainable:
                        weight = weight + 1.0
                    blocks.append((Z * weight) @ Z.T)
                rows.append(xp.stack(blocks, axis=2))
            return in_range(xp.reshape(xp.stack(rows, axis=1), (n * p, n * p)), "Gram matrix H")
