"""``coupling_width``: the width from which the coupling error of gg22 Theorem 4.1 is as small as asked, at given constants."""

from __future__ import annotations

from fractions import Fraction

import flint

from deqmath.bounds.balls import ball, precision
from deqmath.bounds.bound import Bound
from deqmath.bounds.generalization_bound import coupling_error
from deqmath.bounds.theorem_chain import BITS, Given, closes, evaluate_chain, least_integer
from deqmath.errors import InputError


def coupling_width(
    n: int,
    *,
    room: float | Fraction,
    lambda_0: float | Fraction,
    gamma0: float | Fraction,
    c: float | Fraction,
) -> Bound:
    r"""The least width m at which the right side of (24), switches left out, is at most `room`, at given constants.

    It bounds ``|f_t(x) - g_t(x)|`` where no unit switches, neither at the samples nor at x. At x on a kink it does not:
    see `generalization`.

    Parameters
    ----------
    n : int
        Samples, ``||x_i|| = 1``, ``|y_i| <= 1``; the output at the start is 0, so that ``||r(0)|| <= sqrt n``.
    room : number
        What (20) leaves: 1 minus complexity and confidence makes the whole bound smaller than 1.
    lambda_0 : number
        ``lambda_min(H(0)) >= lambda_0 > 0``.
    gamma0, c : number
        ``||A(0)||, ||W|| <= c sqrt m``; ``2 c gamma0 < 1``.

    Returns
    -------
    Bound
        An exact integer: at it the chain of Theorem 3.1 closes and (24) is at most `room`, and one below not (from 1 up to
        that integer where balls cannot decide about one below). Undecided where ``2 c gamma0 >= 1``. The jumps of q at
        switches are NOT part of the chain (see the findings on (13)).

    Raises
    ------
    InputError

    Examples
    --------
    >>> from deqmath.bounds.coupling_width import coupling_width
    >>> wide, wider = (coupling_width(2, room=room, lambda_0=1, gamma0=0.125, c=2) for room in (0.1, 0.01))
    >>> wide.is_exact, wide.upper < wider.lower
    (True, True)
    """
    spare, low, g, cc = (Fraction(v) for v in (room, lambda_0, gamma0, c))
    if not (n >= 1 and all(v > 0 for v in (spare, low, g, cc))):
        msg = (
            f"n = {n}, room = {room}, lambda_0 = {lambda_0}, gamma0 = {gamma0}, c = {c}; needed n >= 1 and positive "
            "numbers: coupling_width(10, room=0.1, lambda_0=0.01, gamma0=0.2, c=2.1)"
        )
        raise InputError(msg)
    if 2 * cc * g >= 1:
        return Bound.undecided("width", f"2 c gamma0 = {float(2 * cc * g):.6g} >= 1: the proof gives no constants")

    def at(m: int) -> bool | None:
        root = flint.arb(m).sqrt()
        given = Given(m, n, cc, ball(g) / root, low, flint.arb(n).sqrt(), flint.arb(1), root)
        values = evaluate_chain(given)
        closing = closes(given, values)
        if not closing or values is None:
            return closing
        error = coupling_error(given, values, values["change_gram"])
        return True if error <= ball(spare) else False if error > ball(spare) else None

    with precision(BITS):
        return least_integer(at)
