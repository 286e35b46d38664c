"""PyTorch: the open rows of a gate under autograd, ``torch.func``, ``torch.compile`` and tracing."""

from __future__ import annotations

import inspect
import itertools

import numpy as np
import pytest
from sympy import Identity, Inverse, MatrixSymbol

import deqmath as dm

from .backends import require
from .cases import A, b, gamma, m
from .test_active_on_targets import _given, _pair
from .test_pass_active import PHI

torch = require("torch")
NAMES = ("jvp10", "jvp11", "vjp11", "two_right_hand_sides", "alone", "per_sample_solves")


def _tensors(function, gates="mixed", batch=()):
    names = inspect.signature(function).parameters
    if "Phi" not in names:
        given = {k: torch.as_tensor(v, dtype=torch.float64) for k, v in _given(function, gates, batch=batch).items()}
        return given | {"gamma": torch.linspace(0.1, 0.3, batch[0]).double()} if batch else given
    rng = np.random.default_rng(5)
    shapes = {"A": (6, 6), "Z": (6, 4), "Phi": (6, 4), "b": (6, 1), "r": (4, 1), "gamma": ()}
    out = {k: torch.from_numpy(np.asarray(0.3 * rng.standard_normal((*batch, *shapes[k])))) for k in names}
    if PHI[gates] is not None:
        out["Phi"][:] = PHI[gates]
    return out


@pytest.mark.parametrize("gates", PHI)
@pytest.mark.parametrize("name", NAMES)
def test_derivatives_of_first_and_second_order(name, gates):
    """By autograd, against central differences and against the whole factorisation; the gate moves nothing."""
    fast, plain = _pair(name, "torch")
    given = {k: v.requires_grad_(True) for k, v in _tensors(fast, gates).items()}
    keys = list(given)
    assert torch.autograd.gradcheck(lambda *x: fast(**dict(zip(keys, x, strict=True))), list(given.values()))

    def slopes(f):
        first = torch.autograd.grad((f(**given) ** 2).sum(), list(given.values()), create_graph=True, allow_unused=True)
        first = [torch.zeros_like(v) if g is None else g for g, v in zip(first, given.values(), strict=True)]
        total = sum((g**2).sum() for g in first)
        if not total.requires_grad:
            return first, first
        second = torch.autograd.grad(total, list(given.values()), allow_unused=True)
        return first, [torch.zeros_like(v) if g is None else g for g, v in zip(second, given.values(), strict=True)]

    for got, want in zip(itertools.chain(*slopes(fast)), itertools.chain(*slopes(plain)), strict=True):
        torch.testing.assert_close(got, want, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_where_no_shape_may_depend_on_values(name):
    """``vmap`` over all arguments, over the gate or the right-hand side alone, ``compile``, and both orders with grad."""
    fast, _ = _pair(name, "torch")
    batched, one = _tensors(fast, batch=(3,)), _tensors(fast)
    want = torch.stack([fast(**{k: v[j] for k, v in batched.items()}) for j in range(3)])
    torch.testing.assert_close(fast(**batched), want)
    torch.testing.assert_close(torch.func.vmap(lambda x: fast(**x))(batched), want)
    for key in one:
        alone = torch.func.vmap(lambda x, key=key: fast(**{**one, key: x}))(batched[key])
        torch.testing.assert_close(alone, torch.stack([fast(**{**one, key: x}) for x in batched[key]]))
    torch.compiler.reset()
    compiled = torch.compile(fast, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(**one), fast(**one))
    torch.testing.assert_close(compiled(**{**one, "A": -one["A"]}), fast(**{**one, "A": -one["A"]}))


@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch")  # torch.func.jvp itself calls torch.jit.script
@pytest.mark.parametrize("name", NAMES)
def test_transformations_of_derivatives(name):
    fast, plain = _pair(name, "torch")
    batched, one = _tensors(fast, batch=(3,)), _tensors(fast)

    def slope(f):
        return torch.func.grad(lambda x: f(**x).sum())

    alone, whole = slope(fast)(one), slope(plain)(one)
    samples = torch.func.vmap(slope(fast))(batched)
    through = torch.func.grad(lambda x: torch.func.vmap(lambda y: fast(**y))(x).sum())(batched)
    tangents = {k: torch.ones_like(v) for k, v in one.items()}
    forward = torch.func.jvp(lambda x: fast(**x), (one,), (tangents,))[1]
    torch.testing.assert_close(forward, torch.func.jvp(lambda x: plain(**x), (one,), (tangents,))[1])
    for k, whole_slope in whole.items():
        torch.testing.assert_close(alone[k], whole_slope, rtol=1e-9, atol=1e-10)
        torch.testing.assert_close(samples[k], through[k], rtol=1e-9, atol=1e-10)
        for j in range(3):
            torch.testing.assert_close(samples[k][j], slope(fast)({n: v[j] for n, v in batched.items()})[k])


def test_a_result_of_closed_gates_is_still_part_of_the_graph():
    fast, _ = _pair("left", "torch")
    given = {k: v.requires_grad_(True) for k, v in _tensors(fast, "all_closed").items()}
    fast(**given).sum().backward()
    for k in ("A", "b"):
        assert torch.count_nonzero(given[k].grad) == 0


def test_only_the_open_rows_are_factored_and_once(monkeypatch):
    fast, _ = _pair("two_right_hand_sides", "torch")
    sizes, real = [], torch.linalg.lu_factor_ex
    monkeypatch.setattr(torch.linalg, "lu_factor_ex", lambda M: sizes.append(tuple(M.shape)) or real(M))
    monkeypatch.setattr(torch.linalg, "solve", None)
    given = {k: torch.as_tensor(v, dtype=torch.float64) for k, v in _given(fast, "mixed", 9).items()}
    fast(**given)
    opened = int((given["gamma"] * given["A"] @ given["z"] + given["phi"] > 0).sum())
    assert sizes == [(opened, opened)]
    assert 1 < opened < 9


def test_a_singular_matrix_shows_as_not_finite_inside_a_transformation():
    fast, _ = _pair("left", "torch")
    ones = torch.ones(3, 1, dtype=torch.float64)
    given = {
        "A": torch.eye(3, dtype=torch.float64),
        "b": ones,
        "gamma": torch.tensor(1.0, dtype=torch.float64),
        "z": ones,
    }
    phi = torch.stack([ones, -2 * ones])
    got = torch.func.vmap(lambda p: fast(**given, phi=p))(phi)
    assert not torch.isfinite(got[0]).all()
    assert torch.count_nonzero(got[1]) == 0


def test_a_gate_that_is_an_argument():
    """Its derivative is 0; a batch of gates agrees with one gate at a time."""
    d = MatrixSymbol("d", m, 1)
    expr = Inverse(Identity(m) - gamma * dm.diag(d) * A) * dm.diag(d) * b
    f = dm.generate({"f": expr}, target="torch", assumptions=[dm.idempotent(dm.diag(d))]).load().f
    assert "_active_solve(" in inspect.getsource(f)
    rng = np.random.default_rng(2)
    given = {"A": rng.standard_normal((5, 5)), "b": rng.standard_normal((5, 1)), "gamma": 0.2}
    given = {k: torch.as_tensor(v, dtype=torch.float64) for k, v in given.items()}
    gates = torch.as_tensor(rng.standard_normal((4, 5, 1)) > 0, dtype=torch.float64)
    want = torch.stack([f(**given, d=gate) for gate in gates])
    torch.testing.assert_close(f(**given, d=gates), want)
    torch.testing.assert_close(torch.func.vmap(lambda gate: f(**given, d=gate))(gates), want)
    assert torch.count_nonzero(torch.func.grad(lambda gate: f(**given, d=gate).sum())(gates[0])) == 0
    assert torch.count_nonzero(torch.func.grad(lambda gate: f(**given, d=gate).sum())(gates)) == 0
