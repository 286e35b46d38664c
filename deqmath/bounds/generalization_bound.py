"""``generalization``: gg22 Theorem 4.1 for one network on data, every term a proved number."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import flint
import numpy as np

from deqmath.bounds.balls import ball, enclosed, ends, precision
from deqmath.bounds.bound import Bound
from deqmath.bounds.gram_enclosure import GramEnclosure
from deqmath.bounds.inputs import Array
from deqmath.bounds.inverse_forms import inverse_quadratic_form
from deqmath.bounds.lambda_bounds import ASSUMPTIONS
from deqmath.bounds.network_state import BITS, NetworkState, network_state
from deqmath.bounds.operators import frobenius_up
from deqmath.bounds.rationals import two_to
from deqmath.bounds.record import BoundRecord, Entry
from deqmath.bounds.theorem_3_1 import given_of, with_jumps
from deqmath.bounds.theorem_chain import Given, Norms, evaluate_chain
from deqmath.errors import InputError

if TYPE_CHECKING:
    from deqmath.numeric import ReLUNetwork

CALL = "dm.bounds.generalization(net, X, y, delta=0.05)"
FORM_DIGITS = 15
LOSS = "the loss is 1-Lipschitz in the prediction, lies in [0, 1] and vanishes at it (such as min(|f - y|, 1))"
RADIUS = (
    "the radius B of the RKHS ball counts as chosen before the samples, as in the paper (a union over radii costs more)"
)
SAMPLE = "the samples are drawn independently from one distribution"


def generalization(net: ReLUNetwork, X: Array, y: Array, *, delta: float = 0.05) -> BoundRecord:
    r"""The terms of gg22 Theorem 4.1: how far the risk on new data can be from that on the samples.

    With probability at least ``1 - delta`` over the samples,

    .. math:: \text{risk}(g_\infty) \le 2 \frac{B \sqrt{\operatorname{tr} H_0}}{n} + 3\sqrt{\frac{\log(2/\delta)}{2n}},
       \qquad B^2 = (y - u_0)^T H_0^{-1} (y - u_0),

    for the coupled (linearised) flow, which interpolates the samples; the trained network differs by the coupling error.

    Parameters
    ----------
    net : ReLUNetwork
        At t = 0.
    X : ndarray of float64, shape (n, d)
    y : ndarray of float64, shape (n,)
    delta : float

    Returns
    -------
    BoundRecord
        ``leading`` = ``sqrt(y^T H_0^{-1} y / n)``, ``B``, ``rademacher`` (22), ``confidence``, ``risk`` of the coupled
        flow, and ``coupling`` (24) where the chain of Theorem 3.1 closes, else undecided. The notes say when the bound is
        vacuous (1 or more).

    Raises
    ------
    InputError, ShapeError

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
    if not 0 < delta < 1:
        msg = f"delta is {delta!r}; needed a probability between 0 and 1: {CALL}"
        raise InputError(msg)
    state = network_state(net, X, y, CALL)
    title = f"gg22 Theorem 4.1 at n = {state.n}, m = {state.m}, delta = {delta}"
    with precision(BITS):
        confidence = 3 * ((2 / ball(Fraction(delta))).log() / (2 * state.n)).sqrt()
        last = Entry("confidence", enclosed(confidence, "confidence"), "3 sqrt(log(2/delta)/(2n))", "McDiarmid")
        forms = None if state.reason else _forms(state)
        if forms is None:
            reason = state.reason or "y^T H^{-1} y could not be enclosed"
            names = ("leading", "B", "rademacher", "risk", "coupling")
            entries = [Entry(k, Bound.undecided(k, reason)) for k in names]
            return BoundRecord(title, (*entries, last), (f"Undecided: {reason}.",))
        leading, size = forms
        return _record(state, title, leading, size, confidence, last)


def _record(
    state: NetworkState, title: str, leading: flint.arb, size: flint.arb, confidence: flint.arb, last: Entry
) -> BoundRecord:
    n = state.n
    trace = sum((_ball(state.gram.entry(i, i)) for i in range(n)), flint.arb(0))
    rademacher = size * trace.nonnegative_part().sqrt() / n
    risk = 2 * rademacher + confidence
    given = given_of(state)
    coupling, why = _coupling(state, given)
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
        Entry("coupling", coupling, "|f_t(x) - g_t(x)|, all t, ||x|| as on the samples", why),
    )
    notes = [
        "VACUOUS: the bound is 1 or more, and the loss is at most 1 anyway." if risk >= 1 else "Not vacuous: below 1."
    ]
    if coupling.status == "undecided":
        notes.append(f"For the trained network itself nothing is proved: {coupling.reason}.")
    return BoundRecord(title, entries, tuple(notes))


def _forms(state: NetworkState) -> tuple[flint.arb, flint.arb] | None:
    """``y^T H^{-1} y`` and ``B`` for the TRUE H.

    ``H_f`` is the centre rounded to float64, ``||H - H_f|| <= eps < mu <= lambda_min(H_f)``; then
    ``(1 - eps/mu) H_f <= H <= (1 + eps/mu) H_f`` as forms, and inverses turn that round.
    """
    near, eps = _rounded(state.gram)
    low = state.lambda_0.lower
    assert low is not None
    mu = low - eps
    if mu <= eps:
        return None
    r = np.array([float(v.mid()) for v in state.residual])
    first, second = (inverse_quadratic_form(near, v, FORM_DIGITS) for v in (state.y, r))
    if "undecided" in (first.status, second.status):
        return None
    share = ball(eps / mu)
    error = sum((abs(v - ball(Fraction(float(x)))) ** 2 for v, x in zip(state.residual, r, strict=True)), flint.arb(0))
    slip = ball(ends((error / ball(low)).nonnegative_part().sqrt())[1])
    out = []
    for form in (first, second):
        assert form.lower is not None
        assert form.upper is not None
        out.append((ball(form.lower) / (1 + share)).union(ball(form.upper) / (1 - share)))
    return out[0], out[1].nonnegative_part().sqrt() + flint.arb(0, slip.upper())


def _rounded(found: GramEnclosure) -> tuple[Array, Fraction]:
    """The centre of H in float64, and a bound of ``||H - H_f||_2``: two roundings an entry and the radius."""
    floats, e = found.centre.floats()
    n = floats.shape[0]
    near: Array = np.ldexp(floats, e) * float(found.factor)
    near = np.ascontiguousarray((near + near.T) / 2)
    absolute = n * two_to(e - 59) * found.factor
    return near, 8 * Fraction(1, 2**53) * frobenius_up(near) + absolute + n * found.radius


def _coupling(state: NetworkState, given: Given) -> tuple[Bound, str]:
    """(24) where Theorem 3.1's chain closes with its switches, else undecided."""
    values = evaluate_chain(given)
    if values is None:
        return Bound.undecided("coupling", "2 c gamma0 >= 1, so Theorem 3.1 gives no constants"), ""
    _, change = with_jumps(state, given, values)
    if not (values["omega"] <= values["reach"] and change <= ball(given.lambda_0) / 2):
        return Bound.undecided("coupling", f"the chain of Theorem 3.1 does not close at m = {given.m}"), ""
    return enclosed(coupling_error(given, values, change), "coupling", ASSUMPTIONS), "(23), (24)"


def coupling_error(given: Given, values: Norms, change: flint.arb) -> flint.arb:
    r"""(24): ``|f_t(x) - g_t(x)| <= int ||k_s - k_0|| ||r(s)|| + ||k_0|| ||e(s)|| ds`` with (23).

    ``||r(s)|| <= e^{-lambda_0 s/2} ||r(0)||``; ``||e(s)|| <= dH ||r(0)|| (2/lambda_0)(e^{-lambda_0 s/2} - e^{-lambda_0 s})``,
    whose integral is ``2 dH ||r(0)||/lambda_0^2``; ``||k_s - k_0|| <= dH/sqrt n`` (n times the largest entry is dH);
    ``||k_0|| <= sqrt n`` times the largest entry of H.
    """
    low, root = ball(given.lambda_0), flint.arb(given.n).sqrt()
    first = change / root * 2 * given.residual / low
    return first + root * values["gram_entry"] * 2 * change * given.residual / low**2


def _ball(bound: Bound) -> flint.arb:
    assert bound.lower is not None
    assert bound.upper is not None
    return ball(bound.lower).union(ball(bound.upper))
