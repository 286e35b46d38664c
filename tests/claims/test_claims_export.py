"""From a claim to its module: hypotheses reach the code as facts; every claim at once; companion tests run alone."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys

import numpy as np
import pytest
from sympy import Identity, Inverse, MatrixSymbol, Q, Symbol

import deqmath as dm
from deqmath.claims import collect
from deqmath.claims.agreement import compare, installed
from deqmath.claims.claim import Claim
from deqmath.claims.export import MODELS, claims_module, every_module, hypotheses, module_of
from deqmath.codegen.targets import TARGETS
from deqmath.errors import InputError

m = dm.dim("m")
A, S, b = MatrixSymbol("A", m, m), MatrixSymbol("S", m, m), MatrixSymbol("b", m, 1)
gamma = Symbol("gamma")
RESOLVENT = Inverse(Identity(m) - gamma * A) * b


class Derived:
    """What a claim's derivation has to show: its hypotheses."""

    def __init__(self, *assumptions):
        self.assumptions = assumptions


def _claim(expressions, *assumptions) -> Claim:
    def evidence():
        yield dm.check_equal(A * b, A * b)

    decorate = dm.claim(
        "t.export", "t", "(1)", "s", exports=lambda: expressions, derivation=lambda: Derived(*assumptions)
    )
    return decorate(evidence)


def test_a_stated_norm_bound_of_the_claim_lets_the_code_iterate():
    claim = _claim({"x": RESOLVENT}, dm.contraction(gamma * A))
    code = claims_module(claim)
    assert "_contraction_solve(" in code.source
    assert "# Assumes: ||gamma A||_2 < 1" in code.source
    assert "_contraction_solve(" not in claims_module(_claim({"x": RESOLVENT})).source
    assert "_contraction_solve(" in module_of("gg22.sec5.1-neumann").source


@pytest.mark.parametrize(("rho", "iterates"), [(0.05, True), (0.3, True), (0.95, False), (1.5, False)])
def test_a_norm_below_1_at_no_known_distance_is_measured_and_never_trusted(rho, iterates):
    module = claims_module(_claim({"x": RESOLVENT}, dm.contraction(gamma * A))).load()
    rng = np.random.default_rng(0)
    A0, b0 = rng.standard_normal((300, 300)) / 300**0.5, rng.standard_normal((300, 1))
    taken, iterated = [], module._iterated
    module._iterated = lambda *given: taken.append(iterated(*given)) or taken[-1]
    x = module.x(A0, b0, rho / 2)  # the norm of A is about 2
    assert [t is not None for t in taken] == [iterates]
    residual = np.linalg.norm(x - rho / 2 * A0 @ x - b0)
    assert residual <= 8 * np.finfo(float).eps * np.linalg.norm(x) * (1 + rho)


def test_a_symmetric_matrix_of_the_claim_is_used_and_checked():
    expressions = {"x": S.T * Inverse(S).T * b + S.T * b}
    code = claims_module(_claim(expressions, dm.symmetric(S)))
    assert '_stated(symmetric={"S": S})' in code.source
    assert ".mT" not in inspect.getsource(code.load().x)
    x, s = code.load().x, np.array([[2.0, 1.0], [1.0, 3.0]])
    np.testing.assert_allclose(x(S=s, b=np.ones((2, 1))), np.ones((2, 1)) + s @ np.ones((2, 1)))
    with pytest.raises(ValueError, match="S: received an array that is not symmetric"):
        x(S=np.array([[2.0, 1.0], [0.0, 3.0]]), b=np.ones((2, 1)))


def test_the_agreement_runs_at_a_point_with_the_stated_properties():
    expressions, given = {"x": Inverse(S) * b}, [Q.positive_definite(S), Q.lower_triangular(A), "words"]
    assert all(a.digits >= a.needed for a in compare(expressions, ["numpy", "mpmath"], assumptions=given))


def test_hypotheses_of_a_claim_are_data():
    claim = next(c for c in collect() if c.id == "gg22.eq10")
    assert {a.kind for a in hypotheses(claim)} == {"no-kink", "invertible", "equation"}
    text = module_of("gg22.eq10").source
    assert "# Assumes: I - gamma D A is invertible, with D = gate(phi + gamma A z)" in text
    assert text.isascii()


def test_what_cannot_be_exported_is_refused():
    with pytest.raises(InputError, match="exports no expressions"):
        module_of("gg22.thm3.1")
    with pytest.raises(InputError, match="needs a SymPy expression"):
        claims_module(_claim({"x": 1}))


@pytest.mark.slow
@pytest.mark.parametrize("target", [t for t in TARGETS if t in installed()])
def test_every_companion_test_passes_in_an_empty_folder(target, tmp_path):
    modules = list(every_module(target))
    assert len(modules) == sum(c.exports is not None for c in collect()) + len(MODELS)
    for module in modules:
        module.write(tmp_path / f"{module.name}.py", tests=True)
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "."]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
