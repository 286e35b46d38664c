"""The plan of one function: arguments, the graph as written, and the graph as it will run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from sympy import Expr

from deqmath.codegen.algebra import Algebra
from deqmath.codegen.arguments import Signature, ordered, signature
from deqmath.codegen.build import Builder
from deqmath.codegen.cost import total_flops, total_memory
from deqmath.codegen.facts import Facts
from deqmath.codegen.graph import Node
from deqmath.codegen.passes import PIPELINE
from deqmath.codegen.passes.certify import certified
from deqmath.errors import InputError


@dataclass(frozen=True)
class Plan:
    """One function to be written; ``raw`` is the expression, ``roots`` what the passes made of it.

    ``stages`` holds the graph after each pass that ran, by the pass's name.
    """

    name: str
    exprs: tuple[Any, ...]
    raw: list[Node]
    roots: list[Node]
    signature: Signature
    outputs: tuple[str, ...]
    stages: tuple[tuple[str, list[Node]], ...] = ()

    @property
    def flops(self) -> Expr:
        return total_flops(self.roots)

    @property
    def memory(self) -> Expr:
        return total_memory(self.roots)


def make_plan(
    name: str,
    exprs: tuple[Any, ...],
    outputs: tuple[str, ...],
    *,
    reserved: Iterable[str],
    without: Iterable[str] = (),
    order: list[str] | None = None,
    given: Facts | None = None,
) -> Plan:
    """Build the graph of the expressions and run the passes over it, with what is given of the arguments."""
    unknown = sorted(set(without) - set(PIPELINE))
    if unknown:
        msg = f"generate received without={unknown}; the passes are {', '.join(PIPELINE)}"
        raise InputError(msg)
    algebra = Algebra(given)
    builder = Builder(algebra)
    algebra.norms = [(builder.build(K), rho) for K, rho in algebra.facts.norms]
    raw = [builder.build(e) for e in exprs]
    roots = list(raw)
    stages = []
    for pass_name, run in PIPELINE.items():
        if pass_name not in without:
            roots = run(algebra, roots)
            stages.append((pass_name, roots))
    sig = signature(list(exprs), [*raw, *roots], reserved)
    sig = replace(sig, certified=certified(roots), stated=_stated(algebra.facts, sig))
    if order is not None:
        sig = ordered(sig, order)
    return Plan(name, exprs, raw, roots, sig, outputs, tuple(stages))


def _stated(given: Facts, sig: Signature) -> tuple[tuple[str, str], ...]:
    """(helper, argument) for every property of an argument that the generated code checks."""
    out: list[tuple[str, str]] = []
    for x in sig.of_kind("matrix"):
        words = given.of.get(x.symbol, frozenset())
        out += [(word, x.name) for word in ("symmetric", "diagonal", "lower", "upper") if word in words]
        out += [("gate", x.name)] if x.symbol in given.gates else []
    diagonal = {name for word, name in out if word == "diagonal"}
    return tuple((word, name) for word, name in out if word in ("diagonal", "gate") or name not in diagonal)
