"""The arguments of a generated function: names, shapes, kinds, and which dimension comes from where."""

from __future__ import annotations

import keyword
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any
from unicodedata import normalize

from sympy import Expr, MatrixSymbol, Symbol

from deqmath.codegen.graph import Node, is_index, walk
from deqmath.errors import InputError
from deqmath.expressions import Column, Total


@dataclass(frozen=True)
class Argument:
    """One argument: kind is matrix, scalar, dimension (a positive integer) or index."""

    symbol: str
    name: str
    kind: str
    shape: tuple[Expr, ...] = ()
    bound: Expr | None = None


@dataclass
class Signature:
    """The arguments in order, and every dimension that is read from shapes.

    ``certified`` names the matrices whose entries a product in the body shows to be finite;
    ``stated`` pairs a property with the argument that is stated to have it.
    """

    arguments: list[Argument]
    dims: list[Symbol]
    names: dict[Symbol, str] = field(default_factory=dict)
    certified: frozenset[str] = frozenset()
    stated: tuple[tuple[str, str], ...] = ()

    def of_kind(self, *kinds: str) -> list[Argument]:
        return [a for a in self.arguments if a.kind in kinds]


def identifier(name: str, reserved: Iterable[str]) -> str:
    """A symbol's name as a Python identifier: ``lambda`` becomes ``lambda_``."""
    plain = normalize("NFKC", name.replace("'", "_prime"))  # as Python reads names
    text = "".join(c if f"a{c}".isidentifier() else "_" for c in plain).lstrip("_") or "x"
    text = text if text[0].isidentifier() else f"x{text}"
    return f"{text}_" if keyword.iskeyword(text) or text in reserved else text


def signature(exprs: list[Any], roots: list[Node], reserved: Iterable[str]) -> Signature:
    """Collect the arguments of expressions, sorted by name."""
    matrices: dict[str, MatrixSymbol] = {}
    for M in sorted({M for e in exprs for M in e.atoms(MatrixSymbol)}, key=str):
        if matrices.setdefault(M.name, M).shape != M.shape:
            msg = f"generate received two matrices named {M.name}, of shapes {matrices[M.name].shape} and {M.shape}; it needs one shape a name"
            raise InputError(msg)
    readable = {k for M in matrices.values() for k in M.shape if k.is_Symbol}
    _require_open_names(exprs)
    _require_printable_names(exprs)
    values = _value_symbols(roots)
    sizes = {s for M in matrices.values() for k in M.shape for s in k.free_symbols} | _size_symbols(exprs)
    indices = _index_symbols(exprs)
    found = [_matrix_argument(M, reserved) for M in matrices.values()]
    for s in sorted(values | sizes | set(indices), key=lambda s: (s.name, str(s.assumptions0))):
        if s in readable or is_index(s):
            continue
        kind = "index" if s in indices else "dimension" if s in sizes or (s.is_integer and s.is_positive) else "scalar"
        found.append(Argument(s.name, identifier(s.name, reserved), kind, (), indices.get(s)))
    found.sort(key=lambda a: a.symbol)
    first: dict[str, Argument] = {}
    for b in found:
        a = first.setdefault(b.name, b)
        if a is not b:
            msg = f"generate received two different symbols that print as {a.name} ({a.kind} and {b.kind}); it needs distinct names"
            raise InputError(msg)
    return _named(found, sorted(readable, key=lambda s: s.name), values | sizes | set(indices), reserved)


def _matrix_argument(M: MatrixSymbol, reserved: Iterable[str]) -> Argument:
    return Argument(M.name, identifier(M.name, reserved), "matrix", tuple(M.shape))


def _named(found: list[Argument], dims: list[Symbol], symbols: set[Symbol], reserved: Iterable[str]) -> Signature:
    taken = {a.name for a in found} | set(reserved)
    names: dict[Symbol, str] = {}
    for k in dims:
        name = identifier(k.name, reserved)
        while name in taken:
            name += "_"
        taken.add(name)
        names[k] = name
    by_symbol = {a.symbol: a.name for a in found if a.kind != "matrix"}
    names.update({s: by_symbol[s.name] for s in symbols if s.name in by_symbol})
    return Signature(found, dims, names)


def _require_open_names(exprs: list[Any]) -> None:
    """Names with a leading underscore belong to the plan: placeholders and the indices of sums."""
    indices = {t.index for e in exprs for t in e.atoms(Total)}
    hidden = sorted(s.name for e in exprs for s in e.free_symbols - indices if s.is_Symbol and s.name.startswith("_"))
    if hidden:
        msg = f"generate received the symbol {hidden[0]}; it needs names with no leading underscore, as in Symbol('{hidden[0].strip('_') or 'x'}')"
        raise InputError(msg)


def _require_printable_names(exprs: list[Any]) -> None:
    """Names are shown in comments and texts of the module: a line break or an escape in one would become code."""
    names = {s.name for e in exprs for s in e.atoms(MatrixSymbol, Symbol)}
    broken = sorted(name for name in names if not name.isprintable() or "\\" in name)
    if broken:
        plain = identifier("".join(c for c in broken[0] if c.isprintable()), ())
        msg = f"generate received a symbol named {broken[0]!r}; it needs names of printable characters without a backslash, as in {plain!r}"
        raise InputError(msg)


def _value_symbols(roots: list[Node]) -> set[Symbol]:
    """Symbols that occur in scalar formulas, without the placeholders of operands."""
    out: set[Symbol] = set()
    for n in walk(roots):
        if n.op == "scalar":
            out |= n.data.free_symbols - {a.placeholder for a in n.args}
        elif n.op == "map":  # parameters of an entrywise function
            out |= n.data.free_symbols
        for k in (*n.shape, *(n.data[1:] if n.op in ("total", "stack") else ())):
            out |= k.free_symbols
    return {s for s in out if not s.name.startswith("_")}


def _size_symbols(exprs: list[Any]) -> set[Symbol]:
    return {s for e in exprs for t in e.atoms(Total) for s in t.count.free_symbols}


def _index_symbols(exprs: list[Any]) -> dict[Symbol, Expr]:
    """Free sample indices (a column asked for by its number), with the count they stay below."""
    bound = {t.index for e in exprs for t in e.atoms(Total)}
    free = [{c for c in e.atoms(Column) if c.index.is_Symbol and c.index not in bound} for e in exprs]
    return {c.index: c.arg.shape[1] for columns in free for c in sorted(columns, key=str)}


def ordered(sig: Signature, order: list[str]) -> Signature:
    """The same signature with its arguments in the order the caller fixed."""
    position = {name: k for k, name in enumerate(order)}
    missing = [a.symbol for a in sig.arguments if a.symbol not in position]
    if missing:
        msg = f"generate received arguments={order}, which leaves out {', '.join(missing)}; it needs every symbol of the expressions"
        raise InputError(msg)
    return replace(sig, arguments=sorted(sig.arguments, key=lambda a: position[a.symbol]))
