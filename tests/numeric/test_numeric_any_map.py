"""Fixed points of any map: solutions known in closed form, residuals that are true, failures that are said."""

from __future__ import annotations

import array_api_strict as strict
import numpy as np
import pytest

from deqmath.errors import InputError, NotConvergedError, ShapeError
from deqmath.numeric import find_fixed_point


def linear(rate: float, size: int = 12, samples: int | None = None):
    """``T(x) = x M + c`` with M symmetric of spectral radius `rate`, and its fixed point."""
    rng = np.random.default_rng(3)
    M = rng.standard_normal((size, size))
    M = M + M.T
    M *= rate / np.max(np.abs(np.linalg.eigvalsh(M)))
    c = rng.standard_normal(size if samples is None else (samples, size))
    return (lambda x: x @ M + c), np.linalg.solve((np.eye(size) - M).T, c.T).T, np.zeros_like(c)


@pytest.mark.parametrize("strategy", ["automatic", "picard", "anderson"])
@pytest.mark.parametrize("rate", [0.1, 0.9])
def test_linear_maps(strategy, rate):
    T, want, start = linear(rate)
    found = find_fixed_point(T, start, strategy=strategy, tol=1e-13)
    assert found.status == "converged"
    # ||x - x_*|| <= ||T(x) - x|| / (1 - rate), and the scale of the residual is at most twice ||x_*||
    assert np.linalg.norm(found.x - want) <= 4e-13 / (1 - rate) * np.linalg.norm(want)
    true = np.linalg.norm(T(found.x) - found.x) / max(np.linalg.norm(T(found.x)), np.linalg.norm(T(start)))
    assert found.residual == pytest.approx(true, rel=1e-12)


def test_history_pays_where_the_rate_is_high():
    T, _, start = linear(0.9)
    plain = find_fixed_point(T, start, strategy="picard")
    chosen = find_fixed_point(T, start)
    assert chosen.strategy == "picard, then anderson"
    assert chosen.evaluations < plain.evaluations / 3
    assert find_fixed_point(linear(0.1)[0], start).strategy == "picard"
    assert plain.rate == pytest.approx(0.9, abs=0.03)


def test_rows_are_problems_of_their_own():
    T, want, start = linear(0.9, samples=5)
    together = find_fixed_point(T, start, rows=True, strategy="anderson")
    assert np.max(np.abs(together.x - want)) <= 1e-10
    alone = [
        find_fixed_point(lambda x, k=k: T(np.tile(x, (5, 1)))[k], start[k], strategy="anderson").x for k in range(5)
    ]
    assert np.max(np.abs(together.x - np.stack(alone))) <= 1e-10


def test_equilibrium_of_a_network(small):
    net, X, _ = small
    phi = net.injection(X)
    found = find_fixed_point(lambda Z: np.maximum(net.gamma * Z @ net.A.T + phi, 0), np.zeros_like(phi), rows=True)
    assert np.max(np.abs(found.x - net.equilibrium(X).Z)) <= 1e-11


@pytest.mark.parametrize("shape", [(), (1,), (2, 3, 2)])
def test_any_shape(shape):
    found = find_fixed_point(lambda x: 0.5 * (x + 2 / x), np.ones(shape))
    assert found.x.shape == shape
    assert np.allclose(found.x, np.sqrt(2), rtol=1e-12)


def test_a_fixed_point_at_zero_and_one_at_the_start():
    assert find_fixed_point(lambda x: x / 2, np.ones(3), strategy="picard").converged
    still = find_fixed_point(lambda x: 1.0 * x, np.ones(3))
    assert (still.status, still.evaluations, still.residual) == ("converged", 1, 0.0)


def test_array_api():
    rng = np.random.default_rng(3)
    M, c = 0.2 * rng.standard_normal((6, 6)), rng.standard_normal((4, 6))
    Ms, cs = strict.asarray(M), strict.asarray(c)
    found = find_fixed_point(lambda x: x @ Ms + cs, strict.zeros((4, 6)), rows=True, strategy="anderson")
    assert type(found.x).__module__.startswith("array_api_strict")
    assert np.max(np.abs(np.asarray(found.x) - np.linalg.solve((np.eye(6) - M).T, c.T).T)) <= 1e-10


def test_what_does_not_converge_is_said():
    found = find_fixed_point(lambda x: 2 * x + 1, np.ones(2), strategy="picard", max_evaluations=20)
    assert found.status == "not-converged"
    assert "after 20 evaluations" in found.message
    with pytest.raises(NotConvergedError, match="after 20 evaluations"):
        found.require_converged()
    with np.errstate(over="ignore", invalid="ignore"):
        burst = find_fixed_point(lambda x: x * x, np.full(2, 10.0), strategy="picard")
    assert burst.status == "not-converged"
    assert "not finite" in burst.message


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: find_fixed_point(np.cos, np.ones(2), strategy="newton"), "strategy is 'newton'"),
        (lambda: find_fixed_point(np.cos, np.ones(2), strategy="picard", history=3), "history=3 has no effect"),
        (lambda: find_fixed_point(np.cos, [1.0, np.nan]), "start holds nan at index"),
        (lambda: find_fixed_point(np.cos, np.ones(2), tol=0.0), "tol is 0.0"),
        (lambda: find_fixed_point(np.cos, np.ones(2), max_evaluations=0), "max_evaluations is 0"),
        (lambda: find_fixed_point(np.cos, np.ones(2), history=0, strategy="anderson"), "history is 0"),
    ],
)
def test_bad_options(call, said):
    with pytest.raises(InputError, match=said):
        call()


def test_bad_shapes():
    with pytest.raises(ShapeError, match="problems along the first axis"):
        find_fixed_point(np.cos, np.ones(3), rows=True)
    with pytest.raises(ShapeError, match="at least one entry"):
        find_fixed_point(np.cos, np.ones(0))
    with pytest.raises(ShapeError, match=r"the map returned ndarray of shape \(2,\).*needs shape \(3,\)"):
        find_fixed_point(lambda x: x[:2], np.ones(3))
    with pytest.raises(ShapeError, match="float32"):
        find_fixed_point(lambda x: x.astype(np.float32), np.ones(3))


@pytest.mark.parametrize("strategy", ["picard", "anderson"])
@pytest.mark.parametrize("rows", [False, True])
def test_a_map_that_returns_the_same_array_every_time(strategy, rows):
    T, want, start = linear(0.6, samples=3)
    buffer = np.empty_like(start)

    def reuse(x):
        buffer[...] = T(x)
        return buffer

    found = find_fixed_point(reuse, start, strategy=strategy, rows=rows)
    assert found.converged
    assert np.linalg.norm(found.x - want) <= 1e-10 * np.linalg.norm(want)


def test_one_vector_and_one_row_are_accelerated_alike():
    T, want, start = linear(0.9)
    vector = find_fixed_point(T, start, strategy="anderson")
    row = find_fixed_point(lambda x: T(x), start[None, :], rows=True, strategy="anderson")
    assert abs(vector.evaluations - row.evaluations) <= 2
    assert np.linalg.norm(vector.x - row.x[0]) <= 1e-10 * np.linalg.norm(want)


@pytest.mark.parametrize("size", [1e-200, 1e200])
@pytest.mark.parametrize("strategy", ["picard", "anderson"])
def test_sizes_whose_squares_are_out_of_range(size, strategy):
    T, want, _ = linear(0.5)
    found = find_fixed_point(lambda x: size * T(x / size), np.zeros_like(want), strategy=strategy)
    assert found.converged
    assert np.linalg.norm(found.x / size - want) <= 1e-10 * np.linalg.norm(want)


def test_a_history_longer_than_the_space():
    T, want, start = linear(0.9, size=2)
    found = find_fixed_point(T, start, strategy="anderson", history=12)
    assert found.converged
    assert np.linalg.norm(found.x - want) <= 1e-10 * np.linalg.norm(want)
