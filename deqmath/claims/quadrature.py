"""Numeric evidence for an integral along a trajectory: generated code at the nodes against the trainer's own difference."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sympy import Expr

from deqmath.checking.verdict import Evidence, Status, Verdict
from deqmath.codegen import generate


def integral_matches(
    integrand: Expr,
    values: Sequence[Mapping[str, Any]],
    weights: Sequence[float] | np.ndarray,
    reference: Any,
    *,
    tolerance: float,
    what: str,
) -> Verdict:
    """Does ``sum_k w_k integrand(t_k)`` equal what the trainer finds?

    Parameters
    ----------
    integrand
        The expression; NumPy code is generated from it.
    values
        Symbol name -> array at each node, from the trainer.
    weights
        Of the quadrature rule, one a node.
    reference
        The integral by another road, such as ``f_T - f_0`` of the trainer.
    tolerance
        Allowed error relative to the largest entry of the reference: that of the trajectory and of the rule.
    what
        What is compared, in words.

    Returns
    -------
    Verdict
        ``numeric`` evidence; the integrand is what errors are planted in.
    """

    def recheck(other: Expr) -> Verdict:
        return integral_matches(other, values, weights, reference, tolerance=tolerance, what=what)

    function = generate({"value": integrand}, target="numpy").load().value
    wanted = inspect.signature(function).parameters
    total = sum(
        w * np.asarray(function(**{k: v for k, v in at.items() if k in wanted}))
        for w, at in zip(weights, values, strict=True)
    )
    truth = np.asarray(reference, dtype=np.float64)
    error = float(np.max(np.abs(np.reshape(total, truth.shape) - truth))) / (float(np.max(np.abs(truth))) or 1.0)
    status: Status = "verified" if error <= tolerance else "refuted"
    detail = (
        f"{what}: quadrature of the generated code and the trainer differ by {error:.1e} (tolerance {tolerance:.1e})"
    )
    figures = {"error": f"{error:.2e}", "tolerance": f"{tolerance:.2e}", "nodes": len(values)}
    script = f"# {detail}" if status == "refuted" else None
    return Verdict((Evidence("numeric", status, detail, figures),), script, (), integrand, recheck)
