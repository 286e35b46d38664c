"""The bounds that ``deqmath bound`` knows, by name: what each computes, and what that means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from deqmath.bounds import Bound, BoundRecord, EquilibriumEnclosure
    from deqmath.cli.problem import Problem

Arrays = Mapping[str, Any]

#: More centres than this are left out of the JSON.
_MOST_CENTRES = 2**15
#: The limit kernel is enclosed to so many digits more than are asked of its smallest eigenvalue.
_KERNEL_GUARD = 6


@dataclass(frozen=True)
class Asked:
    """What the options asked for."""

    digits: int
    delta: float
    true_gram: bool
    phi: str | None = None


@dataclass(frozen=True)
class Answer:
    """What was found.

    Attributes
    ----------
    meaning
        What the numbers are, in a sentence.
    text
        What to print, one line a bound.
    document
        The same as JSON-able data.
    digits
        Digits proved, where digits were asked for; None where that does not apply.
    proved
        Whether everything is proved.
    assumptions
        What the proofs take for granted.
    certificate, arrays
        What proves it again, and the arrays it is about.
    """

    meaning: str
    text: str
    document: dict[str, Any]
    digits: float | None
    proved: bool
    assumptions: tuple[str, ...]
    certificate: dict[str, Any] | None = None
    arrays: Mapping[str, np.ndarray[Any, Any]] = field(default_factory=dict)


def _single(found: Bound, meaning: str, arrays: Arrays) -> Answer:
    return Answer(
        meaning,
        f"{found.quantity} = {found}",
        {key: value for key, value in found.as_json().items() if key != "certificate"},
        found.digits,
        found.status == "proved",
        found.assumptions,
        found.certificate,
        arrays,
    )


def _several(found: BoundRecord, meaning: str, arrays: Arrays, digits: int, named: tuple[str, ...]) -> Answer:
    """A record; the digits asked for are those of the entries named that were proved."""
    document, proved = found.as_json(), found.proved
    for bound in document["bounds"].values():
        del bound["certificate"]
    reached = [found[name].digits for name in named if found[name].status == "proved"]
    least = min(reached, default=float(digits))
    return Answer(meaning, str(found), document, least, proved, found.assumptions, found.certificate, arrays)


def _network_arrays(problem: Problem) -> Arrays:
    net = problem.net
    return {"A": net.A, "W": net.W, "b": net.b, "X": problem.data.X, "y": problem.data.y}


def _float_gram(problem: Problem) -> Any:
    gram = problem.net.gram(problem.data.X)
    return (gram + gram.T) / 2


_AS_COMPUTED = (
    "the Gram matrix H of eq. (8), as computed in float64, made symmetric as (H + H^T)/2 and then taken exactly; the "
    "rounding errors made in computing H are not part of the bound"
)


def lambda_min(problem: Problem, asked: Asked) -> Answer:
    """The smallest eigenvalue of H."""
    from deqmath import bounds

    if asked.true_gram:
        found = bounds.network_lambda_min(problem.net, problem.data.X, asked.digits)
        meaning = (
            "the smallest eigenvalue of the Gram matrix H of eq. (8) itself, from proved equilibria and adjoints of "
            "the network whose float64 parameters are taken exactly"
        )
        return _single(found, meaning, _network_arrays(problem))
    gram = _float_gram(problem)
    return _single(
        bounds.lambda_min(gram, digits=asked.digits), f"the smallest eigenvalue of {_AS_COMPUTED}", {"matrix": gram}
    )


def norm(problem: Problem, asked: Asked) -> Answer:
    """``||A||_2``."""
    from deqmath.bounds import operator_norm

    meaning = "the operator norm ||A||_2 of the float64 matrix A that was drawn, taken exactly"
    return _single(operator_norm(problem.net.A, digits=asked.digits), meaning, {"matrix": problem.net.A})


def well_posed(problem: Problem, asked: Asked) -> Answer:
    """rho, and the monotonicity of ``I - gamma A``."""
    from deqmath import bounds

    found = bounds.well_posed(problem.net, asked.digits)
    meaning = "whether every input has one and only one equilibrium"
    answer = _several(found, meaning, _network_arrays(problem), asked.digits, ("rho",))
    proved = found.notes[0].startswith("Well posed, proved")
    return replace(answer, proved=proved)


def equilibrium(problem: Problem, asked: Asked) -> Answer:
    """One ball a sample, and the signs of its pre-activations."""
    from deqmath import bounds

    found = bounds.equilibrium(problem.net, problem.data.X, asked.digits)
    meaning = (
        "the equilibria of eq. (2) and the signs of their pre-activations, float64 parameters and data taken exactly"
    )
    document = _equilibrium_document(found, asked.digits)
    proved = found.status == "proved" and found.undecided_signs == 0
    arrays = _network_arrays(problem)
    return Answer(meaning, str(found), document, found.digits, proved, found.assumptions, found.certificate, arrays)


def _equilibrium_document(found: EquilibriumEnclosure, digits: int) -> dict[str, Any]:
    from deqmath.bounds.decimal_text import outward

    show = sum(len(ball) for ball in found.balls) <= _MOST_CENTRES
    samples = [
        {
            "radius": outward(ball.radius, 5, up=True),
            "undecided_signs": [int(k) for k in ball.undecided.nonzero()[0]],
            "signs": "".join("-0+"[int(s) + 1] for s in ball.signs),
            **({"centre": list(ball.decimal(digits + 5))} if show else {}),
        }
        for ball in found.balls
    ]
    return {
        "quantity": "equilibrium",
        "status": found.status,
        "reason": found.reason,
        "text": str(found),
        "digits": str(found.digits),
        "monotonicity": str(found.monotonicity),
        "undecided_signs": found.undecided_signs,
        "samples": samples,
        "assumptions": list(found.assumptions),
    }


def inverse_form(problem: Problem, asked: Asked) -> Answer:
    """``y^T H^{-1} y``."""
    from deqmath.bounds import inverse_quadratic_form

    gram = _float_gram(problem)
    found = inverse_quadratic_form(gram, problem.data.y, digits=asked.digits)
    return _single(found, f"y^T H^(-1) y for the targets y and {_AS_COMPUTED}", {"matrix": gram, "y": problem.data.y})


def theorem_3_1(problem: Problem, asked: Asked) -> Answer:
    """The constants of Theorem 3.1, and whether its proof closes."""
    from deqmath import bounds

    found = bounds.theorem_3_1(problem.net, problem.data.X, problem.data.y, delta=asked.delta, digits=asked.digits)
    meaning = "every constant of gg22 Theorem 3.1, derived by the norm calculus, for this network at t = 0"
    return _several(found, meaning, _network_arrays(problem), asked.digits, ("lambda_0", "residual", "omega"))


def generalization(problem: Problem, asked: Asked) -> Answer:
    """The terms of Theorem 4.1."""
    from deqmath import bounds

    found = bounds.generalization(problem.net, problem.data.X, problem.data.y, delta=asked.delta, digits=asked.digits)
    meaning = "the terms of gg22 Theorem 4.1 for this network and these samples"
    return _several(found, meaning, _network_arrays(problem), asked.digits, ("leading", "B", "risk"))


def limit_kernel(problem: Problem, asked: Asked) -> Answer:
    """The smallest eigenvalue of the limit kernel."""
    from deqmath import bounds
    from deqmath.bounds.lambda_bounds import MOST_DIGITS
    from deqmath.errors import InputError

    init = problem.settings["init"]
    if init == "half-normal":
        msg = (
            "there is no limit kernel for --init half-normal: gamma ||A|| grows like sqrt(M); use diagonal or gaussian"
        )
        raise InputError(msg)
    most = MOST_DIGITS - _KERNEL_GUARD
    if not 1 <= asked.digits <= most:
        msg = f"digits = {asked.digits}; needed an integer from 1 to {most} with limit-kernel, as in --digits 15"
        raise InputError(msg)
    gamma0, digits = problem.settings["gamma0"], asked.digits + _KERNEL_GUARD
    found = bounds.limit_kernel(problem.data.X, gamma0=gamma0, digits=digits, kind=init, phi=asked.phi)
    meaning = (
        f"the smallest eigenvalue of the Gram matrix in the limit of infinite width, {init} A and phi = {found.phi}"
    )
    return _single(found.lambda_min, meaning, {"X": problem.data.X})


QUANTITIES: dict[str, Callable[[Problem, Asked], Answer]] = {
    "lambda-min": lambda_min,
    "norm": norm,
    "well-posed": well_posed,
    "equilibrium": equilibrium,
    "inverse-form": inverse_form,
    "theorem-3.1": theorem_3_1,
    "generalization": generalization,
    "limit-kernel": limit_kernel,
}

#: Settings of the problem that say nothing to a bound.
NOT_OF: dict[str, tuple[str, ...]] = {"norm": ("gamma0",), "limit-kernel": ("width", "trainable")}
