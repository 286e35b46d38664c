"""The ReLU implicit network in numbers, written by hand: the independent referee of the symbolic engine."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from deqmath.errors import InputError, ShapeError
from deqmath.numeric.arrays import Array, relu
from deqmath.numeric.closed_forms import Linearisation
from deqmath.numeric.corrected import CorrectedPrediction, corrected_prediction
from deqmath.numeric.equilibrium import Adjoint, Equilibrium, solve_adjoint, solve_equilibrium
from deqmath.numeric.fixed_point import Strategy
from deqmath.numeric.parameters import Parameters
from deqmath.numeric.strategies import Automatic
from deqmath.numeric.validate import count, in_range, moved_beside, real_array, samples, targets, tolerance

#: Default relative residual: a hundred times the float64 round-off, reached in a few sweeps more than 1e-12.
DEFAULT_TOL = 1e-14
DEFAULT_SWEEPS = 10_000


@dataclass(frozen=True, eq=False, kw_only=True)
class ReLUNetwork(Parameters):
    """``f(x) = b^T z / sqrt m``, ``z = relu(gamma A z + phi(W x))`` (gg22 eqs. 1 to 3).

    Samples are rows: X is (n, d), Z and Q are (n, m). The network does not change; :meth:`with_parameters` gives a
    new one. Well posed where ``rho = gamma ||A||_2 < 1``, which the first solve checks. Everything is computed in
    float64, in the array namespace of the parameters (parameters held in NumPy are moved to that of X).

    Parameters
    ----------
    A
        Shape (m, m).
    W
        Shape (m, d).
    b
        Shape (m,), or a column (m, 1), which is stored as (m,).
    gamma
        Positive; the paper's ``gamma0 / sqrt m``.
    phi
        "relu" or "identity", applied to W x.
    trainable
        The parameters that gradient and Gram matrix refer to, some of "A", "W", "b".

    Raises
    ------
    InputError, ShapeError
        On shapes that do not fit, entries that are not finite real numbers, options out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from deqmath.numeric import ReLUNetwork
    >>> net = ReLUNetwork(A=[[0.0, 1.0], [1.0, 0.0]], W=[[1.0], [2.0]], b=[1.0, 1.0], gamma=0.5)
    >>> net.equilibrium([[3.0]]).Z  # z = (I - A/2)^{-1} (3, 6)
    array([[ 8., 10.]])
    >>> net.rho
    0.5
    """

    def injection(self, X: Array) -> Array:
        """``phi(X W^T)`` (gg22 eq. 3), shape (n, m)."""
        net = self._in_namespace_of(X)
        return _injection(net, samples(X, net.inputs, net.W.shape))

    def equilibrium(
        self,
        X: Array,
        *,
        tol: float = DEFAULT_TOL,
        max_sweeps: int = DEFAULT_SWEEPS,
        start: Array | None = None,
        strategy: Strategy | None = None,
        threads: int = 1,
    ) -> Equilibrium:
        """Solve ``Z = relu(gamma Z A^T + phi(X W^T))``, rows are samples (gg22 eq. 2).

        Parameters
        ----------
        X
            Shape (n, d).
        tol
            Relative residual to reach, verified in float64.
        max_sweeps
            After these the status is "not-converged"; sooner where the residual no longer falls, at round-off or where it grows.
        start
            Warm start, shape (n, m); None: zero.
        strategy
            An object of `deqmath.numeric.strategies`; None chooses by size and by the measured contraction rate.
        threads
            Split the samples over so many threads. Pays where BLAS itself runs on one thread, that is with
            ``OPENBLAS_NUM_THREADS=1`` set before Python starts.

        Returns
        -------
        Equilibrium
            ``.Z``, ``.U``, ``.gates``, ``.residual``, ``.sweeps``, ``.rate``, ``.status``.

        Raises
        ------
        NotWellPosedError
            rho >= 1.
        InputError, ShapeError
            X is empty, has NaN, or has another number of columns than W.

        Examples
        --------
        >>> from deqmath.numeric import ReLUNetwork
        >>> net = ReLUNetwork.random(width=50, inputs=3, gamma0=0.25, seed=0)
        >>> eq = net.equilibrium([[1.0, 0.0, 0.0], [0.0, 0.6, 0.8]])
        >>> eq.Z.shape, eq.status, eq.residual <= 1e-14
        ((2, 50), 'converged', True)
        """
        net = self._in_namespace_of(X)
        data = samples(X, net.inputs, net.W.shape)
        workers = count(threads, "threads")
        P = _injection(net, data) if workers == 1 else _injection_beside_copy(net, data)
        return solve_equilibrium(
            net,
            data,
            P,
            start=_start(start, P),
            tol=tolerance(tol),
            max_sweeps=count(max_sweeps, "max_sweeps"),
            strategy=_chosen(strategy),
            threads=workers,
        )

    def adjoint(
        self,
        X: Array | Equilibrium,
        *,
        tol: float = DEFAULT_TOL,
        max_sweeps: int = DEFAULT_SWEEPS,
        start: Array | None = None,
        strategy: Strategy | None = None,
        threads: int = 1,
    ) -> Adjoint:
        """Solve ``q_i = D_i (b + gamma A^T q_i)``, so ``q_i = R_i^T b`` with ``R_i = D_i (I - gamma A D_i)^{-1}``.

        Parameters
        ----------
        X
            Samples, shape (n, d), or an :class:`Equilibrium` of this network.
        tol, max_sweeps, start, strategy, threads
            As in :meth:`equilibrium`.

        Returns
        -------
        Adjoint
            ``.Q`` of shape (n, m), with a verified residual and a status of its own.
        """
        eq = self._solved(X)
        return solve_adjoint(
            eq.network,
            eq,
            start=_start(start, eq.Z),
            tol=tolerance(tol),
            max_sweeps=count(max_sweeps, "max_sweeps"),
            strategy=_chosen(strategy),
            threads=count(threads, "threads"),
        )

    def _solved(self, X: Array | Equilibrium) -> Equilibrium:
        eq = X if isinstance(X, Equilibrium) else self.equilibrium(X)
        if not self._is_that_of(eq.network):
            msg = "this equilibrium belongs to another network; call net.equilibrium(X) on this one"
            raise InputError(msg)
        eq.require_converged()
        return eq

    def linearisation(self, X: Array | Equilibrium | Adjoint) -> Linearisation:
        """The :class:`Linearisation` at the samples: predictions, J^T w, J v and J J^T without J."""
        if isinstance(X, Adjoint):
            self._solved(X.equilibrium)
            adjoint = X
        else:
            adjoint = self.adjoint(X)
        adjoint.require_converged()
        return Linearisation(adjoint.network, adjoint)

    def predict(self, X: Array | Equilibrium) -> Array:
        """``yhat_i = b^T z_i / sqrt m`` (gg22 eq. 1), shape (n,).

        Examples
        --------
        >>> from deqmath.numeric import ReLUNetwork
        >>> net = ReLUNetwork(A=[[0.0]], W=[[2.0]], b=[1.0], gamma=0.5)
        >>> net.predict([[3.0], [-3.0]])
        array([6., 0.])
        """
        eq = self._solved(X)
        with np.errstate(over="ignore", invalid="ignore"):
            return in_range(eq.Z @ eq.network.b / math.sqrt(self.width), "prediction")

    def predict_corrected(self, X: Array, *, sweeps: int = 8) -> CorrectedPrediction:
        """Predictions from k sweeps of each solve, corrected by the adjoint to the accuracy of 2 k sweeps.

        ``b.z_k/sqrt m + v_k.(F(z_k) - z_k)/sqrt m``, for predictions only. It takes 2 k float32 products and one
        in float64, one float64 product less than the equilibrium to the same accuracy, and bounds its own error.

        Parameters
        ----------
        X
            Shape (n, d).
        sweeps
            k; the error falls like ``rate^(2 k)``, down to float64 round-off near k = 9 for a fresh network.

        Returns
        -------
        CorrectedPrediction
            ``.values``, and ``.error``, a bound on what the truncation leaves.

        Examples
        --------
        >>> import numpy as np
        >>> from deqmath.numeric import ReLUNetwork
        >>> net = ReLUNetwork.random(width=50, inputs=3, gamma0=0.2, seed=0)
        >>> quick = net.predict_corrected(np.eye(3), sweeps=9)
        >>> bool(np.all(np.abs(quick.values - net.predict(np.eye(3))) <= quick.error + 1e-14))
        True
        """
        net, k = self._in_namespace_of(X), count(sweeps, "sweeps")
        return corrected_prediction(net, net.injection(X), k)

    def loss(self, X: Array | Equilibrium, y: Array) -> float:
        """``L = ||yhat - y||^2 / 2`` (gg22 eq. 5)."""
        eq = self._solved(X)
        r = self.predict(eq) - targets(y, eq.Z.shape[0], eq.Z)
        with np.errstate(over="ignore", invalid="ignore"):
            return float(in_range(0.5 * eq.network.xp.sum(r * r), "loss"))

    def gradient(self, X: Array | Equilibrium | Adjoint, y: Array) -> Any:
        """The gradient of the loss in the trainable parameters (gg22 eq. 6, gg22lin).

        ``dL/dA = (gamma/sqrt m) sum_i r_i q_i z_i^T``, ``dL/dW = (1/sqrt m) sum_i r_i (phi'(W x_i) o q_i) x_i^T``,
        ``dL/db = sum_i r_i z_i / sqrt m``, with ``r = yhat - y``.

        Returns
        -------
        array or dict
            An array in the parameter's shape for one trainable parameter, a dict by name for several.

        Examples
        --------
        >>> from deqmath.numeric import ReLUNetwork
        >>> net = ReLUNetwork(A=[[0.0]], W=[[2.0]], b=[1.0], gamma=0.5)
        >>> net.gradient([[3.0]], [5.0])  # r = 1, q = 1, z = 6
        array([[3.]])
        """
        J = self.linearisation(X)
        with np.errstate(over="ignore", invalid="ignore"):
            forms = J.pulled_back(J.predictions - targets(y, J.Z.shape[0], J.Z))
        for name, form in forms.items():
            in_range(form, f"gradient in {name}")
        return forms[self.trainable[0]] if len(self.trainable) == 1 else forms

    def gram(self, X: Array | Equilibrium | Adjoint) -> Array:
        """``H = J J^T`` summed over the trainable parameters (gg22 eq. 8, gg22lin), shape (n, n).

        Examples
        --------
        >>> from deqmath.numeric import ReLUNetwork
        >>> net = ReLUNetwork(A=[[0.0]], W=[[2.0]], b=[1.0], gamma=0.5)
        >>> net.gram([[3.0]])
        array([[9.]])
        """
        J = self.linearisation(X)
        with np.errstate(over="ignore", invalid="ignore"):
            return in_range(J.gram(), "Gram matrix H")

    def kernel(self, X: Array | Equilibrium | Adjoint, X2: Array | Equilibrium | Adjoint) -> Array:
        """``K(x, x') = <grad f(x), grad f(x')>`` (gg22 eq. 16) for two sets of samples, shape (n, n')."""
        J, J2 = self.linearisation(X), self.linearisation(X2)
        with np.errstate(over="ignore", invalid="ignore"):
            return in_range(J.gram(J2), "kernel")


def _chosen(strategy: Strategy | None) -> Strategy:
    if strategy is None:
        return Automatic()
    if isinstance(strategy, type) or not callable(getattr(strategy, "solve", None)):
        msg = (
            f"strategy is {strategy!r}; it needs an object of deqmath.numeric.strategies, for example strategy=Picard()"
        )
        raise InputError(msg)
    return strategy


def _injection(net: ReLUNetwork, data: Array) -> Array:
    with np.errstate(over="ignore", invalid="ignore"):
        P = in_range(data @ net.W.T, "injection X W^T")
    return P if net.phi == "identity" else relu(net.xp, P, out=P)


def _injection_beside_copy(net: ReLUNetwork, data: Array) -> Array:
    """The injection, while another thread makes the copy of A in float32, which every part of a split solve needs."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        pool.submit(lambda: net.low_precision)  # what goes wrong there is met again, and raised, by the solve
        return _injection(net, data)


def _start(start: Array | None, like: Array) -> Array | None:
    """A warm start in the shape and the library of `like`."""
    if start is None:
        return None
    given, shape = moved_beside(real_array(start, "start", 2), like, "start"), tuple(like.shape)
    if tuple(given.shape) != shape:
        msg = f"start has shape {tuple(given.shape)}; it needs (n, m) = {shape}, as in start=previous.Z"
        raise ShapeError(msg)
    return given
