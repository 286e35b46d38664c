"""Growth with the width: an exponent with its confidence interval, against a limit it must stay below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike

from deqmath.checking.mutants import Mutant
from deqmath.checking.verdict import Evidence, Status, Verdict
from deqmath.claims.exponent import exponent_interval


@dataclass(frozen=True)
class SlowerThan:
    """``quantity = o(m^limit)``, as something to plant an error in: a limit that the growth exceeds."""

    limit: Fraction
    reached: Fraction

    def mutants(self) -> list[Mutant]:
        planted = SlowerThan(self.reached, self.reached)
        return [Mutant("exponent", f"m^({float(self.reached):.3f})", planted)]


def grows_slower_than(
    widths: Sequence[float],
    values: ArrayLike,
    limit: Fraction,
    what: str,
    confidence: float = 0.99,
    letter: str = "m",
) -> Verdict:
    """Is the exponent of the quantity's growth in m below ``limit``? Least squares in the logarithms.

    Parameters
    ----------
    widths, values
        One pair for each draw, at three widths or more.
    limit
        The exponent that must not be reached.
    what
        The quantity, in words.
    confidence
        Of the t interval for the exponent.
    letter
        What is varied, for the words of the evidence: m for widths.

    Returns
    -------
    Verdict
        Verified where the whole interval is below the limit, refuted where all of it is above, else
        undecided. An exponent fitted at finite widths says nothing certain about the limit.

    Examples
    --------
    >>> from fractions import Fraction
    >>> from deqmath.claims.growth import grows_slower_than
    >>> grows_slower_than([1, 2, 4, 8], [1.0, 1.1, 1.2, 1.3], Fraction(1, 2), "x").status
    'verified'
    """
    exponent, low, high = exponent_interval(widths, values, confidence)
    status: Status = "verified" if high < limit else "refuted" if low > limit else "undecided"
    figures = {
        "exponent": f"{exponent:.4f}",
        "interval": [f"{low:.4f}", f"{high:.4f}"],
        "draws": np.size(values),
        "confidence": confidence,
    }
    detail = (
        f"{what} grows as {letter}^{exponent:.3f}, {100 * confidence:g}% interval [{low:.3f}, {high:.3f}] over {np.size(values)} draws; "
        f"needed less than {letter}^{float(limit):.3g}"
    )

    def recheck(other: SlowerThan) -> Verdict:
        return grows_slower_than(widths, values, other.limit, what, confidence, letter)

    reached = Fraction(low).limit_denominator(1000) - Fraction(1, 100)
    script = f"# {detail}" if status == "refuted" else None
    return Verdict((Evidence("statistical", status, detail, figures),), script, (), SlowerThan(limit, reached), recheck)
