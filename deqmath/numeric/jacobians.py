"""Dense Jacobians of z and q in vec(A) at small width, by the formulas and by differences of the model itself.

Numerator layout, vec stacks columns: column ``k = i + j m`` of a Jacobian is the derivative in A_ij. The training
code never forms these; they referee gg22 equations (10) and (11).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deqmath.errors import InputError, KinkError, NotConvergedError
from deqmath.numeric.arrays import Array, is_foreign, is_numpy
from deqmath.numeric.equilibrium import Adjoint, Equilibrium, solve_gated
from deqmath.numeric.network import DEFAULT_SWEEPS, DEFAULT_TOL, ReLUNetwork
from deqmath.numeric.strategies import Automatic
from deqmath.numeric.validate import in_range, positive, real_array

#: m^3 numbers are stored.
_MOST_WIDTH = 128

Matrix = NDArray[np.float64]


def _one(net: ReLUNetwork, x: Any) -> Array:
    if net.width > _MOST_WIDTH:
        msg = (
            f"width {net.width} would need {net.width**3} numbers; dense Jacobians are for width <= {_MOST_WIDTH}, "
            "use equilibrium_jvp(net, X, V) instead"
        )
        raise InputError(msg)
    if is_foreign(x) or not is_numpy(net.xp):
        msg = "dense Jacobians are for NumPy arrays; convert x and the parameters with np.asarray first"
        raise InputError(msg)
    return real_array(x, "x", 1)[None, :]


def _response(net: ReLUNetwork, gates: NDArray[np.bool_]) -> Matrix:
    """``R = (I - gamma D A)^{-1} D``, shape (m, m)."""
    D = np.diag(gates.astype(np.float64))
    found: Matrix = np.linalg.solve(np.eye(net.width) - net.gamma * D @ net.A, D)
    return found


def equilibrium_jacobian(net: ReLUNetwork, x: Any) -> Matrix:
    """``dz/dvec(A) = gamma (z^T kron R)`` (gg22 eq. 10), shape (m, m^2), by the formula.

    Parameters
    ----------
    net
        Width at most 128.
    x
        One sample, shape (d,).

    Examples
    --------
    >>> from deqmath.numeric import ReLUNetwork, equilibrium_jacobian
    >>> net = ReLUNetwork(A=[[0.0, 1.0], [1.0, 0.0]], W=[[1.0], [2.0]], b=[1.0, 1.0], gamma=0.5)
    >>> equilibrium_jacobian(net, [3.0]).shape
    (2, 4)
    """
    eq = net.equilibrium(_one(net, x))
    return net.gamma * np.kron(eq.Z[0][None, :], _response(net, eq.gates[0]))


def adjoint_jacobian(net: ReLUNetwork, x: Any) -> Matrix:
    """``dq/dvec(A) = gamma (R^T kron q^T)`` (gg22 eq. 11), shape (m, m^2), by the formula, gates held constant.

    Parameters and layout as in :func:`equilibrium_jacobian`.
    """
    eq = net.equilibrium(_one(net, x))
    R = _response(net, eq.gates[0])
    return net.gamma * np.kron(R.T, (R.T @ net.b)[None, :])


def _differences(net: ReLUNetwork, x: Any, h: float, f: Callable[[Equilibrium], Matrix]) -> Matrix:
    row, step, m = _one(net, x), positive(h, "h"), net.width
    gates = net.equilibrium(row).gates
    jacobian = np.empty((m, m * m))
    for j in range(m):
        for i in range(m):
            sides = []
            for sign in (1.0, -1.0):
                A = np.array(net.A)
                A[i, j] += sign * step
                eq = net.with_parameters(A=A).equilibrium(row)
                if not np.array_equal(eq.gates, gates):
                    msg = f"a gate switches within {step:.3g} of A[{i}, {j}]: no derivative by differences; use a smaller h"
                    raise KinkError(msg)
                sides.append(f(eq))
            jacobian[:, i + j * m] = (sides[0] - sides[1]) / (2.0 * step)
    return jacobian


def equilibrium_jacobian_by_differences(net: ReLUNetwork, x: Any, h: float = 1e-5) -> Matrix:
    """``dz/dvec(A)``, shape (m, m^2), by central differences of the equilibrium: no formula is used.

    Parameters
    ----------
    net, x
        As in :func:`equilibrium_jacobian`.
    h
        Step in each entry of A; the error is of order ``h^2 + u/h``.

    Raises
    ------
    KinkError
        A gate switches within h.
    """
    return _differences(net, x, h, lambda eq: np.asarray(eq.Z[0]))


def adjoint_jacobian_by_differences(net: ReLUNetwork, x: Any, h: float = 1e-5) -> Matrix:
    """``dq/dvec(A)``, shape (m, m^2), by central differences of the adjoint; see the equilibrium's twin."""
    return _differences(net, x, h, lambda eq: np.asarray(eq.network.adjoint(eq).Q[0]))


def equilibrium_jvp(net: ReLUNetwork, X: Array | Equilibrium | Adjoint, V: Array) -> tuple[Array, Array]:
    """The derivatives of Z and Q along ``dA = V``, for all samples, without any m x m^2 matrix.

    ``dz = D (gamma A dz + gamma V z)`` and ``dq = D (gamma A^T dq + gamma V^T q)``, each solved like the
    equilibrium: equations (10) and (11) applied to vec(V), that is ``gamma R V z`` and ``gamma R^T V^T q``.

    Parameters
    ----------
    net
        The network.
    X
        Samples (n, d), or a solved equilibrium or adjoint.
    V
        Direction, shape (m, m).

    Returns
    -------
    (array, array)
        dZ and dQ, each of shape (n, m).

    Examples
    --------
    >>> import numpy as np
    >>> from deqmath.numeric import ReLUNetwork, equilibrium_jvp
    >>> net = ReLUNetwork.random(width=10, inputs=2, gamma0=0.25, seed=0)
    >>> dZ, dQ = equilibrium_jvp(net, np.eye(2), np.ones((10, 10)))
    >>> dZ.shape, dQ.shape
    ((2, 10), (2, 10))
    """
    direction = real_array(V, "V", 2)
    if tuple(direction.shape) != (net.width, net.width):
        msg = f"V has shape {tuple(direction.shape)}; it needs the shape of A, {(net.width, net.width)}"
        raise InputError(msg)
    J = net.linearisation(X)
    eq = J.adjoint.equilibrium
    found = []
    with np.errstate(over="ignore", invalid="ignore"):
        offsets = (
            in_range(J.net.gamma * (J.Z @ direction.T), "V z"),
            in_range(J.net.gamma * (J.Q @ direction), "V^T q"),
        )
    for offset, transpose in zip(offsets, (False, True), strict=True):
        solution = solve_gated(
            J.net,
            eq,
            offset,
            transpose=transpose,
            start=None,
            tol=DEFAULT_TOL,
            max_sweeps=DEFAULT_SWEEPS,
            strategy=Automatic(),
        )
        if not solution.converged:
            msg = (
                f"the derivative did not converge: relative residual {solution.residual:.3g}, needed {DEFAULT_TOL:.3g}"
            )
            raise NotConvergedError(msg)
        found.append(solution.x)
    return found[0], found[1]
