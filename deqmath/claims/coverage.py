"""Statements with a probability: how often a bound fails over many draws, with a Clopper-Pearson interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaincinv

from deqmath.checking.mutants import Mutant
from deqmath.checking.verdict import Evidence, Status, Verdict
from deqmath.claims.instances import LOOSE
from deqmath.errors import InputError

#: Fewer draws than this are not called statistics of a probability.
LEAST_DRAWS = 1000


@dataclass(frozen=True)
class Shrunk:
    """The bound times a factor, as something to plant errors in: a bound that fails too often."""

    factor: float = 1.0
    breaking: float = 0.0

    def mutants(self) -> list[Mutant]:
        """The bound shrunk until it fails clearly more often than the statement allows."""
        return [Mutant("tightened", f"the bound times {self.breaking:.4g}", Shrunk(self.breaking))]


def clopper_pearson(failures: int, draws: int, confidence: float = 0.99) -> tuple[float, float]:
    """The exact two-sided interval for a probability, from the number of failures.

    Examples
    --------
    >>> from deqmath.claims.coverage import clopper_pearson
    >>> low, high = clopper_pearson(0, 1000)
    >>> low, round(high, 5)
    (0.0, 0.00528)
    """
    tail = (1 - confidence) / 2
    low = float(betaincinv(failures, draws - failures + 1, tail)) if failures else 0.0
    high = float(betaincinv(failures + 1, draws - failures, 1 - tail)) if failures < draws else 1.0
    return low, high


@dataclass(frozen=True)
class Probability:
    """A probability claimed, as something to plant errors in."""

    value: Fraction

    def mutants(self) -> list[Mutant]:
        """Half of it, and twice."""
        others = (self.value / 2, min(2 * self.value, (1 + self.value) / 2))
        return [Mutant("factor", f"probability {other}", Probability(other)) for other in others]


def occurs_with(happened: ArrayLike, claimed: Fraction, what: str, *, confidence: float = 0.99) -> Verdict:
    """Does an event have the claimed probability? Verified where it is in the Clopper-Pearson interval, refuted where not.

    Parameters
    ----------
    happened
        Whether the event occurred, one truth value a draw, at least 1000 of them.
    claimed
        Its probability.
    what
        The event, in words.
    confidence
        Of the interval.

    Examples
    --------
    >>> from fractions import Fraction
    >>> from deqmath.claims.coverage import occurs_with
    >>> occurs_with([True, False] * 600, Fraction(1, 2), "heads").status
    'verified'
    """
    values = _enough(np.asarray(happened, dtype=np.float64), what)
    return _probability(int(values.sum()), len(values), Probability(claimed), what, confidence)


def _probability(count: int, draws: int, claimed: Probability, what: str, confidence: float) -> Verdict:
    low, high = clopper_pearson(count, draws, confidence)
    status: Status = "verified" if low <= claimed.value <= high else "refuted"
    figures = {"draws": draws, "count": count, "interval": [f"{low:.5f}", f"{high:.5f}"], "confidence": confidence}
    detail = (
        f"{what} in {count} of {draws} draws: probability in [{low:.4f}, {high:.4f}] ({100 * confidence:g}%), "
        f"claimed {float(claimed.value):.4g}"
    )

    def recheck(other: Probability) -> Verdict:
        return _probability(count, draws, other, what, confidence)

    script = f"# {detail}" if status == "refuted" else None
    return Verdict((Evidence("statistical", status, detail, figures),), script, (), claimed, recheck)


def _enough(values: np.ndarray[Any, np.dtype[np.float64]], what: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    if values.ndim != 1 or len(values) < LEAST_DRAWS or not np.isfinite(values).all():
        msg = f"{what}: received draws of shape {values.shape}; needed {LEAST_DRAWS} finite ones or more, one a draw"
        raise InputError(msg)
    return values


def fails_at_most(
    ratios: Sequence[float] | np.ndarray, delta: float, what: str, *, confidence: float = 0.99, factor: float = 1.0
) -> Verdict:
    """Does ``measured <= bound`` fail with probability at most delta?

    Parameters
    ----------
    ratios
        ``measured / bound`` of each draw, at least 1000 of them.
    delta
        The probability of failure that the statement allows.
    what
        The inequality, in words or symbols.
    confidence
        Of the Clopper-Pearson interval for the probability of failure.
    factor
        The bound judged is ``factor`` times the one of ``ratios``; planted errors use this.

    Returns
    -------
    Verdict
        Verified where the whole interval is at most delta, refuted where all of it is above, else
        undecided.

    Examples
    --------
    >>> import numpy as np
    >>> from deqmath.claims.coverage import fails_at_most
    >>> fails_at_most(np.linspace(0, 1, 2000), 0.05, "u <= 1").status
    'verified'
    >>> fails_at_most(np.linspace(0, 2, 2000), 0.05, "u <= 1").status
    'refuted'
    """
    values = _enough(np.asarray(ratios, dtype=np.float64), what)
    draws, failures = len(values), int(np.count_nonzero(values > factor))
    low, high = clopper_pearson(failures, draws, confidence)
    status: Status = "verified" if high <= delta else "refuted" if low > delta else "undecided"
    closest = float(values.max()) / factor
    figures = {
        "draws": draws,
        "failures": failures,
        "interval": [f"{low:.5f}", f"{high:.5f}"],
        "confidence": confidence,
        "allowed": delta,
        "closest_ratio": f"{closest:.4g}",
        "loose": closest * LOOSE < 1,
    }
    loose = "; loose: never within a factor of 100" if figures["loose"] else ""
    detail = (
        f"{what} failed in {failures} of {draws} draws: probability in [{low:.4f}, {high:.4f}] ({100 * confidence:g}%), "
        f"allowed {delta:g}; closest ratio {closest:.3g}{loose}"
    )

    def recheck(other: Shrunk) -> Verdict:
        return fails_at_most(values, delta, what, confidence=confidence, factor=other.factor)

    breaking = float(np.quantile(values, max(0.0, 1 - 4 * delta)))
    subject = Shrunk(factor, 0.999 * breaking)
    script = f"# {detail}" if status == "refuted" else None
    return Verdict((Evidence("statistical", status, detail, figures),), script, (), subject, recheck)
