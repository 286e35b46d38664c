"""Cross-checks of generated code against the trainer: they must be able to fail."""

from __future__ import annotations

import numpy as np
import pytest
from sympy import MatrixSymbol

import deqmath as dm
from deqmath.claims.crosscheck import UNIT_ROUNDOFF, cross_check, cross_check_digits, tolerance
from deqmath.numeric import MultiprecisionNetwork, ReLUNetwork

m = dm.dim("m")
A, b = MatrixSymbol("A", m, m), MatrixSymbol("b", m, 1)
rng = np.random.default_rng(5)
AT = {"A": rng.standard_normal((6, 6)), "b": rng.standard_normal((6, 1)), "unused": 3}


def _check(expr, reference, tol=1e-13):
    return cross_check(expr, AT, reference, tolerance=tol, what="a product", script="# made by hand")


def test_agreement_is_verified_and_counted_in_roundoffs():
    verdict = _check(A * b, AT["A"] @ AT["b"])
    assert verdict.status == "verified"
    assert float(verdict.evidence[0].figures["error_in_units_of_roundoff"]) < 20


@pytest.mark.parametrize("wrong", [A.T * b, -A * b, 2 * A * b, b, A * A * b])
def test_a_planted_error_is_refuted_with_the_entry(wrong):
    verdict = _check(A * b, AT["A"] @ AT["b"]).recheck(wrong)
    assert verdict.status == "refuted"
    assert "entry" in verdict.counterexample


def test_an_error_just_above_the_tolerance_is_refuted():
    off = AT["A"] @ AT["b"]
    off = off + np.abs(off).max() * 2e-13
    assert _check(A * b, off).status == "refuted"


def test_a_wrong_shape_is_refuted():
    assert _check(A * b, np.zeros((6, 6))).status == "refuted"


def test_a_singular_system_is_refuted_and_said():
    verdict = cross_check(
        A.I * b, {"A": np.zeros((3, 3)), "b": np.ones((3, 1))}, np.ones((3, 1)), tolerance=1e-9, what="x"
    )
    assert verdict.status == "refuted"
    assert "singular" in verdict.evidence[0].detail


def test_the_tolerance_grows_with_width_and_condition():
    assert tolerance(10, 0.0) == 80 * UNIT_ROUNDOFF
    assert tolerance(10, 0.5) == pytest.approx(3 * tolerance(10, 0.0))


def test_digits():
    net = MultiprecisionNetwork.from_network(ReLUNetwork.random(width=3, inputs=2, seed=1), digits=50)
    ctx = net.context
    at = {"A": net.A, "b": ctx.matrix([[v] for v in net.b])}
    truth = net.A * at["b"]
    good = cross_check_digits(A * b, at, truth, context=ctx, digits=45, what="a product")
    assert good.status == "verified"
    truth[0, 0] += ctx.mpf(10) ** -40
    assert cross_check_digits(A * b, at, truth, context=ctx, digits=45, what="a product").status == "refuted"
    assert good.recheck(A.T * b).status == "refuted"
