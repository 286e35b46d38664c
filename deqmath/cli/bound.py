"""``deqmath bound``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from deqmath.cli.bound_quantities import Answer
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
    delta: float = 0.05,
    true_gram: bool = False,
    phi: Literal["relu", "identity"] | None = None,
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
        norm: the operator norm of the network's A.
        well-posed: gamma ||A||, and whether every input has one and only one equilibrium.
        equilibrium: a ball round the equilibrium of every sample, and its activation signs.
        inverse-form: y^T H^-1 y, by which the network generalises.
        theorem-3.1: every constant of the convergence theorem, and the least width it needs.
        generalization: the terms of the generalisation theorem.
        limit-kernel: the smallest eigenvalue of the Gram matrix at infinite width.
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
    delta : P
        Probability that the statement of a probabilistic theorem may fail.
    true_gram : bool
        With lambda-min: of H itself, enclosed from proved equilibria. Default: of H as computed in float64.
    phi : ACT
        With limit-kernel and a gaussian A: relu or identity, the activation of the input. Default: identity,
        which is in closed form; relu takes a quadrature for each pair of samples.
    json : FILE
        Write the bound to this file as JSON, its ends as exact fractions; - is stdout.
    certificate : FILE
        Write what proves the bound to this file as JSON, for deqmath check-certificate; arrays of more than 4096
        entries go to FILE.npz beside it. - is stdout.
    """
    from deqmath.claims.write import check_target
    from deqmath.cli.bound_quantities import QUANTITIES, Asked
    from deqmath.cli.problem import make_problem
    from deqmath.cli.terminal import Stages
    from deqmath.errors import InputError

    if name not in QUANTITIES:
        msg = f"there is no bound named {name}; there are {', '.join(QUANTITIES)}"
        raise InputError(msg)
    if phi is not None and name != "limit-kernel":
        msg = f"--phi is for limit-kernel; {name} is about a network whose phi is relu"
        raise InputError(msg)
    if not 0 < delta < 1:
        msg = f"delta is {delta}; needed a probability between 0 and 1, as in --delta 0.05"
        raise InputError(msg)
    check_target(json, "--json")
    check_target(certificate, "--certificate")
    problem = make_problem(data, classes=classes, samples=samples, width=width, gamma0=gamma0, init=init, seed=seed)
    with Stages(f"certifying {name}"):
        found = QUANTITIES[name](problem, Asked(digits, delta, true_gram, phi))
    return _report(problem, found, digits, json, certificate)


def _report(problem: Problem, found: Answer, digits: int, json: Path | None, certificate: Path | None) -> int:
    from deqmath.claims.jsonable import jsonable
    from deqmath.claims.report import to_text
    from deqmath.claims.write import write_text
    from deqmath.cli.terminal import note

    if certificate is not None:
        _write_certificate(found, certificate)
    if json is not None:
        document = {**found.document, "meaning": found.meaning, "problem": problem.settings}
        write_text(json, to_text(jsonable(document, "bound")))
    if "-" not in (str(json), str(certificate)):
        print(found.text)
        print(f"Certified: {found.meaning}.")
        print(f"On {problem}.")
        for assumption in found.assumptions:
            print(f"Assumed: {assumption}.")
    if not found.proved:
        note("deqmath: not everything could be proved; what was not is marked undecided")
        return 3
    if found.digits is not None and found.digits < digits:
        note(f"deqmath: {found.digits} of the {digits} digits asked for could be proved")
        return 3
    return 0


def _write_certificate(found: Answer, target: Path) -> None:
    """The certificate, and beside it the arrays of which it holds only the fingerprint."""
    from deqmath.claims.jsonable import jsonable
    from deqmath.claims.report import to_text
    from deqmath.claims.write import write_text
    from deqmath.cli.terminal import note
    from deqmath.errors import InputError

    record = found.certificate
    if record is None:
        msg = f"nothing was proved, so there is no certificate to write: {found.text}"
        raise InputError(msg)
    described = {"matrix": record.get("matrix"), **record.get("arrays", {})}
    large = {name: found.arrays[name] for name, value in described.items() if value and _only_named(value)}
    if large and str(target) != "-":
        _write_arrays(target.with_name(target.name + ".npz"), large)
        note(f"deqmath: {', '.join(large)} in {target.name}.npz; keep it beside the certificate")
    write_text(target, to_text(jsonable(record, "certificate")))


def _only_named(described: dict[str, Any]) -> bool:
    return "entries" not in described and "fractions" not in described


def _write_arrays(path: Path, arrays: dict[str, Any]) -> None:
    """In one step, like every file."""
    import numpy as np

    from deqmath.writing import write_atomically

    write_atomically(path, lambda stream: np.savez(stream, allow_pickle=False, **arrays))
