"""Arrays of other libraries beside those of X, and what a linearisation takes: moved where that is plain, else refused by name."""

from __future__ import annotations

import warnings

import array_api_strict as strict
import numpy as np
import pytest

from deqmath.errors import InputError, ShapeError
from deqmath.numeric import ReLUNetwork, SoftmaxNetwork, find_fixed_point, gradient_descent
from deqmath.numeric.checkpoint_file import CheckpointFile
from deqmath.numeric.strategies import ActiveSet, Anderson, MixedPrecision, Picard

X, Y = np.eye(4), np.array([1.0, -1.0, 1.0, -1.0])


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


@pytest.fixture
def jnp(request):
    """JAX with float64, or as it comes, as the parameter says."""
    jax = pytest.importorskip("jax")
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", request.param == "float64")
    yield jax.numpy
    jax.config.update("jax_enable_x64", before)


@pytest.fixture
def net():
    return ReLUNetwork.random(width=30, inputs=4, gamma0=0.25, seed=1)


def soft():
    return SoftmaxNetwork.random(width=4, seed=0, trainable=("B",))


@pytest.mark.parametrize("jnp", ["float32"], indirect=True)
def test_jax_without_float64_is_refused_by_name(net, jnp):
    J = jnp.asarray(X)
    calls = [
        lambda: net.equilibrium(J),
        lambda: net.predict(J),
        lambda: net.predict_corrected(J),
        lambda: soft().predict(J),
        lambda: net.equilibrium(X, start=jnp.zeros((4, 30))),
        lambda: net.gradient(X, jnp.asarray(Y)),
        lambda: ReLUNetwork(A=jnp.zeros((2, 2)), W=jnp.ones((2, 1)), b=jnp.ones(2), gamma=0.1),
        lambda: find_fixed_point(jnp.cos, jnp.ones(1)),
    ]
    for call in calls:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(
                InputError, match=r"is an array of jax, .*jax_enable_x64.*or pass (\w+)=np\.asarray\(\1\)"
            ):
                call()
    assert np.allclose(net.predict(np.asarray(J)), net.predict(X))


@pytest.mark.parametrize(("width", "samples", "gamma0"), [(30, 4, 0.25), (260, 90, 0.25), (40, 4, 0.45)])
@pytest.mark.parametrize("phi", ["relu", "identity"])
@pytest.mark.parametrize("jnp", ["float64"], indirect=True)
def test_jax_with_float64_is_used_like_any_other(jnp, width, samples, gamma0, phi):
    """At sizes where NumPy is solved in float32 first, and rates at which it would be accelerated, both of which assign entries."""
    net = ReLUNetwork.random(width=width, inputs=4, gamma0=gamma0, seed=1, phi=phi)
    data = np.random.default_rng(0).standard_normal((samples, 4))
    y = np.sign(data[:, 0])
    J = jnp.asarray(data)
    found = {
        "gradient": (net.gradient(J, jnp.asarray(y)), net.gradient(data, y)),
        "gram": (net.gram(J), net.gram(data)),
        "predict": (net.predict(J), net.predict(data)),
        "warm": (net.equilibrium(J, start=net.equilibrium(J).Z).Z, net.equilibrium(data).Z),
    }
    for name, (ours, want) in found.items():
        assert type(ours) is type(J), name
        assert ours.dtype == np.float64
        assert np.max(np.abs(np.asarray(ours) - want)) <= 1e-11 * max(1.0, float(np.max(np.abs(want)))), name


@pytest.mark.parametrize("jnp", ["float64"], indirect=True)
def test_what_assigns_to_entries_is_left_out_on_jax_or_refused_by_name(net, jnp):
    data = np.random.default_rng(0).standard_normal((4200, 4))  # more than a block of rows
    J = jnp.asarray(data)
    for found in (net.equilibrium(J), net.equilibrium(J, threads=2)):
        assert found.converged
        assert np.max(np.abs(np.asarray(found.Z) - net.equilibrium(data).Z)) <= 1e-12
    for strategy in (Picard(), ActiveSet()):
        assert net.equilibrium(J[:9], strategy=strategy).converged
    for strategy in (Picard(accelerate_above=0.1), Anderson(), MixedPrecision()):
        with pytest.raises(InputError, match="assigns to entries of arrays, which JAX does not allow"):
            net.equilibrium(J[:9], strategy=strategy)
    found = find_fixed_point(jnp.cos, jnp.ones(1))
    assert found.status == "converged"
    assert float(found.x[0]) == pytest.approx(0.7390851332151607, rel=1e-12)
    for rows in (False, True):
        with pytest.raises(InputError, match="JAX does not allow"):
            find_fixed_point(jnp.cos, jnp.ones((1, 2)), strategy="anderson", rows=rows)


@pytest.mark.parametrize("made", ["relu", "softmax"])
def test_targets_follow_the_library_of_x(net, torch, made):
    net = net if made == "relu" else soft()
    want, loss = net.gradient(X, Y), net.loss(X, Y)
    for xp in (strict, torch):
        Xs = xp.asarray(X)
        for y in (Y, Y.tolist(), xp.asarray(Y), Y.astype(int)):
            found = net.gradient(Xs, y)
            assert type(found) is type(Xs)
            assert found.dtype == xp.float64
            assert np.allclose(np.asarray(found), want, rtol=1e-12, atol=1e-14)
            assert net.loss(Xs, y) == pytest.approx(loss, rel=1e-12)


@pytest.mark.parametrize("made", ["relu", "softmax"])
def test_targets_of_another_library_are_refused(net, torch, made):
    net = net if made == "relu" else soft()
    for call in (net.gradient, net.loss):
        with pytest.raises(InputError, match=r"y is an array of torch; it needs one of numpy, .*y=np\.asarray\(y\)"):
            call(X, torch.asarray(Y))
        with pytest.raises(
            InputError, match=r"y is an array of array_api_strict; it needs one of torch, .*torch\.asarray"
        ):
            call(torch.asarray(X), strict.asarray(Y))
    with pytest.raises(InputError, match="y is an array of torch; it needs one of numpy"):
        gradient_descent(net, X, torch.asarray(Y), steps=1)


def test_a_start_follows_too(net, torch):
    eq = net.equilibrium(torch.asarray(X), start=net.equilibrium(X).Z)
    assert isinstance(eq.Z, torch.Tensor)
    assert eq.sweeps <= 2
    assert isinstance(net.adjoint(eq, start=net.adjoint(X).Q).Q, torch.Tensor)
    with pytest.raises(InputError, match="start is an array of torch; it needs one of numpy"):
        net.equilibrium(X, start=eq.Z)


def test_gradients_of_torch_are_not_tracked(net, torch):
    Xt = torch.asarray(X).requires_grad_()
    for call in (net.equilibrium, net.predict, soft().predict):
        with pytest.raises(InputError, match=r"X is an array of torch that requires a gradient.*X\.detach\(\)"):
            call(Xt)
    assert np.allclose(net.predict(Xt.detach()), net.predict(X))


def test_parameters_and_x_of_two_libraries(net, torch):
    A, W, b = (torch.asarray(np.array(P)) for P in (net.A, net.W, net.b))
    with pytest.raises(InputError, match="the parameters are arrays of torch and X of array_api_strict"):
        ReLUNetwork(A=A, W=W, b=b, gamma=net.gamma).predict(strict.asarray(X))
    with pytest.raises(InputError, match="different array libraries"):
        ReLUNetwork(A=A, W=strict.asarray(np.array(net.W)), b=b, gamma=net.gamma)
    V = np.ones((1, 4))
    moved = SoftmaxNetwork(A=torch.zeros((4, 4)), B=torch.ones((1, 4)), gamma=0.5)
    assert isinstance(moved.dynamics(V), torch.Tensor)
    with pytest.raises(InputError, match="V is an array of torch"):
        soft().dynamics(torch.asarray(V))


def test_a_linearisation_takes_lists_and_single_arrays(net):
    J = net.linearisation(X)
    V, w = net.gradient(X, Y), [1.0, 2.0, 3.0, 4.0]
    assert np.array_equal(J.pullback(w)["A"], J.pullback(np.array(w))["A"])
    assert np.array_equal(J.pullback([1, 2, 3, 4])["A"], J.pullback(np.array(w))["A"])
    for direction in (V, V.tolist(), {"A": V.tolist()}):
        assert np.array_equal(J.pushforward(direction), J.pushforward({"A": V}))
    H = J.gram()
    assert J.gram_product(w) == pytest.approx(H @ w)
    assert J.gram_product([[1.0, 0.0], [2.0, 0.0], [3.0, 1.0], [4.0, 0.0]])[:, 0] == pytest.approx(H @ w)
    assert J.gram_product(np.eye(4)) == pytest.approx(H)


def test_a_linearisation_follows_the_library_of_x(net, torch):
    J, V = net.linearisation(torch.asarray(X)), net.gradient(X, Y)
    for found in (J.pullback(Y)["A"], J.pushforward(V), J.gram_product(Y)):
        assert isinstance(found, torch.Tensor)
    plain = net.linearisation(X)
    for call in (plain.pullback, plain.gram_product, plain.pushforward):
        with pytest.raises(InputError, match="is an array of torch; it needs one of numpy"):
            call(torch.asarray(V if call == plain.pushforward else Y))
    with pytest.raises(InputError, match="other has width, inputs, trainable and library"):
        plain.gram(J)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.full(4, np.nan), "holds nan at index"),
        ([1.0, np.inf, 0.0, 0.0], "holds inf at index"),
        (np.ones(4) * 1j, "has dtype complex128"),
        (np.ones(5), r"has shape \(5,\); there are n = 4 samples"),
        ("abcd", "has dtype"),
        (1.0, r"has shape \(\); there are n = 4 samples"),
        (None, "has dtype object"),
        ([], r"has (shape \(0,\)|dtype)"),
    ],
)
def test_weights_are_checked(net, bad, message):
    J = net.linearisation(X)
    for name, call in (("w", J.pullback), ("v", J.gram_product)):
        with pytest.raises(InputError, match=f"^{name} {message}"):
            call(bad)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"A": np.full((30, 30), np.nan)}, r'direction\["A"\] holds nan'),
        ({"A": np.ones((30, 30)) * 1j}, "complex128"),
        ({"A": np.ones((30, 3))}, r'direction\["A"\] has shape \(30, 3\); it needs that of A, \(30, 30\)'),
        ({"A": np.ones(30)}, r'direction\["A"\] has shape \(30,\)'),
        (np.ones((2, 2)), r"has shape \(2, 2\); it needs that of A"),
        ({"W": np.ones((30, 4))}, r"direction names \['W'\], .* direction=\{\"A\": VA\}"),
    ],
)
def test_directions_are_checked(net, bad, message):
    with pytest.raises(InputError, match=message):
        net.linearisation(X).pushforward(bad)


def test_several_parameters_need_names():
    net = ReLUNetwork.random(width=5, inputs=4, gamma0=0.1, seed=1, trainable=("A", "b"))
    J = net.linearisation(X)
    with pytest.raises(InputError, match=r"direction is a ndarray, .*\"A\": VA, \"b\": Vb"):
        J.pushforward(np.ones((5, 5)))
    assert J.pushforward(net.gradient(X, Y)) == pytest.approx(J.gram() @ (net.predict(X) - Y))
    with pytest.raises(InputError, match="other is a ReLUNetwork; it needs a Linearisation"):
        J.gram(net)
    with pytest.raises(InputError, match="other has width"):
        J.gram(ReLUNetwork.random(width=6, inputs=4, gamma0=0.1, seed=1, trainable=("A", "b")).linearisation(X))
    with pytest.raises(ShapeError, match="there are n = 4 samples"):
        J.gram_product(np.ones((3, 2)))


@pytest.mark.parametrize("trainable", [3, (["A"],), None, "A", ("A", "A"), (), (1,)])
def test_trainable_is_checked(trainable):
    with pytest.raises(InputError, match=r"trainable is .*for example trainable="):
        ReLUNetwork.random(width=3, inputs=2, trainable=trainable)


@pytest.mark.parametrize("rubbish", [b"", b"rubbish", b"\x80\x04N.", b"PK\x03\x04 rubbish"])
def test_a_rubbish_checkpoint_gives_no_unsafe_advice(tmp_path, rubbish):
    path = tmp_path / "run.npz"
    path.write_bytes(rubbish)
    with pytest.raises(InputError, match=r"is no checkpoint of deqmath \(its bytes are damaged") as caught:
        CheckpointFile(path, "mark", 1.0).read()
    assert "pickle" not in str(caught.value)
    np.savez(path, x=np.ones(2))
    with pytest.raises(InputError, match="it holds no entry"):
        CheckpointFile(path, "mark", 1.0).read()


@pytest.mark.parametrize("rows", [False, True])
def test_a_map_that_leaves_float64_is_reported_without_warnings(rows):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = find_fixed_point(lambda x: x**2 * 10, np.full((2, 2), 10.0), rows=rows, strategy="automatic")
    assert found.status == "not-converged"
    assert "not finite" in found.message
