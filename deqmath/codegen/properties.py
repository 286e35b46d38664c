"""What is known of a node's matrix, by one registered rule an operation: propagated, never guessed.

A property is a word: ``symmetric``, ``psd`` (symmetric, positive semidefinite), ``spd`` (symmetric,
positive definite), ``diagonal``, ``gate`` (diagonal, of zeros and ones), ``lower``, ``upper``
(triangular). An operation without a rule has no property. A resolvent is the function
:func:`resolvent`, a product through a smaller space the function :func:`low_rank`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from sympy import Dummy

from deqmath.codegen.algebra import Algebra
from deqmath.codegen.graph import Node
from deqmath.expressions.nodes import RELU, STEP

Known = frozenset[str]
PropertyRule = Callable[[Algebra, Node], Known]

NOTHING: Known = frozenset()
DIAGONAL: Known = frozenset({"symmetric", "diagonal", "lower", "upper"})
PSD: Known = frozenset({"symmetric", "psd"})
SPD: Known = PSD | {"spd"}
_ENTRYWISE: Known = frozenset({"diagonal", "lower", "upper"})
_FLIPPED = {"lower": "upper", "upper": "lower"}
_RULES: dict[str, PropertyRule] = {}


def register(*operations: str) -> Callable[[PropertyRule], PropertyRule]:
    """Register the rule that says what is known of the result of these operations."""

    def decorate(rule: PropertyRule) -> PropertyRule:
        _RULES.update(dict.fromkeys(operations, rule))
        return rule

    return decorate


def known(a: Algebra, node: Node) -> Known:
    """The properties of a node that follow from its operands and from what is stated of the arguments."""
    if node not in a.known:
        a.known[node] = _RULES[node.op](a, node) if node.op in _RULES else NOTHING
    return a.known[node]


def sign(a: Algebra, s: Node) -> int | None:
    """1 where a scalar is positive, 0 where it is at least 0, None where neither is known; every symbol is real."""
    swap = {
        x: Dummy(x.name, real=True, positive=True if x.is_positive or x.name in a.facts.positive else None)
        for x in s.data.free_symbols
    }
    value = s.data.xreplace(swap)
    if value.is_positive:
        return 1
    return 0 if value.is_nonnegative else None


def factors(a: Algebra, node: Node) -> tuple[list[Node], list[Node]]:
    """The scalars and the matrices of a product, in whatever order it will be multiplied."""
    if node.op == "scale":
        scalars, matrices = factors(a, node.args[1])
        return [node.args[0], *scalars], matrices
    if node.op == "diagonal" and node.args[0].op == "scale":
        s, v = node.args[0].args
        return [s], [a.graph.make("diagonal", (v,), None, node.shape)]
    if node.op not in ("product", "times"):
        return [], [node]
    parts = [factors(a, f) for f in node.args]
    return [s for p in parts for s in p[0]], [X for p in parts for X in p[1]]


class Resolvent(NamedTuple):
    """``I + s P``, whose inverse is the resolvent of P."""

    s: Node
    P: Node


def resolvent(a: Algebra, M: Node) -> Resolvent | None:
    """P and s, where a matrix is ``I + s P``."""
    if M.op != "add" or len(M.args) != 2:
        return None
    for one, other in (M.args, reversed(M.args)):
        if one.op == "identity":
            return Resolvent(*other.args) if other.op == "scale" else Resolvent(a.scalar(M.rows**0), other)
    return None


def low_rank(a: Algebra, node: Node) -> tuple[Node, Node] | None:
    """P and Q, where a matrix is ``P Q`` through a space whose size is another symbol than its own."""
    s, P = node.args if node.op == "scale" else (a.scalar(node.rows**0), node)
    if P.op != "times" or P.args[0].cols in P.shape:
        return None
    return a.scale(s, P.args[0]), P.args[1]


@register("input")
def _input(a: Algebra, node: Node) -> Known:
    return a.facts.of.get(node.data, NOTHING)


@register("identity")
def _identity(_: Algebra, __: Node) -> Known:
    return DIAGONAL | SPD


@register("diagonal")
def _diagonal(a: Algebra, node: Node) -> Known:
    """A gate ``diag(1[u > 0])``, or a diagonal whose entries a function keeps at least 0."""
    v = node.args[0].args[0] if node.args[0].op == "column" else node.args[0]
    if (v.op == "map" and v.data == STEP) or (v.op == "input" and v.data in a.facts.gates):
        return DIAGONAL | PSD | {"gate"}
    if v.op != "map":
        return DIAGONAL
    f = v.data.expr.xreplace({x: Dummy(real=True) for x in v.data.variables})
    if f.is_positive:
        return DIAGONAL | SPD
    return DIAGONAL | PSD if f.is_nonnegative or v.data == RELU else DIAGONAL


@register("scale")
def _scale(a: Algebra, node: Node) -> Known:
    of, s = known(a, node.args[1]), sign(a, node.args[0])
    lost = {1: frozenset({"gate"}), 0: frozenset({"gate", "spd"})}.get(-1 if s is None else s)
    return of - (frozenset({"gate", "spd", "psd"}) if lost is None else lost)


@register("add")
def _add(a: Algebra, node: Node) -> Known:
    """Sums keep what all terms share; one positive definite term among semidefinite ones is enough."""
    each = [known(a, t) for t in node.args]
    shared = frozenset.intersection(*each) - {"gate", "spd"}
    if "psd" in shared and any("spd" in k for k in each):
        shared |= {"spd"}
    return shared | ({"symmetric"} if a.transpose(node) is node else NOTHING)


@register("product", "times")
def _product(a: Algebra, node: Node) -> Known:
    """``X C X^T`` is semidefinite where C is; triangular and diagonal factors give such products."""
    scalars, parts = factors(a, node)
    shared = frozenset.intersection(*(known(a, X) for X in parts)) & _ENTRYWISE
    if "diagonal" in shared:
        shared |= {"symmetric"}
    half = len(parts) // 2
    mirrored = all(parts[-1 - k] is a.transpose(X) for k, X in enumerate(parts[:half]))
    if not mirrored:
        return shared
    middle = known(a, parts[half]) if len(parts) % 2 else PSD
    nonnegative = all(sign(a, s) is not None for s in scalars)
    return shared | (middle & {"symmetric"}) | (middle & PSD if nonnegative else NOTHING)


@register("transpose")
def _transpose(a: Algebra, node: Node) -> Known:
    return frozenset(_FLIPPED.get(k, k) for k in known(a, node.args[0]))


@register("inverse")
def _inverse(a: Algebra, node: Node) -> Known:
    of = known(a, node.args[0]) - {"psd", "gate"} | (PSD if "spd" in known(a, node.args[0]) else NOTHING)
    return frozenset(_FLIPPED.get(k, k) for k in of) if node.data else of


@register("hadamard")
def _hadamard(a: Algebra, node: Node) -> Known:
    """Schur's product theorem; one triangular factor makes the product triangular."""
    each = [known(a, t) for t in node.args]
    return (frozenset.intersection(*each) - {"gate"}) | (frozenset.union(*each) & _ENTRYWISE)


@register("kron")
def _kron(a: Algebra, node: Node) -> Known:
    return known(a, node.args[0]) & known(a, node.args[1])


@register("total")
def _total(a: Algebra, node: Node) -> Known:
    return known(a, node.args[0]) - {"gate", "spd"}  # a sum over no sample is 0
