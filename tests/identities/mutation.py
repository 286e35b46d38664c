"""``python -m tests.identities.mutation`` writes docs/mutation.md: how many planted errors the checker refutes."""

from __future__ import annotations

import inspect
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from sympy import Expr

import deqmath as dm
from deqmath.checking.mutants import Mutant, mutants
from deqmath.errors import ShapeError, SingularError

from .collection import ALL
from .derive import derived
from .problems import Problem

#: The module of the operators (its name is also that of a function).
planting = sys.modules[Mutant.__module__]

#: What survives, and why, by (identity, what it became).
SHUT = "the planted inverse exists only where every gate is shut; there gate(u) = 0 and what is stated is true"
EXPLAINED = {"push-through of a gate": SHUT, "(I + D)⁻¹ = I - ½ D for a gate": SHUT}

PAGE = Path(__file__).parents[2] / "docs" / "mutation.md"


@dataclass
class Score:
    """Counts over all identities."""

    refuted: Counter[str] = field(default_factory=Counter)
    planted: Counter[str] = field(default_factory=Counter)
    survivors: list[tuple[Problem, Mutant, str]] = field(default_factory=list)
    equivalent: list[tuple[Problem, Mutant, str]] = field(default_factory=list)
    seconds: float = 0.0


def status(problem: Problem, mutant: Mutant) -> str:
    """What the checker says of a planted error."""
    try:
        if problem.kind in ("gradient", "jacobian"):
            return dm.check_derivative(mutant.expression, problem.of, problem.wrt).status
        return dm.check_equal(mutant.expression, problem.stated).status
    except ShapeError:
        return "refuted"


def excuse(result: Expr, mutant: Mutant) -> str:
    """Why a planted slip that was not refuted is no error, or ""."""
    try:
        return "proved equal" if dm.proves_equal(result, mutant.expression) else ""
    except SingularError as error:
        return f"states nothing: {error}"


def run() -> Score:
    """Plant every error in every result; one that survives is no error only if the calculus proves it equal."""
    score, start = Score(), time.perf_counter()
    for problem in ALL:
        result = derived(problem)
        for mutant in mutants(result):
            found = status(problem, mutant)
            reason = excuse(result, mutant) if found != "refuted" else ""
            if reason:
                score.equivalent.append((problem, mutant, reason))
                continue
            score.planted[mutant.name] += 1
            score.refuted[mutant.name] += found == "refuted"
            if found != "refuted":
                score.survivors.append((problem, mutant, found))
                print(
                    f"{problem.subject}, {problem.name}: {mutant.name}, {mutant.description}: {found}", file=sys.stderr
                )
    score.seconds = time.perf_counter() - start
    return score


def page(score: Score) -> str:
    """The whole page."""
    planted, refuted = sum(score.planted.values()), sum(score.refuted.values())
    operators = [
        (name, " ".join((inspect.getdoc(getattr(planting, name)) or "").split())) for name in sorted(score.planted)
    ]
    table = "\n".join(f"| {n} | {d} | {score.planted[n]} | {score.refuted[n]} |" for n, d in operators)
    left = "\n".join(
        f"- {p.subject}, {p.name}: {m.name}, `{m.description}`: {found}; {EXPLAINED.get(p.name, 'not explained')}."
        for p, m, found in score.survivors
    )
    same = "\n".join(
        f"- {p.subject}, {p.name}: {m.name}, `{m.description}`: {reason}." for p, m, reason in score.equivalent
    )
    return f"""# Mutation testing of the checker

Written by `python -m tests.identities.mutation`. In the derived result of each of the {len(ALL)} identities
([identities.md](identities.md)) every slip of the operators below is planted, one at a time, and the checker must
refute it: by a counterexample in true numbers, not only over a prime field. `deqmath verify --mutate` does the same
for the claims.

Score: {refuted} of {planted} refuted ({100 * refuted / planted:.1f}%), in {score.seconds:.0f} s.

| operator | slip | planted | refuted |
|---|---|---|---|
{table}

## Survivors

{left or "None."}

## Slips that change nothing

{len(score.equivalent)} more slips were not refuted, and are no errors: the rules of the calculus, which the checker
does not use, prove each equal to the original for all dimensions wherever both are defined, or find that it inverts
what is 0. A slip that is not refuted and not excused so would stand above as a survivor. A slip that leaves a block matrix to be inverted with a zero block
row or column is not planted: it is defined nowhere.

{same}
"""


def main() -> None:
    """Run and write."""
    PAGE.write_text(page(run()), encoding="utf-8")
    print(PAGE.name, "written")


if __name__ == "__main__":
    main()
