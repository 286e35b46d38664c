"""Attacking an inequality: instances that come as close as they can to violating it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sympy import Expr, Symbol

from deqmath.checking.verdict import Evidence, Verdict
from deqmath.errors import InputError
from deqmath.expressions.printing import text


@dataclass(frozen=True)
class Instance:
    """One instance of an inequality ``measured <= bound(at)``.

    Parameters
    ----------
    measured
        The left side, in float64.
    at
        Values of the symbols in the bound.
    tolerance
        Relative error of the two numbers, from their conditioning.
    script
        Python that makes the instance again.
    """

    measured: float
    at: Mapping[Symbol, float]
    tolerance: float
    script: str


def check_inequality(
    bound: Expr, instances: Callable[[], Iterable[Instance]], *, measured: str = "left side"
) -> Verdict:
    """Look for an instance that violates ``measured <= bound``; report how close any came.

    Parameters
    ----------
    bound
        The right side: a SymPy scalar in the symbols that each instance gives values to.
    instances
        Makes the instances; called again when the bound is mutated.
    measured
        What the left side is, in words.

    Returns
    -------
    Verdict
        Refuted with the instance that violates it by more than its tolerance; otherwise numeric
        evidence with the closest approach. Numeric evidence is not a proof of an inequality.
    """
    if not isinstance(bound, Expr):
        msg = f"check_inequality received {bound!r}; it needs a SymPy expression for the right side"
        raise InputError(msg)
    closest, count, worst = -math.inf, 0, None
    for instance in instances():
        value = bound.subs(dict(instance.at))
        if not value.is_number:
            msg = f"the bound {bound} keeps {value.free_symbols}; each instance must give a value to every symbol"
            raise InputError(msg)
        right = float(value)
        count += 1
        ratio = instance.measured / right if right > 0 else (0.0 if instance.measured == 0 == right else math.inf)
        if ratio > closest:
            closest, worst = ratio, (instance, right)
    if worst is None:
        return Verdict((Evidence("numeric", "undecided", "no instance was given"),))
    instance, right = worst
    violated = closest > 1 + instance.tolerance
    figures = {"instances": count, "closest_ratio": f"{closest:.6g}", "tolerance": f"{instance.tolerance:.1e}"}

    def recheck(other: Any) -> Verdict:
        return check_inequality(other, instances, measured=measured)

    if violated:
        detail = f"{measured} = {instance.measured:.6g} exceeds {text(bound)} = {right:.6g} (ratio {closest:.4g})"
        script = f"{instance.script}\n# {detail}"
        return Verdict((Evidence("numeric", "refuted", detail, figures),), script, (), bound, recheck)
    loose = "; loose: never within a factor of 100" if closest < 0.01 else ""
    detail = f"{measured} ≤ {text(bound)} on {count} instances; closest ratio {closest:.6g}{loose}"
    return Verdict((Evidence("numeric", "verified", detail, figures),), None, (), bound, recheck)
