"""Attacking a norm inequality on small exact instances, with true signs and true norms.

No instance can prove an inequality. What is reported is how close the worst one came, and a
violation is a counterexample.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sympy import Expr, Symbol

from deqmath.checking.domains import BadPoint, Rationals
from deqmath.checking.evaluation import Evaluator, Point
from deqmath.checking.inequality import Instance, check_inequality
from deqmath.checking.mutants import Mutant, mutants
from deqmath.checking.points import Alphabet, alphabet, draw_symbols, new_point
from deqmath.checking.solving import NotSolvable, satisfy
from deqmath.checking.verdict import Verdict
from deqmath.expressions.printing import text
from deqmath.expressions.python_source import declarations, python_source, variable
from deqmath.expressions.statements import NormAtMost

_DRAWS = 240
#: Norms are taken in float64 of exact rationals of at most 3 x 3: a few roundings.
_TOLERANCE = 1e-13


@dataclass(frozen=True)
class BoundSubject:
    """The right side of an inequality, as something to plant errors in.

    Only errors that make the bound smaller somewhere are planted: a larger bound is a true, weaker
    statement and nothing to refute.
    """

    bound: Expr
    contraction: Expr | None = None

    def mutants(self) -> list[Mutant]:
        halved = Mutant("factor", f"({text(self.bound)}) / 2", self.bound / 2)
        return [halved, *(m for m in mutants(self.bound) if self._tighter(m.expression))]

    def _tighter(self, other: Expr) -> bool:
        condition = self.contraction.free_symbols if self.contraction is not None else set()
        symbols = sorted(self.bound.free_symbols | other.free_symbols | condition, key=str)
        rng = random.Random(0)
        draws = [{s: rng.choice((0.2, 0.5, 0.7, 1.3)) for s in symbols} for _ in range(40)]
        if self.contraction is not None:
            draws = [at for at in draws if float(self.contraction.subs(at)) < 0.9]
        return all(0 <= float(other.subs(at)) < float(self.bound.subs(at)) for at in draws)


def attack_norm_bound(statement: NormAtMost, seed: int = 0) -> Verdict:
    """Evaluate both sides of ``||expr|| <= bound`` at many small points, corners included."""
    made: list[Instance] = []

    def instances() -> list[Instance]:
        if not made:
            made.extend(_instances(statement, seed))
        return made

    return _verdict(statement, statement.bound, instances)


def _verdict(statement: NormAtMost, bound: Expr, instances: Any) -> Verdict:
    measured = f"‖{text(statement.expr)}‖"
    verdict = check_inequality(bound, instances, measured=measured)

    def recheck(other: Any) -> Verdict:
        return _verdict(statement, other.bound if isinstance(other, BoundSubject) else other, instances)

    return replace(verdict, subject=BoundSubject(bound, statement.contraction), recheck=recheck)


def _instances(statement: NormAtMost, seed: int) -> list[Instance]:
    letters = alphabet([statement.expr, *(e for p in statement.equations for e in p), *(e for _, e in statement.norms)])
    scalars = statement.bound.free_symbols - {s for s, _ in statement.norms}
    rng = random.Random(seed)
    out = []
    for k in range(_DRAWS):
        sizes = dict.fromkeys(letters.dimensions, 1 + k % 3)
        point = new_point(Rationals(1 + k % 3), sizes, rng)
        try:
            _shrink_scalars(point, letters, rng)
            draw_symbols(point, letters, {})
            if k % 4 == 0:
                _corner(point, letters, rng)
            if statement.contraction is not None and not _contracts(statement, point, scalars):
                continue
            satisfy(point, statement.equations, {})
            at = _values(statement, point, scalars)
            measured = _norm(Evaluator(point)(statement.expr))
        except (BadPoint, NotSolvable):
            continue
        out.append(Instance(measured, at, _TOLERANCE, _script(statement, letters, point)))
    return out


def _shrink_scalars(point: Point, letters: Alphabet, rng: random.Random) -> None:
    """Scalars are drawn as positive fractions, so that contractions occur."""
    for s in letters.scalars:
        value = point.value_of(s, {})
        value.mat[0, 0] = point.domain.number(rng.randrange(1, 8), 8)


def _corner(point: Point, letters: Alphabet, rng: random.Random) -> None:
    """Every matrix all ones or, one time in five, 0: aligned vectors, where norm inequalities are tight."""
    for M in letters.matrices:
        value = point.symbols[M]
        one = int(rng.random() > 0.2)
        rows, cols = value.shape
        for i in range(rows):
            for j in range(cols):
                value.mat[i, j] = point.domain.number(one)


def _number(x: Any) -> float:
    return int(x.p) / int(x.q)


def _array(value: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    rows, cols = value.shape
    return np.array([[_number(value.mat[i, j]) for j in range(cols)] for i in range(rows)])


def _norm(value: Any) -> float:
    return float(np.linalg.norm(_array(value), 2))


def _values(statement: NormAtMost, point: Point, scalars: set[Symbol]) -> dict[Symbol, float]:
    at = {s: _norm(Evaluator(point)(e)) for s, e in statement.norms}
    return at | {s: _scalar(s, point) for s in scalars}


def _scalar(s: Symbol, point: Point) -> float:
    """The value of a scalar symbol; of a dimension, its size."""
    return float(point.sizes[s]) if s in point.sizes else _number(point.value_of(s, {}).mat[0, 0])


def _contracts(statement: NormAtMost, point: Point, scalars: set[Symbol]) -> bool:
    assert statement.contraction is not None
    needed = statement.contraction.free_symbols
    at = {s: _norm(Evaluator(point)(e)) for s, e in statement.norms if s in needed}
    at |= {s: _scalar(s, point) for s in (scalars | needed) - set(at)}
    return bool(float(statement.contraction.subs(at)) < 1)


def _script(statement: NormAtMost, letters: Alphabet, point: Point) -> str:
    lines = ["import deqmath as dm", "import numpy as np", "import sympy as sp", ""]
    lines += declarations(letters.matrices, letters.scalars, letters.dimensions)
    values = []
    for s in (*letters.scalars, *letters.matrices):
        v = point.symbols[s]
        rows = [[f'"{v.mat[i, j]}"' for j in range(v.shape[1])] for i in range(v.shape[0])]
        shown = rows[0][0] if isinstance(s, Symbol) else "[" + ", ".join(f"[{', '.join(r)}]" for r in rows) + "]"
        values.append(f"    {variable(s.name)}: {shown},")
    expr = python_source(statement.expr)
    lines += ["at = {", *values, "}"]
    lines += [f"print(np.linalg.norm(np.array(dm.evaluate({expr}, at).tolist(), dtype=float), 2))"]
    return "\n".join(lines)
