"""The softmax network in mpmath, at small size, to a requested number of digits; no line is shared with float64."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Self

from deqmath.errors import InputError, NotWellPosedError, ShapeError
from deqmath.numeric.multiprecision_numbers import MPMatrix, MPNumber, Numbers
from deqmath.numeric.validate import choice, parameter_names


class MultiprecisionSoftmaxNetwork(Numbers):
    """``f(x) = B z``, ``z = gamma S z + phi(x)``, S the softmax of A down each column, to `digits` digits (k21).

    Parameters
    ----------
    A, B
        Nested sequences or arrays of shapes (m, m) and (p, m); entries as in `MultiprecisionNetwork`.
    gamma
        Between 0 and 1.
    digits
        Decimal digits wanted; 20 more are carried.
    trainable
        Some of "A", "B".

    Examples
    --------
    >>> from deqmath.numeric import MultiprecisionSoftmaxNetwork
    >>> net = MultiprecisionSoftmaxNetwork([[0, 0], [0, 0]], [[1, 0]], "0.5", digits=30)
    >>> print(net.context.nstr(net.predict([[1, 3]])[0], 10))  # z = (3, 5)
    3.0
    """

    def __init__(
        self, A: Any, B: Any, gamma: Any, *, digits: int = 50, trainable: tuple[str, ...] = ("A", "B")
    ) -> None:
        super().__init__(digits)
        self.A, self.B = self.matrix(A, "A"), self.matrix(B, "B")
        self.gamma = self.number(gamma, "gamma")
        self.trainable = parameter_names(trainable, ("A", "B"))
        if self.A.rows != self.A.cols or self.B.cols != self.A.rows:
            msg = f"A has shape {(self.A.rows, self.A.cols)}, B {(self.B.rows, self.B.cols)}; they need (m, m), (p, m)"
            raise ShapeError(msg)
        if not 0 < self.gamma < 1:
            msg = f"gamma is {gamma!r}; the softmax equilibrium needs 0 < gamma < 1, for example Fraction(1, 2)"
            raise NotWellPosedError(msg)

    @classmethod
    def from_network(cls, net: Any, *, digits: int = 50) -> Self:
        """The same numbers as a float64 `SoftmaxNetwork`, exactly."""
        return cls(net.A.tolist(), net.B.tolist(), net.gamma, digits=digits, trainable=net.trainable)

    @property
    def width(self) -> int:
        """m."""
        return int(self.A.rows)

    @cached_property
    def S(self) -> MPMatrix:
        """The softmax of A down each column."""
        ctx, m = self.context, self.width
        found = ctx.matrix(m, m)
        for j in range(m):
            column = [ctx.exp(self.A[i, j]) for i in range(m)]
            total = ctx.fsum(column)
            for i in range(m):
                found[i, j] = column[i] / total
        return found

    @cached_property
    def inverse(self) -> MPMatrix:
        """``U^{-1} = (I - gamma S)^{-1}``."""
        return self.context.inverse(self.context.eye(self.width) - self.gamma * self.S)

    @cached_property
    def Wbar(self) -> MPMatrix:
        """``B U^{-1}``, shape (p, m)."""
        return self.B * self.inverse

    def equilibrium(self, X: Any) -> MPMatrix:
        """Z of shape (n, m), rows ``z_i = U^{-1} phi_i``."""
        return (self.inverse * self.matrix(X, "X").T).T

    def predict(self, X: Any) -> MPMatrix:
        """``B z_i``, shape (n, p)."""
        return self.equilibrium(X) * self.B.T

    def _errors(self, X: Any, y: Any, loss: str) -> tuple[MPMatrix, MPMatrix, MPNumber]:
        """X, dL/df (n x p) and the loss."""
        ctx, data, targets = self.context, self.matrix(X, "X"), self.matrix(y, "y")
        F = data * self.Wbar.T
        if (F.rows, F.cols) != (targets.rows, targets.cols):
            msg = f"y has shape {(targets.rows, targets.cols)}; it needs {(F.rows, F.cols)}"
            raise ShapeError(msg)
        if choice(loss, "loss", ("square", "logistic")) == "square":
            return data, F - targets, ctx.fsum((f - t) ** 2 for f, t in zip(F, targets, strict=True)) / 2
        if any(abs(t) != 1 for t in targets):
            msg = 'loss="logistic" needs targets y of -1 and +1'
            raise InputError(msg)
        pairs = [(i, k) for i in range(F.rows) for k in range(F.cols)]
        R = ctx.matrix(F.rows, F.cols)
        for i, k in pairs:
            R[i, k] = -targets[i, k] / (1 + ctx.exp(targets[i, k] * F[i, k]))
        return data, R, ctx.fsum(ctx.log(1 + ctx.exp(-targets[i, k] * F[i, k])) for i, k in pairs)

    def loss(self, X: Any, y: Any, *, loss: str = "square") -> MPNumber:
        """The square or the logistic loss; y is (n, p)."""
        return self._errors(X, y, loss)[2]

    def loss_slope(self, X: Any, y: Any, *, loss: str = "square") -> MPMatrix:
        """``G = grad L_0(Wbar)``, shape (p, m)."""
        data, R, _ = self._errors(X, y, loss)
        return R.T * data

    def _curvature(self, j: int) -> MPMatrix:
        """``J_j = diag(s_j) - s_j s_j^T``."""
        s = self.S[:, j]
        return self.context.diag(list(s)) - s * s.T

    def gradient(self, X: Any, y: Any, *, loss: str = "square") -> dict[str, MPMatrix]:
        """``dL/dB = G U^{-T}``, column j of ``dL/dA`` is ``gamma J_j [Wbar^T G U^{-T}]_j`` (k21), both by name."""
        slope = self.loss_slope(X, y, loss=loss) * self.inverse.T
        M, found = self.Wbar.T * slope, self.context.matrix(self.width, self.width)
        for j in range(self.width):
            column = self.gamma * (self._curvature(j) * M[:, j])
            for i in range(self.width):
                found[i, j] = column[i]
        return {name: {"A": found, "B": slope}[name] for name in self.trainable}

    def dynamics(self, V: Any) -> MPMatrix:
        """``D_t vec(V)`` in the shape of V, as for the float64 network."""
        first = self.matrix(V, "V") * self.inverse.T
        found = self.context.matrix(first.rows, first.cols)
        for j in range(self.width):
            column = self.context.zero * first[:, j]
            if "B" in self.trainable:
                column += first[:, j]
            if "A" in self.trainable:
                J = self._curvature(j)
                column += self.gamma**2 * (self.Wbar * (J * (J * (self.Wbar.T * first[:, j]))))
            for i in range(found.rows):
                found[i, j] = column[i]
        return found * self.inverse
