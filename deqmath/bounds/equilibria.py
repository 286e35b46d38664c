"""``equilibrium``: the equilibria of a ReLU implicit network, proved to exist, enclosed, and their signs decided."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deqmath.bounds.certificates.monotone import monotone_constant
from deqmath.bounds.equilibrium_record import Ball, EquilibriumEnclosure
from deqmath.bounds.equilibrium_start import Start, first_gates
from deqmath.bounds.exact_products import ExactMatrix, exact_matmul
from deqmath.bounds.gated_systems import GatedSystem, Gates, times_dyadic
from deqmath.bounds.inputs import Array, balanced, float_matrix, float_vector
from deqmath.bounds.integers import Scaled
from deqmath.bounds.lambda_bounds import ASSUMPTIONS, require_digits
from deqmath.bounds.network_certificates import Subject
from deqmath.bounds.operators import FUDGE, frobenius_up
from deqmath.bounds.probes import require_sound_arithmetic
from deqmath.bounds.rationals import exact, floor_log2, short_up, sqrt_up, two_to
from deqmath.errors import InputError, ShapeError
from deqmath.stages import stage

if TYPE_CHECKING:
    from deqmath.numeric import ReLUNetwork

CALL = "dm.bounds.equilibrium(net, X, digits=15)"
GUARD_BITS = 12
SIGN_BITS = 640
"""Signs that a ball of the radius asked for leaves open are tried again with a residual of 2**-640 (190 digits)."""
CHUNK_ENTRIES = 2**24
MOST_CHUNK = 64
MOST_ROUNDS = 12
NORM_ROWS = 256
SAFE_EXPONENT = 100
"""A is balanced when its largest entry lies outside 2**-100 .. 2**100, so that products with it hardly underflow."""
UNDECIDED = "I - gamma A could not be proved monotone (gamma ||A|| < 1 would do); use a smaller gamma"


@dataclass(frozen=True)
class Weights:
    """The parameters of a network, exact, A balanced: ``A_net = 2**e A``, ``gamma = 2**e network_gamma``.

    ``||A - core|| <= slip`` where the core is what exact products multiply by. Only the product ``gamma A`` is the
    network's own: where gamma stands without A (``gamma^2/m`` of the Gram matrix) it is `network_gamma` that is meant.
    """

    a: Array
    w: Array
    b: Array
    gamma: Fraction
    network_gamma: Fraction
    phi: str
    rows: Array
    slip: Fraction

    @property
    def float_gamma(self) -> float:
        """gamma, which is a float64 number as long as it does not overflow."""
        return float(self.gamma)

    @property
    def tiny(self) -> float:
        """More than what underflow adds to an entry of ``fl(gamma (A z) + phi)``, and to an entry of z times its row."""
        return 1e-290 + self.width * (1 + float(self.rows.max())) * (self.float_gamma * 2.0**-1000) * 2.0**-60

    @property
    def width(self) -> int:
        """m."""
        return int(self.a.shape[0])


def weights_of(net: ReLUNetwork, call: str = CALL) -> Weights:
    """The network's float64 parameters, refused unless they are NumPy arrays (entries are taken exactly)."""
    if any(not hasattr(net, name) for name in ("A", "W", "b", "gamma", "phi")):
        msg = f"net is a {type(net).__name__}; needed a ReLUNetwork, z = relu(gamma A z + phi(W x)), as in {call}"
        raise InputError(msg)
    a = float_matrix(np.ascontiguousarray(net.A) if isinstance(net.A, np.ndarray) else net.A, "net.A", call)
    w, m = float_matrix(net.W, "net.W", call), a.shape[0]
    scaled, e, lost = balanced(a, SAFE_EXPONENT)
    gamma = exact(net.gamma) * two_to(e)
    if not two_to(-900) < gamma < two_to(900):
        msg = f"gamma = {net.gamma!r} and A (largest entry {abs(a).max():.3g}) are too far apart for float64; scale A first"
        raise InputError(msg)
    return Weights(
        a=scaled,
        w=w,
        b=float_vector(net.b, m, "net.b", call),
        gamma=gamma,
        network_gamma=exact(net.gamma),
        phi=net.phi,
        rows=row_norms(scaled),
        slip=lost,
    )


def equilibrium(net: ReLUNetwork, X: Array, digits: int = 15) -> EquilibriumEnclosure:
    r"""Every sample's equilibrium ``z = relu(gamma A z + phi(W x))`` (gg22 eq. 2): existence, uniqueness, ball, signs.

    Parameters
    ----------
    net : ReLUNetwork
        A, W, b and gamma are taken exactly as the float64 numbers they are.
    X : ndarray of float64, shape (n, d)
        Rows are samples, taken exactly; ``phi(W x)`` is computed without rounding.
    digits : int
        The radius asked for is ``10**-digits`` times the largest entry of z.

    Returns
    -------
    EquilibriumEnclosure
        ``[i]`` is the ball of sample i: ``.centre``, ``.radius``, ``.signs``, ``.undecided``. Undecided as a whole when
        ``I - gamma A`` could not be proved monotone.

    Raises
    ------
    InputError, ShapeError
        For X that is not a finite float64 matrix of the network's width, or digits out of range.

    Notes
    -----
    One Cholesky factorisation proves ``lambda_min(I - gamma (A + A^T)/2) >= c > 0``, so that z exists, is unique, and
    lies within ``(2 + gamma ||A||_F)/c ||F(z) - z||`` of any z (see `certificates.monotone`; ``gamma ||A|| < 1`` is
    sufficient but not necessary). z is refined on its active rows with one LU factorisation and exact residuals. Once
    every sign is proved, z solves a linear system and the ball shrinks to ``||F(z) - z||/c``.

    References
    ----------
    gg22 (2), Lemma 2.2; E. Winston and J. Z. Kolter, NeurIPS 2020; R. Mathias and J.-S. Pang, Linear Algebra Appl.
    132 (1990).

    Examples
    --------
    >>> import numpy as np
    >>> from deqmath.bounds import equilibrium
    >>> from deqmath.numeric import ReLUNetwork
    >>> net = ReLUNetwork(A=[[0.0, 1.0], [1.0, 0.0]], W=[[1.0], [-2.0]], b=[1.0, 1.0], gamma=0.25)
    >>> found = equilibrium(net, np.array([[3.0]]), digits=30)  # z = (16/5, 4/5): phi = (3, 0)
    >>> print(found)                                                            # doctest: +ELLIPSIS
    one and only one equilibrium for each of 1 samples, within ...; all 2 signs proved
    >>> from fractions import Fraction
    >>> Fraction(16, 5) in found[0][0], found.digits >= 30
    (True, True)
    """
    wanted = require_digits(digits, CALL)
    return equilibria_of(net, weights_of(net), samples_of(net, X), wanted)


def equilibria_of(net: ReLUNetwork, weights: Weights, data: Array, digits: int) -> EquilibriumEnclosure:
    """:func:`equilibrium` of what is known to fit, to any number of digits: other bounds ask for a few more than their own."""
    require_sound_arithmetic()
    stage("well-posedness")
    c = monotone_constant(weights.a, weights.float_gamma, weights.slip)
    if c is None:
        return EquilibriumEnclosure((), Fraction(0), "undecided", UNDECIDED, ASSUMPTIONS)
    injection = exact_injection(weights, data)
    size = max(1, min(MOST_CHUNK, CHUNK_ENTRIES // weights.width**2))
    balls: list[Ball] = []
    for start in range(0, data.shape[0], size):
        stage("equilibria", start, data.shape[0])
        part = Scaled(injection.values[:, start : start + size], injection.exponent)
        balls += _Chunk(weights, c, part).balls(digits)
    return EquilibriumEnclosure(tuple(balls), c, "proved", "", ASSUMPTIONS, Subject.of(net, data))


def samples_of(net: ReLUNetwork, X: Array, call: str = CALL) -> Array:
    """``X`` as a finite float64 matrix of the network's width of input, or an error with the call that works."""
    data = float_matrix(X, "X", call.replace("X", "{}"))
    if data.shape[1] != net.W.shape[1]:
        msg = f"X has shape {data.shape}; needed (n, {net.W.shape[1]}), rows are samples: {call}"
        raise ShapeError(msg)
    return data


def exact_injection(weights: Weights, data: Array) -> Scaled:
    """``phi(W X^T)``, exact, shape (m, n)."""
    inner = exact_matmul(weights.w, np.ascontiguousarray(data.T))
    if weights.phi == "identity":
        return inner
    if weights.phi != "relu":
        msg = f"phi is {weights.phi!r}; exact enclosures know 'relu' and 'identity'"
        raise InputError(msg)
    return Scaled(np.where(inner.values > 0, inner.values, 0), inner.exponent)


class _Chunk:
    """A few samples at once: columns normalised to ``max |phi_j|`` between 1/2 and 1 (the map is homogeneous)."""

    def __init__(self, weights: Weights, c: Fraction, injection: Scaled) -> None:
        self.weights, self.c = weights, c
        bits = [Scaled(injection.values[:, [j]], 0).largest_bits() for j in range(injection.values.shape[1])]
        top = max(bits)
        self.scales = [injection.exponent + k for k in bits]
        shifts = np.array([top - k for k in bits], dtype=object)
        self.injection = Scaled(injection.values << shifts, -top)
        self.floats = self.injection.near()
        norm = frobenius_up(weights.a)
        self.stretch = (2 + weights.gamma * (norm + weights.slip)) / c

    def balls(self, digits: int) -> list[Ball]:
        """Every column's ball; gates that turn out wrong are corrected and tried again."""
        start = first_gates(self.weights.a, self.weights.float_gamma, self.floats)
        done: dict[int, Ball] = {}
        tried: list[set[bytes]] = [set() for _ in self.scales]
        todo, bits = list(range(len(self.scales))), _bits(digits, self.stretch)
        most = max(SIGN_BITS, 2 * bits)
        for _ in range(MOST_ROUNDS):
            again: list[int] = []
            for j, (ball, gate) in zip(todo, self._round(todo, start, bits), strict=True):
                done[j] = min(done.get(j, ball), ball, key=lambda b: (int(b.undecided.sum()), b.radius))
                tried[j].add(start.gates[:, j].tobytes())
                if ball.signs_decided and ball.digits >= digits:
                    continue
                fresh = gate.tobytes() not in tried[j]
                if fresh:
                    start = start.replaced(j, gate, self.weights.a, self.weights.float_gamma)
                if fresh or bits < most:
                    again.append(j)
            if not again:
                break
            todo, bits = again, most
        return [
            replace(
                done[j],
                centre=Scaled(done[j].centre.values, done[j].centre.exponent + scale),
                radius=done[j].radius * two_to(scale),
            )
            for j, scale in enumerate(self.scales)
        ]

    def _round(self, columns: list[int], start: Start, bits: int) -> list[tuple[Ball, Gates]]:
        gates = start.gates[:, columns]
        rows = np.flatnonzero(gates.any(axis=1))
        offset = Scaled(np.where(gates, self.injection.values[:, columns], 0)[rows], self.injection.exponent)
        m, w = self.weights.width, self.weights
        if rows.size == 0:
            zero = Scaled(np.zeros((m, len(columns)), dtype=object), 0)
            z, residual, slip = zero, zero, w.slip
        else:
            matrix = ExactMatrix(w.a if rows.size == m else np.ascontiguousarray(w.a[np.ix_(rows, rows)]))
            factors = [start.factors[j].within(rows) for j in columns]
            inner, left = GatedSystem(matrix, w.gamma, factors).solve(offset, bits)
            z, residual = _spread(inner, rows, m), _spread(left, rows, m)
            slip = w.slip + matrix.remainder
        return [self._judge(j, z, residual, k, gates[:, k], slip) for k, j in enumerate(columns)]

    def _judge(self, j: int, z: Scaled, residual: Scaled, k: int, gate: Gates, slip: Fraction) -> tuple[Ball, Gates]:
        """The ball round column k, the proved signs, and the gates that its pre-activations suggest."""
        w = self.weights
        column = Scaled(z.values[:, [k]], z.exponent)
        floats = np.ldexp(*column.floats())[:, 0]
        u, error = w.float_gamma * (w.a @ floats) + self.floats[:, j], self._float_error(floats, j)
        shut = ~gate & (u < -error)
        open_rows = np.flatnonzero(~gate & ~shut)
        exact_u = column.plus(Scaled(residual.values[:, [k]], residual.exponent))
        if open_rows.size:
            rows = ExactMatrix(np.ascontiguousarray(w.a[open_rows]))
            slip = slip + rows.remainder
            product = times_dyadic(rows.times(column), w.gamma)
            there = product.plus(Scaled(self.injection.values[open_rows][:, [j]], self.injection.exponent))
            low = min(exact_u.exponent, there.exponent)
            values = exact_u.shifted(low).values.copy()
            values[open_rows] = there.shifted(low).values
            exact_u = Scaled(values, low)
        known = Scaled(np.where(shut[:, None], 0, exact_u.values), exact_u.exponent)
        map_error = Scaled(np.where(known.values > 0, known.values, 0), known.exponent).minus(column)
        size = norm_up(column)
        length = norm_up(map_error) + w.gamma * slip * size
        radius = short_up(self.stretch * length)
        signs, undecided = self._signs(known, shut, u, error, radius, w.gamma * slip * size)
        if not (undecided.any() or column.values[signs <= 0].any()):  # z_N = 0: the residual is that of A_SS alone
            radius = min(radius, short_up(length / self.c))
        suggested = np.where(shut, False, np.array(known.values[:, 0] > 0, dtype=bool))
        return Ball(column, radius, signs, undecided), suggested

    def _float_error(self, z: Array, j: int) -> Array:
        """At least the error of ``fl(gamma A z + phi)`` for the rounded z, row by row; eight times what is needed."""
        m, w = self.weights.width, self.weights
        norm = length(z)
        size = w.float_gamma * w.rows * norm + np.abs(self.floats[:, j])
        slip = float(w.slip * w.gamma) * norm
        return np.asarray(8 * (m + 8) * 2.0**-53 * size + 2 * slip + w.tiny, dtype=np.float64)

    def _signs(
        self, u: Scaled, shut: Gates, floats: Array, error: Array, radius: Fraction, slip: Fraction
    ) -> tuple[NDArray[np.int8], Gates]:
        """``|u_k(z) - u_k(z*)| <= gamma ||A_k|| ||z - z*||``: decide each sign, or leave it undecided."""
        w = self.weights
        margin = w.gamma * exact(float(w.rows.max())) * FUDGE * radius + slip
        most = float(margin) * 1.001 + 1e-290
        clear = (margin / two_to(u.exponent)).__ceil__()
        values: NDArray[np.object_] = u.values[:, 0]
        signs = np.where(shut, -1, np.sign(values)).astype(np.int8)
        far = np.array(np.abs(values) > clear, dtype=bool)
        decided = np.where(shut, floats + error < -most, far | (clear == 0))
        return signs, ~decided


def row_norms(matrix: Array) -> Array:
    """The norms of the rows in float64; the squares of their entries neither overflow nor underflow."""
    norms = np.zeros(matrix.shape[0])
    for first in range(0, matrix.shape[0], NORM_ROWS):
        part = matrix[first : first + NORM_ROWS]
        exponents = np.frexp(np.abs(part).max(axis=1))[1]
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            sizes = np.linalg.norm(np.ldexp(part, -exponents[:, None]), axis=1)
            norms[first : first + NORM_ROWS] = np.ldexp(sizes, exponents)
    return norms


def length(vector: Array) -> float:
    """The Euclidean norm in float64; see `row_norms`."""
    return float(row_norms(vector[None, :])[0])


def norm_up(column: Scaled) -> Fraction:
    """At least the Euclidean norm of a column."""
    total = sum(int(v) ** 2 for v in column.values[:, 0].tolist())
    return sqrt_up(Fraction(total) * two_to(2 * column.exponent))


def _bits(digits: int, stretch: Fraction) -> int:
    """Bits of the residual that make a ball of the radius asked for."""
    return int(digits * 3.3219281) + GUARD_BITS + max(0, floor_log2(stretch))


def _spread(block: Scaled, rows: NDArray[np.intp], m: int) -> Scaled:
    values = np.zeros((m, block.values.shape[1]), dtype=object)
    values[rows] = block.values
    return Scaled(values, block.exponent)
