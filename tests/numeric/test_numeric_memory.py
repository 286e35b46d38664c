"""Memory that a solve has freed is there for the next one, and what a solve writes into is its own."""

from __future__ import annotations

import platform
import subprocess
import sys

import numpy as np
import pytest

from deqmath.numeric import ReLUNetwork
from deqmath.numeric.strategies import MixedPrecision

FAULTS = """
import resource
import numpy as np
from deqmath.numeric import ReLUNetwork
X = np.random.default_rng(1).standard_normal((400, 8))
net = ReLUNetwork.random(width=512, inputs=8, gamma0=0.2, seed=0)
for _ in range(4):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    net.adjoint(net.equilibrium(X))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have rules of their own")
def test_no_page_is_asked_for_again():
    """Every array is 400 pages large, or half of it in float32, and there are a dozen; a few pages are the interpreter's."""
    done = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True)
    faults = [int(line) for line in done.stdout.split()]
    assert faults[0] > 2000
    assert min(faults[1:]) < 100


@pytest.mark.parametrize("tol", [1e-4, 1e-13])
@pytest.mark.parametrize("strategy", [None, MixedPrecision()])
def test_nothing_that_was_given_is_written_into(strategy, tol):
    net = ReLUNetwork.random(width=200, inputs=4, gamma0=0.25, seed=0)
    X = np.random.default_rng(0).standard_normal((150, 4))
    far = np.random.default_rng(1).standard_normal((150, 200))
    kept = far.copy()
    found = net.equilibrium(X, start=far, tol=tol, strategy=strategy)
    assert found.converged
    assert np.array_equal(far, kept)
    one, other = net.equilibrium(X, tol=tol, strategy=strategy), net.equilibrium(-X, tol=tol, strategy=strategy)
    alone = net.equilibrium(X, tol=tol, strategy=strategy)
    for name in ("Z", "U", "gates"):
        assert np.array_equal(getattr(one, name), getattr(alone, name))
        assert not np.shares_memory(getattr(one, name), getattr(other, name))
    assert not np.shares_memory(one.Z, one.U)
    Q = net.adjoint(one, start=kept, tol=tol, strategy=strategy).Q
    assert not np.shares_memory(Q, one.Z)
    assert np.array_equal(far, kept)
