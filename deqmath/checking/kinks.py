"""Kinks: identities with gates are judged where no entry under a gate is 0, and the verdict says so."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Expr

from deqmath.checking.sides import EqualTest, SidesTest
from deqmath.expressions.assumptions import Assumption
from deqmath.expressions.nodes import Elementwise, Gate
from deqmath.expressions.printing import text
from deqmath.expressions.traversal import distinct_nodes

OFF_THE_KINKS = "off the kinks"


def kinks_not_excluded(test: SidesTest, assumptions: Sequence[Assumption]) -> tuple[str, ...]:
    """The hypothesis that points of the checker meet and none states, in words: no entry under a gate is 0.

    Where no gate is met but those of relu, and nothing is derived and no equation held, both sides are continuous and
    what holds off the kinks holds at them.
    """
    stated = [a.expr for a in assumptions if a.kind == "no-kink"]
    continuous = isinstance(test, EqualTest) and not test.equations
    found: dict[Expr, None] = {}
    for a in distinct_nodes(*test.expressions):
        if isinstance(a, Gate) or (isinstance(a, Elementwise) and (_jumps(a) or (_bends(a) and not continuous))):
            found.setdefault(a.arg)
    under = [u for u in found if not any(u == v or u == -v for v in stated)]
    if not under:
        return ()
    return (f"{OFF_THE_KINKS}: no entry of {', '.join(sorted(map(text, under)))} is 0",)


def _jumps(x: Elementwise) -> bool:
    return bool(x.is_step) or _calls(x, "step_scalar")


def _bends(x: Elementwise) -> bool:
    return bool(x.is_relu) or _calls(x, "relu_scalar")


def _calls(x: Elementwise, name: str) -> bool:
    return any(getattr(type(a), "__name__", "") == name for a in distinct_nodes(x.function.expr))


__all__ = ["OFF_THE_KINKS", "kinks_not_excluded"]
