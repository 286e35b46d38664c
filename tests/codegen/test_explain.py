"""The plan in words: every pass that changed something, its identity, its flops, in 80 columns."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
from sympy import Identity, Inverse, expand

import deqmath as dm
from deqmath.cli.export import export_command
from deqmath.codegen.explain import explain
from deqmath.codegen.passes import PIPELINE
from deqmath.errors import InputError

from .cases import CASES, A, D, b, gamma, m


@pytest.mark.parametrize("name", CASES)
def test_every_plan_is_explained_in_80_columns(name):
    (plan,) = dm.generate({"f": CASES[name]}).plans
    text = explain(plan)
    assert text.startswith("f\n\n  as written")
    assert all(len(line) <= 80 for line in text.splitlines())
    assert all(pass_name in text for pass_name in PIPELINE)


def test_the_last_count_is_that_of_the_module():
    code = dm.generate({"f": CASES["jvp10"]})
    last = explain(code.plans[0]).split("flops: ")[-1].splitlines()[0]
    assert last == str(code.flops["f"]).replace("**", "^").replace("*", " ")


def test_a_pass_left_out_is_not_shown():
    (plan,) = dm.generate({"f": CASES["jvp10"]}, without=("active",)).plans
    assert "active" not in explain(plan)


def test_leading_flops_agree_with_the_calls_to_lapack(monkeypatch):
    """getrf of k x k takes 2 k^3 / 3 and getrs 2 k^2: counted at the calls, with half of the gates open."""
    size, counted = 40, []

    def counting(name, flops):
        function = getattr(scipy.linalg.lapack, name)

        def call(M, *rest, **options):
            counted.append(flops(len(M)))
            return function(M, *rest, **options)

        return call

    for name, flops in (("dgetrf", lambda k: 2 * k**3 / 3), ("dgetrs", lambda k: 2 * k**2)):
        monkeypatch.setattr(scipy.linalg.lapack, name, counting(name, flops))
    expr = Inverse(Identity(m) - gamma * D * A) * D * b
    code = dm.generate({"f": expr})
    signs = np.where(np.arange(size) % 2, 1.0, -1.0)[:, None]
    A0 = np.random.default_rng(0).standard_normal((size, size)) / size
    code.load().f(A=A0, b=signs, gamma=0.1, phi=signs, z=0 * signs)
    count = expand(code.flops["f"])
    products = 2 * size**2 + size**2 / 4 + count.coeff(m, 1) * size  # A z, the restriction to S, and vectors
    assert float(sum(counted) + products) == pytest.approx(float(count.subs(m, size)))


def test_the_command_prints_the_plan_in_place_of_the_module(capsys, tmp_path):
    assert export_command("gg22.eq10", explain=True) == 0
    printed = capsys.readouterr().out
    assert "dz_along_V\n\n  as written" in printed
    assert "def " not in printed
    with pytest.raises(InputError, match="--explain prints the plan on stdout"):
        export_command("gg22.eq10", explain=True, output=tmp_path / "eq10.py")
