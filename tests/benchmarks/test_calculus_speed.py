"""Cost of deriving against the number of nodes, and of Lemma 3.2 against importing SymPy."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
import sympy as sp
from sympy import Inverse, MatAdd, MatMul, MatrixSymbol

import deqmath as dm
from deqmath.model import ReLUModel

pytestmark = pytest.mark.benchmark

m = dm.dim("m")
X = MatrixSymbol("X", m, m)


def _letters(name, count):
    return [MatrixSymbol(f"{name}{k}", m, m) for k in range(count)]


def long_sum(k):
    """``sum_i A_i X B_i``."""
    return MatAdd(*(MatMul(a, X, b) for a, b in zip(_letters("A", k), _letters("B", k), strict=True)))


def sum_of_inverses(k):
    """``sum_i (A_i + X)^{-1}``."""
    return MatAdd(*(Inverse(MatAdd(a, X)) for a in _letters("A", k)))


def long_product(k):
    """``A_1 ... A_k X B_1 ... B_k``."""
    return MatMul(*_letters("A", k), X, *_letters("B", k))


def _nodes(expr):
    return sum(1 for x in sp.preorder_traversal(expr) if isinstance(x, sp.MatrixExpr))


def _seconds(expr):
    start = time.perf_counter()
    dm.jacobian(expr, X)
    return time.perf_counter() - start


@pytest.mark.parametrize("family", [long_sum, sum_of_inverses, long_product])
def test_cost_grows_about_linearly_to_two_thousand_nodes(family, capsys):
    per_size = {}
    _seconds(family(30))
    for k in (50, 100, 200, 400, 1000):
        expr = family(k)
        if _nodes(expr) > 2500 and len(per_size) > 1:
            break
        per_size[_nodes(expr)] = _seconds(expr)
    with capsys.disabled():
        print(f"\n{family.__name__}: " + ", ".join(f"{n} nodes {1000 * s:.0f} ms" for n, s in per_size.items()))
    small, large = min(per_size), max(per_size)
    assert large >= 1000
    assert per_size[large] / per_size[small] < 4 * large / small


def test_depth_does_not_blow_up():
    def nested(k):
        z = MatrixSymbol("z", m, 1)
        for a in [X, *_letters("A", k)]:
            z = dm.elementwise(sp.tanh, MatMul(a, z))
        return z

    _seconds(nested(3))
    assert _seconds(nested(40)) < 40 * max(_seconds(nested(10)), 0.01)


def test_lemma_3_2_is_derived_in_a_third_of_a_second(capsys):
    importing = min(
        float(
            subprocess.run(
                [
                    sys.executable,
                    "-c",
                    "import time; t = time.perf_counter(); import sympy; print(time.perf_counter() - t)",
                ],
                capture_output=True,
                text=True,
                check=True,
            ).stdout
        )
        for _ in range(3)
    )
    code = (
        "import time, deqmath as dm\nfrom deqmath.model import ReLUModel\nnet = ReLUModel()\ndm.jacobian, dm.check_equal\n"
        "t = time.perf_counter()\nten = dm.implicit_jacobian(net.residual(), net.z(), net.A)\n"
        "eleven = dm.jacobian(net.q(), net.A, implicit=net.equations(None))\ns = time.perf_counter()\n"
        "ten.steps[-1].verdict, eleven.steps[-1].verdict\nprint(s - t, time.perf_counter() - s)"
    )
    runs = [
        tuple(
            map(
                float,
                subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split(),
            )
        )
        for _ in range(3)
    ]
    derive, check = (min(r[k] for r in runs) for k in (0, 1))
    with capsys.disabled():
        print(
            f"\nLemma 3.2, (10) and (11): derived in {derive:.2f} s, the two results checked in {check:.2f} s; import sympy {importing:.2f} s"
        )
    assert (
        ReLUModel().A
        in dm.implicit_jacobian(ReLUModel().residual(), ReLUModel().z(), ReLUModel().A).result.free_symbols
    )
    assert derive < 0.3
    assert check < 1.0  # of the two results; the noise of a shared machine is twofold
