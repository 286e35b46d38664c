"""What a docstring says of flops and memory: a bound that holds, whichever rows are open, and its assumption."""

from __future__ import annotations

import inspect
import tracemalloc

import numpy as np
import pytest

import deqmath as dm

from .cases import CASES, A, B, E, F, G, Phi, Q, V, Z, b, m, n, p, phi, r, w, y, z

SYMBOLS = {X.name: X for X in (A, B, E, F, G, V, Z, Phi, Q, r, y, b, w, z, phi)}
#: NumPy keeps two buffers of 8192 numbers where it broadcasts, and small objects of its own.
SLACK = 2 * 8192 + 1500
LARGE, SMALL = {m: 160, n: 120, p: 80}, {m: 24, n: 18, p: 12}
KRONECKER = ("jacobian10", "jacobian11", "matrix_vjp10", "kron_of_three", "kron_times_matrix", "selection_between")
DENSE = (
    "jvp10", "vjp10_column", "jvp11", "vjp11", "push_through", "gram", "flow6", "sum_of_scalars", "sum_of_gates", "sum_of_matrices",
    "per_sample_jvp", "per_sample_relu", "two_solves", "only_inverse", "ridge", "definite", "low_rank", "softmax", "blocks", "trace",
    "logdet", "sigmoid_gate", "plain_argument", "chain", "kron_sum",
)  # fmt: skip


def _arguments(function, dims):
    """Arguments that are positive, so that every gate is open, and matrices of small norm."""
    rng, out = np.random.default_rng(0), {}
    for name in inspect.signature(function).parameters:
        if name in ("gamma", "c"):
            out[name] = 0.4
            continue
        shape = [int(k.subs(dims)) for k in SYMBOLS[name].shape]
        X = rng.random(shape)
        out[name] = 0.4 * np.eye(shape[0]) + X / (4 * shape[0]) if name in "AB" else X
    return out


@pytest.mark.parametrize(("name", "dims"), [*((k, LARGE) for k in DENSE), *((k, SMALL) for k in KRONECKER)])
def test_no_more_memory_than_stated(name, dims):
    module = dm.generate({name: CASES[name]})
    function, bound = getattr(module.load(), name), int(module.memory[name].subs(dims))
    given = _arguments(function, dims)
    function(**given)
    tracemalloc.start()
    function(**given)
    peak = tracemalloc.get_traced_memory()[1] / 8
    tracemalloc.stop()
    assert peak <= bound + SLACK


def test_the_measurement_sees_one_array_too_many():
    module = dm.generate({"f": CASES["chain"]})
    given = _arguments(module.load().f, LARGE)
    tracemalloc.start()
    kept = module.load().f(**given), given["A"] @ given["B"], given["B"] @ given["A"]
    peak = tracemalloc.get_traced_memory()[1] / 8
    tracemalloc.stop()
    assert len(kept) == 3
    assert peak > int(module.memory["f"].subs(LARGE)) + SLACK


def test_flops_on_open_rows_say_what_they_assume():
    assert ", with half of the gates open." in dm.generate({"f": CASES["jvp10"]}).source
    for text in (dm.generate({"f": CASES["chain"]}), dm.generate({"f": CASES["jvp10"]}, without=("active",))):
        assert "half of the gates" not in text.source
