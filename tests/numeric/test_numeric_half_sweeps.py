"""Half sweeps are block Gauss-Seidel with half the products, and reach what plain sweeps reach in fewer of them."""

from __future__ import annotations

import array_api_strict
import numpy as np
import pytest
from test_numeric_equilibrium import adjoint_residual, true_residual

from deqmath.numeric import ReLUNetwork
from deqmath.numeric.strategies import MixedPrecision, Picard, half_sweeps, mixed
from deqmath.numeric.strategies.half_sweeps import HalfSweeps


def problem(m: int, n: int, seed: int = 0, gamma0: float = 0.25):
    """``M = gamma A`` and an offset, one sample a column."""
    rng = np.random.default_rng(seed)
    matrix = (gamma0 / np.sqrt(m) * rng.standard_normal((m, m))).astype(np.float32)
    return matrix, rng.standard_normal((m, n)).astype(np.float32)


def gauss_seidel(M, x, offset, activate, blocks, *, down):
    """The definition with whole products: every block from the newest values of all others."""
    x = x.copy()
    for block in blocks if down else blocks[::-1]:
        x[block] = activate(M[block] @ x + offset[block], block)
    return x


@pytest.fixture(autouse=True)
def _low_blocks(monkeypatch):
    monkeypatch.setattr(half_sweeps, "_LEAST", 8)
    monkeypatch.setattr(half_sweeps, "_HEIGHT", 8)


@pytest.mark.parametrize("xp", [np, array_api_strict])
@pytest.mark.parametrize("m", [5, 8, 41, 64])
@pytest.mark.parametrize("kind", ["floor", "gate"])
def test_half_sweeps_are_gauss_seidel(xp, m, kind):
    M, offset = problem(m, 6)
    rng = np.random.default_rng(1)
    bound = -np.abs(rng.standard_normal(offset.shape)).astype(np.float32)
    if kind == "gate":
        bound = (bound < -0.5).astype(np.float32)
    sweeps = HalfSweeps(xp, xp.asarray(M), 6)
    sweeps.pose(xp.asarray(offset), **{kind: xp.asarray(bound)})
    assert len(sweeps.blocks) == -(-m // 8)

    def activate(v, block=slice(None)):
        return np.maximum(v, bound[block]) if kind == "floor" else v * bound[block]

    x = activate(offset)
    assert np.array_equal(np.asarray(sweeps.x), x)
    for k in range(6):
        if k == 3:  # elsewhere, and down again whatever the direction was
            x = np.abs(x) + 1
            sweeps.restart(xp.asarray(x))
        x = gauss_seidel(M, x, offset, activate, sweeps.blocks, down=k in (0, 2, 3, 5))
        sweeps.sweep()
        assert np.allclose(np.asarray(sweeps.x), x, rtol=0, atol=1e-5 * np.max(np.abs(x)))
    begun = HalfSweeps(xp, xp.asarray(M), 6)  # the same problem from there
    begun.pose(xp.asarray(offset), **{kind: xp.asarray(bound)}, start=sweeps.x)
    assert np.array_equal(np.asarray(begun.x), np.asarray(sweeps.x))
    begun.sweep()
    x = gauss_seidel(M, x, offset, activate, sweeps.blocks, down=True)
    assert np.allclose(np.asarray(begun.x), x, rtol=0, atol=1e-5 * np.max(np.abs(x)))


def test_two_half_sweeps_cost_one_product_and_the_diagonal(monkeypatch):
    M, offset = problem(64, 6)
    sweeps = HalfSweeps(np, M, 6)
    sweeps.pose(offset, floor=np.zeros_like(offset))
    entries = []
    multiply = HalfSweeps._multiply
    monkeypatch.setattr(
        HalfSweeps,
        "_multiply",
        lambda self, product: (entries.append(product.matrix.size), multiply(self, product)),
    )
    sweeps.sweep()
    sweeps.sweep()
    assert sum(entries) == 64 * 64 + 64 * 8


def test_the_rate_of_a_gaussian_matrix():
    """Both halves reduce the error by about 2 r^2/pi, where a plain sweep reduces it by r."""
    m, n = 512, 8
    M, offset = problem(m, n, gamma0=0.25)
    exact = np.linalg.solve(np.eye(m) - M.astype(np.float64), offset)
    sweeps = HalfSweeps(np, M, n)
    sweeps.pose(offset, gate=np.ones_like(offset))
    errors = [np.linalg.norm(sweeps.x - exact)]
    for _ in range(6):
        sweeps.sweep()
        errors.append(np.linalg.norm(sweeps.x - exact))
    assert (errors[6] / errors[0]) ** (1 / 3) == pytest.approx(2 * 0.25**2 / np.pi, rel=0.4)


@pytest.mark.parametrize("shape", ["triangular", "skew", "symmetric", "shift"])
def test_whatever_the_matrix_the_answer_is_the_same(shape):
    """Gauss-Seidel has no general bound; the float64 sweeps judge it, and plain sweeps stand behind it."""
    m = 48
    G = np.random.default_rng(3).standard_normal((m, m))
    shapes = {"triangular": np.triu(G), "skew": G - G.T, "symmetric": G + G.T, "shift": np.roll(np.eye(m), 1, axis=0)}
    A = shapes[shape] / np.linalg.norm(shapes[shape], 2)
    net = ReLUNetwork(A=A, W=np.abs(G[:, :3]), b=np.ones(m), gamma=0.9)
    X = np.abs(np.random.default_rng(4).standard_normal((20, 3)))
    want, eq = net.equilibrium(X, strategy=Picard()), net.equilibrium(X, tol=1e-12, strategy=MixedPrecision())
    assert eq.converged
    assert true_residual(net, X, eq.Z) <= 1e-12
    assert np.max(np.abs(eq.Z - want.Z)) <= 1e-11 * np.max(want.Z)
    adjoint = net.adjoint(want, tol=1e-12, strategy=MixedPrecision())
    assert adjoint.converged
    assert adjoint_residual(net, want.gates, adjoint.Q) <= 1e-12


def test_a_fresh_network_needs_less_than_two_thirds_of_the_products():
    net = ReLUNetwork.random(width=512, inputs=8, gamma0=0.25, seed=0)
    X = np.random.default_rng(0).standard_normal((50, 8))
    plain, mixed = (net.equilibrium(X, tol=1e-12, strategy=s) for s in (Picard(), MixedPrecision()))
    assert mixed.sweeps <= plain.sweeps * 2 / 3
    assert mixed.rate < plain.rate**1.5
    assert np.max(np.abs(mixed.Z - plain.Z)) <= 1e-11 * np.max(plain.Z)


def test_both_solves_are_done_by_half_sweeps():
    """A matrix given the wrong way round would be noticed, and left to Picard, which is right but slow."""
    net = ReLUNetwork.random(width=60, inputs=8, gamma0=0.25, seed=0)
    X = np.random.default_rng(0).standard_normal((20, 8))
    eq = net.equilibrium(X, tol=1e-12, strategy=MixedPrecision())
    adjoint = net.adjoint(eq, tol=1e-12, strategy=MixedPrecision())
    assert (eq.strategy, adjoint.strategy) == ("mixed", "mixed")


def test_a_wrong_half_product_is_noticed(monkeypatch):
    """Planted: the part above the diagonal taken from its transpose. Nothing wrong is returned."""

    def transposed(self, product):
        matrix = self.matrix.T if product.ahead else self.matrix
        np.matmul(matrix[product.rows, product.columns], product.x, out=product.out)

    net = ReLUNetwork.random(width=60, inputs=8, gamma0=0.25, seed=0)
    X = np.random.default_rng(0).standard_normal((20, 8))
    right = net.equilibrium(X, strategy=MixedPrecision())
    monkeypatch.setattr(HalfSweeps, "_multiply", transposed)
    eq = net.equilibrium(X, tol=1e-12, strategy=MixedPrecision())
    assert eq.strategy == "mixed, then picard"
    assert true_residual(net, X, eq.Z) <= 1e-12
    assert np.allclose(eq.Z, right.Z, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("gamma0", [0.2, 0.3, 0.4])
def test_sweeps_that_are_not_watched_are_not_wasted(gamma0, seed, monkeypatch):
    """The steps are looked at far less often, and at most one product more is done for it."""
    monkeypatch.setattr(half_sweeps, "_HEIGHT", 64)
    net = ReLUNetwork.random(width=300, inputs=7, gamma0=gamma0, seed=seed)
    X = np.random.default_rng(seed).standard_normal((60, 7))
    looks, sweeps = [0, 0], []
    probed = mixed._Low._probed
    for k, blind in enumerate((mixed._BLIND, 0)):

        def counted(self, k=k):
            looks[k] += 1
            return probed(self)

        monkeypatch.setattr(mixed, "_BLIND", blind)
        monkeypatch.setattr(mixed._Low, "_probed", counted)
        found = net.equilibrium(X, tol=1e-12, strategy=MixedPrecision())
        assert found.converged
        assert true_residual(net, X, found.Z) <= 1e-12
        sweeps.append(found.sweeps)
    assert looks[0] < looks[1]
    assert sweeps[0] <= sweeps[1] + 1


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30])
@pytest.mark.parametrize("after", [0, 3, 12])
def test_half_sweeps_that_blow_up_are_left_for_picard(value, after, monkeypatch):
    """No bound keeps them from it: what they leave behind is not what float64 sweeps begin from."""
    plain, count = HalfSweeps.sweep, []

    def sweep(self):
        plain(self)
        count.append(1)
        if len(count) > after:
            self.x[...] = value

    monkeypatch.setattr(HalfSweeps, "sweep", sweep)
    net = ReLUNetwork.random(width=30, inputs=3, gamma0=0.3, seed=0)
    eq = net.equilibrium(np.eye(3), strategy=MixedPrecision())
    assert eq.converged
    assert eq.strategy == "mixed, then picard"
    assert np.allclose(eq.Z, net.equilibrium(np.eye(3), strategy=Picard()).Z, rtol=0, atol=1e-12)
