"""What is stated of an argument on the array libraries: checked, used, and right in batches."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from sympy import Inverse, MatrixSymbol, Q

import deqmath as dm

from .backends import back, convert, require
from .cases import b, m

S, d = MatrixSymbol("S", m, m), MatrixSymbol("d", m, 1)
SYSTEM = Inverse(S) * b + Inverse(S).T * b
FACTORS = {"symmetric": "_lu(", "definite": "_cholesky(", "lower": "_triangular_solve(", "upper": "_triangular_solve("}
STATED = {
    "symmetric": (dm.symmetric(S), lambda X: X + X.mT, "symmetric"),
    "definite": (Q.positive_definite(S), lambda X: X @ X.mT + np.eye(4), "symmetric"),
    "lower": (Q.lower_triangular(S), lambda X: np.tril(X) + 4 * np.eye(4), "lower triangular"),
    "upper": (Q.upper_triangular(S), lambda X: np.triu(X) + 4 * np.eye(4), "upper triangular"),
    "diagonal": (Q.diagonal(S), lambda X: X * np.eye(4), "diagonal"),
}
TARGETS = ("numpy", "array-api", "jax", "torch")


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", STATED)
def test_values_and_refusals(name, target):
    require(target)
    hypothesis, made, words = STATED[name]
    f = dm.generate({"f": SYSTEM}, target=target, assumptions=[hypothesis]).load().f
    rng = np.random.default_rng(0)
    for batch in ((), (3,)):
        X, x = made(rng.standard_normal((*batch, 4, 4))), rng.standard_normal((4, 1))
        want = np.linalg.solve(X, np.broadcast_to(x, (*batch, 4, 1))) + np.linalg.solve(X.mT, x + 0 * X[..., :1])
        np.testing.assert_allclose(back(f(S=convert(target, X), b=convert(target, x))), want, rtol=1e-9, atol=1e-10)
    wrong = rng.standard_normal((4, 4)) + 4 * np.eye(4)
    with pytest.raises(ValueError, match=rf"^S: received an array that is not {words}"):
        f(S=convert(target, wrong), b=convert(target, x))


@pytest.mark.parametrize("target", ["jax", "torch"])
@pytest.mark.parametrize("name", FACTORS)
def test_the_factorisation_fits_what_is_stated(name, target):
    expr = SYSTEM if name in ("lower", "upper") else Inverse(S) * b + Inverse(S).T * (2 * b + S * b)
    source = dm.generate({"f": expr}, target=target, assumptions=[STATED[name][0]]).source
    assert FACTORS[name] in source.split("def f(")[1]


@pytest.mark.parametrize("target", TARGETS)
def test_the_companion_test_of_stated_arguments_passes(target, tmp_path):
    require(target)
    given = (dm.symmetric(S), dm.idempotent(dm.diag(d)))
    code = dm.generate({"f": SYSTEM + dm.diag(d) * b}, target=target, assumptions=given, name="stated_module")
    code.write(tmp_path / "stated_module.py", tests=True)
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "-k", "not bad", "."]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]


def test_stated_facts_under_transformations():
    torch = require("torch")
    f = dm.generate({"f": SYSTEM}, target="torch", assumptions=[STATED["definite"][0]]).load().f
    X = torch.from_numpy(STATED["definite"][1](np.random.default_rng(1).standard_normal((3, 4, 4))))
    x = torch.ones(4, 1, dtype=torch.float64)
    together = torch.func.vmap(lambda M: f(S=M, b=x))(X)
    torch.testing.assert_close(together, torch.stack([f(S=M, b=x) for M in X]))


def test_stated_facts_under_jit():
    jax = require("jax")
    f = dm.generate({"f": SYSTEM}, target="jax", assumptions=[STATED["lower"][0]]).load().f
    X = jax.numpy.asarray(STATED["lower"][1](np.random.default_rng(1).standard_normal((4, 4))))
    x = jax.numpy.ones((4, 1))
    np.testing.assert_allclose(jax.jit(f)(S=X, b=x), f(S=X, b=x), rtol=1e-12)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", STATED)
def test_a_stated_argument_that_is_not_finite_is_told_so(name, bad):
    """Not that it lacks the property, and without a warning of the comparison, which would be an error here."""
    f = dm.generate({"f": S * b}, assumptions=[STATED[name][0]]).load().f
    for at in ((0, 0), (1, 2), (2, 1)):
        for batch in ((), (2,)):
            X, x = np.zeros((*batch, 3, 3)) + np.eye(3), np.ones((3, 1))
            X[..., *at] = bad
            with pytest.raises(ValueError, match=r"^S: received (nan|-?inf).*; it needs finite numbers"):
                f(S=X, b=x)
