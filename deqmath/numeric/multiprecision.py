"""The same network in mpmath, at small size, to a requested number of digits.

It shares no line with the float64 trainer: entries are mpmath numbers of a context of its own (the global
`mpmath.mp` is never touched), the equilibrium is found by Newton's method on the active set, and every formula is
written out again. Samples are rows, as in :class:`~deqmath.numeric.ReLUNetwork`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from deqmath.errors import InputError, NotConvergedError, NotWellPosedError, ShapeError
from deqmath.numeric.multiprecision_numbers import MPMatrix, MPNumber, Numbers, entries
from deqmath.numeric.validate import choice, parameter_names

_MOST_NEWTON = 200


@dataclass(frozen=True, eq=False)
class MultiprecisionEquilibrium:
    """The equilibrium of every sample in many digits.

    Attributes
    ----------
    Z, U
        Shape (n, m), mpmath matrices.
    gates
        ``U > 0``, n rows of m booleans.
    residual
        ``max |relu(gamma A z + phi) - z|`` over all entries, computed after the solve.
    newton_steps
        Active-set solves, all samples together.
    """

    Z: MPMatrix
    U: MPMatrix
    gates: tuple[tuple[bool, ...], ...]
    residual: MPNumber
    newton_steps: int


class MultiprecisionNetwork(Numbers):
    """``f(x) = b^T z / sqrt m``, ``z = relu(gamma A z + phi(W x))`` to `digits` digits (gg22 eqs. 1 to 3).

    Parameters
    ----------
    A, W, b
        Nested sequences or arrays of shapes (m, m), (m, d), (m,). Entries are int, float (taken as the binary
        number it is), `fractions.Fraction`, mpmath numbers, or strings of decimals; strings are read as numbers,
        never evaluated.
    gamma
        A positive number of the same kinds.
    digits
        Decimal digits wanted; 20 more are carried.
    phi, trainable
        As for `ReLUNetwork`.

    Raises
    ------
    InputError, ShapeError
        On entries that are no numbers, or shapes that do not fit.

    Examples
    --------
    >>> from fractions import Fraction
    >>> from deqmath.numeric import MultiprecisionNetwork
    >>> net = MultiprecisionNetwork([[0, 1], [1, 0]], [[1], [2]], [1, 1], Fraction(1, 3), digits=30)
    >>> Z = net.equilibrium([[3]]).Z  # (I - A/3)^{-1} (3, 6) = (45/8, 63/8)
    >>> print(net.context.nstr(Z[0, 0], 10), net.context.nstr(Z[0, 1], 10))
    5.625 7.875
    """

    def __init__(
        self,
        A: Any,
        W: Any,
        b: Any,
        gamma: Any,
        *,
        digits: int = 50,
        phi: str = "relu",
        trainable: tuple[str, ...] = ("A",),
    ) -> None:
        super().__init__(digits)
        self.A, self.W = self.matrix(A, "A"), self.matrix(W, "W")
        self.b = self.matrix([[entry] for entry in entries(b, "b")], "b")
        self.gamma = self.number(gamma, "gamma")
        self.phi = choice(phi, "phi", ("relu", "identity"))
        self.trainable = parameter_names(trainable)
        m = self.b.rows
        if (self.A.rows, self.A.cols, self.W.rows) != (m, m, m):
            msg = (
                f"A has shape {(self.A.rows, self.A.cols)}, W {(self.W.rows, self.W.cols)} and b ({m},); "
                "they need (m, m), (m, d) and (m,)"
            )
            raise ShapeError(msg)
        if not self.gamma > 0:
            msg = f"gamma is {gamma!r}; it needs a number > 0, for example Fraction(1, 20)"
            raise InputError(msg)

    @classmethod
    def from_network(cls, net: Any, *, digits: int = 50) -> Self:
        """The same numbers as a float64 `ReLUNetwork`, exactly."""
        return cls(
            net.A.tolist(),
            net.W.tolist(),
            net.b.tolist(),
            net.gamma,
            digits=digits,
            phi=net.phi,
            trainable=net.trainable,
        )

    @property
    def width(self) -> int:
        """m."""
        return int(self.b.rows)

    @cached_property
    def norm(self) -> MPNumber:
        """``||A||_2``, the root of the largest eigenvalue of A^T A."""
        ctx = self.context
        return ctx.sqrt(max(ctx.eigsy(self.A.T * self.A, eigvals_only=True)))

    @property
    def rho(self) -> MPNumber:
        """``gamma ||A||_2``."""
        return self.gamma * self.norm

    def _samples(self, X: Any) -> MPMatrix:
        found = self.matrix(X, "X")
        if found.cols != self.W.cols:
            msg = f"X has {found.cols} columns but W has shape {(self.W.rows, self.W.cols)}: rows of X are samples"
            raise ShapeError(msg)
        return found

    def injection(self, X: Any) -> MPMatrix:
        """``phi(X W^T)``, shape (n, m)."""
        P = self._samples(X) * self.W.T
        return P if self.phi == "identity" else P.apply(lambda t: t if t > 0 else self.context.zero)

    def _gated(self, gates: Sequence[bool], matrix: MPMatrix) -> MPMatrix:
        """``I - gamma D M``."""
        ctx, m = self.context, self.width
        return ctx.eye(m) - self.gamma * (self.diagonal(gates) * matrix)

    def equilibrium(self, X: Any) -> MultiprecisionEquilibrium:
        """Newton on the active set: solve ``(I - gamma D A) z = D phi``, update D = 1[u > 0], until D repeats.

        Raises
        ------
        NotWellPosedError
            rho >= 1.
        NotConvergedError
            The active set did not settle, or the residual stayed above ``10^-digits``.
        """
        ctx, m = self.context, self.width
        if not self.rho < 1:
            msg = (
                f"rho = gamma ||A||_2 = {ctx.nstr(self.rho, 8)}, and the equilibrium needs rho < 1; use a smaller gamma"
            )
            raise NotWellPosedError(msg)
        P = self.injection(X)
        Z, U = ctx.matrix(P.rows, m), ctx.matrix(P.rows, m)
        gates, total = [], 0
        for i in range(P.rows):
            z, u, steps = self._newton(P[i, :].T)
            total += steps
            gates.append(tuple(bool(u[k] > 0) for k in range(m)))
            for k in range(m):
                Z[i, k], U[i, k] = z[k], u[k]
        check = self.gamma * (Z * self.A.T) + P
        residual = max(abs(max(check[i, k], ctx.zero) - Z[i, k]) for i in range(P.rows) for k in range(m))
        scale = max([abs(x) for x in P] + [ctx.mpf(0)])
        if residual > scale * ctx.mpf(10) ** (-self.digits):
            msg = f"the equilibrium was found to a residual of {ctx.nstr(residual, 3)} only; ask for more digits"
            raise NotConvergedError(msg)
        return MultiprecisionEquilibrium(Z, U, tuple(gates), residual, total)

    def _newton(self, p: MPMatrix) -> tuple[MPMatrix, MPMatrix, int]:
        ctx, m = self.context, self.width
        u, seen = p, set()
        for step in range(1, _MOST_NEWTON + 1):
            gates = tuple(bool(u[k] > 0) for k in range(m))
            z = ctx.lu_solve(self._gated(gates, self.A), self.diagonal(gates) * p)
            u = self.gamma * (self.A * z) + p
            if tuple(bool(u[k] > 0) for k in range(m)) == gates:
                return z, u, step
            if gates in seen:  # Newton cycles: contract from here for a while instead
                for _ in range(20 * step):
                    u = self.gamma * (self.A * u.apply(lambda t: t if t > 0 else ctx.zero)) + p
            seen.add(gates)
        msg = f"the active set did not settle in {_MOST_NEWTON} Newton steps: a pre-activation is 0 to all digits"
        raise NotConvergedError(msg)

    def response(self, gates: Sequence[bool]) -> MPMatrix:
        """``R = (I - gamma D A)^{-1} D``, shape (m, m)."""
        return self.context.inverse(self._gated(gates, self.A)) * self.diagonal(gates)

    def adjoint(self, X: Any) -> MPMatrix:
        """Q of shape (n, m), rows ``q_i = D_i v``, ``(I - gamma A^T D_i) v = b``."""
        ctx, m = self.context, self.width
        eq = self.equilibrium(X)
        Q = ctx.matrix(eq.Z.rows, m)
        for i, gates in enumerate(eq.gates):
            v = ctx.lu_solve(ctx.eye(m) - self.gamma * (self.A.T * self.diagonal(gates)), self.b)
            for k in range(m):
                Q[i, k] = v[k] if gates[k] else ctx.zero
        return Q

    def predict(self, X: Any) -> MPMatrix:
        """``yhat_i = b^T z_i / sqrt m``, an n x 1 matrix."""
        return self.equilibrium(X).Z * self.b / self.context.sqrt(self.width)

    def _adjoint_of_injection(self, X: Any, Q: MPMatrix) -> MPMatrix:
        if self.phi == "identity":
            return Q
        P, found = self._samples(X) * self.W.T, Q.copy()
        for i in range(Q.rows):
            for k in range(Q.cols):
                if not P[i, k] > 0:
                    found[i, k] = self.context.zero
        return found

    def gradient(self, X: Any, y: Any) -> Any:
        """The gradient of ``||yhat - y||^2 / 2`` (gg22 eq. 6): a matrix, or a dict by name for several parameters."""
        ctx = self.context
        data, root = self._samples(X), ctx.sqrt(self.width)
        Z, Q = self.equilibrium(data).Z, self.adjoint(data)
        labels = entries(y, "y")
        if len(labels) != Z.rows:
            msg = f"y has {len(labels)} entries but X has {Z.rows} rows"
            raise ShapeError(msg)
        yhat = Z * self.b / root
        R = ctx.diag([yhat[i] - self.number(labels[i], f"y[{i}]") for i in range(Z.rows)])
        ones = ctx.ones(Z.rows, 1)
        forms = {
            "A": lambda: Q.T * R * Z * (self.gamma / root),
            "W": lambda: self._adjoint_of_injection(data, Q).T * R * data / root,
            "b": lambda: Z.T * R * ones / root,
        }
        found = {name: forms[name]() for name in self.trainable}
        return found[self.trainable[0]] if len(found) == 1 else found

    def gram(self, X: Any) -> MPMatrix:
        """``H`` summed over the trainable parameters (gg22 eq. 8, gg22lin), shape (n, n)."""
        ctx, m, data = self.context, self.width, self._samples(X)
        Z, Q = self.equilibrium(data).Z, self.adjoint(data)
        Qw = self._adjoint_of_injection(data, Q)
        zz, qq, xx, ww = Z * Z.T, Q * Q.T, data * data.T, Qw * Qw.T
        H = ctx.matrix(Z.rows, Z.rows)
        for i in range(Z.rows):
            for j in range(Z.rows):
                forms = {"A": self.gamma**2 * zz[i, j] * qq[i, j], "W": xx[i, j] * ww[i, j], "b": zz[i, j]}
                H[i, j] = sum(forms[name] for name in self.trainable) / m
        return H

    def equilibrium_jacobian(self, x: Any) -> MPMatrix:
        """``dz/dvec(A) = gamma (z^T kron R)`` (gg22 eq. 10), shape (m, m^2); column i + j m is d/dA_ij."""
        eq = self.equilibrium([entries(x, "x")])
        R, m = self.response(eq.gates[0]), self.width
        J = self.context.matrix(m, m * m)
        for j in range(m):
            for i in range(m):
                for k in range(m):
                    J[k, i + j * m] = self.gamma * eq.Z[0, j] * R[k, i]
        return J

    def adjoint_jacobian(self, x: Any) -> MPMatrix:
        """``dq/dvec(A) = gamma (R^T kron q^T)`` (gg22 eq. 11), shape (m, m^2), gates held constant."""
        eq = self.equilibrium([entries(x, "x")])
        R, m = self.response(eq.gates[0]), self.width
        q = R.T * self.b
        J = self.context.matrix(m, m * m)
        for j in range(m):
            for i in range(m):
                for k in range(m):
                    J[k, i + j * m] = self.gamma * R[j, k] * q[i]
        return J
