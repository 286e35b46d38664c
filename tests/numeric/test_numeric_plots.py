"""What the pictures show: lines, labels and verdicts; files written whole."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from deqmath.errors import InputError
from deqmath.numeric import ReLUNetwork, SoftmaxNetwork, gradient_descent, gradient_flow, plots


@pytest.fixture(scope="module")
def run():
    rng = np.random.default_rng(1)
    X = rng.standard_normal((6, 5))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    net = ReLUNetwork.random(width=80, inputs=5, gamma0=0.15, seed=2)
    return gradient_flow(net, X, np.sign(X[:, 0]), t_end=30.0, tol=1e-2, locate_switches=True)


def test_lines_are_the_series(run):
    loss = plots.plot_loss(run)
    measured, linear, envelope = loss.lines
    assert np.array_equal(measured.get_ydata(), 2 * run.loss)
    assert np.array_equal(envelope.get_ydata(), run.monitor("residual").bound)
    assert linear.get_ydata()[0] == pytest.approx(measured.get_ydata()[0])
    assert "(c) holds" in loss.get_title()
    assert np.array_equal(plots.plot_lambda_min(run).lines[0].get_ydata(), run.lambda_min)
    assert len(plots.plot_norms(run).lines) == 3
    switches = plots.plot_switches(run)
    assert f"of {6 * 80} gates" in switches.get_title()
    assert switches.lines[1].get_ydata()[-1] == len(run.switch_times)
    assert run.sliding.any()
    assert np.array_equal(switches.lines[2].get_ydata(), run.sliding)
    assert "(12)" in plots.plot_inequality(run, "change_z").get_title()
    with pytest.raises(InputError, match="there is no monitor"):
        plots.plot_inequality(run, "x")


def test_a_failure_is_said():
    net = ReLUNetwork.random(width=20, inputs=2, gamma0=0.2, seed=0, trainable=("b",))
    X = np.eye(2)
    step = 4 / np.linalg.eigvalsh(net.gram(X))[-1]
    diverging = gradient_descent(net, X, [1.0, -1.0], steps=2, step_size=step)
    assert "(c) fails from record 1" in plots.plot_loss(diverging).get_title()
    assert len(plots.plot_switches(diverging).lines) == 1


def test_the_given_axes_are_used_and_files_are_whole(run, tmp_path):
    axes = plots.plot_run(run, tmp_path / "run.png")
    assert axes.shape == (2, 2)
    assert (tmp_path / "run.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert [file.name for file in tmp_path.iterdir()] == ["run.png"]
    assert plots.plot_loss(run, axes[0, 0]) is axes[0, 0]


def test_spectrum(run):
    X = np.eye(5)
    first, last = run.initial.gram(X), run.final.gram(X)
    axes = plots.plot_spectrum(first, last, labels=("t = 0", "t = 30"))
    assert axes.lines[1].get_ydata() == pytest.approx(np.linalg.eigvalsh(last)[::-1])
    singular = plots.plot_spectrum(np.diag([1.0, 0.0]))
    assert singular.lines[0].get_label() == "H (1 not resolved from 0)"
    for bad in (lambda: plots.plot_spectrum(), lambda: plots.plot_spectrum(first, labels=("a", "b"))):
        with pytest.raises(InputError, match="as many labels"):
            bad()
    with pytest.raises(InputError, match="needs a square matrix"):
        plots.plot_spectrum(np.ones((2, 3)))


@pytest.fixture(scope="module", params=["square", "logistic"])
def softmax(request):
    rng = np.random.default_rng(1)
    net, X = SoftmaxNetwork.random(width=9, outputs=1, gamma=0.6, seed=2), rng.standard_normal((6, 9))
    return gradient_flow(net, X, np.sign(X[:, 0]), t_end=5.0, loss=request.param), X


def test_lines_of_a_softmax_run(softmax, tmp_path):
    run, X = softmax
    monitor, rate = run.monitor("loss"), run.monitor("rate")
    measured, envelope = plots.plot_loss(run).lines
    assert np.all(np.isin(measured.get_ydata(), monitor.measured))
    assert np.array_equal(envelope.get_ydata(), monitor.bound)
    found, bound = plots.plot_lambda_min(run).lines
    assert np.array_equal(found.get_ydata(), run.rate)
    assert np.array_equal(bound.get_ydata(), rate.bound)
    assert np.array_equal(plots.plot_norms(run).lines[0].get_ydata(), run.distance)
    axes = plots.plot_run(run, tmp_path / "run.svg", X=X, title="six samples")
    assert axes.shape == (3, 2)
    assert b"<svg" in (tmp_path / "run.svg").read_bytes()[:500]
    assert axes[2, 0].lines[1].get_ydata() == pytest.approx(np.linalg.eigvalsh(run.final.gram(X))[::-1])


def test_labels_are_goals_for_the_square_loss_alone(softmax):
    run, _ = softmax
    goals = [line for line in plots.plot_predictions(run).lines if len(line.get_xdata()) == 2]
    assert len(goals) == (2 if run.options["loss"] == "square" else 0)


def test_descent_of_a_softmax_network_has_no_envelope():
    net = SoftmaxNetwork.random(width=4, seed=0, trainable=("A",))
    run = gradient_descent(net, np.eye(4), [1.0, -1.0, 1.0, -1.0], steps=4)
    assert np.array_equal(plots.plot_loss(run).lines[0].get_ydata(), run.loss)
    assert len(plots.plot_lambda_min(run).lines) == 1


def test_predictions_and_paths(run, tmp_path):
    axes = plots.plot_predictions(run)
    curves = [line for line in axes.lines if len(line.get_xdata()) == len(run.times)]
    assert {line.get_ydata()[-1] for line in curves} == set(run.predictions[-1])
    with pytest.raises(InputError, match=r"ends in \.png, \.svg or \.pdf"):
        plots.plot_run(run, tmp_path / "run.gif")


def test_counts_are_marked_at_integers_and_long_titles_are_broken(run):
    ax = plots.plot_switches(run)
    ticks = ax.get_yticks()
    assert np.array_equal(ticks, np.round(ticks))
    monitor = run.monitor("lambda_min")
    late = dataclasses.replace(monitor, slack=-np.ones_like(monitor.slack))
    failing = dataclasses.replace(run, monitors=tuple(late if m is monitor else m for m in run.monitors))
    title = plots.plot_lambda_min(failing).get_title()
    assert "fails from record 0" in title.replace("\n", " ")
    assert max(map(len, title.splitlines())) <= 46


def test_the_legend_lies_inside_its_axes_and_small_numbers_are_short():
    """Targets that are no round numbers, and an eigenvalue of 1e-4: neither may take room from the axes beside it."""
    X = np.random.default_rng(4).standard_normal((3, 4))
    net = ReLUNetwork.random(width=12, inputs=4, gamma0=0.2, seed=1)
    run = gradient_descent(net, X, [0.12345, 0.53641, -1.23456], steps=2)
    axes = plots.plot_run(run, X=X)
    figure = axes[0, 0].figure
    figure.canvas.draw()
    for ax in axes.ravel():
        inside, legend = ax.get_window_extent(), ax.get_legend().get_window_extent()
        assert inside.x0 <= legend.x0
        assert legend.x1 <= inside.x1
    ax = plots.plot_lambda_min(dataclasses.replace(run, monitors=(small(run.monitor("lambda_min")),)))
    ax.figure.canvas.draw()
    assert max(len(tick.get_text()) for tick in ax.get_yticklabels()) <= 5


def small(monitor):
    """The monitor, a thousandth part of it or less."""
    size = 1e-4 / monitor.measured[0]
    return dataclasses.replace(monitor, measured=size * monitor.measured, bound=size * monitor.bound)


def test_axes_bear_the_name_of_what_they_show(run):
    assert plots.plot_inequality(run, "change_gram").get_ylabel() == "||H(t) - H(0)||"
    assert plots.plot_inequality(run, "lambda_min").get_ylabel() == "lambda_min(H(t))"


def test_an_unresolved_eigenvalue_is_said_and_seen():
    """Two equal samples: lambda_0 = 0, of which (a) says nothing."""
    net = ReLUNetwork.random(width=12, inputs=2, gamma0=0.2, seed=0)
    run = gradient_descent(net, [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], [1.0, 1.0, -1.0], steps=3)
    ax = plots.plot_lambda_min(run)
    assert "lambda_0 is not resolved: (a) says nothing" in ax.get_title()
    assert "holds" not in ax.get_title()
    measured, least = (line.get_ydata() for line in ax.lines)
    assert np.all(measured == 0)
    low, high = ax.get_ylim()
    assert low < 0 < least.max() < high < 2 * least.max()


def test_a_count_without_switches_ends_at_one():
    net = ReLUNetwork.random(width=20, inputs=2, gamma0=0.2, seed=0, trainable=("b",))
    ax = plots.plot_switches(gradient_descent(net, np.eye(2), [1.0, -1.0], steps=2))
    assert ax.get_ylim() == pytest.approx((0, 1), abs=0.05)
    assert [tick for tick in ax.get_yticks() if 0 <= tick <= 1] == [0, 1]


def test_what_is_no_run_is_refused(softmax):
    for call in (plots.plot_run, plots.plot_loss, plots.plot_lambda_min, plots.plot_norms, plots.plot_predictions):
        with pytest.raises(InputError, match=rf"{call.__name__} received 3; it needs a run, .* {call.__name__}\(run\)"):
            call(3)
    with pytest.raises(InputError, match="a softmax network has no gates"):
        plots.plot_switches(softmax[0])
    with pytest.raises(InputError, match="at least one row"):
        plots.plot_spectrum(np.zeros((0, 0)))


def test_the_width_of_a_file_is_as_documented(run, tmp_path):
    plots.plot_run(run, tmp_path / "run.png")
    width = int.from_bytes((tmp_path / "run.png").read_bytes()[16:20], "big")
    assert f"{width} pixels wide" in plots.plot_run.__doc__
