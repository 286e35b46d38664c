"""Generated code against the 60-digit reference values, which were made without the papers' formulas."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from mpmath import MPContext

import deqmath as dm
from deqmath.model import ReLUModel

CASE = json.loads((Path(__file__).parents[1] / "oracles" / "small_networks.json").read_text())["relu"]
net = ReLUModel()
EXPRESSIONS = {
    "dz0_dvecA": net.gamma * dm.kron(net.z().T, net.R()),
    "dq0_dvecA": net.gamma * dm.kron(net.R().T, net.q().T),
    "gram_A": net.gram(),
}


def _inputs(ctx: MPContext) -> dict[str, object]:
    given, out = CASE["inputs"], CASE["outputs"]

    def matrix(rows: list[list[str]]) -> object:
        values = [[Fraction(v) for v in row] for row in rows]
        return ctx.matrix([[ctx.mpf(v.numerator) / v.denominator for v in row] for row in values])

    A, b, gamma = matrix(given["A"]), matrix(given["b"]), ctx.mpf(1) / 20
    Z, Q, U = matrix(out["Z"]), matrix(out["Q"]), matrix(out["U"])
    phi = (U - gamma * (A * Z))[:, 0]
    return {"A": A, "b": b, "gamma": gamma, "z": Z[:, 0], "phi": phi, "Z": Z, "Q": Q}


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_mpmath_to_fifty_digits_and_numpy_to_roundoff(name: str) -> None:
    ctx = MPContext()
    ctx.dps = 80
    at = _inputs(ctx)
    wanted = [str(s) for s in EXPRESSIONS[name].free_symbols if str(s) in at]
    truth = ctx.matrix(CASE["outputs"][name])
    value = dm.generate({"f": EXPRESSIONS[name]}, target="mpmath").load().f(**{k: at[k] for k in wanted}, ctx=ctx)
    assert ctx.mnorm(value - truth, "inf") < ctx.mpf(10) ** -50 * max(1, ctx.mnorm(truth, "inf"))
    floats = {k: float(v) if k == "gamma" else np.array(v.tolist(), dtype=float) for k, v in at.items() if k in wanted}
    found = dm.generate({"f": EXPRESSIONS[name]}).load().f(**floats)
    np.testing.assert_allclose(found, np.array(truth.tolist(), dtype=float), rtol=0, atol=1e-14)
    assert ctx.mnorm(2 * value - truth, "inf") > ctx.mpf(10) ** -6  # a planted factor is seen
