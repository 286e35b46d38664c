"""The chain of inequalities of gg22 Theorem 3.1, derived by the norm calculus and evaluated in balls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import flint
from sympy import Expr, Symbol
from sympy.matrices.expressions import MatrixSymbol

from deqmath.bounds.ball_expressions import in_balls
from deqmath.bounds.balls import ball, precision
from deqmath.bounds.bound import Bound
from deqmath.calculus.lipschitz import contraction_lines
from deqmath.calculus.norm_calculus import norm_calculus, perturbed_fixed_point, telescoped
from deqmath.calculus.trace import Line
from deqmath.errors import InputError
from deqmath.expressions import gate
from deqmath.model import ReLUModel

BITS = 192
MOST_DOUBLINGS = 4000
Norms = dict[str, flint.arb]


@dataclass(frozen=True)
class Chain:
    """Every constant of the proof as an expression in norms, and the lines that derive them."""

    feature: Expr
    contraction: Expr
    state: Expr
    adjoint: Expr
    gram_entry: Expr
    change_state: Expr
    change_adjoint: Expr
    change_entry: Expr
    lines: tuple[Line, ...]


@cache
def theorem_chain() -> Chain:
    """Derive the constants of Theorem 3.1; each line can be judged by the checker."""
    net = ReLUModel()
    z, q = net.z(), MatrixSymbol("q", net.m, 1)
    w, p, u = (MatrixSymbol(name, net.m, 1) for name in ("w", "p", "u"))
    scale = Symbol("h", positive=True)
    feature = norm_calculus(net.features())
    rho, solution = contraction_lines(net.residual(), z)
    adjoint = norm_calculus(net.q())
    entry = norm_calculus(scale * z.T * w * q.T * p)
    moved = perturbed_fixed_point(net.residual(), z, net.A)
    fixed_gate = q - gate(u) * (net.b + net.gamma * net.A.T * q)
    moved_q = perturbed_fixed_point(fixed_gate, q, net.A)
    change = telescoped((z.T, w, q.T, p), scale)
    lines = (*feature.lines, *solution[1:3], *adjoint.lines, *entry.lines, *moved.lines, *moved_q.lines, *change.lines)
    return Chain(
        feature.bound,
        rho,
        solution[2].expression,
        adjoint.bound,
        entry.bound,
        moved.bound,
        moved_q.bound,
        change.bound,
        lines,
    )


@dataclass(frozen=True)
class Given:
    """What the chain starts from; every number is an upper end, ``lambda_0`` a lower one.

    Attributes
    ----------
    m, n : int
    c : Fraction
        ``||A(0)||, ||W|| <= c sqrt m``.
    gamma : flint.arb
        ``gamma0/sqrt m``.
    lambda_0 : Fraction
    residual : flint.arb
        ``||yhat(0) - y||``.
    x, b : flint.arb
        ``max ||x_i||`` and ``||b||``.
    """

    m: int
    n: int
    c: Fraction
    gamma: flint.arb
    lambda_0: Fraction
    residual: flint.arb
    x: flint.arb
    b: flint.arb


def evaluate_chain(given: Given) -> Norms | None:
    """The constants in balls, at the precision that holds; None where ``rho = 2 c gamma0 < 1`` is not proved."""
    chain, root = theorem_chain(), flint.arb(given.m).sqrt()
    reach = 2 * ball(given.c) * root
    known: Norms = {"W": ball(given.c) * root, "x": given.x, "A": reach, "b": given.b}
    scalars = {"gamma": given.gamma, "h": given.gamma**2 / given.m}
    rho = _value(chain.contraction, known, scalars)
    if not rho < 1:
        return None
    known["phi"] = _value(chain.feature, known, scalars)
    state, adjoint = _value(chain.state, known, scalars), _value(chain.adjoint, known, scalars)
    known |= {"z": state, "w": state, "z_0": state, "q": adjoint, "p": adjoint, "q_0": adjoint}
    entry = _value(chain.gram_entry, known, scalars)
    omega = 2 * (given.n * entry).sqrt() * given.residual / ball(given.lambda_0)
    known["E"] = omega
    change_z, change_q = (_value(e, known, scalars) for e in (chain.change_state, chain.change_adjoint))
    change_entry = entry_change(state, adjoint, change_z, change_q, scalars)
    return {
        "rho": rho,
        "size_z": state,
        "size_q": adjoint,
        "gram_entry": entry,
        "trace": given.n * entry,
        "omega": omega,
        "reach": reach / 2,
        "change_z": change_z,
        "change_q": change_q,
        "change_entry": change_entry,
        "change_gram": given.n * change_entry,
        "change_u": given.gamma * (reach * change_z + omega * state),
    }


def entry_change(
    state: flint.arb,
    adjoint: flint.arb,
    change_z: flint.arb,
    change_q: flint.arb,
    scalars: Norms,
    other_change_q: flint.arb | None = None,
) -> flint.arb:
    """(15) for one entry of H; or (37) for ``K(x, x_i)``, where the adjoint at x has its own bound of its change."""
    known = {"z": state, "w": state, "q": adjoint, "p": adjoint}
    known |= {f"new_{key}": value for key, value in known.items()}
    known |= {
        "dz": change_z,
        "dw": change_z,
        "dq": change_q,
        "dp": change_q if other_change_q is None else other_change_q,
    }
    return _value(theorem_chain().change_entry, known, scalars)


def closes(given: Given, values: Norms | None) -> bool | None:
    """Whether the chain closes: ``rho < 1``, ``omega <= c sqrt m``, ``||H(t) - H(0)|| <= lambda_0/2``; None: undecided."""
    if values is None:
        return False
    sides = [(values["omega"], values["reach"]), (values["change_gram"], ball(given.lambda_0) / 2)]
    if all(left <= right for left, right in sides):
        return True
    return False if any(left > right for left, right in sides) else None


def least_width(
    n: int, *, delta: float, lambda_0: float | Fraction, gamma0: float | Fraction, c: float | Fraction
) -> Bound:
    r"""The least width m for which the inequalities of gg22 Theorem 3.1 close, at given constants.

    Parameters
    ----------
    n : int
        Samples, ``||x_i|| = 1``, ``|y_i| <= 1``.
    delta : float
        Probability, over the signs b, that ``||yhat(0) - y||`` is larger than Hoeffding's inequality says:
        ``||r(0)|| <= sqrt n (1 + ||z|| sqrt(2 log(2 n/delta)) / sqrt m)``.
    lambda_0 : number
        ``lambda_min(H(0)) >= lambda_0 > 0``.
    gamma0, c : number
        ``||A(0)||, ||W|| <= c sqrt m``; ``2 c gamma0 < 1``.

    Returns
    -------
    Bound
        An exact integer: the chain is proved to close there and not to close one below. Undecided where
        ``2 c gamma0 >= 1``. The jumps of q at switches are NOT part of the chain (see the findings on (13)).

    Raises
    ------
    InputError

    Examples
    --------
    >>> from deqmath.bounds import least_width
    >>> least_width(2, delta=0.1, lambda_0=1, gamma0=0.125, c=2).is_exact
    True
    """
    numbers = [Fraction(v) for v in (delta, lambda_0, gamma0, c)]
    if not (n >= 1 and 0 < numbers[0] < 1 and all(v > 0 for v in numbers)):
        msg = (
            f"n = {n}, delta = {delta}, lambda_0 = {lambda_0}, gamma0 = {gamma0}, c = {c}; needed n >= 1, "
            "0 < delta < 1 and positive numbers: least_width(10, delta=0.05, lambda_0=0.01, gamma0=0.2, c=2.1)"
        )
        raise InputError(msg)
    d, low, g, cc = numbers
    with precision(BITS):
        if not 2 * cc * g < 1:
            return Bound.undecided(
                "least width", f"2 c gamma0 = {float(2 * cc * g):.6g} >= 1: the proof gives no constants"
            )
        tail = (2 * (2 * n / ball(d)).log()).sqrt()

        def at(m: int) -> bool | None:
            root = flint.arb(m).sqrt()
            start = Given(m, n, cc, ball(g) / root, low, flint.arb(0), flint.arb(1), root)
            values = evaluate_chain(start)
            if values is None:
                return False
            residual = flint.arb(n).sqrt() * (1 + values["size_z"] / root * tail)
            given = Given(m, n, cc, ball(g) / root, low, residual, flint.arb(1), root)
            return closes(given, evaluate_chain(given))

        return least_integer(at)


def least_integer(closing: Callable[[int], bool | None]) -> Bound:
    """Bisect for the least m; the chain's sides scale as constants against ``sqrt m``, so closing is monotone in m."""
    high = 1
    for _ in range(MOST_DOUBLINGS):
        if closing(high):
            break
        high *= 2
    else:
        return Bound.undecided("least width", f"it does not close up to 2**{MOST_DOUBLINGS}")
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if closing(middle) else (middle, high)
    below = low == 0 or closing(low) is False
    return Bound(Fraction(high) if below else Fraction(1), Fraction(high), "least width")


def _value(expr: Expr, known: Mapping[str, flint.arb], scalars: Mapping[str, flint.arb]) -> flint.arb:
    values = {s: known[s.name.removeprefix("norm_")] for s in expr.free_symbols if s.name.startswith("norm_")}
    values |= {s: scalars[s.name] for s in expr.free_symbols if not s.name.startswith("norm_")}
    return in_balls(expr, values)
