"""Training the softmax network (k21): the flow against SciPy, the tangent against differences, the conclusions monitored."""

import numpy as np
import pytest
from scipy.sparse.linalg import ArpackNoConvergence

from deqmath.errors import InputError
from deqmath.numeric import ReLUNetwork, SoftmaxNetwork, gradient_descent, gradient_flow, plots, softmax, softmax_state
from deqmath.numeric.losses import find_loss
from deqmath.numeric.softmax_state import SoftmaxState, inverse_dynamics


def problem(width=12, samples=7, outputs=1, seed=0, **options):
    """A network, rows phi(x) and labels +-1."""
    rng = np.random.default_rng(seed)
    net = SoftmaxNetwork.random(width=width, outputs=outputs, gamma=0.6, seed=seed, **options)
    X = rng.standard_normal((samples, width)) / np.sqrt(width)
    Y = np.where(rng.standard_normal((samples, outputs)) > 0, 1.0, -1.0)
    return net, X, Y[:, 0] if outputs == 1 else Y


@pytest.mark.parametrize("loss", ["square", "logistic"])
@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("trainable", [("A", "B"), ("A",), ("B",)])
def test_flow_agrees_with_scipy(loss, outputs, trainable):
    net, X, y = problem(outputs=outputs, trainable=trainable)
    reference = gradient_flow(net, X, y, t_end=3.0, method="rk45", tol=1e-8, loss=loss, record=4)
    errors = []
    for tol in (1e-2, 1e-4):
        run = gradient_flow(net, X, y, t_end=3.0, tol=tol, loss=loss, record=4)
        assert run.status == "completed"
        assert np.array_equal(run.times, reference.times)
        errors.append(float(np.max(np.abs(run.predictions - reference.predictions))))
    # The local error is tol sqrt(m) in the parameters; every step of the run adds one, and |df| <= ||J|| |dP|.
    assert errors[1] < 1e-3
    assert errors[1] < errors[0] / 4 or errors[0] < 1e-6


@pytest.mark.parametrize("loss", ["square", "logistic"])
@pytest.mark.parametrize("outputs", [1, 2])
def test_conclusions_hold_along_the_flow(loss, outputs):
    net, X, y = problem(outputs=outputs, seed=3)
    run = gradient_flow(net, X, y, t_end=20.0, loss=loss)
    assert run.monitor("rate").holds
    assert run.monitor("loss").holds
    assert np.all(np.diff(run.loss) <= 0)


def test_a_flow_that_stands_still_breaks_the_decay():
    """The monitor is no decoration: predictions that do not move violate it."""
    from deqmath.numeric.softmax_run import decay_monitor

    net, X, y = problem()
    state = SoftmaxState.solve(net, X, y[:, None], find_loss("square"))
    times = np.array([0.0, 50.0])
    still = decay_monitor(times, np.full(2, state.loss), np.full(2, state.rate), np.zeros((2, 7, 1)), state, X)
    assert not still.holds
    assert still.first_failure == 1


@pytest.mark.parametrize("outputs", [1, 3])
def test_pushforward_against_differences(outputs):
    net, X, y = problem(outputs=outputs)
    state = SoftmaxState.solve(net, X, y.reshape(7, outputs), find_loss("square"))
    rng = np.random.default_rng(5)
    change = {name: rng.standard_normal(getattr(net, name).shape) for name in ("A", "B")}
    h = 1e-5
    ahead, behind = (
        SoftmaxState.solve(state.moved({k: s * v for k, v in change.items()}), X, state.Y, state.form).F
        for s in (h, -h)
    )
    assert np.allclose((ahead - behind) / (2 * h), state.pushforward(change), rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("trainable", [("A", "B"), ("B",), ("A",)])
def test_inverse_of_the_dynamics(trainable):
    net, _, _ = problem(outputs=2, trainable=trainable)
    apply = inverse_dynamics(net)
    D = net.dynamics_matrix()
    inverse = np.stack([apply(column) for column in np.eye(24)], axis=1)
    assert np.allclose(inverse @ D, np.eye(24), atol=1e-12 * np.linalg.cond(D))


@pytest.mark.parametrize("trainable", [("A", "B"), ("B",), ("A",)])
@pytest.mark.parametrize(("width", "outputs"), [(320, 1), (80, 4)])
def test_rate_by_lanczos_equals_the_dense_one(width, outputs, trainable, monkeypatch):
    net, X, y = problem(width=width, samples=4, outputs=outputs, trainable=trainable)
    state = SoftmaxState.solve(net, X, y.reshape(4, outputs), find_loss("square"))
    dense = np.linalg.eigvalsh(net.dynamics_matrix())
    monkeypatch.setattr(SoftmaxNetwork, "dynamics_matrix", None)
    assert abs(state.rate - dense[0]) <= 1e-8 * dense[0] + 1e-14 * dense[-1]


def test_rate_is_0_where_the_dynamics_are_singular():
    """A alone, p >= m: ``J_j 1 = 0``, so no block has full rank; and outputs that are constant move nothing."""
    net, X, y = problem(width=18, samples=4, outputs=18, trainable=("A",))
    assert SoftmaxState.solve(net, X, y.reshape(4, 18), find_loss("square")).rate == 0.0
    flat = SoftmaxNetwork(A=np.zeros((301, 301)), B=np.zeros((1, 301)), gamma=0.5, trainable=("A",))
    assert SoftmaxState.solve(flat, np.eye(1, 301), np.ones((1, 1)), find_loss("square")).rate == 0.0


@pytest.mark.parametrize("trainable", [("A", "B"), ("A",)])
def test_no_size_is_refused(trainable, monkeypatch):
    """p m above what D_t is formed for; where its least eigenvalue is not found, what needs it is left out, and said."""
    for module in (softmax, softmax_state):
        monkeypatch.setattr(module, "MOST_DENSE", 310)
    net, X, Y = problem(width=80, samples=4, outputs=4, trainable=trainable)
    run = gradient_flow(net, X, Y, t_end=1e-3, record=2)
    assert (run.status, run.notes) == ("completed", ())
    assert run.monitor("loss").holds

    def stuck(*_, **__):
        msg = "stuck"
        raise ArpackNoConvergence(msg, np.empty(0), np.empty(0))

    monkeypatch.setattr(softmax_state, "eigsh", stuck)
    monkeypatch.setattr(softmax_state, "inverse_dynamics", lambda _: lambda v: v)
    run = gradient_flow(net, X, Y, t_end=1e-3, record=2)
    assert (run.status, run.monitors) == ("completed", ())
    assert np.all(np.isnan(run.rate))
    assert "not found at 3 of 3 records" in run.notes[-1]
    plots.plot_run(run, X=X)


def test_curvature_is_the_derivative_of_the_slope():
    form = find_loss("logistic")
    f, y, h = np.linspace(-6.0, 6.0, 25), np.where(np.arange(25) % 2, 1.0, -1.0), 1e-6
    difference = (form.slopes(np, f + h, y) - form.slopes(np, f - h, y)) / (2 * h)
    assert np.allclose(form.curvatures(np, f, y), difference, atol=1e-9)
    assert np.all(form.curvatures(np, np.array([-800.0, 800.0]), np.ones(2)) >= 0)


def test_descent_and_its_record(tmp_path):
    net, X, y = problem()
    run = gradient_descent(net, X, y, steps=40, loss="logistic", record=10)
    assert run.times.shape == (5,)
    assert run.loss[-1] < run.loss[0]
    assert [monitor.name for monitor in run.monitors] == ["rate"]
    npz, _ = run.save(tmp_path / "run")
    with np.load(npz) as stored:
        assert np.array_equal(stored["predictions"], run.predictions)


def test_interrupted_run_keeps_what_is_done():
    net, X, y = problem()

    def stop(progress):
        if progress.step == 3:
            raise KeyboardInterrupt

    run = gradient_flow(net, X, y, t_end=10.0, progress=stop)
    assert run.status == "interrupted"
    assert run.steps == 3
    assert len(run.times) == 4


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda net, X, y: gradient_flow(net, X, y, t_end=1.0, split_adjoint=True), "split_adjoint is for a ReLU"),
        (lambda net, X, y: gradient_flow(net, X, y, t_end=1.0, checkpoint="a.txt"), "needs a .npz file in a folder"),
        (lambda net, X, y: gradient_flow(net, X, y, t_end=1.0, locate_switches=True), "locate_switches is for a ReLU"),
        (lambda net, X, y: gradient_flow(net, X, 2 * y, t_end=1.0, loss="logistic"), "-1 and \\+1"),
        (lambda net, X, y: gradient_flow(net, X[:, :3], y, t_end=1.0), "rows of X are phi"),
        (lambda net, X, y: gradient_flow(net, X, y, t_end=1.0, loss="hinge"), "hinge"),
        (lambda net, X, y: gradient_descent(net, X, y[:3], steps=2), "y of shape"),
    ],
)
def test_bad_input(call, said):
    with pytest.raises(InputError, match=said):
        call(*problem())


def test_relu_network_refuses_the_logistic_loss():
    net = ReLUNetwork.random(width=8, inputs=2, gamma0=0.2, seed=0)
    with pytest.raises(InputError, match="SoftmaxNetwork"):
        gradient_flow(net, np.eye(2), [1.0, -1.0], t_end=1.0, loss="logistic")
