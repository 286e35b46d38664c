"""The equilibrium of a generated model at every scale of its data, and its derivatives where a library makes them.

``Z = relu(gamma A Z + Phi)`` is homogeneous in Phi: at another scale the same answer is due, and the same verdict.
"""

from __future__ import annotations

import numpy as np
import pytest

import deqmath as dm
from deqmath.model import ReLUModel

from .backends import BATCHED, back, convert, require

M, D, N = 10, 3, 3
TYPES = ("float64", "float32")

#: NumPy's check that nothing is infinite squares numbers, and warns where the squares overflow.
SQUARES = pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")


@pytest.fixture(scope="module")
def problem():
    rng = np.random.default_rng(1)
    A, Phi = rng.normal(size=(M, M)), np.maximum(rng.normal(size=(M, N)), 0)
    return A, Phi, 0.25 / np.sqrt(M)


@pytest.fixture(scope="module")
def network():
    rng = np.random.default_rng(2)
    return [rng.normal(size=shape) for shape in ((M, M), (M, D), (D, N), (M, 1))]


@pytest.fixture(scope="module")
def modules():
    made = {}

    def module(target):
        require(target)
        if target not in made:
            made[target] = dm.generate(ReLUModel(), target=target).load()
        return made[target]

    return module


def typed(target, value, dtype="float64"):
    value = np.asarray(value, dtype=dtype)
    return require(target).from_numpy(value) if target == "torch" else convert(target, value)


def truth(A, Phi, gamma):
    Z = np.zeros_like(Phi, dtype=np.longdouble)
    for _ in range(400):
        Z = np.maximum(gamma * A.astype(np.longdouble) @ Z + Phi, 0)
    return Z


def solve(module, target, problem, scale=1.0, dtype="float64", **options):
    A, Phi, gamma = problem
    found = module.equilibrium(typed(target, A, dtype), typed(target, Phi * scale, dtype), gamma, **options)
    return back(found.Z), bool(found.converged), int(found.sweeps)


@SQUARES
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("target", BATCHED)
def test_at_powers_of_two_no_bit_and_no_sweep_changes(target, dtype, problem, modules):
    Z, converged, sweeps = solve(modules(target), target, problem, dtype=dtype)
    assert converged
    for scale in (2.0**-70, 2.0**-13, 2.0**10, 2.0**70):
        scaled = solve(modules(target), target, problem, scale, dtype)
        np.testing.assert_array_equal(scaled[0] / scale, Z)
        assert scaled[1:] == (True, sweeps)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("target", BATCHED)
def test_at_every_scale_the_answer_is_right_and_called_so(target, dtype, problem, modules):
    want = truth(*problem)
    scales = (1e-15, 1e-10, 1e-4, 1e3, 1e10) + ((1e-200, 1e150) if dtype == "float64" else ())
    for scale in scales:
        Z, converged, _ = solve(modules(target), target, problem, scale, dtype)
        assert converged
        assert abs(Z / scale - want).max() < 64 * np.finfo(dtype).eps * abs(want).max()


@pytest.mark.parametrize("target", BATCHED)
def test_samples_of_very_different_scale_are_each_right(target, modules):
    """The small one converges slowly: judged by the large one it would have converged in a few sweeps."""
    Phi, scales = np.zeros((M, 3)), np.array([1e-25, 0.0, 1e20])
    Phi[:5, 0] = Phi[5:, 2] = 1.0
    A = np.diag([0.8] * 5 + [0.01] * 5)
    Z, converged, _ = solve(modules(target), target, (A, Phi * scales, 1.0))
    assert converged
    np.testing.assert_allclose(Z[:5, 0] * 1e25, 5.0, rtol=1e-12)
    np.testing.assert_allclose(Z[5:, 2] / 1e20, 1 / 0.99, rtol=1e-12)
    assert not Z[:, 1].any()


@SQUARES
@pytest.mark.parametrize("target", BATCHED)
def test_where_products_under_or_overflow_nothing_is_called_converged(target, problem, modules):
    for dtype, scales in (("float64", (1e-310, 1e-300, 1e300)), ("float32", (1e-40, 1e-34, 1e34))):
        for scale in scales:
            assert not solve(modules(target), target, problem, scale, dtype)[1]


@SQUARES
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("target", BATCHED)
def test_what_diverges_is_never_called_converged(target, dtype, problem, modules):
    for gamma in (1.0, 1e4, 1e30):
        for scale in (1e-25, 1.0, 1e25):
            assert not solve(modules(target), target, (*problem[:2], gamma), scale, dtype)[1]


@pytest.mark.parametrize("target", ["numpy", "torch"])
def test_the_default_is_above_the_rounding_of_long_products(target, modules):
    """Sums of 1500 products of one sign: the change stays below 256 units from where it is rounding only."""
    rng = np.random.default_rng(3)
    m = 1500
    A = rng.uniform(0.5, 1.5, size=(m, m)) / m
    for sign in (1.0, -1.0):
        assert solve(modules(target), target, (sign * A, rng.uniform(size=(m, 2)), 0.8), 1e3, "float32")[1]


def test_mpmath_keeps_all_digits_of_small_and_large_data(network, modules):
    mpmath, module = require("mpmath"), modules("mpmath")
    A, W, X, b = (mpmath.matrix(v.tolist()) for v in network)
    with mpmath.workdps(40):
        want = module.predict(A, W, X, b, 0.1)
        for scale in (mpmath.mpf(10) ** -30, mpmath.mpf(10) ** 30):
            got = module.predict(A, W, X * scale, b, 0.1)
            assert max(abs(g / scale / w - 1) for g, w in zip(got, want, strict=True)) < 1e-35
        assert not module.equilibrium(A, module.features(W, X), 3.0).converged


def test_balls_are_as_narrow_and_as_soon_found_at_every_scale(modules):
    """Rounding alone moves the midpoints of this network without end."""
    module, sweeps = modules("flint"), []
    from flint import arb

    rng = np.random.default_rng(0)
    A = rng.normal(size=(5, 5))
    A, Phi = (0.8 * A / np.linalg.norm(A)).tolist(), abs(rng.normal(size=(5, 2))).tolist()
    for k in (-200, 0, 200):
        found = module.equilibrium(A, [[arb(x) * arb(2) ** k for x in row] for row in Phi], 0.9, max_sweeps=2000)
        sweeps.append(found.sweeps)
        assert all(x.rad() < arb(2) ** (k - 110) for x in found.Z.entries())
    assert max(sweeps) == min(sweeps)


def _loss(module, network, gamma=0.1, **options):
    return lambda A: (module.predict(A, *network[1:], gamma, **options) ** 2).sum() / 2


def _jax(network, modules):
    require("jax")
    return modules("jax"), [typed("jax", v) for v in network]


def _torch(network, modules):
    require("torch")
    return modules("torch"), [typed("torch", v) for v in network]


@pytest.mark.parametrize("scale", [1e-100, 1e-12, 1e12, 1e100])
@pytest.mark.parametrize("target", ["jax", "torch"])
def test_the_gradient_of_a_scaled_loss_is_the_scaled_gradient(target, scale, network, modules):
    module, given = (_jax if target == "jax" else _torch)(network, modules)
    grad = require("jax").grad if target == "jax" else require("torch").func.grad
    loss = _loss(module, given)
    want, got = grad(loss)(given[0]), grad(lambda A: scale * loss(A))(given[0])
    np.testing.assert_allclose(got / scale, want, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("options", [{"max_sweeps": 3}, {"gamma": 3.0}])
def test_jax_has_nan_for_value_and_gradient_of_what_has_not_converged(options, network, modules):
    module, given = _jax(network, modules)
    jax = require("jax")
    loss = _loss(module, given, **options)
    value, slope = jax.jit(jax.value_and_grad(loss))(given[0])
    assert np.isnan(value)
    assert np.isnan(slope).all()
    assert np.isnan(jax.jit(lambda A: jax.jvp(loss, (A,), (A,))[1])(given[0]))
    with pytest.raises(module.NotConverged):
        jax.grad(loss)(given[0])


@pytest.mark.parametrize("target", ["jax", "torch"])
def test_the_gradient_through_an_equilibrium_that_is_not_reached_is_nan(target, network, modules):
    """Its Z is the last iterate, which says nothing of how the equilibrium moves."""
    module, given = (_jax if target == "jax" else _torch)(network, modules)
    grad = require("jax").grad if target == "jax" else require("torch").func.grad
    Phi = module.features(*given[1:3])
    slope = grad(lambda A: module.equilibrium(A, Phi, 0.1, max_sweeps=3).Z.sum())(given[0])
    assert np.isnan(back(slope)).all()


def _along(f, A, V, h=1e-5):
    return (f(A + h * V) - f(A - h * V)) / (2 * h)


def test_jax_differentiates_forward_and_twice(network, modules):
    module, given = _jax(network, modules)
    jax = require("jax")
    A, V = given[0], typed("jax", np.random.default_rng(4).normal(size=(M, M)))
    loss = _loss(module, given)
    slope = jax.grad(loss)
    np.testing.assert_allclose(jax.jvp(loss, (A,), (V,))[1], (slope(A) * V).sum(), rtol=1e-11)
    hessian = jax.jit(jax.hessian(loss))(A)
    np.testing.assert_allclose((hessian * V).sum((-1, -2)), _along(slope, A, V), rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(hessian, jax.jit(jax.jacrev(slope))(A), rtol=1e-9, atol=1e-12)
    stack = jax.numpy.stack([A, 0.5 * A])
    np.testing.assert_allclose(jax.vmap(slope)(stack)[1], slope(0.5 * A), rtol=1e-11, atol=1e-14)


def test_jax_differentiates_by_the_level_and_the_features(network, modules):
    module, given = _jax(network, modules)
    jax = require("jax")
    for f, x in (
        (lambda g: (module.predict(*given, g) ** 2).sum(), jax.numpy.asarray(0.1)),
        (lambda W: (module.predict(given[0], W, *given[2:], 0.1) ** 2).sum(), given[1]),
    ):
        both = jax.grad(f)(x), jax.jacfwd(f)(x)
        np.testing.assert_allclose(*both, rtol=1e-11, atol=1e-14)
        np.testing.assert_allclose((both[0] * x).sum(), _along(f, x, x), rtol=1e-6)


def test_torch_maps_over_samples_networks_and_both(network, modules):
    module, (A, W, X, b) = _torch(network, modules)
    torch = require("torch")
    vmap = torch.func.vmap
    networks, batch = torch.stack([A, 0.5 * A]), torch.stack([X, 2 * X, -X])

    def predict(A, X):
        return module.predict(A, W, X, b, 0.1)

    want = torch.stack([torch.stack([predict(a, x) for x in batch]) for a in networks])
    close = {"rtol": 1e-11, "atol": 1e-13}
    np.testing.assert_allclose(vmap(predict, (None, 0))(A, batch), want[0], **close)
    np.testing.assert_allclose(vmap(predict, (0, None))(networks, X), want[:, 0], **close)
    np.testing.assert_allclose(vmap(predict)(networks, batch[:2]), want[[0, 1], [0, 1]], **close)
    np.testing.assert_allclose(vmap(vmap(predict, (None, 0)), (0, None))(networks, batch), want, **close)
    last = vmap(predict, (None, 2))(A, batch.permute(1, 2, 0))
    np.testing.assert_allclose(last, want[0], **close)


def test_torch_maps_over_gradients_and_differentiates_maps(network, modules):
    module, (A, W, X, b) = _torch(network, modules)
    torch = require("torch")
    grad, vmap = torch.func.grad, torch.func.vmap
    batch = torch.stack([X, 2 * X, -X])

    def loss(A, X, gamma=0.1):
        return (module.predict(A, W, X, b, gamma) ** 2).sum()

    close = {"rtol": 1e-10, "atol": 1e-13}
    for argument in (0, 1):
        want = torch.stack([grad(loss, argument)(A, x) for x in batch])
        np.testing.assert_allclose(vmap(grad(loss, argument), (None, 0))(A, batch), want, **close)
    shared = grad(lambda A: vmap(loss, (None, 0))(A, batch).sum())(A)
    np.testing.assert_allclose(shared, sum(grad(loss)(A, x) for x in batch), **close)
    levels = torch.tensor([0.05, 0.1], dtype=torch.float64)
    want = torch.stack([grad(loss, 2)(A, X, g) for g in levels])
    np.testing.assert_allclose(vmap(grad(loss, 2), (None, None, 0))(A, X, levels), want, **close)


def test_torch_has_second_derivatives_by_reverse_mode_twice(network, modules):
    module, given = _torch(network, modules)
    torch = require("torch")
    A, V = given[0], typed("torch", np.random.default_rng(4).normal(size=(M, M)))
    slope = torch.func.grad(_loss(module, given))
    hessian = torch.func.jacrev(slope)(A)
    np.testing.assert_allclose((hessian * V).sum((-1, -2)), _along(slope, A, V), rtol=1e-6, atol=1e-8)


def test_torch_raises_where_one_sample_of_a_map_has_not_converged(network, modules):
    module, (A, W, X, b) = _torch(network, modules)
    torch = require("torch")
    with pytest.raises(module.NotConverged):
        torch.func.vmap(lambda A: module.predict(A, W, X, b, 0.1))(torch.stack([A, 100 * A]))
