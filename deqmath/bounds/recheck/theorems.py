"""Certificates of gg22 Theorem 3.1 and Theorem 4.1 for one network on data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import flint

from deqmath.bounds.recheck.constants import (
    Numbers,
    Start,
    arb,
    change_gram,
    closes,
    constants,
    knapsack,
    width_closes,
)
from deqmath.bounds.recheck.exact_matrix import Exact, root_down, root_up
from deqmath.bounds.recheck.network import Equilibria, Gram, Network, Vectors, gram_of, prove_adjoints, prove_equilibria
from deqmath.bounds.recheck.precision import precision
from deqmath.bounds.recheck.reading import Claim, FalseCertificateError, field, number
from deqmath.bounds.recheck.several import unknown
from deqmath.bounds.recheck.single import column, contains, inverse_form, require_norm
from deqmath.errors import DataError
from deqmath.stages import stage

BITS = 512
GROWING = ("rho", "size_z", "size_q", "trace", "omega", "change_z", "change_q", "change_gram")
COUPLINGS = ("change_u", "coupling", "coupling_off_kinks", "coupling_at_samples")
Ends = tuple[Fraction, Fraction]


@dataclass(frozen=True)
class Proved:
    """What was proved about the network at t = 0; `numbers` are the certificate's, checked."""

    net: Network
    numbers: Mapping[str, Fraction]
    start: Start
    residual: Ends
    errors: tuple[Ends, ...]
    found: Equilibria
    duals: Vectors | None
    gram: Gram | None


def check_theorem_3_1(
    record: Mapping[str, Any], arrays: Mapping[str, Exact], claimed: Mapping[str, Claim]
) -> dict[str, str]:
    """Every constant between its ends; see `constants`."""
    state, reason = _prove(record, arrays, claimed)
    if state is None:
        return dict.fromkeys(claimed, reason)
    with precision(BITS):
        low, high = (constants(state.start, arb(r)) for r in state.residual)
        needed = [name for name in claimed if name not in _START]
        if (low is None or high is None) and needed:
            msg = f"rho < 1 does not hold, so nothing follows about {', '.join(needed)}"
            raise FalseCertificateError(msg)
        out = {name: _check_start(state, name, claim) for name, claim in claimed.items() if name in _START}
        if low is not None and high is not None:
            jumps = _with_jumps(state, high) if {"jump_q", "change_gram_with_jumps"} & set(claimed) else None
            for name in needed:
                out[name] = _check_constant(record, state, name, claimed[name], (low, high), jumps)
            _check_verdict(record, state, high, jumps)
    return out


_START = ("gamma0", "c", "lambda_0", "residual")


def _prove(
    record: Mapping[str, Any], arrays: Mapping[str, Exact], claimed: Mapping[str, Claim]
) -> tuple[Proved | None, str]:
    net, given = Network.of(record, arrays), field(record, "parameters", dict)
    (m, n), names = net.injection.shape, ("c", "x", "b", "lambda_0", "delta")
    numbers = {name: number(given, name) for name in names}
    y, witness = column(arrays, "y", n), field(record, "witness", dict)
    _require_sizes(net, numbers)
    reason = next((r for w in ("A", "W") if (r := _require_c(arrays[w], m, numbers["c"], w))), "")
    if reason:
        return None, reason
    found, reason = prove_equilibria(net, witness)
    if found is None:
        return None, reason
    duals = prove_adjoints(net, found, witness) if "adjoints" in witness else None
    gram = None if duals is None else gram_of(net, found, duals)
    low = numbers["lambda_0"]
    if low > 0:
        reason = "lambda_0 > 0 needs the adjoints" if gram is None else gram.require_lambda_min(low, None)
        if reason:
            return None, reason
    elif set(claimed) - {*_START, "confidence"}:
        msg = "the theorem is used although lambda_0 is not positive"
        raise FalseCertificateError(msg)
    with precision(BITS):
        errors = tuple(_errors(net, y, found))
        residual = _norm(errors)
        start = Start(m, n, numbers["c"], arb(net.gamma), low or Fraction(1), arb(numbers["x"]), arb(numbers["b"]))
    return Proved(net, numbers, start, residual, errors, found, duals, gram), ""


def _require_sizes(net: Network, numbers: Mapping[str, Fraction]) -> None:
    if numbers["x"] < 0 or numbers["x"] ** 2 < max(net.x.transpose.column_squares()):
        msg = "an input is longer than x"
        raise FalseCertificateError(msg)
    if numbers["b"] < 0 or numbers["b"] ** 2 < net.b.column_squares()[0]:
        msg = "||b|| is more than claimed"
        raise FalseCertificateError(msg)
    if not 0 < numbers["delta"] < 1:
        msg = "delta is not a probability"
        raise FalseCertificateError(msg)


def _require_c(matrix: Exact, m: int, c: Fraction, name: str) -> str:
    with precision(BITS):
        bound = _ends(arb(c) * flint.arb(m).sqrt())[0]
    return require_norm(matrix, None, bound, f"||{name}|| <= c sqrt m")


def _errors(net: Network, y: Exact, found: Equilibria) -> list[Ends]:
    """``b^T z_i/sqrt m - y_i``, each between two ends."""
    m, n = net.injection.shape
    root, size = flint.arb(m).sqrt(), root_up(net.b.column_squares()[0])
    middle = net.b.transpose @ found.vectors.centres
    out = []
    for i in range(n):
        slip = size * found.vectors.radii[i]
        low, high = (_ends(arb(v) / root - arb(y[i, 0])) for v in (middle[0, i] - slip, middle[0, i] + slip))
        out.append((low[0], high[1]))
    return out


def _norm(errors: tuple[Ends, ...]) -> Ends:
    least = sum((max(low, -high, Fraction(0)) ** 2 for low, high in errors), Fraction(0))
    most = sum((max(-low, high) ** 2 for low, high in errors), Fraction(0))
    return root_down(least, BITS), root_up(most, BITS)


def _check_start(state: Proved, name: str, claim: Claim) -> str:
    if name == "residual":
        return contains(claim, state.residual, "||r(0)||")
    if name == "gamma0":
        return contains(claim, _ends(state.start.gamma * flint.arb(state.start.m).sqrt()), "gamma sqrt m")
    if name == "c":
        if claim[0] is not None:
            raise DataError(unknown("c from below", "theorem_3_1"))
        return contains(claim, (state.numbers["c"], state.numbers["c"]), "c")
    if state.gram is None:
        return "the certificate holds no adjoints, so nothing is known about H"
    return state.gram.require_lambda_min(*claim)


def _check_constant(
    record: Mapping[str, Any],
    state: Proved,
    name: str,
    claim: Claim,
    found: tuple[Numbers, Numbers],
    jumps: tuple[flint.arb, flint.arb] | None,
) -> str:
    if name in GROWING:
        return contains(claim, (_ends(found[0][name])[0], _ends(found[1][name])[1]), name)
    if name == "least_width":
        return _check_width(record, state, claim)
    if name in ("jump_q", "change_gram_with_jumps") and jumps is not None and claim[0] is None:
        top = _ends(jumps[0 if name == "jump_q" else 1])[1]
        return contains(claim, (top, top), name)
    raise DataError(unknown(name, "theorem_3_1"))


def _check_width(record: Mapping[str, Any], state: Proved, claim: Claim) -> str:
    """An integer at which the chain closes, and one below which it does not."""
    gamma0 = number(field(record, "parameters", dict), "gamma0")
    if gamma0 < 0 or gamma0**2 < state.net.gamma**2 * state.start.m:
        msg = "gamma sqrt m is more than gamma0"
        raise FalseCertificateError(msg)
    lower, upper = claim
    if upper is None or lower is None or lower.denominator != 1 or upper.denominator != 1 or lower < 1:
        msg = "the least width lies between two positive integers"
        raise FalseCertificateError(msg)
    numbers = (state.numbers["delta"], state.numbers["lambda_0"], gamma0, state.numbers["c"])
    below = lower == 1 or width_closes(int(lower) - 1, state.start.n, numbers)
    at = width_closes(int(upper), state.start.n, numbers)
    if at is False or (lower > 1 and below is True):
        msg = "the chain closes elsewhere than at the claimed least width"
        raise FalseCertificateError(msg)
    return "" if at and (lower == 1 or below is False) else "whether the chain closes there stayed undecided"


def _with_jumps(state: Proved, found: Numbers) -> tuple[flint.arb, flint.arb]:
    """``J/(1 - rho)`` and ``||H(t) - H(0)||`` with switches; J is bounded by a knapsack for every sample."""
    if state.duals is None:
        msg = "jumps are claimed without adjoints"
        raise FalseCertificateError(msg)
    net, (m, n) = state.net, state.net.injection.shape
    u = (net.scaled @ state.found.vectors.centres).plus(net.injection)
    h = net.scaled.transpose @ state.duals.centres
    rows = [arb(v).sqrt() for v in net.row_norms]
    columns = [arb(v).sqrt() for v in net.scaled.column_squares()]
    b = [arb(net.b[k, 0]) for k in range(m)]
    worst, zero = flint.arb(0), flint.arb(0)
    for j in range(n):
        stage("switches", j, n)
        radii = arb(state.found.vectors.radii[j]), arb(state.duals.radii[j])
        costs = [(abs(arb(u[k, j])) - rows[k] * radii[0]).max(zero) for k in range(m)]
        gains = [abs(b[k] + arb(h[k, j])) + columns[k] * radii[1] for k in range(m)]
        worst = worst.max(knapsack(costs, gains, found["change_u"]))
    extra = worst.sqrt() / (1 - found["rho"])
    return extra, change_gram(state.start, found, found["change_q"] + extra)


def _check_verdict(
    record: Mapping[str, Any], state: Proved, found: Numbers, jumps: tuple[flint.arb, flint.arb] | None
) -> None:
    verdict = field(field(record, "parameters", dict), "verdict", str)
    if verdict not in ("closes", "closes without switches", "vacuous"):
        msg = f"the certificate's verdict is {verdict!r}; needed closes, closes without switches or vacuous"
        raise DataError(msg)
    if verdict == "vacuous":
        return
    whole = None if verdict != "closes" or jumps is None else jumps[1]
    if (
        state.numbers["lambda_0"] <= 0
        or not closes(state.start, found)
        or (verdict == "closes" and (whole is None or not closes(state.start, found, whole)))
    ):
        msg_0 = "the chain is claimed to close and does not"
        raise FalseCertificateError(msg_0)


def check_generalization(
    record: Mapping[str, Any], arrays: Mapping[str, Exact], claimed: Mapping[str, Claim]
) -> dict[str, str]:
    """The terms of Theorem 4.1, each between its ends."""
    state, reason = _prove(record, arrays, claimed)
    if state is None:
        return dict.fromkeys(claimed, reason)
    with precision(BITS):
        proved = {"confidence": _ends(3 * ((2 / arb(state.numbers["delta"])).log() / (2 * state.start.n)).sqrt())}
        if set(claimed) - {"confidence"}:
            more, reason = _terms(state, column(arrays, "y", state.start.n), proved["confidence"])
            if reason:
                return {name: reason if name != "confidence" else "" for name in claimed}
            proved |= more
        out, couplings = {}, dict[str, flint.arb]()
        for name, claim in claimed.items():
            if name in COUPLINGS:
                couplings = couplings or _couplings(state)
                out[name] = _check_coupling(couplings[name], claim, name)
            elif name in proved:
                out[name] = contains(claim, proved[name], name)
            else:
                raise DataError(unknown(name, "generalization"))
    return out


def _terms(state: Proved, y: Exact, confidence: Ends) -> tuple[dict[str, Ends], str]:
    gram, low = state.gram, state.numbers["lambda_0"]
    if gram is None or low <= 0:
        msg = "the terms are claimed without lambda_0 > 0"
        raise FalseCertificateError(msg)
    n, middle = state.start.n, low - gram.weyl
    if middle <= gram.weyl:
        return {}, "the enclosure of H is too wide for its inverse"
    share = gram.weyl / middle
    centres = Exact.of_fractions([(a + b) / 2 for a, b in state.errors], n, 1)
    slip = root_up(sum((((b - a) / 2) ** 2 for a, b in state.errors), Fraction(0)) / low)
    forms = [inverse_form(gram.centre, v) for v in (y, centres)]
    known = [form for form in forms if form is not None]
    if len(known) < 2:
        return {}, f"the linear solve failed at {BITS} bits"
    (first, last), (size_low, size_high) = (
        (f[0] / (1 + share), f[1] / (1 - share)) for f in (_ends(form) for form in known)
    )
    size = (max(root_down(size_low, BITS) - slip, Fraction(0)), root_up(size_high, BITS) + slip)
    trace = sum((gram.centre[i, i] for i in range(n)), Fraction(0))
    traces = (max(trace - n * gram.radius, Fraction(0)), trace + n * gram.radius)
    rademacher = (size[0] * root_down(traces[0], BITS) / n, size[1] * root_up(traces[1], BITS) / n)
    return {
        "leading": (root_down(max(first, Fraction(0)) / n, BITS), root_up(last / n, BITS)),
        "B": size,
        "rademacher": rademacher,
        "risk": (2 * rademacher[0] + confidence[0], 2 * rademacher[1] + confidence[1]),
    }, ""


def _couplings(state: Proved) -> Numbers:
    r"""What bounds ``|f_t(x) - g_t(x)|``, where the chain closes with its switches.

    ``e = f - g`` on the samples has ``||e|| <= (2 r/lambda_0) dH (p - p^2)``, ``p = exp(-lambda_0 t/2)``: at most
    ``r dH/(2 lambda_0)``, and ``2 r dH/lambda_0^2`` when integrated. Elsewhere
    ``|f_t(x) - g_t(x)| <= 2 sqrt n r (dK/lambda_0 + H_ij dH/lambda_0^2)`` with ``dK >= |K_t(x, x_i) - K_0(x, x_i)|``,
    ``dK = h (2 s a^2 dz + s^2 a (dq_i + dq_x))``. The samples' ``dq_i = dq + jump`` comes from their own pre-activations.
    Those at x are not known, and every unit may switch there: its gates change ``D h_0``, ``h_0 = b + gamma A_0^T q_0``,
    by no more than ``||h_0|| <= b + (rho/2) b/(1 - rho/2)``. With ``|u_k(x)| > change_u`` for every k, none switches.
    """
    found = constants(state.start, arb(state.residual[1]))
    if found is None:
        msg = "the coupling error is claimed although the theorem gives no constants"
        raise FalseCertificateError(msg)
    extra, change = _with_jumps(state, found)
    if not closes(state.start, found, change):
        msg = "the coupling error is claimed although the chain does not close"
        raise FalseCertificateError(msg)
    start, low, r = state.start, arb(state.start.low), arb(state.residual[1])
    root, half = flint.arb(start.n).sqrt(), found["rho"] / 2
    offset = start.b + half * start.b / (1 - half)
    at_x = {
        "coupling": (found["change_q"] + offset / (1 - found["rho"])).min(2 * found["size_q"]),
        "coupling_off_kinks": found["change_q"],
    }
    s, a, moved = found["size_z"], found["size_q"], found["change_q"] + extra
    out = {"change_u": found["change_u"], "coupling_at_samples": r * change / (2 * low)}
    for name, other in at_x.items():
        row = start.gamma**2 / start.m * (2 * s * a**2 * found["change_z"] + s**2 * a * (moved + other))
        out[name] = 2 * root * r * (row / low + found["gram_entry"] * change / low**2)
    return out


def _check_coupling(found: flint.arb, claim: Claim, name: str) -> str:
    if claim[0] is not None:
        msg = f"{name} is claimed from below"
        raise FalseCertificateError(msg)
    top = _ends(found)[1]
    return contains(claim, (top, top), name)


def _ends(value: flint.arb) -> Ends:
    return _rational(value.lower()), _rational(value.upper())


def _rational(value: flint.arb) -> Fraction:
    mantissa, exponent = value.man_exp()
    return int(mantissa) * Fraction(2) ** int(exponent)
