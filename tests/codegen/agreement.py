"""The table of docs/agreement.md: digits shared with exact evaluation, for every claim on every installed target.

Run as ``python -m tests.codegen.agreement`` from the top of a clone; ``--modules FOLDER`` also writes the module and
companion test of every claim and target into a folder, for ``pytest FOLDER``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import deqmath as dm
from deqmath.claims import collect
from deqmath.claims.agreement import compare, installed
from deqmath.codegen.targets import TARGETS

HEAD = """# Generated code against exact evaluation

Each generated function of each claim, run at one rational point (m = 4, n = 3) on each target, and the digits it shares
with the exact evaluator, which shares no code with the generator. 40 stands for all digits compared. float64 holds
about 16. CuPy was not run: it needs a device. Made by `python -m tests.codegen.agreement`.

"""


def table(targets: list[str]) -> tuple[str, bool]:
    """The table as Markdown, and whether every entry has the digits it needs."""
    lines = [f"| claim | function | {' | '.join(targets)} |", "| --- " * (len(targets) + 2) + "|"]
    good = True
    for claim in collect():
        expressions = claim.expressions()
        found = compare(expressions, targets) if expressions else []
        good &= all(a.digits >= a.needed for a in found)
        for name in expressions:
            row = {a.target: str(a.digits) for a in found if a.name == name}
            lines.append(f"| {claim.id} | {name} | {' | '.join(row[t] for t in targets)} |")
    return "\n".join(lines) + "\n", good


def modules(folder: Path) -> None:
    """One module and companion test for each claim and target."""
    for target in TARGETS:
        place = folder / target.replace("-", "_")
        place.mkdir(parents=True)
        for claim in collect():
            expressions = claim.expressions()
            if expressions:
                name = claim.id.replace(".", "_").replace("-", "_") + "_" + target.replace("-", "_")
                known = claim.known_derivatives()
                module = dm.generate(expressions, target=target, claim=claim.id, derivatives=known)
                module.write(place / f"{name}.py", tests=True)


if __name__ == "__main__":
    if "--modules" in sys.argv:
        modules(Path(sys.argv[sys.argv.index("--modules") + 1]))
    else:
        text, good = table(installed())
        (Path(__file__).parents[2] / "docs" / "agreement.md").write_text(HEAD + text, encoding="utf-8")
        print(text)
        sys.exit(0 if good else 1)
