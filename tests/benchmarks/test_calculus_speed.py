"""Cost of deriving against the number of nodes, and of Lemma 3.2 against importing SymPy."""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
import pytest
import sympy as sp
from scipy import stats
from sympy import Inverse, MatAdd, MatMul, MatrixSymbol

import deqmath as dm
from deqmath.model import ReLUModel

pytestmark = pytest.mark.benchmark

m = dm.dim("m")
X = MatrixSymbol("X", m, m)


def _letters(name, count):
    """Names of their own for every size, so that nothing remembered from a smaller one helps."""
    return [MatrixSymbol(f"{name}{count}_{k}", m, m) for k in range(count)]


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
    """Of deriving the Jacobian, and of checking it."""
    start = time.process_time()
    derived = dm.jacobian(expr, X)
    middle = time.process_time()
    assert derived.steps[-1].verdict.status == "verified"
    return middle - start, time.process_time() - middle


def _exponent(nodes, seconds):
    """The slope of log time against log nodes, with a 95% interval (Student's t)."""
    x, y = np.log(nodes), np.log(seconds)
    fit = stats.linregress(x, y)
    half = float(stats.t.ppf(0.975, len(x) - 2)) * fit.stderr
    return fit.slope, fit.slope - half, fit.slope + half


@pytest.mark.parametrize(
    ("family", "sizes"),
    [
        (long_sum, (60, 90, 130, 190, 270, 400)),
        (sum_of_inverses, (75, 110, 160, 235, 345, 500)),
        (long_product, (151, 220, 320, 465, 680, 1000)),
    ],
    ids=["sum", "inverses", "product"],
)
def test_cost_grows_about_linearly_to_two_thousand_nodes(family, sizes, capsys):
    _seconds(family(30))
    nodes, derive, check = [], [], []
    for k in sizes:
        expr = family(k)
        nodes.append(_nodes(expr))
        d, c = _seconds(expr)
        derive.append(d)
        check.append(c)
    lines = [f"{family.__name__}, CPU time over {nodes[0]} to {nodes[-1]} nodes:"]
    fits = {}
    for what, seconds in (("derive", derive), ("check", check)):
        fits[what] = _exponent(nodes, seconds)
        slope, low, high = fits[what]
        shown = ", ".join(f"{n}: {1000 * t:.0f} ms" for n, t in zip(nodes, seconds, strict=True))
        lines.append(f"  {what}: exponent {slope:.2f} (95% {low:.2f} to {high:.2f}); {shown}")
    with capsys.disabled():
        print("\n" + "\n".join(lines))
    assert nodes[-1] >= 1600
    assert all(low <= 1.15 for _, low, _ in fits.values())


def test_depth_does_not_blow_up():
    def nested(k):
        z = MatrixSymbol("z", m, 1)
        for a in [X, *_letters("A", k)]:
            z = dm.elementwise(sp.tanh, MatMul(a, z))
        return z

    def derive(k):
        start = time.process_time()
        dm.jacobian(nested(k), X)
        return time.process_time() - start

    derive(3)
    assert derive(40) < 40 * max(derive(10), 0.01)


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
