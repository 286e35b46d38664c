"""``deqmath bound``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from deqmath.cli.bound_quantities import Answer
    from deqmath.cli.problem import Problem

#: Options that are about some of the bounds only.
_ONLY_WITH = {
    "--delta": ("theorem-3.1", "generalization"),
    "--true-gram": ("lambda-min",),
    "--phi": ("limit-kernel",),
}
_DELTA, _WIDTH, _GAMMA0 = 0.05, 512, 0.25


def bound_command(
    name: str,
    /,
    *,
    data: str,
    digits: int = 15,
    samples: int | None = None,
    classes: tuple[float, float] | None = None,
    width: int | None = None,
    gamma0: float | None = None,
    init: Literal["gaussian", "half-normal", "diagonal"] = "gaussian",
    seed: int = 0,
    delta: float | None = None,
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
        Width of the network; not with limit-kernel, where it is infinite. Default: 512.
    gamma0 : G
        The network's gamma is G / sqrt(M); not with norm. Default: 0.25.
    init : INIT
        How A is drawn: gaussian, half-normal or diagonal.
    seed : N
        Seed of the network and of the choice of samples.
    delta : P
        With theorem-3.1 and generalization: probability that the statement may fail. Default: 0.05.
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
    from deqmath.cli.bound_quantities import NOT_OF, QUANTITIES, Asked
    from deqmath.cli.problem import make_problem
    from deqmath.cli.terminal import Stages, check_outputs, note
    from deqmath.errors import InputError

    if name not in QUANTITIES:
        msg = f"there is no bound named {name}; there are {', '.join(QUANTITIES)}"
        raise InputError(msg)
    _check_used(name, {"--delta": delta is not None, "--true-gram": true_gram, "--phi": phi is not None})
    if delta is not None and not 0 < delta < 1:
        msg = f"delta is {delta}; needed a probability between 0 and 1, as in --delta 0.05"
        raise InputError(msg)
    check_outputs({"--json": json, "--certificate": certificate})
    unused = NOT_OF.get(name, ())
    problem = make_problem(
        data,
        classes=classes,
        samples=samples,
        width=1 if "width" in unused else _WIDTH if width is None else width,
        gamma0=_GAMMA0 if gamma0 is None else gamma0,
        init=init,
        seed=seed,
    )
    asked = Asked(digits, _DELTA if delta is None else delta, true_gram, phi)
    with Stages(f"certifying {name}"):
        found = QUANTITIES[name](problem, asked)
    for option, given in (("width", width), ("gamma0", gamma0)):
        if given is not None and option in unused:
            note(f"deqmath: --{option} has no effect with {name}")
    return _report(problem.without(unused), found, digits, json, certificate)


def _check_used(name: str, given: dict[str, bool]) -> None:
    """Refuse an option of other bounds: it would be silently without effect."""
    from deqmath.errors import InputError

    for option, bounds in _ONLY_WITH.items():
        if given[option] and name not in bounds:
            msg = f"{option} has no effect with {name}; leave it out, or use it with {' or '.join(bounds)}"
            raise InputError(msg)


def _report(problem: Problem, found: Answer, digits: int, json: Path | None, certificate: Path | None) -> int:
    """Show what was found, write the files, and give the exit code."""
    from deqmath.cli.terminal import deliver, note

    lacking = _lacking(found, digits)
    taken = "-" in (str(json), str(certificate))

    def tell() -> None:
        if not taken:
            print("\n".join(_lines(problem, found)), flush=True)
        if lacking:
            note(f"deqmath: {lacking}")
        if certificate is not None and found.certificate is None:
            note(
                "deqmath: nothing was proved, so there is no certificate to write"
                + (f": {found.text}" if taken else "")
            )

    writes: list[Callable[[], None]] = []
    if json is not None:
        writes.append(partial(_write_json, problem, found, json))
    if certificate is not None and found.certificate is not None:
        writes.append(partial(_write_certificate, found.certificate, found.arrays, certificate))
    return deliver(tell, writes, 3 if lacking else 0)


def _lacking(found: Answer, digits: int) -> str:
    """What was asked for and is not proved; empty if nothing is."""
    if not found.proved:
        return "not everything could be proved; what was not is marked undecided"
    if found.digits is not None and found.digits < digits:
        return f"{found.digits} of the {digits} digits asked for could be proved"
    return ""


def _lines(problem: Problem, found: Answer) -> list[str]:
    state = "Certified" if found.proved else "Undecided" if found.certificate is None else "Undecided in part"
    head = [found.text, f"{state}: {found.meaning}.", f"On {problem}.", f"Data: {problem.data.note}."]
    return head + [f"Assumed: {assumption}." for assumption in found.assumptions]


def _write_json(problem: Problem, found: Answer, target: Path) -> None:
    from deqmath.claims.jsonable import jsonable
    from deqmath.claims.report import to_text
    from deqmath.claims.write import write_text

    document = {**found.document, "meaning": found.meaning, "problem": problem.settings}
    write_text(target, to_text(jsonable(document, "bound")))


def _write_certificate(record: dict[str, Any], arrays: Mapping[str, Any], target: Path) -> None:
    """The certificate, and beside it the arrays of which it holds only the fingerprint."""
    from deqmath.claims.jsonable import jsonable
    from deqmath.claims.report import to_text
    from deqmath.claims.write import write_text
    from deqmath.cli.terminal import note

    described = {"matrix": record.get("matrix"), **record.get("arrays", {})}
    large = {name: arrays[name] for name, value in described.items() if value and _only_named(value)}
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
