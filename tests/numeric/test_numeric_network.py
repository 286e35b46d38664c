"""Parameters, initialisations, norms, and what happens where rho >= 1."""

from __future__ import annotations

import numpy as np
import pytest

from deqmath.errors import InputError, NotWellPosedError, ShapeError
from deqmath.numeric import ReLUNetwork
from deqmath.numeric.norms import spectral_norm


@pytest.mark.parametrize("column", [np.array([[1.0], [-1.0]]), [[1.0], [-1.0]], [[1], [-1]]])
def test_a_column_b_is_stored_flat(column):
    net = ReLUNetwork(A=np.zeros((2, 2)), W=np.eye(2), b=column, gamma=0.5)
    assert net.b.shape == (2,)
    assert np.array_equal(net.b, [1.0, -1.0])
    assert np.array_equal(net.with_parameters(b=[[3.0], [4.0]]).b, [3.0, 4.0])
    with pytest.raises(ShapeError, match=r"b has shape \(1, 2\)"):
        ReLUNetwork(A=np.zeros((2, 2)), W=np.eye(2), b=[[1.0, 2.0]], gamma=0.5)


def test_attributes():
    net = ReLUNetwork.random(width=9, inputs=4, gamma0=0.3, seed=1)
    assert (net.A.shape, net.W.shape, net.b.shape) == ((9, 9), (9, 4), (9,))
    assert (net.width, net.inputs, net.trainable) == (9, 4, ("A",))
    assert net.gamma == pytest.approx(0.1, rel=1e-15)
    assert net.gamma0 == pytest.approx(0.3, rel=1e-15)
    assert set(np.abs(net.b)) == {1.0}


def test_the_network_is_frozen_and_owns_its_arrays():
    A = np.zeros((1, 1))
    net = ReLUNetwork(A=A, W=[[1.0]], b=[1.0], gamma=0.5)
    A[0, 0] = 7.0
    assert net.A[0, 0] == 0.0
    with pytest.raises(ValueError, match="read-only"):
        net.A[0, 0] = 1.0
    with pytest.raises(AttributeError):
        net.gamma = 1.0


def test_initialisations():
    gauss, half, diagonal = (
        ReLUNetwork.random(width=200, inputs=3, init=init, seed=4) for init in ("gaussian", "half-normal", "diagonal")
    )
    assert abs(gauss.A.mean()) < 0.02
    assert abs(gauss.A.std() - 1) < 0.02
    assert np.array_equal(half.A, np.abs(gauss.A))
    assert np.array_equal(diagonal.A, np.diag(np.diag(diagonal.A)))
    assert set(np.diag(diagonal.A)) == {-1.0, 1.0}
    for net in (half, diagonal):
        assert np.array_equal(net.W, gauss.W)
        assert np.array_equal(net.b, gauss.b)


def test_seeds():
    sequence = np.random.SeedSequence(7)
    first = ReLUNetwork.random(width=5, inputs=2, seed=7)
    sequence.spawn(3)
    again = ReLUNetwork.random(width=5, inputs=2, seed=sequence)
    other = ReLUNetwork.random(width=5, inputs=2, seed=8)
    assert np.array_equal(first.A, again.A)
    assert not np.array_equal(first.A, other.A)


@pytest.mark.parametrize("shape", [(1, 1), (7, 7), (40, 40), (12, 3), (3, 12)])
@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
def test_spectral_norm_against_svd(shape, scale):
    A = np.random.default_rng(0).standard_normal(shape)
    want = np.linalg.svd(A, compute_uv=False)[0]
    assert spectral_norm(scale * A) == pytest.approx(scale * want, rel=1e-14 * max(shape))
    assert spectral_norm(np.zeros(shape)) == 0.0


def test_half_normal_is_not_well_posed_at_the_papers_scaling():
    """gg22 section 5.1: ||A|| grows like m sqrt(2/pi), so gamma0/sqrt(m) leaves rho < 1; gamma of order 1/m repairs it."""
    ratios = []
    for m in (64, 256):
        net = ReLUNetwork.random(width=m, inputs=3, gamma0=0.25, init="half-normal", seed=0)
        ratios.append(net.operator_norm() / m)
    assert ratios == pytest.approx([np.sqrt(2 / np.pi)] * 2, rel=0.03)
    with pytest.raises(
        NotWellPosedError, match=r"rho = .*needs rho < 1.*all entries of A are >= 0 .*order 1/m"
    ) as caught:
        net.equilibrium(np.eye(3))
    assert "ReLUNetwork(A=A, W=W, b=b, gamma=" in str(caught.value)
    repaired = ReLUNetwork(A=net.A, W=net.W, b=net.b, gamma=0.5 / net.operator_norm())
    eq = repaired.equilibrium(np.eye(3))
    assert eq.converged
    # no gate shuts a unit that is fed: the Neumann series z = (I - gamma A)^{-1} phi is the equilibrium
    neumann = np.linalg.solve(np.eye(256) - repaired.gamma * net.A, repaired.injection(np.eye(3)).T).T
    assert np.max(np.abs(eq.Z - neumann)) <= 1e-13 * np.max(neumann)


def test_rho_at_least_one_is_refused_with_the_call_that_works():
    net = ReLUNetwork.random(width=30, inputs=3, gamma0=0.9, seed=0)
    with pytest.raises(NotWellPosedError, match=r"rho = gamma \|\|A\|\|_2 = 1\.\d+.*gamma0=0.25") as caught:
        net.equilibrium(np.eye(3))
    assert isinstance(caught.value, ValueError)
    exactly_one = ReLUNetwork(A=[[2.0]], W=[[1.0]], b=[1.0], gamma=0.5)
    with pytest.raises(NotWellPosedError, match="rho = gamma"):
        exactly_one.predict([[1.0]])


def test_a_neighbours_norm_is_a_bound_and_never_hides_rho(small):
    net, X, _ = small
    net.operator_norm()
    near = net.with_parameters(A=net.A + 0.01)
    bound = near.contraction_bound()
    assert "_norm" not in near.__dict__
    assert near.rho <= bound < 1
    far = net.with_parameters(A=net.A * (1.01 / net.rho))
    with pytest.raises(NotWellPosedError):
        far.equilibrium(X)
    back = net.with_parameters(W=2 * net.W)
    assert back.operator_norm() == net.operator_norm()


@pytest.mark.parametrize("exponent", [17, 18, 19])
def test_a_norm_is_found_where_all_singular_values_are_equal_up_to_round_off(exponent):
    """LAPACK's search for the last eigenvalue alone fails on some such matrices."""
    rng = np.random.default_rng(0)
    for width in range(50, 300, 20):
        A = np.diag(rng.choice([-1.0, 1.0], width)) + 10.0**-exponent * rng.standard_normal((width, width))
        net = ReLUNetwork(A=A, W=np.ones((width, 1)), b=np.ones(width), gamma=0.1)
        assert net.operator_norm() == pytest.approx(1.0, rel=1e-14)


def test_several_trainable_parameters_give_a_dict(small):
    net, X, y = small
    several = ReLUNetwork(A=net.A, W=net.W, b=net.b, gamma=net.gamma, trainable=("W", "b"))
    gradient = several.gradient(X, y)
    assert set(gradient) == {"W", "b"}
    assert gradient["W"].shape == net.W.shape
    assert gradient["b"].shape == net.b.shape
    assert net.gradient(X, y).shape == net.A.shape


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"A": np.eye(3)}, ShapeError, r"A has shape \(3, 3\), W \(2, 1\) and b \(2,\).*\(m, m\), \(m, d\)"),
        ({"A": np.ones((2, 3))}, ShapeError, "A has shape"),
        ({"W": [1.0, 2.0]}, ShapeError, r"W has shape \(2,\); it needs 2 dimensions"),
        ({"b": [[1.0, 1.0]]}, ShapeError, r"b has shape \(1, 2\); it needs 1 dimension.*b.reshape\(-1\)"),
        ({"A": [[np.nan, 0], [0, 0]]}, InputError, r"A holds nan at index \[0, 0\]"),
        ({"gamma": 0.0}, InputError, "gamma is 0.0; it needs a finite number > 0"),
        ({"gamma": np.inf}, InputError, "gamma is inf"),
        ({"gamma": "0.1"}, InputError, "gamma is '0.1'; it needs a positive real number"),
        ({"phi": "tanh"}, InputError, "phi is 'tanh'; it needs one of 'relu', 'identity'"),
        ({"trainable": ("C",)}, InputError, r'it needs a tuple of some of "A", "W", "b"'),
        ({"trainable": "A"}, InputError, "trainable is 'A'"),
        ({"trainable": ()}, InputError, r"trainable is \(\)"),
        ({"trainable": ("A", "A")}, InputError, "trainable is"),
    ],
)
def test_bad_parameters(options, error, message):
    good = {"A": np.zeros((2, 2)), "W": np.ones((2, 1)), "b": np.ones(2), "gamma": 0.5}
    ReLUNetwork(**good)
    with pytest.raises(error, match=message):
        ReLUNetwork(**{**good, **options})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"width": 0}, "width is 0; it needs an integer >= 1"),
        ({"inputs": 2.0}, "inputs is 2.0"),
        ({"init": "uniform"}, "init is 'uniform'; it needs one of 'gaussian', 'half-normal', 'diagonal'"),
        ({"seed": -1}, "seed is -1; it needs an integer >= 0"),
        ({"gamma0": -0.25}, "gamma0 is -0.25; it needs a finite number > 0"),
        ({"gamma0": True}, "gamma0 is True"),
    ],
)
def test_bad_random(options, message):
    with pytest.raises(InputError, match=message):
        ReLUNetwork.random(**{"width": 4, "inputs": 2, "gamma0": 0.25, **options})


def test_unknown_options_are_refused(small):
    net, X, _ = small
    with pytest.raises(TypeError, match="tolerance"):
        net.equilibrium(X, tolerance=1e-3)
    with pytest.raises(TypeError, match="colour"):
        ReLUNetwork.random(width=3, inputs=2, colour="red")
    with pytest.raises(InputError, match="gamma is no parameter"):
        net.with_parameters(gamma=0.1)
