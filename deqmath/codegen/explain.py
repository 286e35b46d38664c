"""The plan before and after each pass, for people: formula, identity applied, flops."""

from __future__ import annotations

import sys
import textwrap

from sympy import Expr

from deqmath.codegen.cost import total_flops
from deqmath.codegen.describe import formula
from deqmath.codegen.graph import Node
from deqmath.codegen.passes import PIPELINE
from deqmath.codegen.plan import Plan

_WIDTH = 80


def explain(plan: Plan) -> str:
    """What each pass did to the plan of one function; lines of at most 80 columns.

    A pass that changed nothing is only named at the end. Flops count half of the gates as open.
    """
    lines = [plan.name, "", "  as written", *_stage(plan.raw)]
    before, idle = plan.raw, []
    for name, after in plan.stages:
        if after == before:
            idle.append(name)
            continue
        lines += ["", *_wrapped(f"{name}: {_identity(name)}", "  "), *_stage(after)]
        before = after
    if idle:
        lines += ["", *_wrapped(f"nothing to do: {', '.join(idle)}", "  ")]
    return "\n".join(lines)


def _stage(roots: list[Node]) -> list[str]:
    texts = [line for r in roots for line in formula(r).splitlines()]
    count = _wrapped(f"flops: {_count(total_flops(roots))}", "    ")
    return [line for text in texts for line in _wrapped(text, "    ")] + count


def _identity(name: str) -> str:
    """The first paragraph of a pass's docstring, which states the identity it applies."""
    doc = sys.modules[PIPELINE[name].__module__].__doc__ or ""
    return " ".join(doc.split("\n\n")[0].split()).replace("``", "")


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=indent, subsequent_indent=indent + "  ")


def _count(e: Expr) -> str:
    return str(e).replace("**", "^").replace("*", " ")
