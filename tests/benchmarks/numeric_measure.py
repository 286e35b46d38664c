"""What the numeric benchmarks share: problems, and times in the unit g of one float64 product, taken in turns.

Run with one BLAS thread: ``OPENBLAS_NUM_THREADS=1 python -m pytest -m benchmark tests/benchmarks/test_numeric_*.py -s``.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import numpy as np
import pytest

from deqmath.numeric import ReLUNetwork

SIZES = [(1024, 100), (1024, 500), (2048, 500)]


def need_one_blas_thread() -> None:
    """Skip unless BLAS was started on one thread: g is the price of a product on one core."""
    if os.environ.get("OPENBLAS_NUM_THREADS") != "1":
        pytest.skip("g is measured on one core: set OPENBLAS_NUM_THREADS=1 before Python starts")


def fresh(m: int, n: int, d: int = 64) -> tuple[ReLUNetwork, np.ndarray, np.ndarray]:
    """A Gaussian network, unit rows, gamma = 0.25/sqrt m."""
    X = np.random.default_rng(1).standard_normal((n, d))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    net = ReLUNetwork.random(width=m, inputs=d, gamma0=0.25, seed=0)
    net.operator_norm()
    return net, X, np.sign(X[:, 0])


def renewed(net: ReLUNetwork) -> ReLUNetwork:
    """The network with its float32 copy forgotten, which every new network has to make."""
    net.__dict__.pop("low_precision", None)
    return net


def median_seconds(
    tasks: dict[str, Callable[[], object]], rounds: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, float]:
    """The median of :func:`seconds` of each task."""
    return {name: float(np.median(found)) for name, found in seconds(tasks, rounds, clock).items()}


def seconds(
    tasks: dict[str, Callable[[], object]], rounds: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, list[float]]:
    """The times of each task, the tasks taken in turns so that all see the same machine.

    On one core ``clock=time.process_time`` leaves out what other work takes of the core. What a library does in threads
    of its own after a task has returned (jax gives back its memory so) is waited for, and counted for no task.
    """
    times: dict[str, list[float]] = {name: [] for name in tasks}
    for task in tasks.values():
        task()
    for _ in range(rounds):
        for name, task in tasks.items():
            _settle()
            start = clock()
            task()
            times[name].append(clock() - start)
    return times


def _settle() -> None:
    """Wait until no other thread of this process is busy: at most a tenth of the time is used, or ten seconds passed."""
    until = time.perf_counter() + 10
    while time.perf_counter() < until:
        used = time.process_time()
        time.sleep(0.02)
        if time.process_time() - used < 0.002:
            return


def in_products(net: ReLUNetwork, n: int, tasks: dict[str, Callable[[], object]], rounds: int = 15) -> dict[str, float]:
    """The median price of each task in g, in processor time; a g is measured before and after every task."""
    Z, M = np.random.default_rng(0).standard_normal((n, net.width)), net.A.T
    repeat = max(1, int(2e9 / (2 * n * net.width**2)))
    ratios: dict[str, list[float]] = {name: [] for name in tasks}
    for task in tasks.values():
        task()
    for _ in range(rounds):
        for name, task in tasks.items():
            unit = []
            start = time.process_time()
            for _ in range(repeat):
                Z @ M
            unit.append((time.process_time() - start) / repeat)
            start = time.process_time()
            task()
            taken = time.process_time() - start
            start = time.process_time()
            for _ in range(repeat):
                Z @ M
            unit.append((time.process_time() - start) / repeat)
            ratios[name].append(taken / float(np.mean(unit)))
    return {name: float(np.median(found)) for name, found in ratios.items()}
