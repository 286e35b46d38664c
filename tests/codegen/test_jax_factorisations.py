"""JAX: shapes are static, so no gate picks rows; one factorisation serves a matrix, its transpose and the derivative."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from sympy import Identity, Inverse

import deqmath as dm

from .backends import convert, parameters, require
from .cases import CASES, A, b, gamma, m, values, w

jax = require("jax")
#: Two solves with M and M^T, or with one of them twice; the last has two matrices.
ONE = ("jvp11", "vjp11", "two_solves", "inverse_and_solve", "solve_twice")
TWO_MATRICES = Inverse(A) * b + Inverse(A.T) * w + Inverse(Identity(m) - gamma * A) * b


def _factorisations(jaxpr):
    """How often a traced function factors, in all functions inside it."""
    held = [v for e in jaxpr.eqns for v in e.params.values()]
    inside = [getattr(x, "jaxpr", x) for v in held for x in (v if isinstance(v, (tuple, list)) else (v,))]
    nested = sum(_factorisations(x) for x in inside if hasattr(x, "eqns"))
    return nested + sum(e.primitive.name == "lu" for e in jaxpr.eqns)


def _traced(expr):
    f = dm.generate({"f": expr}, target="jax").load().f
    given = {
        k: jax.numpy.asarray(convert("jax", v)) for k, v in values(parameters(f), np.random.default_rng(0)).items()
    }
    stacked = {k: jax.numpy.stack([v, v]) for k, v in given.items()}
    functions = {
        "plain": (lambda x: f(**x), given),
        "grad": (jax.grad(lambda x: f(**x).sum()), given),
        "vmap": (jax.vmap(lambda x: f(**x)), stacked),
        "batch": (lambda x: f(**x), stacked),
    }
    return f, {k: _factorisations(jax.make_jaxpr(function)(x).jaxpr) for k, (function, x) in functions.items()}


@pytest.mark.parametrize("name", ONE)
def test_one_factorisation(name):
    f, counts = _traced(CASES[name])
    assert counts == dict.fromkeys(counts, 1)
    assert "_active" not in inspect.getsource(f)


def test_the_count_sees_a_second_factorisation():
    _, counts = _traced(TWO_MATRICES)
    assert counts == dict.fromkeys(counts, 2)
    again = dm.generate({"f": CASES["jvp11"]}, target="jax", without=("factor_once",)).load().f
    given = {k: convert("jax", v) for k, v in values(parameters(again), np.random.default_rng(0)).items()}
    assert _factorisations(jax.make_jaxpr(lambda x: again(**x))(given).jaxpr) == 2


@pytest.mark.parametrize("name", ONE)
def test_derivatives_of_both_orders_are_those_of_separate_solves(name):
    """Forwards, backwards and twice: what is shared is the factorisation, never its derivative."""
    shared = dm.generate({"f": CASES[name]}, target="jax").load().f
    separate = dm.generate({"f": CASES[name]}, target="jax", without=("factor_once",)).load().f
    given = values(parameters(shared), np.random.default_rng(3))
    given = {k: jax.numpy.asarray(convert("jax", v)) for k, v in given.items()}
    weight = jax.numpy.asarray(np.random.default_rng(4).standard_normal(shared(**given).shape))

    def scalar(f):
        return lambda x: (weight * f(**x)).sum()

    for derivative in (
        jax.grad,
        jax.jacfwd,
        lambda s: jax.grad(lambda x: sum((g**2).sum() for g in jax.tree.leaves(jax.grad(s)(x)))),
        lambda s: jax.jit(jax.grad(s)),
    ):
        got, want = derivative(scalar(shared))(given), derivative(scalar(separate))(given)
        for key, value in want.items():
            size = max(1.0, float(abs(value).max()))
            np.testing.assert_allclose(got[key], value, rtol=1e-9, atol=1e-10 * size)
