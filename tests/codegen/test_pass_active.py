"""Solves on the open rows of a gate: against dense inverses, for every kind of gate and batch."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from sympy import Identity, Inverse, MatrixSymbol, Rational

import deqmath as dm

from .cases import CASES, A, D, U, b, c, gamma, m, w

B = MatrixSymbol("B", m, m)
SQUARE = Identity(m) - gamma * A * D
EXPRESSIONS = {
    "left": Inverse(U) * D * b,
    "right": D * Inverse(SQUARE) * b,
    "both": D * Inverse(U) * D * b,
    "transposed": (Inverse(U) * D).T * b,
    "other_side": D * Inverse(U.T) * b,
    "row": b.T * Inverse(U) * D,
    "alone": Inverse(U) * b,
    "alone_right": Inverse(SQUARE) * b,
    "alone_transposed": Inverse(U.T) * b,
    "alone_row": b.T * Inverse(SQUARE),
    "gate_on_the_wrong_side": D * Inverse(U) * b,
    "matrix": Inverse(U) * D * B,
    "whole": Inverse(U) * D,
    "plus": Inverse(Identity(m) + D * A) * D * b,
    "scaled": c * Inverse(Identity(m) + c * gamma * A.T * D).T * D * w,
    "product_inside": Inverse(Identity(m) - gamma * D * A * B) * D * b,
    "two_right_hand_sides": Inverse(U) * D * b * (Inverse(U).T * w).T,
}
PHI = {"mixed": None, "all_open": 1e3, "all_closed": -1e3}


def _arguments(function, rng, size=6, batch=()):
    out = {}
    for name in inspect.signature(function).parameters:
        if name in ("gamma", "c"):
            out[name] = 0.2
        else:
            out[name] = rng.standard_normal((*batch, size, size if name in "AB" else 1))
    return out


def _pair(expr):
    plain = dm.generate({"f": expr}, without=("active", "certify")).load().f
    return dm.generate({"f": expr}).load().f, plain


@pytest.mark.parametrize("gates", PHI)
@pytest.mark.parametrize("name", EXPRESSIONS)
def test_agrees_with_the_factorisation_of_the_whole_matrix(name, gates):
    fast, plain = _pair(EXPRESSIONS[name])
    assert "_active_solve" in inspect.getsource(fast)
    assert "_active" not in inspect.getsource(plain)
    for batch in ((), (3,), (2, 2)):
        arguments = _arguments(fast, np.random.default_rng(5), batch=batch)
        if PHI[gates] is not None:
            arguments["phi"][:] = PHI[gates]
        np.testing.assert_allclose(fast(**arguments), plain(**arguments), rtol=1e-9, atol=1e-11)


def test_each_sample_of_a_batch_has_its_own_open_rows():
    fast, plain = _pair(CASES["jvp11"])
    rng = np.random.default_rng(6)
    arguments = _arguments(fast, rng, batch=(5,))
    arguments |= {k: rng.standard_normal((6, 6)) for k in "AV"}  # one A for all samples
    np.testing.assert_allclose(fast(**arguments), plain(**arguments), rtol=1e-9, atol=1e-11)


def test_a_system_that_is_no_gate_plus_identity_is_left_alone():
    for expr in (Inverse(A) * b, Inverse(2 * Identity(m) + D * A) * D * b, Inverse(Identity(m) + A * D * A) * D * b):
        assert "_active" not in dm.generate({"f": expr}).source


def test_a_dense_right_hand_side_without_a_gate_keeps_the_whole_factorisation():
    assert "_active" not in dm.generate({"f": Inverse(U) * B}).source


def test_an_eighth_of_the_factorisation_is_counted_with_half_of_the_gates_open():
    flops = dm.generate({"f": Inverse(U) * D * b}).flops["f"]
    assert flops.coeff(m, 3) == Rational(1, 12)


def test_the_singular_matrix_is_named():
    f = dm.generate({"f": Inverse(U) * D * b}).load().f
    ones = np.ones((3, 1))
    with pytest.raises(np.linalg.LinAlgError, match="I - gamma D A is singular"):
        f(A=np.eye(3), b=ones, gamma=1.0, phi=ones, z=ones)
    closed = f(A=np.eye(3), b=ones, gamma=1.0, phi=-2 * ones, z=ones)  # nothing is open, nothing is solved
    np.testing.assert_array_equal(closed, 0.0)


def test_a_planted_sign_in_the_identity_is_seen(monkeypatch):
    """The comparison above fails for ``(I - s X)_SS``: it is not the values that agree by chance."""
    fast, plain = _pair(EXPRESSIONS["left"])
    original = fast.__globals__["_active_lu"]
    monkeypatch.setitem(fast.__globals__, "_active_lu", lambda d, X, s, name: original(d, X, -s, name))
    arguments = _arguments(fast, np.random.default_rng(5))
    arguments["phi"][:] = 1e3
    assert not np.allclose(fast(**arguments), plain(**arguments))
