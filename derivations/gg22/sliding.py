"""The gradient flow (6) need not exist: it can be pushed against a kink from both sides.

The right side of (6) jumps where a pre-activation is 0, because D_i and with it q_i do. Let one pre-activation u_k vanish at A, let
v- and v+ be the velocities du_k/dt that (6) gives with the gate of k closed and open, and let

    v- > 0 > v+.

Then no curve through A satisfies (6), not even at almost every time. After it leaves A, u_k cannot be positive, since it would have
to rise from 0 where it falls; nor negative, since it would have to fall where it rises; so it stays 0, and its velocity is 0. But (6)
gives v- or v+ there, whichever value is taken for the gate at 0.

A point nearby with u_k > 0 runs into such a point in finite time, and v- > 0 > v+ is an open condition: networks for which (6) stops
form an open set, which a Gaussian A(0) meets with positive probability.

What remains is a solution in Filippov's sense: u_k stays 0, and q_i is replaced by a mean of its two one-sided values. The bound on
q_i(t) - q_i(0) that Theorem 3.1 needs, (13') over all gates that can be reached, is convex in q_i(t) and holds for that mean as well.

Source: gg22, equation (6) and Theorem 3.1 ("for all t").
"""

from fractions import Fraction

from sympy import Matrix, Rational, diag, eye

import deqmath as dm
from deqmath.claims.instances import Pair, holds_on

from ._rational import at_gates

SCRIPT = """import numpy as np
import deqmath as dm
net = dm.ReLUNetwork(A=[[0.0, 0.0], [-0.5, 0.0]], W=[[1.0], [0.125]], b=[1.0, 1.0], gamma=0.25)
print("u =", net.equilibrium([[1.0]]).U[0])                     # unit 2 is at its kink
for a in (-0.5 - 1e-9, -0.5 + 1e-9):                          # its gate closed, then open
    near = net.with_parameters(A=[[0.0, 0.0], [a, 0.0]])
    step = 1e-3 * near.gradient([[1.0]], near.predict([[1.0]]) - 1.0)
    print(near.with_parameters(A=near.A - step).equilibrium([[1.0]]).U[0, 1] - near.equilibrium([[1.0]]).U[0, 1])"""


def one_sided_velocity(A, phi, b, gamma, gates):
    """(u, du/dt) at fixed gates for one sample with residual 1, du/dt over the positive factor gamma/sqrt(m); rationals.

    With D the gates, dA/dt = -q (D u)^T turns u = gamma A D u + phi into du/dt = -gamma (I - gamma A D)^{-1} q ||D u||^2.
    """
    u, q = at_gates(A, phi, b, gamma, gates)
    z = diag(*gates) * u
    return u, -gamma * z.dot(z) * (eye(A.rows) - gamma * A * diag(*gates)).LUsolve(q)


@dm.claim(
    "gg22.flow-exists",
    source="gg22",
    equation="(6), Theorem 3.1",
    statement="dA/dt = -(γ/√m) Σᵢ rᵢ qᵢ zᵢᵀ has a solution for all t, where γ‖A‖ < 1",
    expect="refuted",
)
def the_flow_has_a_solution():
    """Two units and one sample with a positive residual; unit 2 is exactly at its kink. In rationals, its pre-activation rises where
    its gate is closed and falls where it is open.
    """
    A, phi, b, gamma = (
        Matrix([[0, 0], [Rational(-1, 2), 0]]),
        Matrix([1, Rational(1, 8)]),
        Matrix([1, 1]),
        Rational(1, 4),
    )
    (at_closed, closed), (at_open, opened) = (one_sided_velocity(A, phi, b, gamma, (1, gate)) for gate in (0, 1))
    if not at_closed[1] == at_open[1] == 0:
        msg = f"unit 2 is not at its kink: u_2 = {at_closed[1]} closed, {at_open[1]} open"
        raise ArithmeticError(msg)
    where = f"two units, one sample, r > 0: in units of γr/√m, u₂ = 0 moves by {closed[1]} closed and {opened[1]} open"
    either = min(Fraction(str(closed[1])), -Fraction(str(opened[1])))
    yield holds_on(
        [Pair(either, Fraction(0), where, SCRIPT)], "min(v₋, -v₊) ≤ 0: the kink lets go on one side", kind="certified"
    )
