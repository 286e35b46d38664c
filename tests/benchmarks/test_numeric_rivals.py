"""The equilibrium against torchdeq, jaxopt and optimistix in the same process, each at its best setting, one core.

They are no dependencies: install them beside deqmath in an environment of its own, set OPENBLAS_NUM_THREADS=1, and
start the process on one core, as in ``taskset -c 0 python -m pytest -m benchmark ...``.
"""

from __future__ import annotations

import os

import numpy as np
import pytest
from numeric_measure import SIZES, fresh, in_products, need_one_blas_thread, renewed

pytestmark = [pytest.mark.benchmark, pytest.mark.filterwarnings("ignore")]

TOL = 1e-12


def residual(net, X, Z) -> float:
    step = np.maximum(net.gamma * Z @ net.A.T + np.maximum(X @ net.W.T, 0), 0) - Z
    return float(np.max(np.linalg.norm(step, axis=1) / np.linalg.norm(Z, axis=1)))


def jax_rival(name, net, X):
    jax = pytest.importorskip("jax")
    library = pytest.importorskip(name)
    if len(os.sched_getaffinity(0)) > 1:  # jax's own flags do not bind every one of its threads
        pytest.skip("start the process on one core: taskset -c 0 python -m pytest ...")
    jax.config.update("jax_enable_x64", True)
    jnp = jax.numpy
    A, P = jnp.asarray(np.array(net.A)), jnp.asarray(net.injection(X))

    def step(Z, _=None):
        return jnp.maximum(net.gamma * Z @ A.T + P, 0)

    if name == "jaxopt":
        size = float(jnp.linalg.norm(step(P)))
        solver = library.FixedPointIteration(step, maxiter=200, tol=0.5 * TOL * size, implicit_diff=False)
        solve = jax.jit(lambda Z: solver.run(Z).params)
    else:
        solver = library.FixedPointIteration(rtol=TOL, atol=TOL)
        solve = jax.jit(lambda Z: library.fixed_point(step, solver, Z, max_steps=200, throw=False).value)
    start = jnp.zeros_like(P)
    return lambda: np.asarray(solve(start).block_until_ready())


def torch_rival(net, X):
    torch = pytest.importorskip("torch")
    torchdeq = pytest.importorskip("torchdeq")
    torch.set_num_threads(1)
    A, P = torch.from_numpy(np.array(net.A)), torch.from_numpy(net.injection(X))
    options = {"f_max_iter": 200, "f_tol": TOL, "f_stop_mode": "rel", "f_solver": "fixed_point_iter"}
    deq = torchdeq.get_deq(**options)

    def solve():
        with torch.no_grad():
            out, _ = deq(lambda Z: torch.relu(net.gamma * Z @ A.T + P), torch.zeros_like(P))
        return out[-1].numpy()

    return solve


@pytest.mark.parametrize(("m", "n"), SIZES)
@pytest.mark.parametrize("name", ["jaxopt", "optimistix", "torchdeq"])
def test_equilibrium(name, m, n, record_property):
    need_one_blas_thread()
    net, X, _ = fresh(m, n)
    solve = torch_rival(net, X) if name == "torchdeq" else jax_rival(name, net, X)
    tasks = {"deqmath": lambda: renewed(net).equilibrium(X, tol=TOL), name: solve}
    found = in_products(net, n, tasks, rounds=5)
    errors = {"deqmath": residual(net, X, net.equilibrium(X, tol=TOL).Z), name: residual(net, X, solve())}
    ratio = found[name] / found["deqmath"]
    print(f"m={m} n={n}: { ({k: round(v, 1) for k, v in found.items()}) } g, residuals {errors}: {ratio:.2f} x")
    record_property("ratio", ratio)
    assert errors[name] < 1e-9
    assert ratio >= 1.5
