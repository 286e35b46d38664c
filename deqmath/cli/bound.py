"""``deqmath bound``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from deqmath.bounds import Bound
    from deqmath.cli.problem import Problem


def bound_command(
    name: str,
    /,
    *,
    data: str,
    digits: int = 15,
    samples: int | None = None,
    classes: tuple[float, float] | None = None,
    width: int = 512,
    gamma0: float = 0.25,
    init: Literal["gaussian", "half-normal", "diagonal"] = "gaussian",
    seed: int = 0,
    json: Path | None = None,
    certificate: Path | None = None,
) -> int:
    """Certified bounds on data: digits that are proved, not estimated.

    A random ReLU implicit network is drawn for the data. Exit code 3 if fewer digits could be
    proved than were asked for.

    Parameters
    ----------
    name : NAME
        lambda-min: the smallest eigenvalue of the Gram matrix H of the network on the data.
        norm: the operator norm of the network's A, by which it is well posed.
    data : SRC
        digits, diabetes, breast_cancer, iris, wine, or your own .csv (last column y) or
        .npz (arrays X and y).
    digits : N
        Significant decimal digits to prove.
    samples : N
        Use so many samples, drawn by the seed. Default: all.
    classes : A B
        Keep the samples of two classes. Default for digits: 3 8.
    width : M
        Width of the network.
    gamma0 : G
        The network's gamma is G / sqrt(M).
    init : INIT
        How A is drawn: gaussian, half-normal or diagonal.
    seed : N
        Seed of the network and of the choice of samples.
    json : FILE
        Write the bound to this file as JSON, its ends as exact fractions; - is stdout.
    certificate : FILE
        Write what proves the bound to this file as JSON; - is stdout.
    """
    from deqmath.claims.write import check_target
    from deqmath.cli.problem import make_problem
    from deqmath.cli.terminal import Progress
    from deqmath.errors import InputError

    quantities: dict[str, Callable[[Problem, int], tuple[Bound, str]]] = {"lambda-min": _lambda_min, "norm": _norm}
    if name not in quantities:
        msg = f"there is no bound named {name}; there are {', '.join(quantities)}"
        raise InputError(msg)
    check_target(json, "--json")
    check_target(certificate, "--certificate")
    problem = make_problem(data, classes=classes, samples=samples, width=width, gamma0=gamma0, init=init, seed=seed)
    with Progress() as progress:
        progress.say(f"certifying {name} to {digits} digits")
        found, meaning = quantities[name](problem, digits)
    return _report(problem, found, meaning, digits, json, certificate)


def _lambda_min(problem: Problem, digits: int) -> tuple[Bound, str]:
    from deqmath.bounds import lambda_min

    gram = problem.net.gram(problem.data.X)
    meaning = (
        "the smallest eigenvalue of the Gram matrix H of eq. (8), as computed in float64, made symmetric as "
        "(H + H^T)/2 and then taken exactly; the rounding errors made in computing H are not part of the bound"
    )
    return lambda_min((gram + gram.T) / 2, digits=digits), meaning


def _norm(problem: Problem, digits: int) -> tuple[Bound, str]:
    from deqmath.bounds import operator_norm

    meaning = "the operator norm ||A||_2 of the float64 matrix A that was drawn, taken exactly"
    return operator_norm(problem.net.A, digits=digits), meaning


def _report(
    problem: Problem, found: Bound, meaning: str, digits: int, json: Path | None, certificate: Path | None
) -> int:
    from deqmath.claims.jsonable import jsonable
    from deqmath.claims.report import to_text
    from deqmath.claims.write import write_text
    from deqmath.cli.terminal import note
    from deqmath.errors import InputError

    if certificate is not None:
        if found.certificate is None:
            msg = f"this bound ({found.quantity}) carries no certificate; leave out --certificate"
            raise InputError(msg)
        write_text(certificate, to_text(jsonable(found.certificate, "certificate")))
    if json is not None:
        document = {**found.as_json(), "meaning": meaning, "problem": problem.settings}
        write_text(json, to_text(jsonable(document, "bound")))
    if "-" not in (str(json), str(certificate)):
        print(f"{found.quantity} = {found}")
        print(f"Certified: {meaning}.")
        print(f"On {problem}.")
        for assumption in found.assumptions:
            print(f"Assumed: {assumption}.")
    if found.status == "proved" and found.digits >= digits:
        return 0
    note(f"deqmath: {found.digits} of the {digits} digits asked for could be proved")
    return 3
