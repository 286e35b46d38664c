"""The trace of a derivation: lines with rule, reason, hypotheses and the statement each one makes."""

from __future__ import annotations

from dataclasses import dataclass, field

from sympy import MatrixExpr

from deqmath.expressions.assumptions import Assumption
from deqmath.expressions.statements import Given, Statement


@dataclass(frozen=True)
class Label:
    """The left side of a line, as text and as LaTeX."""

    text: str
    latex: str


@dataclass(frozen=True)
class Line:
    """One line: ``label = expression``, by ``rule``, because of ``reason``.

    Parameters
    ----------
    label
        The left side.
    expression
        The right side.
    rule
        Name of the rule applied, as it stands in ``calculus/``.
    reason
        Why, in words a theorist would write beside the line.
    assumptions
        Hypotheses this line uses.
    statement
        What the line claims, for the checker.
    relation
        What stands between the two sides: ``=`` or ``≤``.
    """

    label: Label
    expression: MatrixExpr
    rule: str
    reason: str
    assumptions: tuple[Assumption, ...] = ()
    statement: Statement = field(default_factory=Given)
    relation: str = "="
