"""What the generated text is made of: solves, factors applied and never formed, shared work."""

from __future__ import annotations

import inspect
import tracemalloc

import numpy as np
import pytest
from sympy import Inverse, Rational, expand

import deqmath as dm

from .cases import CASES, A, b, gamma, m, p, phi, values, z


def _body(name, **options):
    function = getattr(dm.generate({name: CASES[name]}, **options).load(), name)
    return inspect.getsource(function).split('"""')[2]


@pytest.mark.parametrize("name", ["jvp10", "vjp10", "vjp10_column", "jvp11", "vjp11", "right_solve"])
@pytest.mark.parametrize("word", ["kron", "inv(", "inverse", "eye", "identity"])
def test_products_with_a_jacobian_form_no_inverse_and_no_kronecker_product(name, word):
    assert word not in _body(name)


@pytest.mark.parametrize("name", ["jvp10", "vjp10", "jvp11", "vjp11"])
def test_no_array_of_size_m_times_m_squared_is_allocated(name):
    rng, size = np.random.default_rng(0), 300
    function = getattr(dm.generate({name: CASES[name]}).load(), name)
    arguments = {
        "A": rng.standard_normal((size, size)),
        "V": rng.standard_normal((size, size)),
        "gamma": 0.3 / np.sqrt(size),
    }
    arguments |= {k: rng.standard_normal((size, 1)) for k in ("z", "phi", "b", "w")}
    arguments = {k: arguments[k] for k in inspect.signature(function).parameters}
    function(**arguments)
    tracemalloc.start()
    function(**arguments)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * 8 * size**2  # eight m x m arrays of float64; m x m^2 would be 300 of them


@pytest.mark.parametrize("name", ["two_solves", "solve_twice", "inverse_and_solve"])
def test_one_factorisation_serves_a_matrix_its_transpose_and_several_right_hand_sides(name):
    body = _body(name)
    assert body.count("_lu(") == 1
    assert body.count("_lu_solve(") == 2
    assert "_solve(" not in body.replace("_lu_solve(", "")


def test_gates_scale_rows_and_are_never_matrices():
    body = _body("jvp10")
    assert "d = u > 0.0" in body
    assert "_diagonal" not in body.replace("_add_diagonal", "")


def test_a_sum_of_outer_products_is_one_product():
    for name in ("flow6", "flow6_entries", "flow6_vec", "per_sample_relu"):
        body = _body(name)
        assert "for " not in body
        assert body.count("@") == (2 if name == "per_sample_relu" else 1)


def test_per_sample_solves_loop_over_the_solve_alone():
    body = _body("per_sample_solves")
    loop = body.split("for i in range(n):")[1].split("np.concatenate")[0]
    assert "_solve(" in loop
    assert "@" not in loop
    assert "One system at a time" in body


def test_matrix_vector_products_come_first():
    flops = dm.generate({"f": CASES["chain"]}).flops["f"]
    assert flops == 4 * m**2 + 2 * m * p


def test_common_subexpressions_are_computed_once():
    D = dm.gate(gamma * A * z + phi)
    body = _body_of(D * A * b + D * z)
    assert body.count("np.heaviside") == 1


def _body_of(expr):
    return inspect.getsource(dm.generate({"f": expr}).load().f).split('"""')[2]


def test_the_flops_of_a_solve():
    code = dm.generate({"x": Inverse(A) * b})
    assert code.flops["x"] == expand(Rational(2, 3) * m**3 + 2 * m**2)
    assert code.flops.subs(m, 3) == 36
    assert code.flops.free_symbols == {m}
    with pytest.raises(ValueError, match="needs a name"):
        _ = dm.generate({"x": A, "y": b}).flops.expression


def test_a_dense_jacobian_says_what_it_costs():
    source = dm.generate({"J": CASES["jacobian10"]}).source
    assert "dense array of shape (m, m**2)" in source
    assert "product with vec(V) instead" in source


def test_arguments_are_not_changed():
    for name in ("symmetric_sum", "diagonals", "jvp10", "plain_argument", "jacobian10"):
        function = getattr(dm.generate({name: CASES[name]}).load(), name)
        arguments = values(list(inspect.signature(function).parameters), np.random.default_rng(0))
        before = {k: np.copy(v) for k, v in arguments.items()}
        result = function(**arguments)
        result += 1.0
        assert all(np.array_equal(before[k], arguments[k]) for k in arguments)
