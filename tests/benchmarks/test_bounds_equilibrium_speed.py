"""Speed of a proved equilibrium against float64 LU and Newton: least times, taken in turns in one process."""

import numpy as np
import pytest
from bounds_measure import row, turns
from scipy.linalg import lu_factor, lu_solve

from deqmath.bounds import equilibrium
from deqmath.numeric import ReLUNetwork

pytestmark = pytest.mark.benchmark


def newton(net, x):
    """Active-set Newton in float64 from z = 0: one LU a step."""
    phi = np.maximum(net.W @ x, 0)
    u, gate = phi, phi > 0
    for _ in range(50):
        M = np.eye(net.width) - net.gamma * gate[:, None] * net.A
        z = lu_solve(lu_factor(M, overwrite_a=True), np.where(gate, phi, 0.0))
        u = net.gamma * (net.A @ z) + phi
        if np.array_equal(u > 0, gate):
            return z
        gate = u > 0
    return None


@pytest.mark.parametrize("m", [2000])
def test_equilibrium_to_100_digits(capsys, m):
    net = ReLUNetwork.random(width=m, inputs=64, gamma0=0.25, seed=0)
    x = np.random.default_rng(1).standard_normal((1, 64))
    M = np.eye(m) - net.gamma * net.A
    found = equilibrium(net, x, 100)
    assert found.digits >= 100
    assert found.undecided_signs == 0

    def rival():
        lu_factor(M)
        newton(net, x[0])

    times = turns(lambda: equilibrium(net, x, 100), rival, 9)
    row(capsys, f"equilibrium, m = {m}, 100 digits, all signs", "one LU and Newton in float64", times, 0.5)
