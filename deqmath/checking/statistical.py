"""Statistical evidence: growth exponents and proportions, with confidence intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from deqmath.checking.mutants import Mutant
from deqmath.checking.verdict import Evidence, Verdict


@dataclass(frozen=True)
class PowerLaw:
    """``quantity ~ c m^exponent``, as something to plant errors in: a wrong exponent."""

    exponent: Fraction

    def mutants(self) -> list[Mutant]:
        shifts = (Fraction(-1, 2), Fraction(-1, 4), Fraction(1, 4), Fraction(1, 2))
        return [Mutant("exponent", f"m^({self.exponent + s})", PowerLaw(self.exponent + s)) for s in shifts]


def power_law(
    widths: Sequence[float], values: Sequence[float], claimed: PowerLaw, what: str, confidence: float = 0.99
) -> Verdict:
    """Does the quantity grow like ``m^exponent``? Least squares in the logarithms, with a t interval.

    Parameters
    ----------
    widths, values
        One pair for each draw, at three widths or more.
    claimed
        The exponent claimed.
    what
        The quantity, in words.
    confidence
        Of the interval for the exponent.
    """
    from scipy import stats  # 0.8 s to import, which a run from the cache does not need

    fit = stats.linregress(np.log(widths), np.log(values))
    half = float(stats.t.ppf(0.5 + confidence / 2, len(widths) - 2)) * fit.stderr
    low, high = fit.slope - half, fit.slope + half
    inside = low <= float(claimed.exponent) <= high
    figures = {
        "exponent": f"{fit.slope:.4f}",
        "interval": [f"{low:.4f}", f"{high:.4f}"],
        "draws": len(widths),
        "confidence": confidence,
    }
    detail = (
        f"{what} grows as m^{fit.slope:.3f}, {100 * confidence:g}% interval [{low:.3f}, {high:.3f}] over {len(widths)} draws; "
        f"claimed m^{claimed.exponent}"
    )

    def recheck(other: PowerLaw) -> Verdict:
        return power_law(widths, values, other, what, confidence)

    status = "verified" if inside else "refuted"
    script = None if inside else f"# {detail}"
    return Verdict((Evidence("statistical", status, detail, figures),), script, (), claimed, recheck)  # type: ignore[arg-type]
