r"""Temple's and Lehmann's bounds in exact rationals: quadratic in the residual.

Let ``lambda_{p+1}(S) >= nu`` and let X have p columns. If, for some ``sigma < nu``, the p x p matrix

.. math:: X^T (S - \nu I)(S - \sigma I) X = X^T S^2 X - (\nu + \sigma) X^T S X + \nu\sigma X^T X

is negative definite, then ``lambda_1(S) > sigma``. Proof: the quadratic form of ``f(S)``,
``f(t) = (t - nu)(t - sigma)``, is negative on a space of dimension p, so at least p eigenvalues of S lie strictly
between sigma and nu. Were ``lambda_1 <= sigma``, they would be among ``lambda_2, lambda_3, ...``, hence
``lambda_{p+1} < nu``, a contradiction. For p = 1 this is Temple's inequality (1928),
``lambda_1 >= theta - ||S x - theta x||^2 / ((nu - theta) ||x||^2)``, and in general Lehmann's (1949) best bound.
When X spans the whole space the condition on ``lambda_{p+1}`` is void.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from mpmath import MPContext

from deqmath.bounds.integers import Scaled, gram
from deqmath.bounds.rationals import floor_log2, round_down, two_to

Rows = list[list[int]]


class BlockForms:
    """The three exact p x p matrices ``X^T X``, ``X^T S X``, ``X^T S^2 X`` as integers over one power of two."""

    def __init__(self, x: Scaled, sx: Scaled) -> None:
        self.p = x.values.shape[1]
        self.exponent = 2 * min(x.exponent, sx.exponent)
        forms = (gram(x, x), gram(x, sx), gram(sx, sx))
        self.a0, self.a1, self.a2 = (_rows(form.shifted(self.exponent)) for form in forms)

    def rayleigh(self, y: list[int]) -> Fraction:
        """``(Xy)^T S (Xy) / (Xy)^T (Xy)``: an upper bound of the smallest eigenvalue for every y with Xy != 0."""
        return Fraction(_form(self.a1, y), _form(self.a0, y))

    def proves(self, nu: Fraction, sigma: Fraction) -> bool:
        """Whether ``X^T (S - nu)(S - sigma) X`` is negative definite, decided in integers."""
        if sigma >= nu:
            return False
        d = nu.denominator * sigma.denominator
        linear, constant = (nu + sigma) * d, nu * sigma * d
        minus = [
            [int(linear) * self.a1[i][j] - int(constant) * self.a0[i][j] - d * self.a2[i][j] for j in range(self.p)]
            for i in range(self.p)
        ]
        return is_positive_definite_integer(minus)

    def enclosure(self, nu: Fraction, bits: int, floor: Fraction) -> tuple[Fraction | None, Fraction]:
        """``(lower, upper)`` of the smallest eigenvalue; lower is None when this X and nu prove none.

        ``bits`` is the precision of the candidates; widths below ``floor`` are not worth resolving.
        """
        if self.p == 1:
            return self._temple(nu)
        return self._lehmann(nu, bits, floor)

    def _temple(self, nu: Fraction) -> tuple[Fraction | None, Fraction]:
        norm, first, second = self.a0[0][0], self.a1[0][0], self.a2[0][0]
        theta = Fraction(first, norm)
        if theta >= nu:
            return None, theta
        residual = Fraction(second * norm - first * first, norm * norm)
        return theta - residual / (nu - theta), theta

    def _lehmann(self, nu: Fraction, bits: int, floor: Fraction) -> tuple[Fraction | None, Fraction]:
        """Candidates from a private mpmath context; the upper one is a Rayleigh quotient, the lower one is proved."""
        found = _pencil(self.a1, self.a0, bits)
        if found is None:
            return None, min(Fraction(self.a1[i][i], self.a0[i][i]) for i in range(self.p) if self.a0[i][i])
        upper = self.rayleigh(found[1])
        flipped = [[nu.numerator * a - nu.denominator * b for a, b in zip(*r, strict=True)] for r in self._pairs(0, 1)]
        squared = [[nu.numerator * a - nu.denominator * b for a, b in zip(*r, strict=True)] for r in self._pairs(1, 2)]
        low = _pencil(squared, flipped, bits)
        if low is None:
            return None, upper
        step = max(abs(upper - low[0]), abs(upper) * two_to(-bits), floor / 64)
        for _ in range(40):
            sigma = round_down(min(low[0], upper) - step / 16, floor_log2(step) - 12)
            if self.proves(nu, sigma):
                return sigma, upper
            step *= 4
        return None, upper

    def _pairs(self, a: int, b: int) -> list[tuple[list[int], list[int]]]:
        forms = (self.a0, self.a1, self.a2)
        return list(zip(forms[a], forms[b], strict=True))


def is_positive_definite_integer(matrix: Rows) -> bool:
    """Sylvester's criterion by fraction-free elimination (Bareiss 1968): the pivots are the leading minors."""
    rows, previous = [row[:] for row in matrix], 1
    for k in range(len(rows)):
        pivot = rows[k][k]
        if pivot <= 0:
            return False
        for i in range(k + 1, len(rows)):
            factor = rows[i][k]
            for j in range(i, len(rows)):
                rows[j][i] = rows[i][j] = (rows[i][j] * pivot - factor * rows[k][j]) // previous
        previous = pivot
    return True


def _pencil(a: Rows, b: Rows, bits: int) -> tuple[Fraction, list[int]] | None:
    """About the smallest eigenvalue of ``a y = t b y`` (b positive definite) and its y as integers; a candidate only."""
    context = MPContext()
    context.prec = 2 * bits + 64
    left, right = context.matrix(a), context.matrix(b)
    scale = max(abs(right[i, i]) for i in range(right.rows))
    if scale == 0:
        return None
    try:
        factor = context.cholesky(right / scale)
        half = _forward(context, factor, left / scale)
        whole = _forward(context, factor, half.T)
        values, vectors = context.eigsy((whole + whole.T) / 2)
    except (ValueError, ZeroDivisionError, RuntimeError):
        return None
    y = _backward(context, factor, vectors[:, 0])
    largest = max(abs(v) for v in y)
    integers = [int(context.nint(v / largest * context.mpf(2) ** (bits + 32))) for v in y]
    sign, mantissa, exponent, _ = values[0]._mpf_
    return Fraction(-int(mantissa) if sign else int(mantissa)) * two_to(int(exponent)), integers


def _forward(context: MPContext, factor: Any, right: Any) -> Any:
    """``L^{-1} B`` for lower triangular L, column by column."""
    solved = right.copy()
    for column in range(right.cols):
        for i in range(right.rows):
            terms = context.fdot((factor[i, k], solved[k, column]) for k in range(i))
            solved[i, column] = (right[i, column] - terms) / factor[i, i]
    return solved


def _backward(context: MPContext, factor: Any, right: Any) -> list[Any]:
    """``L^{-T} b`` for lower triangular L and one column b."""
    n = factor.rows
    solved = [right[i] for i in range(n)]
    for i in reversed(range(n)):
        terms = context.fdot((factor[k, i], solved[k]) for k in range(i + 1, n))
        solved[i] = (solved[i] - terms) / factor[i, i]
    return solved


def _form(a: Rows, y: list[int]) -> int:
    return sum(yi * sum(v * yj for v, yj in zip(row, y, strict=True)) for yi, row in zip(y, a, strict=True))


def _rows(small: Scaled) -> Rows:
    return [[int(v) for v in row] for row in small.values.tolist()]
