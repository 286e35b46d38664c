"""Gradient, Gram matrix and lambda_min against jax and torchdeq: time on one core, and peak memory of a process each.

As for the equilibrium: an environment of its own, OPENBLAS_NUM_THREADS=1, and one core for the whole process, as in
``taskset -c 0 python -m pytest -m benchmark ...``, since jax's own flags do not bind every one of its threads.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from numeric_measure import fresh, median_seconds, need_one_blas_thread, renewed

pytestmark = [pytest.mark.benchmark, pytest.mark.filterwarnings("ignore")]

TOL = 1e-12
#: Sweeps of the rivals' loops: rate 0.214, so 1e-12 takes 18; one more for the start.
SWEEPS = 19


@pytest.fixture(autouse=True)
def _one_core():
    need_one_blas_thread()
    if len(os.sched_getaffinity(0)) > 1:
        pytest.skip("start the process on one core: taskset -c 0 python -m pytest ...")


def jax_prediction(net):
    """f(A, x) in jax: both solves are loops of sweeps over vectors, which vmap turns into products."""
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    jnp, lax = jax.numpy, jax.lax
    W, b, gamma = jnp.asarray(np.array(net.W)), jnp.asarray(np.array(net.b)), net.gamma

    @jax.custom_vjp
    def equilibrium(A, phi):
        return lax.fori_loop(0, SWEEPS, lambda _, z: jnp.maximum(gamma * (A @ z) + phi, 0), jnp.maximum(phi, 0))

    def forward(A, phi):
        z = equilibrium(A, phi)
        return z, (A, z, gamma * (A @ z) + phi > 0)

    def backward(saved, v):
        A, z, gates = saved
        q = lax.fori_loop(0, SWEEPS, lambda _, q: gates * (v + gamma * (A.T @ q)), gates * v)
        return gamma * jnp.outer(q, z), q

    equilibrium.defvjp(forward, backward)
    return jax, lambda A, x: b @ equilibrium(A, jnp.maximum(W @ x, 0)) / np.sqrt(net.width)


def jax_gradient(net, X, y):
    """The gradient with all samples in one matrix: one product for the sum of the outer products q z^T."""
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    jnp, lax, gamma = jax.numpy, jax.lax, net.gamma
    P, b = jnp.asarray(net.injection(X)), jnp.asarray(np.array(net.b))

    @jax.custom_vjp
    def equilibria(A):
        return lax.fori_loop(0, SWEEPS, lambda _, Z: jnp.maximum(gamma * (Z @ A.T) + P, 0), P)

    def forward(A):
        Z = equilibria(A)
        return Z, (A, Z)

    def backward(saved, V):
        A, Z = saved
        gates = Z > 0
        Q = lax.fori_loop(0, SWEEPS, lambda _, Q: gates * (V + gamma * (Q @ A)), gates * V)
        return (gamma * (Q.T @ Z),)

    equilibria.defvjp(forward, backward)

    def loss(A):
        r = equilibria(A) @ b / np.sqrt(net.width) - y
        return 0.5 * (r @ r)

    A, gradient = jnp.asarray(np.array(net.A)), jax.jit(jax.grad(loss))
    return lambda: np.asarray(gradient(A).block_until_ready())


def jax_lambda_min(net, X):
    jax, predict = jax_prediction(net)
    jnp, A = jax.numpy, jax.numpy.asarray(np.array(net.A))

    def gram(A):
        J = jax.vmap(jax.grad(predict), in_axes=(None, 0))(A, X).reshape(len(X), -1)
        return jnp.linalg.eigvalsh(J @ J.T)[0]

    lowest = jax.jit(gram)
    return lambda: float(lowest(A))


def torch_gradient(net, X, y):
    torch, torchdeq = pytest.importorskip("torch"), pytest.importorskip("torchdeq")
    torch.set_num_threads(1)
    A, b = torch.from_numpy(np.array(net.A)), torch.from_numpy(np.array(net.b))
    P, target = torch.from_numpy(net.injection(X)), torch.from_numpy(y)
    options = {"max_iter": 200, "tol": TOL, "stop_mode": "rel", "solver": "fixed_point_iter"}
    deq = torchdeq.get_deq(ift=True, **{f"{side}_{k}": v for side in "fb" for k, v in options.items()})

    def gradient():
        A.requires_grad_(True)
        A.grad = None
        out, _ = deq(lambda Z: torch.relu(net.gamma * Z @ A.T + P), torch.zeros_like(P))
        r = out[-1] @ b / np.sqrt(net.width) - target
        (0.5 * (r @ r)).backward()
        return A.grad.numpy()

    return gradient


def ours(net, X, y):
    def solved():
        fresh_net = renewed(net)
        return fresh_net.linearisation(fresh_net.adjoint(fresh_net.equilibrium(X, tol=TOL), tol=TOL))

    def gradient():
        J = solved()
        return J.pullback(J.predictions - y)["A"]

    def whole():
        J = solved()
        return J.pullback(J.predictions - y)["A"], np.linalg.eigvalsh(J.gram())[0]

    return gradient, whole


@pytest.mark.parametrize(("m", "n"), [(1024, 100), (1024, 500)])
def test_gradient(m, n, record_property):
    net, X, y = fresh(m, n)
    tasks = {"deqmath": ours(net, X, y)[0], "jax": jax_gradient(net, X, y), "torchdeq": torch_gradient(net, X, y)}
    want = tasks["deqmath"]()
    for task in tasks.values():
        assert np.linalg.norm(task() - want) <= 1e-8 * np.linalg.norm(want)
    times = median_seconds(tasks, 7, time.process_time)
    ratios = {name: times[name] / times["deqmath"] for name in ("jax", "torchdeq")}
    print(f"gradient m={m} n={n}: { ({k: round(v, 4) for k, v in times.items()}) } s, {ratios}")
    record_property("ratio", min(ratios.values()))
    assert min(ratios.values()) >= 2


@pytest.mark.parametrize(("m", "n", "least"), [(1024, 100, 18.0), (1024, 500, 45.0)])
def test_gram(m, n, least, record_property):
    """Gradient, Gram matrix and lambda_min together, against jax's lambda_min alone."""
    net, X, y = fresh(m, n)
    tasks = {"deqmath": ours(net, X, y)[1], "jax": jax_lambda_min(net, X)}
    assert tasks["jax"]() == pytest.approx(tasks["deqmath"]()[1], rel=1e-7)
    times = median_seconds(tasks, 3 if n <= 100 else 2, time.process_time)  # compiled by then
    ratio = times["jax"] / times["deqmath"]
    print(f"gram m={m} n={n}: {times} s, {ratio:.1f} x")
    record_property("ratio", ratio)
    assert ratio >= least


MEMORY = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[4])
from numeric_measure import fresh
import test_numeric_rival_gradients as bench

def status(field):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field))

who, m, n = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
if who == "jax":
    import jax
before = status("VmRSS")
net, X, y = fresh(m, n)
if who == "jax":
    task = bench.jax_lambda_min(net, X)
else:
    task = bench.ours(net, X, y)[1]
Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from here
task()
print((status("VmHWM") - before) / 1024)
"""


@pytest.mark.parametrize(("m", "n"), [(1024, 100), (1024, 500)])
def test_memory(m, n, record_property):
    """The network and the peak of the computation, in a process of its own, in MiB (Linux)."""
    here = str(Path(__file__).resolve().parent)
    peaks = {}
    for who in ("deqmath", "jax"):
        command = [sys.executable, "-W", "ignore", "-c", MEMORY, who, str(m), str(n), here]
        peaks[who] = float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    ratio = peaks["jax"] / peaks["deqmath"]
    print(f"memory m={m} n={n}: {peaks} MiB, {ratio:.1f} x")
    record_property("ratio", ratio)
    assert ratio >= 10
