"""``python -m tests.identities.table`` writes docs/identities.md: every identity, with evidence and times."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import deqmath as dm

from .collection import ALL
from .derive import Outcome, solve
from .problems import Problem

#: Identities that are checked exactly but not proved for all dimensions by the rules, with the reason.
UNPROVED: dict[tuple[str, str], str] = {}

PAGE = Path(__file__).parents[2] / "docs" / "identities.md"


def problem_text(p: Problem) -> str:
    """The problem in one line."""
    of = dm.text(p.of)
    if p.kind == "equal":
        return of
    by = dm.text(p.wrt)
    return {
        "gradient": f"∇_{by} {of}",
        "jacobian": f"∂vec({of})/∂vec({by})ᵀ",
        "hessian": f"∂vec(∇_{by} {of})/∂vec({by})ᵀ",
    }[p.kind]


def _cell(s: str) -> str:
    return "`" + s.replace("|", "\\|") + "`"


def rows(outcomes: Sequence[Outcome]) -> list[str]:
    """The table's rows."""
    out = []
    for o in outcomes:
        p = o.problem
        result = dm.text(p.stated if p.kind == "equal" else o.derived)
        proved = "all dimensions" if o.proved else "not by the rules"
        judged = "two ways" if o.derivative else "yes"
        out.append(
            f"| {p.name} | {_cell(problem_text(p))} | {_cell(result)} | {proved} | {judged} "
            f"| {1000 * o.derive_seconds:.0f} | {1000 * o.check_seconds:.0f} |"
        )
    return out


def page(outcomes: Sequence[Outcome]) -> str:
    """The whole page."""
    proved = sum(o.proved for o in outcomes)
    derive, check = (sum(getattr(o, k) for o in outcomes) for k in ("derive_seconds", "check_seconds"))
    head = f"""# Identities of matrix calculus

Written by `python -m tests.identities.table`; run as a test by `pytest tests/identities`.

{len(outcomes)} identities on the subjects of the Matrix Cookbook and of Magnus and Neudecker, stated in
`tests/identities/`. Each derivative is derived by the calculus, then judged by dual numbers over a prime
field without the calculus, and compared with the stated result exactly; that it equals the stated result for all
dimensions is proved by named rules in {proved} of {len(outcomes)}. Jacobians are in numerator layout,
`∂vec(F)/∂vec(X)ᵀ`; `K[p,q] vec(X) = vec(Xᵀ)`, `E[k] v = vec(diag(v))`.

All together: {derive:.2f} s to derive and prove, {check:.2f} s to check, in CPU time of one process.

Not proved for all dimensions, only checked exactly:

"""
    head += "\n".join(f"- {subject}: {name}: {why}." for (subject, name), why in UNPROVED.items()) or "None."
    columns = (
        "| | problem | result | proved | checked | derive and prove, ms | check, ms |\n|---|---|---|---|---|---|---|"
    )
    parts = [head]
    for subject in dict.fromkeys(o.problem.subject for o in outcomes):
        chosen = [o for o in outcomes if o.problem.subject == subject]
        parts.append("\n".join((f"## {subject[0].upper()}{subject[1:]}", "", columns, *rows(chosen))))
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """Solve everything once to warm the caches of the imports, then time it."""
    solve(ALL[0])
    dm.check_equal(2 * dm.one(), dm.one())
    PAGE.write_text(page([solve(p) for p in ALL]), encoding="utf-8")
    print(PAGE.name, "written:", len(ALL), "identities")


if __name__ == "__main__":
    main()
