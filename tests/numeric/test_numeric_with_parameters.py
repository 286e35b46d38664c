"""A network with some parameters replaced: as strict as a new one, and as independent of what it was made from."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from deqmath.errors import InputError, NotWellPosedError, ShapeError
from deqmath.numeric import ReLUNetwork


@pytest.fixture
def net() -> ReLUNetwork:
    return ReLUNetwork.random(width=5, inputs=3, gamma0=0.3, seed=0, phi="identity", trainable=("A", "b"))


@pytest.mark.parametrize("name", ["A", "W", "b"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused(net, name, value):
    given = np.array(getattr(net, name))
    given[-1] = value
    with pytest.raises(InputError, match=f"^{name} holds"):
        net.with_parameters(**{name: given})


@pytest.mark.parametrize(
    "change",
    [
        {"A": np.eye(4)},
        {"A": np.ones((5, 3))},
        {"W": np.ones((4, 3))},
        {"W": np.ones((5, 0))},
        {"b": np.ones(4)},
        {"A": np.eye(4), "b": np.ones(4)},
    ],
)
def test_shapes_that_do_not_fit_are_refused(net, change):
    with pytest.raises(ShapeError, match="shape"):
        net.with_parameters(**change)


@pytest.mark.parametrize("name", ["A", "W", "b"])
@pytest.mark.parametrize(
    "kind", [np.array, np.asfortranarray, np.ndarray.tolist, lambda P: P.astype(np.float32), lambda P: P.astype(">f8")]
)
def test_every_way_to_give_numbers_leads_to_the_same_network(net, name, kind):
    changed = 2.0 * np.asarray(getattr(net, name), dtype=np.float32).astype(np.float64)
    new = net.with_parameters(**{name: kind(changed)})
    fields = {part: changed if part == name else getattr(net, part) for part in ("A", "W", "b")}
    want = ReLUNetwork(**fields, gamma=net.gamma, phi="identity", trainable=("A", "b"))
    for part in ("A", "W", "b"):
        got = getattr(new, part)
        assert got.dtype == np.float64
        assert np.array_equal(got, getattr(want, part))
        assert not got.flags.writeable
    assert (new.gamma, new.phi, new.trainable) == (net.gamma, "identity", ("A", "b"))
    assert np.array_equal(new.equilibrium(np.eye(3)).Z, want.equilibrium(np.eye(3)).Z)
    for twin in (copy.deepcopy(new), pickle.loads(pickle.dumps(new))):
        assert np.array_equal(twin.A, new.A)
        assert not twin.A.flags.writeable


def test_what_it_was_made_from_can_change(net):
    given, before = np.array(net.A), np.array(net.W)
    new = net.with_parameters(A=given)
    given[:] = 7.0
    assert np.array_equal(new.A, net.A)
    with pytest.raises(ValueError, match="read-only"):
        new.W[0, 0] = 1.0
    assert np.array_equal(new.W, before)


def test_the_norm_is_that_of_the_new_matrix(net):
    assert net.rho < 1
    net.equilibrium(np.eye(3))
    far = net.with_parameters(A=100.0 * net.A)
    assert far.operator_norm() == pytest.approx(100 * net.operator_norm(), rel=1e-14)
    with pytest.raises(NotWellPosedError, match="rho"):
        far.equilibrium(np.eye(3))
    assert far.with_parameters(A=net.A).equilibrium(np.eye(3)).converged
    assert net.with_parameters(b=-net.b).rho == net.rho


def test_what_is_no_parameter_is_refused(net):
    with pytest.raises(InputError, match="B is no parameter"):
        net.with_parameters(B=np.eye(5))


def test_a_subclass_that_checks_more_is_asked(net):
    class Bounded(ReLUNetwork):
        def __post_init__(self) -> None:
            super().__post_init__()
            if np.max(np.abs(self.b)) > 1:
                msg = "b is above 1"
                raise InputError(msg)

    own = Bounded(A=net.A, W=net.W, b=net.b, gamma=net.gamma)
    assert type(own.with_parameters(b=-net.b)) is Bounded
    with pytest.raises(InputError, match="above 1"):
        own.with_parameters(b=2 * net.b)
