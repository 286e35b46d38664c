"""What was proved about the equilibria of a network: one ball and one row of signs a sample."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from deqmath.bounds.bound import Bound, Certificate, Status
from deqmath.bounds.decimal_text import outward
from deqmath.bounds.integers import Scaled
from deqmath.bounds.network_certificates import Subject, equilibrium_certificate
from deqmath.bounds.rationals import floor_log10, sqrt_down, sqrt_up
from deqmath.errors import InputError


@dataclass(frozen=True, eq=False)
class Ball:
    """One vector, proved to lie within ``radius`` (Euclidean) of ``centre``.

    Attributes
    ----------
    centre : Scaled
        Exact dyadic numbers, shape (m, 1).
    radius : Fraction
        At least ``||z - centre||_2``.
    signs : ndarray of int8, shape (m,)
        The proved sign of each pre-activation ``u = gamma A z + phi``: 1, -1, or 0 (zero, proved). Meaningless where
        `undecided`.
    undecided : ndarray of bool, shape (m,)
        Where the ball holds both signs.
    """

    centre: Scaled
    radius: Fraction
    signs: NDArray[np.int8]
    undecided: NDArray[np.bool_]

    def __len__(self) -> int:
        return int(self.centre.values.shape[0])

    def __getitem__(self, k: int) -> Bound:
        """Entry k, enclosed; an entry whose unit is proved shut is exactly zero, and none is negative."""
        middle, name = self.centre.fraction(int(k), 0), f"z[{k}]"
        if not self.undecided[k] and self.signs[k] <= 0:
            return Bound(Fraction(0), Fraction(0), name)
        return Bound(max(middle - self.radius, Fraction(0)), middle + self.radius, name)

    def decimal(self, digits: int) -> tuple[str, ...]:
        """The centre's entries as decimal strings of ``digits`` significant digits (rounded down)."""
        return tuple(outward(self.centre.fraction(k, 0), digits, up=False) for k in range(len(self)))

    @property
    def norm(self) -> Bound:
        """``||z||_2``."""
        size = self.centre_square()
        low = max(sqrt_down(size, self._bits) - self.radius, Fraction(0))
        return Bound(low, sqrt_up(size, self._bits) + self.radius, "||z||")

    def centre_square(self) -> Fraction:
        """``||centre||^2``, exact."""
        total = sum(int(v) ** 2 for v in self.centre.values[:, 0].tolist())
        return total * Fraction(2) ** (2 * self.centre.exponent)

    @property
    def _bits(self) -> int:
        size = self.centre_square()
        return 64 if not self.radius or not size else max(64, 16 + 4 * max(0, floor_log10(size / self.radius)))

    @property
    def digits(self) -> int:
        """``floor(-log10(radius / max |centre|))``; 10**6 for a radius of zero."""
        largest = max((abs(int(v)) for v in self.centre.values[:, 0].tolist()), default=0)
        if self.radius == 0:
            return 10**6
        return max(0, floor_log10(largest * Fraction(2) ** self.centre.exponent / self.radius)) if largest else 0

    @property
    def signs_decided(self) -> bool:
        """Whether the sign of every pre-activation is proved."""
        return not bool(self.undecided.any())


@dataclass(frozen=True, eq=False)
class EquilibriumEnclosure:
    """Existence and uniqueness of every sample's equilibrium, a ball round it, and the signs of its pre-activations.

    Attributes
    ----------
    balls : tuple of Ball
        One a sample; empty when undecided.
    monotonicity : Fraction
        The proved ``c <= lambda_min(I - gamma (A + A^T)/2)``, ``c > 0``: one and only one equilibrium for every input.
    status : {"proved", "undecided"}
    reason : str
        Why it is undecided.
    assumptions : tuple of str
    subject : Subject, optional
        The network and data, for the certificate.
    """

    balls: tuple[Ball, ...]
    monotonicity: Fraction
    status: Status = "proved"
    reason: str = ""
    assumptions: tuple[str, ...] = ()
    subject: Subject | None = None

    def __len__(self) -> int:
        return len(self.balls)

    def __getitem__(self, i: int) -> Ball:
        if self.status == "undecided":
            msg = f"nothing was proved about the equilibria: {self.reason}; look at .status"
            raise InputError(msg)
        return self.balls[i]

    @property
    def digits(self) -> int:
        """The digits proved for every sample."""
        return min((ball.digits for ball in self.balls), default=0)

    @property
    def undecided_signs(self) -> int:
        """How many pre-activations, over all samples, have no proved sign."""
        return sum(int(ball.undecided.sum()) for ball in self.balls)

    @cached_property
    def certificate(self) -> Certificate | None:
        """What :func:`deqmath.bounds.check_certificate` proves again; None when undecided."""
        if self.status == "undecided" or self.subject is None:
            return None
        return equilibrium_certificate(self.subject, self)

    @property
    def radius(self) -> Bound:
        """Zero up to the largest radius of a ball."""
        largest = max((ball.radius for ball in self.balls), default=Fraction(0))
        return Bound(Fraction(0), largest, "distance from the centre")

    def __str__(self) -> str:
        if self.status == "undecided":
            return f"undecided: {self.reason}"
        n, m = len(self.balls), len(self.balls[0])
        shut = self.undecided_signs
        signs = f"all {n * m} signs proved" if not shut else f"{n * m - shut} of {n * m} signs proved"
        return (
            f"one and only one equilibrium for each of {n} samples, within "
            f"{outward(self.radius.upper or Fraction(0), 2, up=True)} of its centre ({self.digits} digits); {signs}"
        )
