"""``well_posed``: whether every input has one and only one equilibrium, by norm and by monotonicity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deqmath.bounds.bound import Bound
from deqmath.bounds.certificate_file import Ends, certificate
from deqmath.bounds.certificates.monotone import monotone_constant
from deqmath.bounds.equilibria import weights_of
from deqmath.bounds.lambda_bounds import ASSUMPTIONS, require_digits
from deqmath.bounds.norm_bounds import operator_norm
from deqmath.bounds.rationals import exact
from deqmath.bounds.record import BoundRecord, Entry

if TYPE_CHECKING:
    from deqmath.numeric import ReLUNetwork


def well_posed(net: ReLUNetwork, digits: int = 9) -> BoundRecord:
    r"""``rho = gamma ||A||_2`` and the monotonicity ``lambda_min(I - gamma (A + A^T)/2)``, certified.

    Either ``rho < 1`` or a positive monotonicity proves that ``z = relu(gamma A z + phi)`` has one and only one
    solution for every phi.

    Parameters
    ----------
    net : ReLUNetwork
    digits : int
        Digits of the norm.

    Returns
    -------
    BoundRecord
        ``norm``, ``rho``, ``monotonicity``; the notes say whether well-posedness is proved.

    References
    ----------
    gg22 (2) and (34); E. Winston and J. Z. Kolter, NeurIPS 2020.

    Examples
    --------
    >>> from deqmath.bounds import well_posed
    >>> from deqmath.numeric import ReLUNetwork
    >>> net = ReLUNetwork(A=[[0.0, 1.0], [-1.0, 0.0]], W=[[1.0], [1.0]], b=[1.0, 1.0], gamma=2.0)
    >>> print(well_posed(net).notes[0])
    Well posed, proved: I - gamma A is monotone (although rho >= 1).
    """
    call = "dm.bounds.well_posed(net, digits=9)"
    weights = weights_of(net, call)
    require_digits(digits, call)
    norm = operator_norm(net.A, digits)
    rho = norm.scaled(exact(net.gamma))
    c = monotone_constant(weights.a, weights.float_gamma, weights.slip)
    if c is None:
        monotone = Bound.undecided("monotonicity", "no positive lower bound could be proved", ASSUMPTIONS)
    else:
        monotone = Bound(c, None, "monotonicity", "proved", ASSUMPTIONS)
    contracts = rho.upper is not None and rho.upper < 1
    if contracts:
        note = "Well posed, proved: rho < 1."
    elif c is not None:
        note = "Well posed, proved: I - gamma A is monotone (although rho >= 1)."
    else:
        note = "Well-posedness is undecided: rho >= 1 or too close to it, and I - gamma A is not proved monotone."
    ends: dict[str, Ends] = {"norm": (norm.lower, norm.upper), "rho": (rho.lower, rho.upper)}
    if c is not None:
        ends["monotonicity"] = (c, None)
    return BoundRecord(
        "well-posedness of z = relu(gamma A z + phi)",
        (
            Entry("norm", norm, "||A||_2"),
            Entry("rho", rho, "gamma ||A||_2", "rho < 1: Banach's fixed point theorem"),
            Entry("monotonicity", monotone, "lambda_min(I - gamma (A + A^T)/2)", "> 0: monotone complementarity"),
        ),
        (note,),
        certificate("well_posed", {"A": net.A}, ends, parameters={"gamma": exact(net.gamma)}),
    )
