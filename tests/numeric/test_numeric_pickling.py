"""Copies and pickles: equal numbers that work afterwards, without caches, in other processes too."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields, is_dataclass

import numpy as np
import pytest
from sympy import MatrixSymbol

import deqmath as dm
from deqmath import errors
from deqmath.bounds.recheck.reading import FalseCertificateError
from deqmath.numeric import (
    MultiprecisionNetwork,
    MultiprecisionSoftmaxNetwork,
    ReLUNetwork,
    SoftmaxNetwork,
    gradient_descent,
    gradient_flow,
    multiprecision_descent,
    plots,
)

X, Y = np.eye(4), np.array([1.0, -1.0, 1.0, -1.0])
WAYS = {
    "pickle": lambda value: pickle.loads(pickle.dumps(value)),
    "old": lambda value: pickle.loads(pickle.dumps(value, protocol=2)),
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
}


def relu(width=30, **options):
    net = ReLUNetwork.random(width=width, inputs=4, gamma0=0.25, seed=1, **options)
    net.predict(X)
    net.predict_corrected(X)
    return net


def softmax():
    net = SoftmaxNetwork.random(width=4, seed=0)
    net.predict(X)
    return net


MADE = {
    "network": relu,
    "equilibrium": lambda: relu().equilibrium(X),
    "adjoint": lambda: relu().adjoint(X),
    "linearisation": lambda: relu().linearisation(X),
    "corrected": lambda: relu().predict_corrected(X),
    "flow": lambda: gradient_flow(relu(), X, Y, t_end=1.0, locate_switches=True, split_adjoint=True),
    "descent": lambda: gradient_descent(relu(), X, Y, steps=2),
    "softmax": softmax,
    "softmax equilibrium": lambda: softmax().equilibrium(X),
    "softmax run": lambda: gradient_flow(softmax(), X, Y, t_end=1.0),
}


def same(one, other):
    """Equal in type and in every number."""
    assert type(one) is type(other)
    if is_dataclass(one):
        for item in fields(one):
            same(getattr(one, item.name), getattr(other, item.name))
    elif isinstance(one, tuple):
        for a, b in zip(one, other, strict=True):
            same(a, b)
    elif isinstance(one, dict):
        assert one == other
    else:
        assert np.array_equal(one, other, equal_nan=isinstance(one, float))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", MADE)
def test_round_trips_give_equal_numbers(name, way):
    value = MADE[name]()
    same(WAYS[way](value), value)


@pytest.mark.parametrize("way", WAYS)
def test_networks_work_afterwards_and_stay_frozen(way):
    net, soft = relu(), softmax()
    other, other_soft = WAYS[way](net), WAYS[way](soft)
    assert np.array_equal(other.predict(X), net.predict(X))
    assert np.array_equal(other.gradient(X, Y), net.gradient(X, Y))
    assert np.array_equal(other_soft.gram(X), soft.gram(X))
    assert other.contraction_bound() == net.contraction_bound()
    for array in (other.A, other.W, other.b, other_soft.A, other_soft.B):
        assert not array.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        other.A[0, 0] = 1.0


def test_caches_are_left_out():
    net = relu(width=100)
    net.linearisation(X).gram()
    fresh = ReLUNetwork(A=net.A, W=net.W, b=net.b, gamma=net.gamma)
    assert len(pickle.dumps(net)) < len(pickle.dumps(fresh)) + 500
    assert "low_precision" in net.__dict__
    assert not {"low_precision", "xp", "_moved"} & set(pickle.loads(pickle.dumps(net)).__dict__)
    soft = softmax()
    assert not {"S", "U", "Wbar", "xp"} & set(copy.deepcopy(soft).__dict__)
    J = relu().linearisation(X)
    J.gram()
    assert set(copy.deepcopy(J).__dict__) == {"net", "adjoint"}


def test_an_equilibrium_is_known_to_a_copy_of_its_network():
    for net in (relu(), softmax()):
        eq = pickle.loads(pickle.dumps(net.equilibrium(X)))
        assert np.array_equal(net.predict(eq), net.predict(X))
        changed = net.with_parameters(A=2 * net.A)
        with pytest.raises(errors.InputError, match="belongs to another network"):
            changed.predict(eq)


def test_networks_of_another_library():
    torch = pytest.importorskip("torch")
    net, Xt = relu(), torch.asarray(X)
    eq = net.equilibrium(Xt)
    other, other_eq = pickle.loads(pickle.dumps((net, eq)))
    assert torch.equal(other.predict(other_eq), net.predict(eq))
    assert torch.equal(copy.deepcopy(eq).Z, eq.Z)


@pytest.mark.parametrize("name", ["flow", "descent", "softmax run"])
def test_runs_work_afterwards(name, tmp_path):
    pytest.importorskip("matplotlib")
    run = pickle.loads(pickle.dumps(MADE[name]()))
    plots.plot_run(run, tmp_path / "run.png", X=X)
    run.save(tmp_path / "run")
    assert (tmp_path / "run.npz").exists()
    assert np.isfinite(run.final.predict(X)).all()


def test_many_digits():
    net = MultiprecisionNetwork.from_network(relu(width=3), digits=30)
    run = multiprecision_descent(net, X, Y, steps=2, step_size=0.01)
    soft = MultiprecisionSoftmaxNetwork([[0, 1], [2, 0]], [[1, 0]], "0.5", digits=30)
    soft.predict([[1, 3]])
    for way in (WAYS["pickle"], WAYS["old"], copy.deepcopy):
        other, eq, again, other_soft = way((net, net.equilibrium(X), run, soft))
        assert other.A == net.A
        assert (other.gamma, other.norm, other.context.prec) == (net.gamma, net.norm, net.context.prec)
        assert eq.Z == net.equilibrium(X).Z
        assert eq.Z.ctx is other.context  # what is copied together can be computed with together
        assert other.predict(X) == net.predict(X)
        assert again.loss == run.loss
        assert again.networks[-1].A == run.networks[-1].A
        assert other_soft.predict([[1, 3]]) == soft.predict([[1, 3]])


REFUTED = errors.StepRefuted("line 2 is false", "assert False")
UNKNOWN = errors.UnknownNodeError(MatrixSymbol("A", 2, 2), "shape")
RAISED = [kind("a message") for kind in vars(errors).values() if isinstance(kind, type) and kind.__init__ is Exception.__init__]  # fmt: skip
RAISED += [errors.InputError("bad"), errors.MissingBackendError("no torch", name="torch"), REFUTED, UNKNOWN]
RAISED += [FalseCertificateError("1 > 2")]


@pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)
def test_errors_are_copied_as_they_are(error):
    error.add_note("a note")
    for way in WAYS.values():
        other = way(error)
        assert type(other) is type(error)
        assert str(other) == str(error)
        assert other.args == error.args
        assert other.__dict__ == error.__dict__
        assert getattr(other, "name", None) == getattr(error, "name", None)
        assert getattr(other, "msg", None) == getattr(error, "msg", None)


def products():
    m = dm.dim("m")
    return MatrixSymbol("A", m, m), MatrixSymbol("B", m, m)


def test_verdicts_and_derivations_can_be_rechecked():
    A, B = products()
    m = A.shape[0]
    x = MatrixSymbol("x", m, 1)
    first = dm.check_equal(A * B, A * B)
    second = dm.check_derivative(A, A * x, x)
    for verdict in (first, second):
        for way in WAYS.values():
            other = way(verdict)
            assert other == verdict
            assert other.judged
            assert other.recheck(B * A if verdict is first else A.T).status == "refuted"
    lines = dm.jacobian(A * x, x)
    other = pickle.loads(pickle.dumps(lines))
    assert other == lines
    assert other.verdict().status == lines.verdict().status


def test_in_another_process():
    A, B = products()
    net = relu()
    eq = net.equilibrium(X)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert np.array_equal(pool.submit(net.predict, X).result(), net.predict(X))
        assert np.array_equal(pool.submit(net.predict, eq).result(), net.predict(X))
        assert np.array_equal(net.predict(pool.submit(net.equilibrium, X).result()), net.predict(X))
        run = pool.submit(gradient_flow, softmax(), X, Y, t_end=0.5).result()
        assert run.status == "completed"
        assert pool.submit(dm.check_equal, A * B, A * B).result().status == "verified"
        with pytest.raises(errors.StepRefuted) as caught:
            pool.submit(dm.rewriting(A * B).then, B * A, because="a slip").result()
        assert caught.value.counterexample
        assert pool.submit(abs, -1).result() == 1  # the pool lives
