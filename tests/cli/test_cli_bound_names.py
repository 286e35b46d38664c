"""``deqmath bound`` for each name, and ``deqmath check-certificate``."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest

import deqmath as dm
from deqmath.data import load

SMALL = ("--data", "digits", "--samples", 6, "--width", 40)


def test_well_posed(deqmath):
    answer = deqmath("bound", "well-posed", *SMALL, "--digits", 9)
    assert (answer.code, answer.err) == (0, "")
    assert "Well posed, proved: rho < 1" in answer.out
    found = json.loads(deqmath("bound", "well-posed", *SMALL, "--digits", 9, "--json", "-").out)
    net = dm.ReLUNetwork.random(width=40, inputs=64, gamma0=0.25, seed=0)
    assert float(Fraction(found["bounds"]["rho"]["upper"])) == pytest.approx(net.rho, rel=1e-8)


def test_not_well_posed_is_undecided(deqmath, tmp_path):
    rows = "\n".join(f"{v},1,1" for v in (0.1, 0.2))
    (tmp_path / "mine.csv").write_text("a,b,y\n" + rows + "\n")
    answer = deqmath("bound", "well-posed", "--data", "mine.csv", "--width", 60, "--init", "half-normal", "--digits", 6)
    assert answer.code == 3
    assert "undecided" in answer.out


def test_equilibrium(deqmath):
    answer = deqmath("bound", "equilibrium", *SMALL, "--digits", 50)
    assert (answer.code, answer.err) == (0, "")
    assert "all 240 signs proved" in answer.out
    found = json.loads(deqmath("bound", "equilibrium", *SMALL, "--digits", 50, "--json", "-").out)
    assert float(found["samples"][0]["radius"]) < 1e-49
    data = load("digits", samples=6, seed=0)
    eq = dm.ReLUNetwork.random(width=40, inputs=64, gamma0=0.25, seed=0).equilibrium(data.X)
    assert [float(v) for v in found["samples"][2]["centre"]] == pytest.approx(eq.Z[2], rel=1e-12, abs=1e-15)
    assert found["samples"][2]["signs"] == "".join("+" if g else "-" for g in eq.gates[2])


def test_lambda_min_of_the_true_gram(deqmath):
    answer = deqmath("bound", "lambda-min", *SMALL, "--digits", 50, "--true-gram")
    assert (answer.code, answer.err) == (0, "")
    assert "itself" in answer.out
    near, true = (
        json.loads(deqmath("bound", "lambda-min", *SMALL, *more, "--json", "-").out)["lower"]
        for more in ((), ("--true-gram",))
    )
    assert near != true
    assert float(Fraction(near)) == pytest.approx(float(Fraction(true)), rel=1e-9)


@pytest.mark.parametrize("name", ["lambda-min", "norm", "inverse-form"])
def test_certificates_are_proved_again_and_refuted_when_altered(deqmath, tmp_path, name):
    assert deqmath("bound", name, *SMALL, "--digits", 20, "--certificate", "c.json").code == 0
    answer = deqmath("check-certificate", "c.json")
    assert (answer.code, answer.err) == (0, "")
    assert "Proved again" in answer.out
    record = json.loads((tmp_path / "c.json").read_text())
    record["lower"] = str(Fraction(record["lower"]) * Fraction(1001, 1000))
    record["upper"] = str(Fraction(record["upper"]) * Fraction(1002, 1000))
    (tmp_path / "c.json").write_text(json.dumps(record))
    answer = deqmath("check-certificate", "c.json", "--json", "-")
    assert answer.code == 1
    assert "false" in answer.err
    assert json.loads(answer.out)["status"] == "refuted"


def test_a_matrix_too_large_to_embed_goes_beside_the_certificate(deqmath, tmp_path):
    answer = deqmath(
        "bound",
        "lambda-min",
        "--data",
        "digits",
        "--samples",
        70,
        "--width",
        80,
        "--digits",
        10,
        "--certificate",
        "c.json",
    )
    assert answer.code == 0
    assert "c.json.npz" in answer.err
    assert np.load(tmp_path / "c.json.npz")["matrix"].shape == (70, 70)
    assert deqmath("check-certificate", "c.json").code == 0
    np.save(tmp_path / "h.npy", np.load(tmp_path / "c.json.npz")["matrix"])
    (tmp_path / "c.json.npz").unlink()
    assert deqmath("check-certificate", "c.json", "--matrix", "h.npy").code == 0


def test_certificates_that_cannot_be_read(refused, tmp_path):
    assert "none.json" in refused("check-certificate", "none.json")
    (tmp_path / "c.json").write_text('{"format": "deqm')
    assert "c.json" in refused("check-certificate", "c.json")
    (tmp_path / "c.json.npz").write_bytes(b"\x93NUMPY broken")
    assert "c.json.npz" in refused("check-certificate", "c.json")


EVERY = [
    ("well-posed", ()),
    ("equilibrium", ()),
    ("lambda-min", ("--true-gram",)),
    ("theorem-3.1", ()),
    ("generalization", ()),
    ("limit-kernel", ()),
    ("limit-kernel", ("--init", "diagonal")),
]


@pytest.mark.parametrize(("name", "more"), EVERY)
def test_every_name_has_a_certificate_that_is_proved_again(deqmath, name, more):
    options = ("--data", "digits", "--samples", 3, "--width", 60, "--gamma0", 0.15, "--digits", 12, *more)
    assert deqmath("bound", name, *options, "--certificate", "c.json").code in (0, 3)
    answer = deqmath("check-certificate", "c.json")
    assert (answer.code, answer.err) == (0, "")
    assert "Proved again" in answer.out


def test_a_certificate_changed_anywhere_is_refused(deqmath, tmp_path):
    deqmath("bound", "well-posed", *SMALL, "--certificate", "c.json")
    record = json.loads((tmp_path / "c.json").read_text())
    record["method"] = "another"
    (tmp_path / "c.json").write_text(json.dumps(record))
    answer = deqmath("check-certificate", "c.json")
    assert answer.code == 2
    assert "altered" in answer.err


def test_nothing_is_half_written_when_interrupted(deqmath, tmp_path, monkeypatch):
    from deqmath import bounds

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(bounds, "operator_norm", interrupted)
    answer = deqmath("bound", "norm", *SMALL, "--certificate", "c.json", "--json", "n.json")
    assert answer.code == 130
    assert list(tmp_path.iterdir()) == []


def test_phi_is_for_the_limit_kernel(refused):
    assert "limit-kernel" in refused("bound", "norm", *SMALL, "--phi", "relu")


def test_delta_out_of_range(refused):
    assert "delta" in refused("bound", "norm", *SMALL, "--delta", 0)


@pytest.mark.parametrize(
    ("name", "says", "code"),
    [
        ("theorem-3.1", "least_width", 0),
        ("generalization", "VACUOUS", 3),
        ("limit-kernel", "lambda_min of the limit", 0),
    ],
)
def test_the_theorems(deqmath, name, says, code):
    options = ("--data", "digits", "--samples", 5, "--width", 60, "--gamma0", 0.15, "--digits", 30)
    answer = deqmath("bound", name, *options)
    assert answer.code == code
    assert says in answer.out
    problem = json.loads(deqmath("bound", name, *options, "--json", "-").out)["problem"]
    assert problem["gamma0"] == 0.15
    assert problem.get("width") == (None if name == "limit-kernel" else 60)


def test_no_limit_kernel_for_half_normal(refused):
    assert "half-normal" in refused("bound", "limit-kernel", *SMALL, "--init", "half-normal")
