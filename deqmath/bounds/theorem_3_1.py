"""``theorem_3_1``: gg22 Theorem 3.1 for one network on data, with every constant a proved number."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import flint

from deqmath.bounds.balls import ball, enclosed, ends, precision
from deqmath.bounds.bound import Bound, Certificate
from deqmath.bounds.inputs import Array
from deqmath.bounds.lambda_bounds import ASSUMPTIONS
from deqmath.bounds.network_certificates import ends_of, record_certificate
from deqmath.bounds.network_state import NetworkState, network_state
from deqmath.bounds.record import BoundRecord, Entry
from deqmath.bounds.switches import jump_bound
from deqmath.bounds.theorem_chain import Given, Norms, closes, entry_change, evaluate_chain, least_width
from deqmath.errors import InputError

if TYPE_CHECKING:
    from deqmath.numeric import ReLUNetwork

CALL = "dm.bounds.theorem_3_1(net, X, y, delta=0.05)"
UPPER_ONLY = (
    "c",
    "jump_q",
    "change_gram_with_jumps",
    "change_u",
    "coupling",
    "coupling_off_kinks",
    "coupling_at_samples",
)
_MEANINGS = {
    "rho": ("2 c gamma0 >= gamma ||A(t)||", "contraction"),
    "size_z": ("||z_i(t)||, (14)", "Banach fixed point theorem"),
    "size_q": ("||q_i(t)||, (14)", "Neumann lemma, submultiplicativity"),
    "trace": ("tr H(t)", "submultiplicativity, n diagonal entries"),
    "omega": ("||A(t) - A(0)||_F", "sqrt(tr H) times the integral of exp(-lambda_0 t/2) ||r(0)||"),
    "change_z": ("||z_i(t) - z_i(0)||, (12)", "perturbed fixed point"),
    "change_q": ("||q_i(t) - q_i(0)||, (13), smooth part: no unit switches", "perturbed fixed point"),
    "change_gram": ("||H(t) - H(0)||, (15), smooth part", "telescoping product; at most n times the largest entry"),
}


def theorem_3_1(net: ReLUNetwork, X: Array, y: Array, *, delta: float = 0.05, digits: int = 15) -> BoundRecord:
    r"""The constants of gg22 Theorem 3.1 for a given network and data, and whether its proof closes at this width.

    Parameters
    ----------
    net : ReLUNetwork
        At t = 0; A is trained by gradient flow.
    X : ndarray of float64, shape (n, d)
    y : ndarray of float64, shape (n,)
    delta : float
        For ``least_width`` only: the probability left to the draw of b.
    digits : int
        Digits of ``lambda_0``; the other constants get more.

    Returns
    -------
    BoundRecord
        ``c``, ``rho``, ``lambda_0``, ``residual``, and, where ``rho = 2 c gamma0 < 1``: ``size_z``, ``size_q``,
        ``trace``, ``omega``, ``change_z`` (12), ``change_q`` (13), ``change_gram`` (15), ``jump_q`` and
        ``change_gram_with_jumps`` (with the jumps of q at switches, bounded from the pre-activations at t = 0), and
        ``least_width``. The upper end of each constant is what holds along the whole run if the chain closes; the notes
        say whether it does.

    Raises
    ------
    InputError, ShapeError

    Notes
    -----
    The constants are not typed in: `theorem_chain` derives them by the norm calculus from the model, line by line.

    References
    ----------
    gg22 Theorem 3.1, (12) to (15).

    Examples
    --------
    >>> import numpy as np
    >>> from deqmath.bounds import theorem_3_1
    >>> from deqmath.numeric import ReLUNetwork
    >>> net = ReLUNetwork.random(width=60, inputs=2, gamma0=0.1, seed=0)
    >>> record = theorem_3_1(net, np.eye(2), np.array([1.0, -1.0]))
    >>> record["rho"].upper < 1, record["size_z"].status
    (True, 'proved')
    """
    if not isinstance(delta, (int, float, Fraction)) or not 0 < delta < 1:
        msg = f"delta is {delta!r}; needed a probability between 0 and 1: {CALL}"
        raise InputError(msg)
    return theorem_record(network_state(net, X, y, CALL, digits), delta)


def theorem_record(state: NetworkState, delta: float) -> BoundRecord:
    """The record for an enclosed network."""
    with precision(state.bits):
        given = given_of(state)
        start = _start_entries(state, given)
        values = None if state.reason else evaluate_chain(given)
        if values is None:
            reason = state.reason or "2 c gamma0 >= 1, so the proof gives no constants; use a smaller gamma0"
            entries = [Entry(k, Bound.undecided(k, reason), *_MEANINGS[k]) for k in _MEANINGS]
            record = theorem_certificate("theorem_3_1", state, given, delta, (*start, *entries))
            return BoundRecord(_title(state), (*start, *entries), (f"Undecided: {reason}.",), record)
        entries = [Entry(k, enclosed(values[k], k, ASSUMPTIONS), *_MEANINGS[k]) for k in _MEANINGS]
        jumps, whole = with_jumps(state, given, values)
        entries += [
            Entry("jump_q", enclosed(jumps, "jump_q", ASSUMPTIONS), "part of ||q_i(t) - q_i(0)|| due to switches"),
            Entry(
                "change_gram_with_jumps",
                enclosed(whole, "change_gram_with_jumps", ASSUMPTIONS),
                "||H(t) - H(0)||, switches included",
            ),
        ]
        width = _width(state, given, delta)
        entries.append(
            Entry("least_width", width, "where the smooth chain closes at these c, lambda_0, gamma0", "bisection")
        )
        verdict = _verdict(given, values, whole)
        record = theorem_certificate("theorem_3_1", state, given, delta, (*start, *entries), verdict)
        return BoundRecord(_title(state), (*start, *entries), _notes(given, verdict, width), record)


def given_of(state: NetworkState) -> Given:
    """What the chain starts from, every constant rounded to the safe side."""
    root = flint.arb(state.m).sqrt()
    norm = max(state.norm_a.upper or Fraction(0), state.norm_w.upper or Fraction(0))
    c = ends(ball(norm) / root)[1]
    gamma = ball(state.gamma)
    residual = state.residual_norm() if state.residual else flint.arb(0)
    low = state.lambda_0.lower or Fraction(0)
    return Given(state.m, state.n, c, gamma, low, residual, ball(state.largest_input()), ball(state.output_norm()))


def with_jumps(state: NetworkState, given: Given, values: Norms) -> tuple[flint.arb, flint.arb]:
    """``(J/(1 - rho), ||H(t) - H(0)||)`` with switches.

    ``q_t - q_0 = D_t (h_t - h_0) + (D_t - D_0) h_0``, h = b + gamma A^T q, so
    ``||q_t - q_0|| <= (gamma omega ||q_0|| + J)/(1 - rho)`` where J bounds ``||(D_t - D_0) h_0||``.
    """
    budget = ends(values["change_u"])[1]
    phi = state.injection()
    found = zip(state.found.balls, state.duals, strict=True)
    jump = max(jump_bound(state.weights, one, q, phi[:, i], budget) for i, (one, q) in enumerate(found))
    extra = ball(jump) / (1 - values["rho"])
    scalars = {"gamma": given.gamma, "h": given.gamma**2 / given.m}
    change_q = values["change_q"] + extra
    entry = entry_change(values["size_z"], values["size_q"], values["change_z"], change_q, scalars)
    return extra, given.n * entry


def _start_entries(state: NetworkState, given: Given) -> list[Entry]:
    c = Bound(None, given.c, "c", "proved", ASSUMPTIONS)
    gamma0 = enclosed(given.gamma * flint.arb(state.m).sqrt(), "gamma0")
    if state.residual:
        residual = enclosed(given.residual, "||r(0)||", ASSUMPTIONS)
    else:
        residual = Bound.undecided("||r(0)||", state.reason)
    return [
        Entry("gamma0", gamma0, "gamma sqrt(m)"),
        Entry("c", c, "max(||A(0)||, ||W||)/sqrt(m)", "certified norms"),
        Entry("lambda_0", state.lambda_0, "lambda_min(H(0)) of the true Gram matrix", "Lehmann-Temple and Weyl"),
        Entry("residual", residual, "||yhat(0) - y||", "enclosed equilibria"),
    ]


def _width(state: NetworkState, given: Given, delta: float) -> Bound:
    gamma0 = ends(given.gamma * flint.arb(state.m).sqrt())[1]
    return least_width(state.n, delta=delta, lambda_0=given.lambda_0, gamma0=gamma0, c=given.c)


def theorem_certificate(
    quantity: str,
    state: NetworkState,
    given: Given,
    delta: float,
    entries: tuple[Entry, ...],
    verdict: str = "vacuous",
) -> Certificate | None:
    """Every proved entry, with the numbers that the formulas start from."""
    gamma0 = ends(given.gamma * flint.arb(state.m).sqrt())[1]
    numbers: dict[str, Fraction | str] = {
        "c": given.c,
        "x": state.largest_input(),
        "b": state.output_norm(),
        "lambda_0": given.lambda_0,
        "gamma0": gamma0,
        "delta": Fraction(delta),
        "verdict": verdict,
    }
    return record_certificate(quantity, state.subject, ends_of(entries, UPPER_ONLY), numbers, state.witness())


def _verdict(given: Given, values: Norms, whole: flint.arb) -> str:
    if not closes(given, values):
        return "vacuous"
    return "closes" if whole <= ball(given.lambda_0) / 2 else "closes without switches"


def _notes(given: Given, verdict: str, width: Bound) -> tuple[str, ...]:
    if verdict == "closes":
        return ("The chain closes at this width, switches included: (a), (b), (c) hold for all t, proved.",)
    if verdict == "closes without switches":
        text = (
            "The smooth chain closes at this width, but with the switches that it cannot exclude it does not: "
            "the conclusions are not proved (the paper's (13) leaves switches out)."
        )
        return (text,)
    shown = "" if width.upper is None else f" It needs m >= {width.upper} at these constants."
    return (f"VACUOUS at m = {given.m}: the proof's chain does not close, so nothing is concluded.{shown}",)


def _title(state: NetworkState) -> str:
    return f"gg22 Theorem 3.1 at n = {state.n}, m = {state.m}"
