"""``generalization``: gg22 Theorem 4.1 for one network on data, every term a proved number."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import flint
import numpy as np

from deqmath.bounds.balls import ball, enclosed, ends, precision
from deqmath.bounds.bound import Bound
from deqmath.bounds.certificates.inverse_form import sandwich
from deqmath.bounds.inputs import Array
from deqmath.bounds.integer_matrix import IntegerDense
from deqmath.bounds.integers import Scaled
from deqmath.bounds.inverse_forms import prepared_factor
from deqmath.bounds.lambda_bounds import ASSUMPTIONS
from deqmath.bounds.network_state import NetworkState, network_state
from deqmath.bounds.rationals import sqrt_up, two_to
from deqmath.bounds.record import BoundRecord, Entry
from deqmath.bounds.theorem_3_1 import given_of, theorem_certificate, with_jumps
from deqmath.bounds.theorem_chain import Given, Norms, entry_change, evaluate_chain
from deqmath.errors import InputError
from deqmath.stages import stage

if TYPE_CHECKING:
    from deqmath.numeric import ReLUNetwork

CALL = "dm.bounds.generalization(net, X, y, delta=0.05)"
LOSS = "the loss is 1-Lipschitz in the prediction, lies in [0, 1] and vanishes at it (such as min(|f - y|, 1))"
RADIUS = (
    "the radius B of the RKHS ball counts as chosen before the samples, as in the paper (a union over radii costs more)"
)
FLOW = (
    "gradient flow on A exists for all t: A is absolutely continuous and (6), with the gates 1[u > 0], holds for almost "
    "every t"
)
COUPLINGS = {
    "change_u": ("||u_t(x) - u_0(x)||, all t, every x with ||x|| <= max ||x_i||", "perturbed fixed point"),
    "coupling": ("|f_t(x) - g_t(x)|, all t, every x with ||x|| <= max ||x_i||", "(23), (24), any unit may switch at x"),
    "coupling_off_kinks": (
        "|f_t(x) - g_t(x)|, all t, ||x|| <= max ||x_i|| and every |u_k(x)| > change_u at t = 0",
        "(23), (24), no unit switches at x",
    ),
    "coupling_at_samples": ("|f_t(x_i) - g_t(x_i)|, all t, every sample", "(23)"),
}
SAMPLE = "the samples are drawn independently from one distribution"


def generalization(net: ReLUNetwork, X: Array, y: Array, *, delta: float = 0.05, digits: int = 15) -> BoundRecord:
    r"""The terms of gg22 Theorem 4.1: how far the risk on new data can be from that on the samples.

    With probability at least ``1 - delta`` over the samples,

    .. math:: \text{risk}(g_\infty) \le 2 \frac{B \sqrt{\operatorname{tr} H_0}}{n} + 3\sqrt{\frac{\log(2/\delta)}{2n}},
       \qquad B^2 = (y - u_0)^T H_0^{-1} (y - u_0),

    for the coupled (linearised) flow, which interpolates the samples. The trained network differs from it by the coupling
    error, which is bounded for inputs no longer than the longest sample; nothing is said here about longer ones.

    Parameters
    ----------
    net : ReLUNetwork
        At t = 0.
    X : ndarray of float64, shape (n, d)
    y : ndarray of float64, shape (n,)
    delta : float
    digits : int
        Digits of ``leading`` and ``B``.

    Returns
    -------
    BoundRecord
        ``leading`` = ``sqrt(y^T H_0^{-1} y / n)``, ``B``, ``rademacher`` (22), ``confidence``, ``risk`` of the coupled
        flow, and, where the chain of Theorem 3.1 closes with its switches, else undecided: ``coupling`` (24) at every x
        with ``||x|| <= max ||x_i||``, ``coupling_off_kinks`` at those of them where every pre-activation at t = 0 is
        further from zero than ``change_u``, and ``coupling_at_samples``. The notes say when the bound is vacuous (1 or
        more).

    Raises
    ------
    InputError, ShapeError

    Notes
    -----
    The three coupling errors differ in what may switch at x; see `couplings` for the proof. At a sample the switches are
    bounded from its own pre-activations. At another x nothing is known of the pre-activations, and x may lie on a kink
    itself: then the kernel at x changes by a fixed amount however short the path of A, so that ``coupling`` is of the
    first order in ``||r(0)||`` and does not vanish as m grows; (24) with the changes on the samples is false there.

    References
    ----------
    gg22 (20), (22), (24), Theorem 4.1.

    Examples
    --------
    >>> import numpy as np
    >>> from deqmath.bounds import generalization
    >>> from deqmath.numeric import ReLUNetwork
    >>> net = ReLUNetwork.random(width=60, inputs=2, gamma0=0.1, seed=0)
    >>> record = generalization(net, np.eye(2), np.array([1.0, -1.0]))
    >>> record["leading"].status, record.notes[0].startswith("VACUOUS")
    ('proved', True)
    """
    if not isinstance(delta, (int, float, Fraction)) or not 0 < delta < 1:
        msg = f"delta is {delta!r}; needed a probability between 0 and 1: {CALL}"
        raise InputError(msg)
    state = network_state(net, X, y, CALL, digits)
    title = f"gg22 Theorem 4.1 at n = {state.n}, m = {state.m}, delta = {delta}"
    with precision(state.bits):
        confidence = 3 * ((2 / ball(Fraction(delta))).log() / (2 * state.n)).sqrt()
        last = Entry("confidence", enclosed(confidence, "confidence"), "3 sqrt(log(2/delta)/(2n))", "McDiarmid")
        forms = None if state.reason else _forms(state)
        if forms is None:
            reason = state.reason or "y^T H^{-1} y could not be enclosed"
            names = ("leading", "B", "rademacher", "risk")
            entries = [Entry(k, Bound.undecided(k, reason)) for k in names] + _undecided(reason)
            record = theorem_certificate("generalization", state, given_of(state), delta, (*entries, last))
            return BoundRecord(title, (*entries, last), (f"Undecided: {reason}.",), record)
        leading, size = forms
        return _record(state, title, (leading, size), last, delta)


def _record(
    state: NetworkState, title: str, forms: tuple[flint.arb, flint.arb], last: Entry, delta: float
) -> BoundRecord:
    n, (leading, size) = state.n, forms
    trace = sum((_ball(state.gram.entry(i, i)) for i in range(n)), flint.arb(0))
    rademacher = size * trace.nonnegative_part().sqrt() / n
    risk = 2 * rademacher + _ball(last.bound)
    given = given_of(state)
    coupling = _coupling(state, given)
    whole = (*ASSUMPTIONS, SAMPLE, LOSS, RADIUS)
    entries = (
        Entry(
            "leading",
            enclosed((leading / n).nonnegative_part().sqrt(), "leading", ASSUMPTIONS),
            "sqrt(y^T H_0^(-1) y / n)",
            "variational sandwich, Weyl",
        ),
        Entry("B", enclosed(size, "B", ASSUMPTIONS), "sqrt((y - u_0)^T H_0^(-1) (y - u_0))", "RKHS norm (36)"),
        Entry("rademacher", enclosed(rademacher, "rademacher", ASSUMPTIONS), "B sqrt(tr H_0)/n", "(22)"),
        last,
        Entry("risk", enclosed(risk, "risk", whole), "2 Rademacher + confidence, coupled flow", "(20)"),
        *coupling,
    )
    notes = [
        "VACUOUS: the bound is 1 or more, and the loss is at most 1 anyway." if risk >= 1 else "Not vacuous: below 1."
    ]
    unproved = coupling[0].bound
    if unproved.status == "undecided":
        notes.append(f"For the trained network itself nothing is proved: {unproved.reason}.")
    record = theorem_certificate("generalization", state, given, delta, entries)
    return BoundRecord(title, entries, tuple(notes), record)


def _forms(state: NetworkState) -> tuple[flint.arb, flint.arb] | None:
    """``y^T H^{-1} y`` and ``B`` for the TRUE H.

    ``H_c`` is the exact centre of H, ``||H - H_c|| <= eps < mu <= lambda_min(H_c)``; then
    ``(1 - eps/mu) H_c <= H <= (1 + eps/mu) H_c`` as forms, and inverses turn that round. The residual r is known to
    within a vector of length delta, and ``|sqrt(r^T H^{-1} r) - sqrt(c^T H^{-1} c)| <= delta/sqrt(lambda_0)``.
    """
    low = state.lambda_0.lower
    assert low is not None
    eps = gap_to_centre(state)
    mu = low - eps
    if mu <= eps:
        return None
    boxes = [ends(v) for v in state.residual]
    grid = -state.bits
    centre = Scaled(np.array([[round((a + b) / 2 / two_to(grid))] for a, b in boxes], dtype=object), grid)
    error = sum((max(b - c, c - a) ** 2 for (a, b), c in zip(boxes, _column(centre), strict=True)), Fraction(0))
    stage("forms of the inverse")
    found = _centre_forms(state, mu, [Scaled.from_floats(state.y.reshape(-1, 1)), centre])
    if found is None:
        return None
    share = ball(eps / mu)
    out = [(ball(a) / (1 + share)).union(ball(b) / (1 - share)) for a, b in found]
    slip = ball(sqrt_up(error / low))
    return out[0], out[1].nonnegative_part().sqrt() + flint.arb(0, slip.upper())


def gap_to_centre(state: NetworkState) -> Fraction:
    """At least ``||H - H_c||_2``: n times the radius of an entry."""
    return state.n * state.gram.radius


def _centre_forms(state: NetworkState, mu: Fraction, columns: list[Scaled]) -> list[tuple[Fraction, Fraction]] | None:
    """``v^T H_c^{-1} v`` for each v, by the variational sandwich in exact integers."""
    centre = state.gram.centre
    bits = centre.largest_bits()
    operator = IntegerDense(Scaled(centre.values, -bits))
    factor = state.gram.factor * two_to(centre.exponent + bits)
    prepared = prepared_factor(operator.float_matrix)
    if prepared is None:
        return None
    out = []
    for v in columns:
        if not v.values.any():
            out.append((Fraction(0), Fraction(0)))
            continue
        low, high, _ = sandwich(operator, prepared[0], mu / factor, v, state.wanted + 2)
        out.append((low / factor, high / factor))
    return out


def _column(vector: Scaled) -> list[Fraction]:
    return [vector.fraction(i, 0) for i in range(vector.values.shape[0])]


def _undecided(reason: str) -> list[Entry]:
    return [Entry(name, Bound.undecided(name, reason), meaning) for name, (meaning, _) in COUPLINGS.items()]


def _coupling(state: NetworkState, given: Given) -> list[Entry]:
    """(24) where Theorem 3.1's chain closes with its switches, else undecided."""
    values = evaluate_chain(given)
    if values is None:
        return _undecided("2 c gamma0 >= 1, so Theorem 3.1 gives no constants")
    jumps, change = with_jumps(state, given, values)
    if not (values["omega"] <= values["reach"] and change <= ball(given.lambda_0) / 2):
        return _undecided(f"the chain of Theorem 3.1 does not close at m = {given.m}")
    found = couplings(given, values, values["change_q"] + jumps, change)
    return [Entry(name, enclosed(found[name], name, (*ASSUMPTIONS, FLOW)), *words) for name, words in COUPLINGS.items()]


def couplings(given: Given, values: Norms, change_q: flint.arb, change: flint.arb) -> Norms:
    r"""The coupling errors at every x, at x without switches and at the samples.

    Let ``||x|| <= max ||x_i||`` and the chain be closed, so that ``||A_t - A_0||_F <= omega``, ``gamma ||A_t|| <= rho`` and
    ``gamma ||A_0|| <= rho/2`` for all t. Then (12) and (14) hold at x too, since their proofs use ``||x||`` alone.

    Switches at x. With ``h = b + gamma A^T q`` and ``q = D h``, ``q_t - q_0 = D_t (h_t - h_0) + (D_t - D_0) h_0`` and
    ``||h_t - h_0|| <= rho ||q_t - q_0|| + gamma omega ||q_0||``, so

    .. math:: \|q_t - q_0\| \le \frac{\gamma \omega \|q_0\| + J}{1 - \rho}, \qquad J \ge \|(D_t - D_0) h_0\|.

    - At any x the entries of ``D_t - D_0`` are at most 1 in size, so ``J = ||h_0||``; ``h_0 = (I - gamma A_0^T D_0)^{-1} b``
      gives ``J <= ||b||/(1 - rho/2)``. And ``||q_t - q_0|| <= 2 ||b||/(1 - rho)`` anyway. No margin is asked for.
    - Where every ``|u_k(x)| > change_u >= ||u_t(x) - u_0(x)||`` no unit switches: ``J = 0``.

    ``|K_t(x, x_i) - K_0(x, x_i)|`` follows by (37), with this bound at x and `change_q`, switches included, at x_i.
    ``f_t(x)`` is Lipschitz in t, and for almost every t each unit with ``u_k = 0`` has ``u_k' = 0``; there
    ``df_t(x)/dt = -k_t^T r`` with the gates ``1[u > 0]``. The rest is `coupling_error`.

    At a sample ``|f_t(x_i) - g_t(x_i)| <= ||e(t)||``, by (23) at most ``(2/lambda_0) dH ||r(0)|| (p - p^2)``, and
    ``p - p^2 <= 1/4``.

    Parameters
    ----------
    given : Given
    values : Norms
        What `evaluate_chain` gave.
    change_q : flint.arb
        At least ``||q_i(t) - q_i(0)||`` for every sample, switches included.
    change : flint.arb
        At least ``||H(t) - H(0)||``, switches included.
    """
    rho, smooth = values["rho"], values["change_q"]
    jump = given.b / (1 - rho / 2) / (1 - rho)
    scalars = {"gamma": given.gamma, "h": given.gamma**2 / given.m}
    rows = [
        entry_change(values["size_z"], values["size_q"], values["change_z"], change_q, scalars, at_x)
        for at_x in ((smooth + jump).min(2 * values["size_q"]), smooth)
    ]
    anywhere, off_kinks = (coupling_error(given, values, change, row) for row in rows)
    return {
        "change_u": values["change_u"],
        "coupling": anywhere,
        "coupling_off_kinks": off_kinks,
        "coupling_at_samples": change * given.residual / (2 * ball(given.lambda_0)),
    }


def coupling_error(given: Given, values: Norms, change: flint.arb, row: flint.arb | None = None) -> flint.arb:
    r"""(24): ``|f_t(x) - g_t(x)| <= int ||k_s - k_0|| ||r(s)|| + ||k_0|| ||e(s)|| ds`` with (23).

    ``||r(s)|| <= e^{-lambda_0 s/2} ||r(0)||``; ``||e(s)|| <= dH ||r(0)|| (2/lambda_0)(e^{-lambda_0 s/2} - e^{-lambda_0 s})``,
    whose integral is ``2 dH ||r(0)||/lambda_0^2``; ``||k_s - k_0|| <= sqrt n row``; ``||k_0|| <= sqrt n`` times the largest
    entry of H.

    Parameters
    ----------
    given : Given
    values : Norms
    change : flint.arb
        ``dH >= ||H(t) - H(0)||``.
    row : flint.arb, optional
        At least ``|K_t(x, x_i) - K_0(x, x_i)|``; ``dH/n`` where x switches no more than the samples do.
    """
    low, root = ball(given.lambda_0), flint.arb(given.n).sqrt()
    first = (change / given.n if row is None else row) * root * 2 * given.residual / low
    return first + root * values["gram_entry"] * 2 * change * given.residual / low**2


def _ball(bound: Bound) -> flint.arb:
    assert bound.lower is not None
    assert bound.upper is not None
    return ball(bound.lower).union(ball(bound.upper))
