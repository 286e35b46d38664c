"""Inequalities on instances: both sides as numbers, how close any instance came, and errors planted in the bound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from deqmath.checking.mutants import Mutant
from deqmath.checking.verdict import Evidence, Status, Verdict
from deqmath.errors import InputError

Number = float | Fraction
#: A bound that no instance comes within this factor of is called loose.
LOOSE = 100


@dataclass(frozen=True)
class Pair:
    """One instance of ``left <= right``.

    Parameters
    ----------
    left, right
        The two sides: floats, or the exact ends that were proved (upper end of the left side,
        lower end of the right side), both at least 0.
    where
        Which instance this is, in words.
    script
        Python that makes it again.
    """

    left: Number
    right: Number
    where: str
    script: str = ""

    @property
    def ratio(self) -> float:
        """``left / right``; where the right side is not above 0, infinite if the left one exceeds it, else 0."""
        if self.right > 0:
            return float(self.left / self.right)
        return 0.0 if self.left <= self.right else float("inf")


@dataclass(frozen=True)
class Tightened:
    """The right side times a factor, or the inequality the other way round: what errors are planted in."""

    factor: Number = 1
    reversed: bool = False
    closest: float = 1.0

    def mutants(self) -> list[Mutant]:
        """Half the bound where an instance comes that close, the bound just below the closest instance, and ``>=``.

        A smaller error than the slack cannot be seen on instances; the lines of a derivation are
        attacked on small instances of their own, where they are nearly equalities.
        """
        beyond = 0.99 * self.closest
        planted = [Mutant("tightened", f"the right side times {beyond:.4g}", Tightened(beyond))]
        if self.closest > 0.5:
            planted.append(Mutant("factor", "half the right side", Tightened(0.5)))
        planted.append(Mutant("direction", "≥ instead of ≤", Tightened(reversed=True)))
        return planted


def holds_on(
    pairs: Sequence[Pair],
    statement: str,
    *,
    kind: Literal["numeric", "certified"] = "numeric",
    tolerance: float = 0.0,
    subject: Tightened | None = None,
) -> Verdict:
    """Does ``left <= right`` hold on every instance, and how close does any come?

    Parameters
    ----------
    pairs
        The instances.
    statement
        The inequality, in words or symbols.
    kind
        ``"certified"`` for proved ends, ``"numeric"`` for float64.
    tolerance
        Relative error of the two sides, from their conditioning; 0 for proved ends.
    subject
        The bound judged; planted errors put another in its place.

    Returns
    -------
    Verdict
        Refuted with the worst instance; else the closest ratio, and "loose" where no instance comes
        within a factor of 100. Instances prove nothing about others.

    Examples
    --------
    >>> from deqmath.claims.instances import Pair, holds_on
    >>> holds_on([Pair(1.0, 2.0, "a"), Pair(3.0, 4.0, "b")], "x <= y").evidence[0].detail
    'x <= y on 2 instances; closest ratio 0.75 (b)'
    """
    _check_sides(pairs, statement)
    judged = subject or Tightened()
    sides = [_sides(pair, judged) for pair in pairs]
    worst = max(sides, key=lambda pair: pair.ratio)
    figures = {
        "instances": len(pairs),
        "closest_ratio": f"{worst.ratio:.6g}",
        "tolerance": f"{tolerance:.1e}",
        "loose": worst.ratio * LOOSE < 1,
    }

    def recheck(other: Tightened) -> Verdict:
        return holds_on(pairs, statement, kind=kind, tolerance=tolerance, subject=other)

    violated = worst.left > worst.right * (1 + Fraction(tolerance)) if tolerance == 0 else worst.ratio > 1 + tolerance
    status: Status = "refuted" if violated else "verified"
    if violated:
        detail = f"{statement} fails at {worst.where}: {float(worst.left):.6g} against {float(worst.right):.6g}"
    else:
        loose = "; loose: never within a factor of 100" if figures["loose"] else ""
        count = "1 instance" if len(pairs) == 1 else f"{len(pairs)} instances"
        detail = f"{statement} on {count}; closest ratio {worst.ratio:.4g} ({worst.where}){loose}"
    script = f"{worst.script}\n# {detail}".lstrip() if violated else None
    whole = Tightened(judged.factor, judged.reversed, worst.ratio)
    return Verdict((Evidence(kind, status, detail, figures),), script, (), whole, recheck)


def _check_sides(pairs: Sequence[Pair], statement: str) -> None:
    if not pairs:
        msg = f"no instance of {statement} was given; needed at least one"
        raise InputError(msg)
    lost = next((pair for pair in pairs if pair.left != pair.left or pair.right != pair.right), None)
    if lost is not None:
        msg = f"{statement}: the sides at {lost.where} are {lost.left} and {lost.right}; needed two numbers"
        raise InputError(msg)


def _sides(pair: Pair, judged: Tightened) -> Pair:
    if judged.reversed:
        return Pair(pair.right, pair.left, pair.where, pair.script)
    factor = judged.factor if isinstance(pair.right, float) else Fraction(judged.factor)
    return Pair(pair.left, pair.right * factor, pair.where, pair.script)
