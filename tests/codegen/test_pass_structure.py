"""Properties of matrices, stated or derived, and the solves they allow: against the reference path and LAPACK-free values."""

from __future__ import annotations

import inspect
import subprocess
import sys

import numpy as np
import pytest
from sympy import Identity, Inverse, MatrixSymbol, Q, Symbol

import deqmath as dm
from deqmath.codegen.algebra import Algebra
from deqmath.codegen.build import Builder
from deqmath.codegen.facts import facts
from deqmath.codegen.properties import known

from .cases import A, B, D, F, G, b, gamma, m, n, z

S, T = (MatrixSymbol(k, m, m) for k in "ST")
d, X = MatrixSymbol("d", m, 1), MatrixSymbol("X", n, m)
c, rho = Symbol("c", positive=True), Symbol("rho", positive=True)
GATED = Inverse(Identity(m) - gamma * dm.diag(d) * A) * dm.diag(d) * b
IS_GATE = dm.idempotent(dm.diag(d))
K = Identity(m) - gamma * A
#: Expression, hypotheses, and the helper whose call shows that the pass was at work.
STRUCTURED = {
    "ridge": (Inverse(X.T * X + c * Identity(m)) * b, (), "_low_rank_solve"),
    "ridge_matrix": (Inverse(A.T * A + c * Identity(m)) * B, (), "_cholesky_solve"),
    "ridge_of_dot": (F * Inverse(Identity(m) + A * A.T), (), "_cholesky_solve"),
    "stated_definite": (Inverse(S) * b, (Q.positive_definite(S),), "_cholesky_solve"),
    "schur": (Inverse(dm.hadamard(S, A.T * A + Identity(m))) * b, (Q.positive_definite(S),), "_cholesky_solve"),
    "lower": (Inverse(S) * B, (Q.lower_triangular(S),), "_triangular_solve"),
    "upper_transposed": (Inverse(S.T) * b, (Q.upper_triangular(S),), "_triangular_solve"),
    "lower_times_lower": (Inverse(S * T) * b, (Q.lower_triangular(S), Q.lower_triangular(T)), "_triangular_solve"),
    "from_the_right": (b.T * Inverse(S), (Q.lower_triangular(S),), "_triangular_solve"),
    "stated_gate": (GATED, (IS_GATE,), "_active_solve"),
    "contraction": (Inverse(K) * b, (dm.contraction(2 * gamma * A),), "_contraction_solve"),
    "contraction_transposed": (Inverse(K).T * b, (dm.contraction(gamma * A / rho),), "_contraction_solve"),
    "contraction_gated": (GATED, (IS_GATE, dm.contraction(2 * gamma * A)), "_contraction_solve"),
    "stated_diagonal": (Inverse(S) * B, (Q.diagonal(S),), "np.diagonal"),
}
PASSES = ("active", "cholesky", "contraction", "stated_diagonal", "symmetric", "triangular", "woodbury", "certify")


def _draw(rng, name, size, batch, hypotheses):
    if name in ("gamma", "c", "rho"):
        return {"gamma": 0.12 / np.sqrt(size), "c": 0.7, "rho": 0.5}[name]
    shape = {"b": (size, 1), "d": (size, 1), "z": (size, 1), "X": (3, size), "F": (2, size)}.get(name, (size, size))
    x = rng.standard_normal((*batch, *shape))
    stated = facts(hypotheses).of.get(name, frozenset())
    if name == "d":
        return (x > 0) * 1.0
    if name in "ST":
        x = x / size + 2 * np.eye(size)
        for word, change in {"diagonal": lambda x: x * np.eye(size), "lower": np.tril, "upper": np.triu}.items():
            x = change(x) if word in stated else x
        x = x @ x.mT if "spd" in stated else x
    return x


def _compare(name, size, batch):
    expr, hypotheses, _ = STRUCTURED[name]
    fast = dm.generate({"f": expr}, assumptions=hypotheses).load().f
    plain = dm.generate({"f": expr}, without=PASSES).load().f
    rng = np.random.default_rng(3)
    given = {k: _draw(rng, k, size, batch, hypotheses) for k in inspect.signature(fast).parameters}
    want = plain(**{k: given[k] for k in inspect.signature(plain).parameters})
    np.testing.assert_allclose(fast(**given), want, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", STRUCTURED)
def test_agrees_with_the_reference_path(name):
    for batch in ((), (3,), (2, 2)):
        _compare(name, 7, batch)
    _compare(name, 1 if name != "ridge" else 2, ())


@pytest.mark.parametrize("name", STRUCTURED)
def test_the_structure_is_used_and_each_pass_can_be_left_out(name):
    expr, hypotheses, helper = STRUCTURED[name]
    body = inspect.getsource(dm.generate({"f": expr}, assumptions=hypotheses).load().f)
    assert f"{helper}(" in body
    without = dm.generate({"f": expr}, assumptions=hypotheses, without=PASSES).load().f
    assert f"{helper}(" not in inspect.getsource(without)


@pytest.mark.parametrize("name", ["contraction", "contraction_transposed", "contraction_gated"])
def test_a_large_contraction_is_iterated_and_agrees(name, monkeypatch):
    expr, hypotheses, _ = STRUCTURED[name]
    fast = dm.generate({"f": expr}, assumptions=hypotheses).load().f
    rng, size = np.random.default_rng(3), 1400
    given = {k: _draw(rng, k, size, (), hypotheses) for k in inspect.signature(fast).parameters}
    for factor in ("_active_lu", "_solve"):
        monkeypatch.setitem(fast.__globals__, factor, None)  # no factorisation is made
    x = fast(**given)
    A, b = given["A"].T if "transposed" in name else given["A"], given["b"]
    gate = given.get("d", np.ones((size, 1)))
    np.testing.assert_allclose(x - given["gamma"] * gate * (A @ x), gate * b, atol=1e-13)


def test_a_false_bound_is_seen_and_the_system_factored():
    f = dm.generate({"f": Inverse(K) * b}, assumptions=(dm.contraction(gamma * A / rho),)).load().f
    rng, size = np.random.default_rng(0), 400
    given = {"A": rng.standard_normal((size, size)) / np.sqrt(size), "b": rng.standard_normal((size, 1))}
    for bound in (0.01, 1.0, 2.0):  # the norm of gamma A is about 1.8
        x = f(**given, gamma=0.9, rho=bound)
        np.testing.assert_allclose(x - 0.9 * given["A"] @ x, given["b"], atol=1e-9)


def test_a_bound_of_one_is_measured_as_it_goes():
    """Stated is ``||gamma A|| < 1`` with no distance: the residual says when to stop."""
    f = dm.generate({"f": Inverse(K) * b}, assumptions=(dm.contraction(gamma * A),)).load().f
    assert "_contraction_solve" in inspect.getsource(f)
    rng, size = np.random.default_rng(0), 400
    given = {"A": rng.standard_normal((size, size)) / np.sqrt(size), "b": rng.standard_normal((size, 1))}
    for g in (0.02, 0.2, 0.45, 0.9):  # the norm of A is about 2: false for the last
        x = f(**given, gamma=g)
        np.testing.assert_allclose(x - g * given["A"] @ x, given["b"], atol=1e-13 if g < 0.5 else 1e-9)


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        (Q.positive_definite(S), "symmetric"),
        (Q.lower_triangular(S), "lower triangular"),
        (Q.upper_triangular(S), "upper triangular"),
        (Q.diagonal(S), "diagonal"),
        (dm.symmetric(S), "symmetric"),
    ],
)
def test_what_is_stated_of_an_argument_is_checked(stated, words):
    f = dm.generate({"f": Inverse(S) * b}, assumptions=(stated,)).load().f
    with pytest.raises(ValueError, match=f"^S: received an array that is not {words}"):
        f(S=np.array([[2.0, 1.0], [-1.0, 2.0]]), b=np.ones((2, 1)))


def test_a_stated_gate_is_checked():
    f = dm.generate({"f": GATED}, assumptions=(IS_GATE,)).load().f
    with pytest.raises(ValueError, match=r"^d: received an array that is not a gate"):
        f(A=np.eye(2), b=np.ones((2, 1)), d=np.full((2, 1), 0.5), gamma=0.1)


def test_an_indefinite_matrix_stated_to_be_definite_is_still_solved():
    f = dm.generate({"f": Inverse(S) * b}, assumptions=(Q.positive_definite(S),)).load().f
    x = f(S=np.array([[0.0, 1.0], [1.0, 0.0]]), b=np.array([[1.0], [2.0]]))
    np.testing.assert_allclose(x, [[2.0], [1.0]])


def test_woodbury_keeps_to_the_sum_where_the_diagonal_has_a_zero_or_the_residual_is_large():
    f = dm.generate({"f": Inverse(dm.diag(z) + G * F) * b}).load().f
    rng = np.random.default_rng(0)
    G_, F_, b_ = rng.standard_normal((6, 2)), rng.standard_normal((2, 6)), rng.standard_normal((6, 1))
    for smallest in (0.0, 1e-13):
        v = rng.random((6, 1)) + 0.5
        v[0] = smallest
        M = np.diag(v[:, 0]) + G_ @ F_
        np.testing.assert_allclose(f(F=F_, G=G_, b=b_, z=v), np.linalg.solve(M, b_), rtol=1e-9)


@pytest.mark.parametrize(
    ("expr", "hypotheses", "has", "lacks"),
    [
        (A.T * A, (), "psd", "spd"),
        (A.T * A + c * Identity(m), (), "spd", "gate"),
        (A.T * A + Symbol("s") * Identity(m), (), "symmetric", "psd"),
        (A.T * A - c * Identity(m), (), "symmetric", "psd"),
        (gamma**2 * A * A.T, (), "psd", "spd"),
        (gamma * A * A.T, (), "symmetric", "psd"),
        (A * S * A.T, (dm.symmetric(S),), "symmetric", "psd"),
        (A * S * A.T, (Q.positive_definite(S),), "psd", "spd"),
        (A * S * A, (Q.positive_definite(S),), None, "symmetric"),
        (dm.kron(S, S), (Q.positive_definite(S),), "spd", "lower"),
        (Inverse(S), (Q.lower_triangular(S),), "lower", "upper"),
        (S.T, (Q.lower_triangular(S),), "upper", "lower"),
        (S * S.T, (Q.lower_triangular(S),), "psd", "lower"),
        (S + A, (Q.lower_triangular(S),), None, "lower"),
        (D, (), "gate", "spd"),
        (dm.diag(d), (IS_GATE,), "gate", "spd"),
        (dm.diag(d), (), "diagonal", "gate"),
        (D + D, (), "psd", "gate"),
        (A, (), None, "symmetric"),
    ],
)
def test_what_is_known_of_an_expression(expr, hypotheses, has, lacks):
    algebra = Algebra(facts(hypotheses))
    words = known(algebra, Builder(algebra).build(expr))
    assert has is None or has in words
    assert lacks not in words


@pytest.mark.parametrize("target", ["mpmath", "flint", "cupy"])
def test_other_targets_use_nothing_stated(target):
    source = dm.generate({"f": Inverse(S) * b}, target=target, assumptions=(Q.lower_triangular(S),)).source
    assert "_triangular_solve" not in source
    assert "_stated(" not in source


@pytest.mark.parametrize(
    ("helper", "broken"),
    [
        ("_cholesky_solve", lambda solve: lambda factors, B: solve(factors, B) * (1 + 1e-6)),
        ("_triangular_solve", lambda solve: lambda M, B, **k: solve(M, B, **{**k, "transposed": not k["transposed"]})),
        ("_low_rank_solve", lambda solve: lambda v, P, Q, B, **k: solve(v, P, -Q, B, **k)),
        ("_contraction_solve", lambda solve: lambda X, s, *a, **k: solve(X, -s, *a, **k)),
        ("_active_solve", lambda solve: lambda lu, B, transposed=False: solve(lu, B, not transposed)),
    ],
)
def test_a_planted_error_is_seen(helper, broken, monkeypatch):
    name = next(k for k, (_, __, used) in STRUCTURED.items() if used == helper)
    original, generate = dm.generate, dm.generate

    def planted(*args, **kwargs):
        module = generate(*args, **kwargs).load()
        if hasattr(module, helper) and helper in inspect.getsource(module.f):
            setattr(module, helper, broken(getattr(module, helper)))
        return type("Loaded", (), {"load": lambda _: module})()

    monkeypatch.setattr(dm, "generate", planted)
    with pytest.raises(AssertionError):
        _compare(name, 7, ())
    monkeypatch.setattr(dm, "generate", original)
    _compare(name, 7, ())


def test_the_companion_test_of_stated_arguments_passes(tmp_path):
    expressions = {name: STRUCTURED[name][0] for name in ("lower", "stated_gate", "contraction_transposed")}
    given = (Q.lower_triangular(S), IS_GATE, dm.contraction(gamma * A / rho))
    dm.generate(expressions, assumptions=given, name="eq").write(tmp_path / "eq.py", tests=True)
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-3000:]
