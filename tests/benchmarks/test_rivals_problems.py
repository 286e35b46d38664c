"""The rivals' own problems: fixed points of the published examples of jaxopt and torchdeq, rebuilt, by every solver.

Each problem names the example it was rebuilt from; data of the same kind and size are drawn here. The map is stated
once in NumPy and once in the rival's library; all solve to a relative residual of 1e-12, and the answers are compared.
They are no dependencies: install them in an environment of its own, and start the process on one core, as in
``taskset -c 0 python -m pytest -m benchmark tests/benchmarks/test_rivals_problems.py -s``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from deqmath.numeric import find_fixed_point

pytestmark = [pytest.mark.benchmark, pytest.mark.filterwarnings("ignore")]

TOL = 1e-12
AGREE = 1e-10
REPEATS = 9
Solve = Callable[[], np.ndarray]


@dataclass(frozen=True)
class Problem:
    """A map in NumPy, its start, and the rivals' solvers by name; `source` is the repository and file it comes from."""

    source: str
    map: Callable[[np.ndarray], np.ndarray]
    start: np.ndarray
    rivals: dict[str, Solve]
    rows: bool = False

    def residual(self, x: np.ndarray) -> float:
        """``||T(x) - x|| / ||T(x)||``, in NumPy, for whoever found x."""
        image = self.map(x)
        return float(np.linalg.norm(image - x) / np.linalg.norm(image))


def double_jax() -> Any:
    """jax in float64, which has to be said before its first array is made."""
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    return jax


def jaxopt_solvers(step: Callable[[Any], Any], start: np.ndarray, size: float) -> dict[str, Solve]:
    """jaxopt's two fixed-point solvers, compiled; their tolerance is that of ``||T(x) - x||``, of T(x) of this size."""
    jax, jaxopt = double_jax(), pytest.importorskip("jaxopt")
    options = {"maxiter": 3000, "tol": TOL * size, "implicit_diff": False}
    solvers = {
        "jaxopt fixed point": jaxopt.FixedPointIteration(step, **options),
        "jaxopt Anderson": jaxopt.AndersonAcceleration(step, history_size=5, ridge=1e-5, **options),
    }
    first = jax.numpy.asarray(start)

    def prepared(solver: Any) -> Solve:
        run = jax.jit(lambda x: solver.run(x).params)
        return lambda: np.asarray(run(first).block_until_ready())

    return {name: prepared(solver) for name, solver in solvers.items()}


def torch_solvers(step: Callable[[Any], Any], start: np.ndarray) -> dict[str, Solve]:
    """torchdeq's three solvers; it takes the first axis as samples and stops where the worst is below the tolerance."""
    torch, torchdeq = pytest.importorskip("torch"), pytest.importorskip("torchdeq")
    torch.set_num_threads(1)
    first = torch.from_numpy(start)

    def prepared(name: str) -> Solve:
        deq = torchdeq.get_deq(f_solver=name, f_max_iter=3000, f_tol=TOL, f_stop_mode="rel")

        def solve() -> np.ndarray:
            with torch.no_grad():
                return np.asarray(deq(step, first)[0][-1].numpy())

        return solve

    return {f"torchdeq {name}": prepared(name) for name in ("fixed_point_iter", "anderson", "broyden")}


def gradient_descent() -> Problem:
    """``T(w) = w - eta grad f(w)``, f least squares, 100 samples of 10 features, eta = 0.1."""
    jnp = double_jax().numpy
    rng = np.random.default_rng(0)
    X = rng.standard_normal((100, 10))
    y = X @ (100 * rng.random(10))
    start = np.zeros(10)

    def T(w: np.ndarray) -> np.ndarray:
        return w - 0.1 * (X.T @ (X @ w - y)) / 100

    Xj, yj = jnp.asarray(X), jnp.asarray(y)
    size = float(np.linalg.norm(np.linalg.lstsq(X, y)[0]))
    rivals = jaxopt_solvers(lambda w: w - 0.1 * (Xj.T @ (Xj @ w - yj)) / 100, start, size)
    return Problem("google/jaxopt examples/fixed_point/plot_anderson_accelerate_gd.py", T, start, rivals)


def picard_ode() -> Problem:
    """``T(y)(t) = int_0^t (1 + y^2) ds`` by the trapezoidal rule on 100 points up to 0.45 pi; the solution is near tan t."""
    jnp = double_jax().numpy
    h, start = 0.45 * np.pi / 99, np.zeros(100)

    def T(y: np.ndarray) -> np.ndarray:
        f = 1 + y * y
        out = np.zeros(100)
        np.cumsum(0.5 * h * (f[1:] + f[:-1]), out=out[1:])
        return out

    def Tj(y: Any) -> Any:
        f = 1 + y * y
        return jnp.concatenate([jnp.zeros(1), jnp.cumsum(0.5 * h * (f[1:] + f[:-1]))])

    size = float(np.linalg.norm(np.tan(np.linspace(0, 0.45 * np.pi, 100))))
    rivals = jaxopt_solvers(Tj, start, size)
    return Problem("google/jaxopt examples/fixed_point/plot_picard_ode.py", T, start, rivals)


def lasso() -> Problem:
    """``T(w) = soft(w - grad f(w)/L, lambda/L)``: the proximal gradient of the lasso on diabetes, unit rows, theta = 0."""
    jax, jaxopt = double_jax(), pytest.importorskip("jaxopt")
    datasets = pytest.importorskip("sklearn.datasets")
    X, y = datasets.load_diabetes(return_X_y=True)
    X = (X / np.linalg.norm(X, axis=1, keepdims=True))[:296]
    y, n = y[:296], 296
    L, lam = float(np.linalg.norm(X, 2) ** 2 / n), 1.0
    start = np.zeros(10)

    def T(w: np.ndarray) -> np.ndarray:
        v = w - (X.T @ (X @ w - y)) / (n * L)
        return np.sign(v) * np.maximum(np.abs(v) - lam / L, 0)

    Xj, yj = jax.numpy.asarray(X), jax.numpy.asarray(y)
    Tj = lambda w: jaxopt.prox.prox_lasso(w - (Xj.T @ (Xj @ w - yj)) / (n * L), lam / L)
    size = float(np.linalg.norm(find_fixed_point(T, start, max_evaluations=20_000).x))
    shared = {"maxiter": 20_000, "implicit_diff": False}
    gradient = jaxopt.ProximalGradient(
        jaxopt.objective.least_squares, jaxopt.prox.prox_lasso, stepsize=1 / L, tol=TOL * size * L, **shared
    )
    descent = jaxopt.BlockCoordinateDescent(
        jaxopt.objective.least_squares, jaxopt.prox.prox_lasso, tol=TOL * size, **shared
    )

    def prepared(solver: Any) -> Solve:
        run = jax.jit(lambda w: solver.run(w, lam, (Xj, yj)).params)
        return lambda: np.asarray(run(jax.numpy.zeros(10)).block_until_ready())

    rivals = jaxopt_solvers(Tj, start, size)
    rivals |= {"jaxopt ProximalGradient": prepared(gradient), "jaxopt BlockCoordinateDescent": prepared(descent)}
    return Problem("google/jaxopt examples/implicit_diff/lasso_implicit_diff.py", T, start, rivals)


def coordinate_descent() -> Problem:
    """T is one cycle of coordinate descent of the lasso, 10 samples of 8 features, l1 = 10."""
    jax, jaxopt = double_jax(), pytest.importorskip("jaxopt")
    rng = np.random.default_rng(1)
    X = rng.standard_normal((10, 8))
    y, lam, start = X @ (100 * rng.random(8)), 10.0, np.zeros(8)
    steps = 10 / np.sum(X * X, axis=0)

    def T(w: np.ndarray) -> np.ndarray:
        w = w.copy()
        r = X @ w - y
        for j in range(8):
            v = w[j] - steps[j] * (X[:, j] @ r) / 10
            new = np.sign(v) * max(abs(v) - lam * steps[j], 0)
            r += X[:, j] * (new - w[j])
            w[j] = new
        return w

    size = float(np.linalg.norm(find_fixed_point(T, start).x))
    data = (jax.numpy.asarray(X), jax.numpy.asarray(y))
    plain = jaxopt.BlockCoordinateDescent(
        jaxopt.objective.least_squares, jaxopt.prox.prox_lasso, maxiter=3000, tol=TOL * size, implicit_diff=False
    )
    wrapped = jaxopt.AndersonWrapper(plain, history_size=5, mixing_frequency=1, ridge=1e-4, implicit_diff=False)

    def prepared(solver: Any) -> Solve:
        run = jax.jit(lambda w: solver.run(w, hyperparams_prox=lam, data=data).params)
        return lambda: np.asarray(run(jax.numpy.zeros(8)).block_until_ready())

    rivals = {"jaxopt BlockCoordinateDescent": prepared(plain), "jaxopt AndersonWrapper": prepared(wrapped)}
    return Problem("google/jaxopt examples/fixed_point/plot_anderson_wrapper_cd.py", T, start, rivals)


def _convolution(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """3 x 3, zero padding; x is (n, h, w, c), kernel (3, 3, c, k)."""
    n, h, w, c = x.shape
    wide = np.zeros((n, h + 2, w + 2, c))
    wide[:, 1:-1, 1:-1, :] = x
    windows = np.lib.stride_tricks.sliding_window_view(wide, (3, 3), axis=(1, 2))  # (n, h, w, c, 3, 3)
    rows = windows.transpose(0, 1, 2, 4, 5, 3).reshape(n * h * w, 9 * c)
    return (rows @ kernel.reshape(9 * c, -1)).reshape(n, h, w, -1)


def _group_norm(x: np.ndarray, groups: int = 8) -> np.ndarray:
    n, h, w, c = x.shape
    parts = x.reshape(n, h * w, groups, c // groups)
    mean = parts.mean(axis=(1, 3), keepdims=True)
    centred = parts - mean
    variance = np.mean(centred * centred, axis=(1, 3), keepdims=True)
    return (centred / np.sqrt(variance + 1e-6)).reshape(n, h, w, c)


def residual_block() -> Problem:
    """The block of the equilibrium model: two 3 x 3 convolutions (24 to 32 to 24 channels), group norms, 16 images 8 x 8."""
    jax = double_jax()
    jnp = jax.numpy
    rng = np.random.default_rng(2)
    first, second = 0.01 * rng.standard_normal((3, 3, 24, 32)), 0.01 * rng.standard_normal((3, 3, 32, 24))
    x = rng.standard_normal((16, 8, 8, 24))

    def T(z: np.ndarray) -> np.ndarray:
        y = _group_norm(np.maximum(_convolution(z, first), 0))
        y = _group_norm(_convolution(y, second) + x) + z
        return _group_norm(np.maximum(y, 0))

    def conv(a: Any, k: Any) -> Any:
        return jax.lax.conv_general_dilated(a, k, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))

    def norm(a: Any) -> Any:
        parts = a.reshape(16, 64, 8, -1)
        centred = parts - parts.mean(axis=(1, 3), keepdims=True)
        return (centred / jnp.sqrt(jnp.mean(centred**2, axis=(1, 3), keepdims=True) + 1e-6)).reshape(a.shape)

    def Tj(z: Any) -> Any:
        y = norm(jax.nn.relu(conv(z, k1)))
        return norm(jax.nn.relu(norm(conv(y, k2) + xj) + z))

    k1, k2, xj = jnp.asarray(first), jnp.asarray(second), jnp.asarray(x)
    rivals = jaxopt_solvers(Tj, x, float(np.sqrt(x.size)))
    return Problem("google/jaxopt examples/fixed_point/deep_equilibrium_model.py", T, x, rivals, rows=True)


def square_root() -> Problem:
    """``T(z) = (z + 2/z)/2`` from 1: the example in the documentation of torchdeq's solvers."""
    source = "locuslab/torchdeq, docstring of anderson_solver in torchdeq/solver/anderson.py"
    step = lambda z: 0.5 * (z + 2 / z)
    start = np.ones((1, 1))
    return Problem(source, step, start, torch_solvers(step, start), rows=True)


def implicit_graph() -> Problem:
    """``X = relu(W X A + B)``: the implicit graph network on 20 chains of 50 nodes, 16 hidden features, kappa = 0.9."""
    torch, sparse = pytest.importorskip("torch"), pytest.importorskip("scipy.sparse")
    rng = np.random.default_rng(3)
    chain = np.eye(50, k=1) + np.eye(50, k=-1) + np.eye(50)
    degree = np.sqrt(chain.sum(axis=1))
    block = chain / degree[:, None] / degree[None, :]
    A = sparse.block_diag([block] * 20, format="csr")
    W = rng.uniform(-0.25, 0.25, (16, 16))
    W *= 0.9 / np.max(np.abs(W).sum(axis=1))
    B = rng.standard_normal((16, 1000)) * (rng.random((16, 1000)) < 0.05)
    At, start = A.T.tocsr(), np.zeros((16, 1000))

    def T(X: np.ndarray) -> np.ndarray:
        return np.maximum((At @ (W @ X).T).T + B, 0)

    coo = At.tocoo()
    adjacency = torch.sparse_coo_tensor(np.stack([coo.row, coo.col]), coo.data, coo.shape).coalesce()
    Wt, Bt = torch.from_numpy(W), torch.from_numpy(B)
    # one system, so one sample: torchdeq otherwise takes the rows of X, which are coupled, for samples
    step = lambda X: torch.relu(torch.sparse.mm(adjacency, (Wt @ X[0]).T).T + Bt)[None]
    rivals = torch_solvers(step, start[None])
    rivals = {name: (lambda solve=solve: solve()[0]) for name, solve in rivals.items()}
    source = "locuslab/torchdeq deq-zoo/ignn/nodeclassification/layers.py, models_chains.py"
    return Problem(source, T, start, rivals)


def tanh_layer() -> Problem:
    """``z = tanh(W z + U x + b)``, 512 units, 64 samples, ||W||_2 = 0.9: the sample code leaves its layer open, this is ours."""
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(4)
    W = rng.standard_normal((512, 512))
    W *= 0.9 / np.linalg.norm(W, 2)
    drive = rng.standard_normal((64, 100)) @ (rng.standard_normal((100, 512)) / 10) + rng.standard_normal(512)
    start = np.zeros((64, 512))
    Wt, dt = torch.from_numpy(W), torch.from_numpy(drive)
    rivals = torch_solvers(lambda z: torch.tanh(z @ Wt.T + dt), start)
    source = "locuslab/torchdeq docs/get_started.md"
    return Problem(source, lambda z: np.tanh(z @ W.T + drive), start, rivals, rows=True)


PROBLEMS = [
    gradient_descent,
    picard_ode,
    lasso,
    coordinate_descent,
    residual_block,
    square_root,
    implicit_graph,
    tanh_layer,
]


def least_seconds(tasks: dict[str, Solve]) -> dict[str, float]:
    """The least time of each, the tasks taken in turns; the first call, which compiles, is not counted."""
    times = {name: float("inf") for name in tasks}
    for k in range(REPEATS + 1):
        for name, task in tasks.items():
            start = time.perf_counter()
            task()
            taken = time.perf_counter() - start
            times[name] = times[name] if k == 0 else min(times[name], taken)
    return times


@pytest.mark.parametrize("make", PROBLEMS, ids=lambda make: make.__name__)
def test_same_answer_and_time(make, record_property):
    problem = make()

    def ours(strategy: str) -> Solve:
        return lambda: (
            find_fixed_point(
                problem.map, problem.start, tol=TOL, rows=problem.rows, strategy=strategy, max_evaluations=20_000
            ).x
        )

    tasks = {"deqmath": ours("automatic"), "deqmath picard": ours("picard"), **problem.rivals}
    seconds = least_seconds(tasks)
    answer = find_fixed_point(problem.map, problem.start, tol=TOL, rows=problem.rows, max_evaluations=20_000)
    print(f"\n{make.__name__}: {problem.source}; deqmath: {answer.evaluations} evaluations, {answer.strategy}")
    fastest = None
    for name, solve in tasks.items():
        x = solve()
        apart = float(np.max(np.abs(x - answer.x)) / np.max(np.abs(answer.x)))
        reached = apart <= AGREE
        if name in problem.rivals and reached and (fastest is None or seconds[name] < seconds[fastest]):
            fastest = name
        remark = "" if reached else ": does not count"
        figures = f"{1e3 * seconds[name]:9.3f} ms, residual {problem.residual(x):.1e}, apart {apart:.1e}"
        print(f"  {name:30s} {figures}{remark}")
    assert answer.converged
    assert fastest is not None, "no rival reached the answer: nothing to compare with"
    ratio = seconds[fastest] / seconds["deqmath"]
    record_property("ratio", ratio)
    print(f"  fastest rival that reached the answer: {fastest}, {ratio:.2f} x deqmath's time")
