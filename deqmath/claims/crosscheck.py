"""Numeric evidence: generated code against the trainer, on given arrays.

The two share nothing: the code is generated from the symbolic expression, the reference comes
from the hand-written trainer. The tolerance is ``safety * m * kappa * u`` in float64, with kappa
the condition number of the systems solved, and ``10^-digits`` in mpmath.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np
from sympy import Expr

from deqmath.checking import Evidence, Verdict
from deqmath.codegen import generate
from deqmath.errors import DeqmathError

#: The unit roundoff of float64.
UNIT_ROUNDOFF = 2.0**-53
#: Constant in front of ``m kappa u``: two solves of backward error about ``m u`` each, and their products.
SAFETY = 8.0


def tolerance(width: int, rho: float) -> float:
    """``8 m kappa u`` with ``kappa = (1 + rho)/(1 - rho)``, which bounds the condition number of ``I - gamma D A``."""
    return SAFETY * width * (1 + rho) / (1 - rho) * UNIT_ROUNDOFF


def cross_check(
    expr: Expr, arguments: Mapping[str, Any], reference: Any, *, tolerance: float, what: str, script: str = ""
) -> Verdict:
    """Generated NumPy for ``expr``, run at ``arguments``, against the trainer's ``reference``.

    Parameters
    ----------
    expr
        The expression; code is generated from it here.
    arguments
        Symbol name -> array; those the expression does not hold are left out.
    reference
        The trainer's value, of the same shape.
    tolerance
        Allowed error, relative to the largest entry of the reference.
    what
        What is compared, in words.
    script
        Python that makes the arguments and the reference again.

    Returns
    -------
    Verdict
        ``numeric`` evidence, with the error in units of the unit roundoff.
    """

    def recheck(other: Expr) -> Verdict:
        return cross_check(other, arguments, reference, tolerance=tolerance, what=what, script=script)

    try:
        value = np.asarray(_call(expr, "numpy", arguments))
    except DeqmathError:
        raise
    except (ValueError, np.linalg.LinAlgError) as e:
        detail = f"the generated code for {what} stops: {e}"
        return Verdict((Evidence("numeric", "refuted", detail),), f"{script}\n# {detail}", (), expr, recheck)
    truth = np.asarray(reference, dtype=np.float64)
    if value.shape != truth.shape:
        detail = f"the generated code for {what} gives shape {value.shape}, the trainer {truth.shape}"
        return Verdict((Evidence("numeric", "refuted", detail),), f"{script}\n# {detail}", (), expr, recheck)
    scale = float(np.max(np.abs(truth))) or 1.0
    errors = np.abs(value - truth)
    worst = np.unravel_index(int(np.argmax(errors)), errors.shape)
    error = float(errors[worst]) / scale
    figures = {
        "error": f"{error:.2e}",
        "tolerance": f"{tolerance:.2e}",
        "error_in_units_of_roundoff": f"{error / UNIT_ROUNDOFF:.1f}",
    }
    if error <= tolerance:
        detail = f"{what}: generated NumPy and the trainer agree to {error:.1e} (tolerance {tolerance:.1e})"
        return Verdict((Evidence("numeric", "verified", detail, figures),), None, (), expr, recheck)
    at = tuple(int(k) for k in worst)
    detail = f"{what}: entry {at} is {value[worst]:.12g} by the generated code and {truth[worst]:.12g} by the trainer"
    return Verdict((Evidence("numeric", "refuted", detail, figures),), f"{script}\n# {detail}", (), expr, recheck)


def cross_check_digits(
    expr: Expr, arguments: Mapping[str, Any], reference: Any, *, context: Any, digits: int, what: str
) -> Verdict:
    """Generated mpmath for ``expr`` against the mpmath trainer, to ``digits`` digits.

    Parameters
    ----------
    expr, arguments, what
        As in :func:`cross_check`; arguments are mpmath matrices or numbers of ``context``.
    reference
        An mpmath matrix.
    context
        The mpmath context to compute in, of more than ``digits`` digits.
    digits
        Decimal digits, relative to the largest entry.
    """

    def recheck(other: Expr) -> Verdict:
        return cross_check_digits(other, arguments, reference, context=context, digits=digits, what=what)

    try:
        value = _call(expr, "mpmath", arguments, ctx=context)
    except DeqmathError:
        raise
    except ValueError as e:
        detail = f"the generated code for {what} stops: {e}"
        return Verdict((Evidence("numeric", "refuted", detail),), f"# {detail}", (), expr, recheck)
    if (value.rows, value.cols) != (reference.rows, reference.cols):
        detail = f"{what}: generated mpmath gives {value.rows} x {value.cols}, the trainer {reference.rows} x {reference.cols}"
        return Verdict((Evidence("numeric", "refuted", detail),), f"# {detail}", (), expr, recheck)
    pairs = [(value[i, j], reference[i, j]) for i in range(reference.rows) for j in range(reference.cols)]
    scale = max(abs(t) for _, t in pairs) or context.mpf(1)
    error = max(abs(v - t) for v, t in pairs) / scale
    agreed = digits + 10 if error == 0 else int(context.floor(-context.log10(error)))
    figures = {"digits_agreed": agreed, "digits_wanted": digits}
    if error <= context.mpf(10) ** -digits:
        detail = f"{what}: generated mpmath and the mpmath trainer agree to {agreed} digits (wanted {digits})"
        return Verdict((Evidence("numeric", "verified", detail, figures),), None, (), expr, recheck)
    detail = f"{what}: generated mpmath and the mpmath trainer agree to {agreed} digits only, of {digits}"
    return Verdict((Evidence("numeric", "refuted", detail, figures),), f"# {detail}", (), expr, recheck)


def _call(expr: Expr, target: str, arguments: Mapping[str, Any], **extra: Any) -> Any:
    function = generate({"value": expr}, target=target).load().value
    wanted = inspect.signature(function).parameters
    return function(**{k: v for k, v in arguments.items() if k in wanted}, **extra)
