"""The tables of docs/agreement.md, each made again by one command from the top of a clone.

``python -m tests.codegen.agreement digits`` compares every generated function of every claim with exact evaluation;
``companions`` exports all claims with their tests into an empty folder for each target and runs them there;
``planted`` changes one place of a generated module at a time and counts how many changes the comparison sees. Targets
named behind the word are run (``companions jax torch``), by default all whose library is installed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from deqmath.claims import collect
from deqmath.claims.agreement import compare, installed
from deqmath.claims.export import every_module, hypotheses

from .planted import outcomes

PAGE = Path(__file__).parents[2] / "docs" / "agreement.md"
_PACKAGES = {"array-api": "array_api_strict", "flint": "python-flint"}


def digits(targets: list[str]) -> bool:
    """One row a function, one column a target; whether every entry has the digits it needs."""
    lines = [f"| claim | function | {' | '.join(targets)} |", "| --- " * (len(targets) + 2) + "|"]
    good = True
    for claim in collect():
        expressions = claim.expressions()
        found = compare(expressions, targets, assumptions=hypotheses(claim)) if expressions else []
        good &= all(a.digits >= a.needed for a in found)
        for name in expressions:
            row = {a.target: str(a.digits) for a in found if a.name == name}
            lines.append(f"| {claim.id} | {name} | {' | '.join(row[t] for t in targets)} |")
    write("digits", "\n".join(lines))
    return good


def companions(targets: list[str]) -> bool:
    """One row a target: modules written to an empty folder, their tests run there without deqmath on the path."""
    rows = {}
    for target in targets:
        with tempfile.TemporaryDirectory() as folder:
            modules = list(every_module(target))
            for module in modules:
                module.write(Path(folder) / f"{module.name}.py", tests=True)
            environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
            command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "."]
            done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        counts = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|error)", done.stdout)}
        bad = counts.get("failed", 0) + counts.get("error", 0)
        if bad or done.returncode:
            print(done.stdout[-6000:])
        package = _PACKAGES.get(target, target)
        today = datetime.now(UTC).date().isoformat()
        rows[target] = (
            f"| {target} | {len(modules)} | {counts.get('passed', 0)} | {bad} | {package} {version(package)} | {today} |"
        )
        print(rows[target])
    merge("companions", rows)
    return all("| 0 |" in row for row in rows.values())


def planted(targets: list[str]) -> bool:
    """One row a target: errors planted in generated modules, and how many the comparison with exact values sees."""
    rows = {}
    for target in targets:
        count, missed = 0, []
        for claim in collect():
            expressions, given = claim.expressions(), hypotheses(claim)
            for words, seen in outcomes(expressions, target, given) if expressions else ():
                count += 1
                missed += [] if seen else [f"{claim.id} {words}"]
        rows[target] = f"| {target} | {count} | {count - len(missed)} | {'; '.join(missed) or '-'} |"
        print(rows[target])
    merge("planted", rows)
    return True


def write(section: str, text: str) -> None:
    """Put a text between the two marks of its section."""
    start, end = f"<!-- {section} -->\n", f"<!-- end of {section} -->"
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(start)
    _, _, after = rest.partition(end)
    PAGE.write_text(f"{before}{start}{text}\n{end}{after}", encoding="utf-8")


def merge(section: str, rows: Mapping[str, str]) -> None:
    """Replace the rows of the targets that were run, and keep the others."""
    old = (
        PAGE.read_text(encoding="utf-8")
        .partition(f"<!-- {section} -->\n")[2]
        .partition(f"<!-- end of {section} -->")[0]
    )
    head, rule, *lines = old.strip().splitlines()
    kept = {line.split("|")[1].strip(): line for line in lines}
    write(section, "\n".join([head, rule, *(kept | dict(rows)).values()]))


if __name__ == "__main__":
    table, *chosen = sys.argv[1:] or ["digits"]
    sys.exit(0 if {"digits": digits, "companions": companions, "planted": planted}[table](chosen or installed()) else 1)
