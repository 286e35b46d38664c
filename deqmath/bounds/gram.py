"""``Gram``: bounds about ``P P^T`` and ``(P P^T) o (Q Q^T)`` from their exact factors, which are not multiplied out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from deqmath.bounds.balls import BALLS
from deqmath.bounds.bound import Bound
from deqmath.bounds.certificate_file import certified
from deqmath.bounds.certificates.cholesky import factorise
from deqmath.bounds.certificates.inverse_form import sandwich
from deqmath.bounds.certificates.inverse_in_balls import MOST_ROWS, inverse_form_in_balls
from deqmath.bounds.eigenvalue import BITS_PER_DIGIT, smallest_eigenvalue
from deqmath.bounds.hadamard import HadamardGram
from deqmath.bounds.inputs import Array, balanced, float_matrix, float_vector
from deqmath.bounds.integers import Scaled, gram
from deqmath.bounds.lambda_bounds import ASSUMPTIONS, EXACT_INPUT, require_digits
from deqmath.bounds.operators import FactorGram, SymmetricOperator, deflated, frobenius_up
from deqmath.bounds.probes import require_sound_arithmetic
from deqmath.bounds.rationals import exact, short_up, two_to
from deqmath.bounds.repeated_rows import parallel_rows
from deqmath.errors import ShapeError

CALL = "dm.bounds.Gram(P) or dm.bounds.Gram(P, Q)"
SAFE_EXPONENT = 100
"""Factors are balanced so far that the squares of the Gram matrix's entries neither overflow nor underflow."""
SPREAD = "the entries span more than 960 powers of two; scale the factors first"


@dataclass(frozen=True)
class Scaling:
    """The matrix is ``factor`` times what the operator stands for, up to ``factor * slip`` in the spectral norm."""

    operator: SymmetricOperator
    factor: Fraction
    slip: Fraction


@dataclass(frozen=True, eq=False)
class Gram:
    r"""``P P^T``, or ``(P P^T) o (Q Q^T)`` when Q is given: positive semidefinite, exact, rows are samples.

    Parameters
    ----------
    P : ndarray of float64, shape (n, k)
    Q : ndarray of float64, shape (n, l), optional
        With rows of P the equilibria and rows of Q the adjoints the Hadamard product is the Gram matrix (8) of gg22
        up to the factor ``gamma^2 / m``, applied with ``Bound.scaled``.

    Raises
    ------
    InputError, ShapeError
        For factors that are not finite float64 matrices with the same number of rows.

    Examples
    --------
    >>> import numpy as np
    >>> from deqmath.bounds.gram import Gram
    >>> gram = Gram(np.array([[1.0, 0.1], [1.0, 0.2]]))
    >>> print(gram.lambda_min(20))                                              # doctest: +ELLIPSIS
    0.00488971184484174...
    >>> print(gram.lambda_max(20))                                              # doctest: +ELLIPSIS
    2.0451102881551582...
    >>> Gram(np.array([[1.0, 2.0], [3.0, 6.0]])).lambda_min().upper  # parallel samples
    Fraction(0, 1)
    """

    P: Array
    Q: Array | None = None

    def __post_init__(self) -> None:
        first = float_matrix(self.P, "P", CALL)
        if self.Q is not None and float_matrix(self.Q, "Q", CALL).shape[0] != first.shape[0]:
            msg = f"P has shape {first.shape} and Q {self.Q.shape}; needed the same number of rows (samples): {CALL}"
            raise ShapeError(msg)

    @property
    def _factors(self) -> tuple[Array, ...]:
        return (self.P,) if self.Q is None else (self.P, self.Q)

    @property
    def _name(self) -> str:
        return "P P^T" if self.Q is None else "(P P^T) o (Q Q^T)"

    def _is_singular(self) -> bool:
        """Whether the factors show it: fewer columns than samples, or two samples parallel in every factor."""
        n, columns = self.P.shape[0], int(np.prod([f.shape[1] for f in self._factors]))
        return columns < n or parallel_rows(*self._factors) is not None

    def _operator(self, digits: int, sign: int) -> Scaling | None:
        slices = 8 + int(digits * BITS_PER_DIGIT / 27)
        if self.Q is None:
            p, e, lost = balanced(self.P, safe_exponent=SAFE_EXPONENT)
            slip = short_up(lost * (2 * frobenius_up(p) + lost))
            return Scaling(FactorGram(p, sign, slices, outer=True), two_to(2 * e), slip)
        scaled = [balanced(f, safe_exponent=SAFE_EXPONENT) for f in self._factors]
        if any(lost for _, _, lost in scaled):
            return None
        factor = two_to(2 * sum(e for _, e, _ in scaled))
        return Scaling(HadamardGram(scaled[0][0], scaled[1][0], sign, slices), factor, Fraction(0))

    def lambda_min(self, digits: int = 15) -> Bound:
        """The smallest eigenvalue; exactly zero when the factors show that the matrix is singular."""
        wanted = require_digits(digits, "dm.bounds.Gram(P).lambda_min(digits=15)")
        name = f"lambda_min({self._name})"
        if self._is_singular():
            return self._certified(Bound(Fraction(0), Fraction(0), name, "proved", (EXACT_INPUT,)), "lambda_min")
        bound = self._extreme(wanted, 1, name)
        if bound.upper is None:
            return bound
        low = max(bound.lower or Fraction(0), Fraction(0))  # positive semidefinite
        return self._certified(Bound(low, max(bound.upper, low), name, "proved", ASSUMPTIONS), "lambda_min")

    def lambda_max(self, digits: int = 15) -> Bound:
        """The largest eigenvalue, which is the operator norm."""
        wanted = require_digits(digits, "dm.bounds.Gram(P).lambda_max(digits=15)")
        name = f"lambda_max({self._name})"
        if not all(f.any() for f in self._factors):
            return self._certified(Bound(Fraction(0), Fraction(0), name, "proved", (EXACT_INPUT,)), "lambda_max")
        return self._certified(self._extreme(wanted, -1, name), "lambda_max")

    def operator_norm(self, digits: int = 15) -> Bound:
        """The spectral norm, equal to `lambda_max` because the matrix is positive semidefinite."""
        return self.lambda_max(digits)

    def condition_number(self, digits: int = 6) -> Bound:
        """``lambda_max / lambda_min``; undecided when ``lambda_min > 0`` could not be proved."""
        low, high = self.lambda_min(digits + 1), self.lambda_max(digits + 1)
        name = f"condition number of {self._name}"
        if not low.lower or low.upper is None or high.lower is None or high.upper is None:
            return Bound.undecided(name, f"lambda_min is {low}; needed a proved positive one", ASSUMPTIONS)
        ends = {
            "lambda_min_lower": low.lower,
            "lambda_min_upper": low.upper,
            "lambda_max_lower": high.lower,
            "lambda_max_upper": high.upper,
        }
        found = Bound(high.lower / low.upper, high.upper / low.lower, name, "proved", ASSUMPTIONS)
        return self._certified(found, "condition_number", parameters=ends)

    def inverse_quadratic_form(self, y: Array, digits: int = 15) -> Bound:
        """``y^T H^{-1} y`` for y of shape (n,); undecided when H could not be proved positive definite.

        The sandwich of :func:`inverse_quadratic_form`, with products by the exact factors.
        """
        call = "dm.bounds.Gram(P).inverse_quadratic_form(y, digits=15)"
        vector, wanted = float_vector(y, self.P.shape[0], "y", call), require_digits(digits, call)
        name = f"y^T ({self._name})^-1 y"
        require_sound_arithmetic()
        bound = self._inverse_form(vector, wanted, name)
        if bound.digits < wanted and not self._is_singular() and self.P.shape[0] <= MOST_ROWS:
            ends = inverse_form_in_balls(self._whole(), Scaled.from_floats(vector[:, None]), wanted)
            bound = bound if ends is None else Bound(*ends, name, "proved", (EXACT_INPUT, BALLS))
        return self._certified(bound, "inverse_quadratic_form", {"y": vector})

    def _inverse_form(self, vector: Array, wanted: int, name: str) -> Bound:
        """By refinement; undecided, or with fewer digits, when float64 cannot factorise the matrix."""
        right, f, lost = balanced(vector)
        prepared = None if self._is_singular() else self._operator(wanted, 1)
        if prepared is None or lost or prepared.slip or prepared.operator.remainder:
            reason = "the matrix is singular" if self._is_singular() else SPREAD
            return Bound.undecided(name, reason, ASSUMPTIONS)
        found = _definite(prepared.operator)
        if found is None:
            return Bound.undecided(name, "H could not be proved positive definite", ASSUMPTIONS)
        if not vector.any():
            return Bound(Fraction(0), Fraction(0), name, "proved", ASSUMPTIONS)
        low, high, _ = sandwich(prepared.operator, *found, right, wanted)
        return Bound(low, high, name, "proved", ASSUMPTIONS).scaled(two_to(2 * f) / prepared.factor)

    def _whole(self) -> Scaled:
        """The matrix itself, entry by entry; for small ones."""
        first, *rest = [gram(f, f) for f in (Scaled.from_floats(f.T) for f in self._factors)]
        for factor in rest:
            first = Scaled(first.values * factor.values, first.exponent + factor.exponent)
        return first

    def _certified(
        self,
        bound: Bound,
        quantity: str,
        more: Mapping[str, Array] | None = None,
        parameters: Mapping[str, Fraction] | None = None,
    ) -> Bound:
        """With a certificate that names the factors; an undecided bound has none."""
        if bound.status == "undecided":
            return bound
        factors = {"P": self.P} if self.Q is None else {"P": self.P, "Q": self.Q}
        return certified(bound, quantity, {**factors, **(more or {})}, parameters)

    def _extreme(self, digits: int, sign: int, name: str) -> Bound:
        require_sound_arithmetic()
        prepared = self._operator(digits, sign)
        if prepared is None:
            return Bound.undecided(name, SPREAD, ASSUMPTIONS)
        found = smallest_eigenvalue(prepared.operator, digits)
        lower = None if found.lower is None else found.lower - prepared.slip
        bound = Bound(lower, found.upper + prepared.slip, name, "proved", ASSUMPTIONS)
        return bound.scaled(sign * prepared.factor)


def _definite(operator: SymmetricOperator) -> tuple[Array, Fraction] | None:
    """A Cholesky factor good for solving, and a proved positive lower bound of the smallest eigenvalue."""
    nothing, level = np.zeros((operator.size, 0)), float(operator.approximation_error)
    level += 2.0**-53 * (operator.size + 10) * float(np.trace(operator.float_matrix))
    matrix, error = deflated(operator, nothing, 0.0, 2 * level)
    done = factorise(matrix)
    if done is not None and exact(2 * level) - done.slack - error > 0:
        return done.factor, exact(2 * level) - done.slack - error
    low = smallest_eigenvalue(operator, 3).lower
    if low is None or low <= 0:
        return None
    done = factorise(deflated(operator, nothing, 0.0, -level)[0])
    return None if done is None else (done.factor, low)
