"""``bound``, ``train`` and ``doctor``; bad data is refused before anything is written."""

from __future__ import annotations

import json
import signal
import threading
from fractions import Fraction

import numpy as np
import pytest

import deqmath as dm
from deqmath.data import load

SMALL = ("--samples", 12, "--width", 40)


@pytest.fixture
def bad_file(tmp_path):
    """Write a data file that is broken in one way."""

    def write(kind):
        good = tmp_path / "good.npz"
        X = np.random.default_rng(0).random((6, 3))
        y = np.ones(6)
        if kind == "truncated.npz":
            np.savez(good, X=X, y=y)
            (tmp_path / kind).write_bytes(good.read_bytes()[:-200])
            good.unlink()
        elif kind == "shapes.npz":
            np.savez(tmp_path / kind, X=X, y=y[:-1])
        elif kind == "nan.npz":
            X[2, 1] = np.nan
            np.savez(tmp_path / kind, X=X, y=y)
        elif kind == "empty.npz":
            np.savez(tmp_path / kind, X=X[:0], y=y[:0])
        elif kind == "nan.csv":
            (tmp_path / kind).write_text("a,b,y\n1,2,1\nnan,2,1\n")
        elif kind == "truncated.csv":
            (tmp_path / kind).write_text("a,b,y\n1,2,1\n1,\n")
        elif kind == "empty.csv":
            (tmp_path / kind).write_text("")
        elif kind == "words.csv":
            (tmp_path / kind).write_text("1,2,1\n1,__import__('os'),1\n")
        return kind

    return write


BROKEN = [
    "truncated.npz",
    "shapes.npz",
    "nan.npz",
    "empty.npz",
    "nan.csv",
    "truncated.csv",
    "empty.csv",
    "words.csv",
    "missing.csv",
    "missing.npz",
    "x.txt",
]


@pytest.mark.parametrize("kind", BROKEN)
@pytest.mark.parametrize("command", [("bound", "lambda-min"), ("train",)])
def test_broken_data_is_refused_by_name(refused, bad_file, command, kind):
    name = bad_file(kind)
    assert name in refused(*command, "--data", name, "--width", 20)


@pytest.mark.parametrize("command", [("bound", "lambda-min", "--json", "b.json"), ("train", "--out", "runs")])
@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--gamma0", 0.9), "rho"),
        (("--gamma0", -1), "gamma0"),
        (("--width", 0), "width"),
        (("--samples", 0), "samples"),
        (("--samples", 10_000), "samples"),
        (("--seed", -1), "seed"),
        (("--init", "uniform"), "--init"),
        (("--classes", 3, 3), "classes"),
    ],
)
def test_options_out_of_range(refused, command, options, says):
    assert says in refused(*command, "--data", "digits", *SMALL, *options)


def test_bound_names_and_digits(refused):
    message = refused("bound", "lambda-max", "--data", "digits", *SMALL)
    assert "lambda-min" in message
    assert "norm" in message
    assert "digits" in refused("bound", "lambda-min", "--data", "digits", *SMALL, "--digits", 0)


def test_train_options(refused, tmp_path):
    assert "steps" in refused("train", "--data", "digits", *SMALL, "--method", "descent", "--steps", 0)
    assert "t_end" in refused("train", "--data", "digits", *SMALL, "--t-end", -1)
    message = refused("train", "--data", "digits", *SMALL, "--steps", 5)
    assert "--steps has no effect with --method flow" in message
    assert "--t-end T" in message
    message = refused("train", "--data", "digits", *SMALL, "--method", "descent", "--t-end", 5)
    assert "--t-end has no effect with --method descent" in message
    (tmp_path / "file").write_text("")
    assert "is a file" in refused("train", "--data", "digits", *SMALL, "--out", "file/runs")


def test_train_options_of_the_models(refused):
    softmax = ("train", "--data", "digits", *SMALL, "--model", "softmax")
    assert "--gamma0 has no effect with --model softmax" in refused(*softmax, "--gamma0", 0.25)
    assert "--init has no effect with --model softmax" in refused(*softmax, "--init", "diagonal")
    assert "--gamma has no effect with --model relu" in refused("train", "--data", "digits", *SMALL, "--gamma", 0.5)
    assert "trainable is ('A', 'W')" in refused(*softmax, "--trainable", "A,W")
    assert "gamma is 1.5" in refused(*softmax, "--gamma", 1.5)
    assert 'loss="square"' in refused("train", "--data", "digits", *SMALL, "--loss", "logistic")
    assert "hinge" in refused(*softmax, "--loss", "hinge")
    assert ".svg or .pdf" in refused(*softmax, "--plot", "run.gif")
    assert "does not exist" in refused(*softmax, "--plot", "nowhere/run.png")
    assert "needs a .npz file" in refused(*softmax, "--checkpoint", "state.txt")


@pytest.mark.parametrize(("method", "loss"), [("flow", "logistic"), ("descent", "square")])
def test_train_a_softmax_network(deqmath, tmp_path, loss, method):
    options = ("--model", "softmax", "--loss", loss, "--method", method, "--trainable", "A,B")
    own = ("--plot", "picture.pdf", "--checkpoint", "state.npz", "--out", "run")
    answer = deqmath("train", "--data", "digits", *SMALL, *options, *own)
    assert answer.code == 0
    for shown in ("k21 promises", "lambda_min(D_t) >= 1/(m (1+gamma)^2)", "softmax network"):
        assert shown in answer.out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["picture.pdf", "run", "state.npz"]
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["run.json", "run.npz"]
    assert (tmp_path / "picture.pdf").read_bytes().startswith(b"%PDF")
    with np.load(tmp_path / "run" / "run.npz") as arrays:
        assert arrays["loss"][-1] < arrays["loss"][0]


def test_train_all_three_parameters(deqmath, tmp_path):
    answer = deqmath("train", "--data", "digits", *SMALL, "--t-end", 0.5, "--trainable", "A,W,b", "--out", "run")
    assert answer.code == 0
    with np.load(tmp_path / "run" / "run.npz") as arrays:
        for name in ("A", "W", "b"):
            assert np.any(arrays[f"final_{name}"] != arrays[f"initial_{name}"])


def test_lambda_min_is_proved_and_holds_what_float64_gives(deqmath, tmp_path):
    answer = deqmath("bound", "lambda-min", "--data", "digits", *SMALL, "--digits", 15, "--certificate", "c.json")
    assert (answer.code, answer.err) == (0, "")
    assert "digits proved" in answer.out
    assert "smallest eigenvalue of the Gram matrix" in answer.out
    assert "rounding errors made in computing H are not part" in answer.out
    found = json.loads(deqmath("bound", "lambda-min", "--data", "digits", *SMALL, "--json", "-").out)
    data = load("digits", samples=12, seed=0)
    H = dm.ReLUNetwork.random(width=40, inputs=64, gamma0=0.25, seed=0).gram(data.X)
    again = dm.bounds.lambda_min((H + H.T) / 2, digits=15)
    assert (Fraction(found["lower"]), Fraction(found["upper"])) == (again.lower, again.upper)
    assert again.upper - again.lower <= abs(again.upper) / 10**14
    assert np.linalg.eigvalsh(H)[0] == pytest.approx(float(again.mid), rel=1e-6)
    assert json.loads((tmp_path / "c.json").read_text())["format"] == "deqmath-certificate"


def test_norm(deqmath):
    found = json.loads(deqmath("bound", "norm", "--data", "digits", *SMALL, "--json", "-").out)
    A = dm.ReLUNetwork.random(width=40, inputs=64, gamma0=0.25, seed=0).A
    assert float(Fraction(found["upper"])) == pytest.approx(np.linalg.norm(A, 2), rel=1e-12)


def test_an_own_file_works_for_both(deqmath, tmp_path):
    rng = np.random.default_rng(1)
    np.savez(tmp_path / "mine.npz", X=rng.standard_normal((5, 3)), y=np.array([1.0, -1, 1, -1, 1]))
    assert deqmath("bound", "lambda-min", "--data", "mine.npz", "--width", 30).code == 0
    assert deqmath("train", "--data", "mine.npz", "--width", 30, "--t-end", 0.5).code == 0
    assert (tmp_path / "deqmath-runs" / "mine-flow-m30-seed0" / "run.npz").is_file()


def test_what_was_done_to_the_data_is_said(deqmath, tmp_path):
    rng = np.random.default_rng(1)
    np.savez(tmp_path / "mine.npz", X=rng.standard_normal((5, 3)), y=np.array([8.0, -1, 1, -1, 1]))
    done = "targets divided by 8.0, the largest magnitude, so that |y_i| <= 1; rows normalised to length 1"
    trained = deqmath("train", "--data", "mine.npz", "--width", 30, "--t-end", 0.5, "--out", "run")
    assert f"note: data: 5 x 3; {done}" in " ".join(trained.err.split())
    kept = json.loads((tmp_path / "run" / "run.json").read_text())["notes"]
    assert any(done in note for note in kept)
    bound = deqmath("bound", "lambda-min", "--data", "mine.npz", "--width", 30)
    assert f"Data: 5 x 3; {done}" in " ".join(bound.out.split())


def test_a_run_with_other_options_replaces_none(deqmath, tmp_path):
    rng = np.random.default_rng(1)
    np.savez(tmp_path / "mine.npz", X=rng.standard_normal((5, 3)), y=np.array([1.0, -1, 1, -1, 1]))
    whole = ("train", "--data", "mine.npz", "--width", 30, "--t-end", 0.5)
    first, runs = tmp_path / "deqmath-runs" / "mine-flow-m30-seed0", tmp_path / "deqmath-runs"
    assert deqmath(*whole).code == 0
    kept = (first / "run.npz").read_bytes()
    others = [("--samples", 4), ("--gamma0", 0.1), ("--trainable", "A,b"), ("--init", "diagonal"), ("--t-end", 0.25)]
    for k, more in enumerate(others, start=2):
        told = deqmath(*(whole if more[0] != "--t-end" else whole[:-2]), *more)
        assert told.code == 0
        assert f"mine-flow-m30-seed0-{k}/run.npz" in told.err.replace("\n", "")
    assert (first / "run.npz").read_bytes() == kept
    assert len(list(runs.iterdir())) == 6
    assert deqmath(*whole, *others[0]).code == 0
    assert len(list(runs.iterdir())) == 6
    (first / "options.json").write_text("{")
    assert deqmath(*whole).code == 0
    assert len(list(runs.iterdir())) == 7


@pytest.mark.parametrize("method", ["flow", "descent"])
def test_train_shows_the_monitors_and_saves_run_and_picture(deqmath, tmp_path, method):
    length = ("--t-end", 1) if method == "flow" else ("--steps", 4)
    answer = deqmath("train", "--data", "digits", *SMALL, "--method", method, *length, "--out", "runs/one")
    assert answer.code == 0
    for shown in ("lambda_min(H(t)) >= lambda_0/2", "least slack", "completed"):
        assert shown in answer.out
    folder = tmp_path / "runs" / "one"
    assert sorted(path.name for path in folder.iterdir()) == ["run.json", "run.npz", "run.png"]
    assert (folder / "run.png").read_bytes().startswith(b"\x89PNG")
    with np.load(folder / "run.npz") as arrays:
        assert arrays["loss"][-1] < arrays["loss"][0]


def test_train_json(deqmath):
    answer = deqmath("train", "--data", "digits", *SMALL, "--t-end", 1, "--json", "-")
    document = json.loads(answer.out)
    assert document["status"] == "completed"
    assert {monitor["name"] for monitor in document["monitors"]} == {"lambda_min", "norm_A", "residual"}
    assert document["problem"]["width"] == 40


def test_ctrl_c_keeps_the_run_so_far(deqmath, tmp_path):
    timer = threading.Timer(3.0, signal.raise_signal, (signal.SIGINT,))
    timer.start()
    answer = deqmath(
        "train", "--data", "digits", *SMALL, "--method", "descent", "--steps", 10**7, "--out", "run", "--json", "r.json"
    )
    timer.join()
    assert answer.code == 130
    assert json.loads((tmp_path / "r.json").read_text())["status"] == "interrupted"
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["run.json", "run.npz", "run.png"]
    with np.load(tmp_path / "run" / "run.npz") as arrays:
        assert arrays["loss"][-1] < arrays["loss"][0]


def test_doctor(deqmath):
    answer = deqmath("doctor", "--json", "-")
    found = json.loads(answer.out)
    assert found["versions"]["numpy"] == np.__version__
    assert found["extras"]["jax"]["install"] == 'pip install "deqmath[jax]"'
    assert {"blas", "threads", "gpu", "derivations"} <= set(found)
    assert "scipy" in deqmath("doctor").out
